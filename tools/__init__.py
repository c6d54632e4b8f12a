"""Starts real Airflow for `make run` and the tests; for a checkout only, not part of the installed package."""
