"""Runs revisions on the connection that `etl.warehouse.migrate` hands over. It must not open one itself."""

from alembic import context

from etl.warehouse.migrate import remember_script

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "Migrations run through `movement-reports init`, which holds the lock; not through alembic itself."
    )

applied: list[str] = context.config.attributes.get("applied", [])


def note_applied(*, step, **_):
    if step.is_upgrade:
        applied.append(step.up_revision_id)
        remember_script(connection, step.up_revision_id, context.config.attributes["scripts"])


context.configure(
    connection=connection,
    target_metadata=None,
    transaction_per_migration=True,
    version_table_schema="public",  # the schemas of the warehouse are made by the first revision
    on_version_apply=note_applied,
)
with context.begin_transaction():
    context.run_migrations()
