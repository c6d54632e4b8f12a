"""One file that our own code cannot cope with holds up nobody else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from small_province import Province

from etl.examination import Examiner
from etl.reading.grid import Workbook
from etl.settings import Settings
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.validation.faults import RuleFault


def test_a_file_we_fail_on_stays_pending_and_the_rest_goes_through(
    prepared: Settings, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = sorted(file.name for file in province.inbox.iterdir())[3]
    parse = Examiner._parse_workbook

    def fail_on_one(self: Examiner, delivery: object, workbook: Workbook, *rest: object) -> object:
        if delivery.name == victim:  # type: ignore[attr-defined]
            raise ZeroDivisionError("a fault of ours")
        return parse(self, delivery, workbook, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Examiner, "_parse_workbook", fail_on_one)
    with open_context(prepared) as context:
        summary = ingest(context, [province.inbox], province.receipts)
        with context.engine.connect() as connection:
            pending = connection.execute(
                sa.text(
                    "SELECT a.file_name, f.what FROM landing.arrival a LEFT JOIN landing.outcome o ON o.arrival_id = a.id "
                    "LEFT JOIN ops.fault f ON f.arrival_id = a.id WHERE o.arrival_id IS NULL"
                )
            ).all()
        assert summary.loaded.failed == 1
        assert [tuple(row) for row in pending] == [(victim, "ZeroDivisionError")]
        monkeypatch.setattr(Examiner, "_parse_workbook", parse)
        again = ingest(context, [province.inbox], province.receipts)
    assert again.collected.landed == 0
    assert again.loaded.failed == 0
    assert sum((again.loaded.accepted, again.loaded.accepted_with_warnings, again.loaded.rejected)) == 1


def test_a_broken_rule_fails_the_batch_and_blames_no_sender(
    prepared: Settings, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.validation.run import Validator

    def broken(self: Validator, *_: object) -> list[list[object]]:
        raise RuleFault("suite F05.rows, rule F05-ROW-SUM: broken")

    monkeypatch.setattr(Validator, "find_value_faults", broken)
    with open_context(prepared) as context:
        with pytest.raises(RuleFault):
            ingest(context, [province.inbox], province.receipts)
        with context.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM core.submission")).scalar_one() == 0
            assert connection.execute(sa.text("SELECT count(*) FROM core.finding")).scalar_one() == 0
