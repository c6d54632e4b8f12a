"""Hand-made workbooks delivered to a warehouse at given instants, and what the warehouse then says of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from etl.usecases.context import Context
from etl.usecases.ingest import IngestSummary, ingest
from tests.golden.sender import Sending


@dataclass
class Post:
    """A drop folder of its own with simulated receipts."""

    context: Context
    folder: Path
    receipts: dict[str, str] = field(default_factory=dict)

    def deliver(self, *sent: tuple[str, Sending, str], reprocess: bool = False) -> IngestSummary:
        """Ingest files: (name, workbook, receipt instant as ISO text in Viet Nam time without offset)."""
        inbox = self.folder / "hộp thư"
        inbox.mkdir(parents=True, exist_ok=True)
        for name, sending, received in sent:
            (inbox / f"{name}.xlsx").write_bytes(sending.to_bytes())
            self.receipts[f"{name}.xlsx"] = f"{received}+07:00"
        table = self.folder / "receipts.csv"
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "received_at"])
            writer.writerows(self.receipts.items())
        return ingest(self.context, [inbox], table, reprocess=reprocess)

    def accept(self, *names: str, by: str = "nguoi.duyet") -> None:
        """A reviewer accepts files, whatever the rules said."""
        with self.context.engine.begin() as connection:
            for name in names:
                connection.execute(
                    sa.text(
                        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
                        "SELECT s.id, 'accept', :by, 'thử nghiệm', greatest(s.recorded_at, :now) FROM core.submission s "
                        "JOIN landing.arrival a ON a.id = s.arrival_id WHERE a.file_name = :name"
                    ),
                    {"name": f"{name}.xlsx", "by": by, "now": self.context.clock()},
                )

    def findings(self, name: str, prefix: str = "H-") -> list[tuple[str, str | None, str | None, str | None]]:
        """(code, cell, value, expected) of the findings that hold of a file, of codes that start so."""
        with self.context.engine.connect() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT f.code, f.cell, f.value, f.expected FROM core.current_finding f JOIN landing.arrival a "
                    "ON a.id = f.arrival_id WHERE a.file_name = :name AND f.code LIKE :like ORDER BY f.ordinal"
                ),
                {"name": f"{name}.xlsx", "like": f"{prefix}%"},
            ).all()
        return [tuple(row) for row in rows]

    def verdict(self, name: str) -> str:
        """The last verdict on a file."""
        with self.context.engine.connect() as connection:
            return str(
                connection.execute(
                    sa.text(
                        "SELECT v.verdict FROM core.verdict v JOIN core.submission s ON s.id = v.submission_id JOIN "
                        "landing.arrival a ON a.id = s.arrival_id WHERE a.file_name = :name ORDER BY v.id DESC LIMIT 1"
                    ),
                    {"name": f"{name}.xlsx"},
                ).scalar_one()
            )


def rows_of(context: Context, statement: str, **parameters: object) -> list[tuple[object, ...]]:
    """The rows of a query as tuples."""
    with context.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]


def edit_csv(
    path: Path,
    change: dict[str, dict[str, str]],
    key: str = "code",
    add: Iterable[dict[str, str]] = (),
    drop: str | None = None,
) -> None:
    """Change rows of a register's file by their key, add rows, drop those of a key."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = [{**row, **change.get(row[key], {})} for row in reader if row[key] != drop]
        names = list(reader.fieldnames or ())
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows([*rows, *({name: row.get(name, "") for name in names} for row in add)])


def at(text: str) -> datetime:
    """An instant in Viet Nam."""
    return datetime.fromisoformat(f"{text}+07:00")
