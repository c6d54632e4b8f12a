"""Side-by-side measurements behind `make bench`; for a checkout only, not part of the installed package."""
