"""Periods, working days, deadlines: pure functions of their arguments, without I/O and without a hidden clock."""
