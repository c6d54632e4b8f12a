"""The official workbook the standing office downloads: its inputs, its tables, its writing."""
