"""Fill-in workbooks: planned from the form declarations, then written. Knows nothing of reading or of rules."""
