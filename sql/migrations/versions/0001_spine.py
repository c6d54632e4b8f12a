"""The spine: register, landing, core and ops tables."""

from pathlib import Path

from alembic import op

from etl.warehouse.migrate import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the script beside this file."""
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text("utf-8"))
