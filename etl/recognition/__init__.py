"""Finding the forms in a workbook, and whose report it is. Pure."""
