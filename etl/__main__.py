"""`python -m etl` is `movement-reports`."""

from etl.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
