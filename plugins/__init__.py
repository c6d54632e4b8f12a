"""What Airflow loads beside the DAGs: timetable, settings, the office's pages. Registered by entry point only."""
