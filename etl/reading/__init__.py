"""Isolated reading of the workbooks that units send. Kept free of imports: the reading child must stay light."""
