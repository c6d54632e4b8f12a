"""Words, numbers and instants as the pages write them; the period that the first page shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from reviewed_office import Reviewed

from etl.review.words import show_instant, show_number
from etl.text import show_share
from etl.usecases.context import open_context
from etl.usecases.follow import choose_key


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (datetime(2026, 12, 10, tzinfo=UTC), "movements-half:2026-S1"),
        (datetime(2026, 12, 15, tzinfo=UTC), "movements-half:2026-S2"),
        (datetime(2026, 2, 1, tzinfo=UTC), "movements-half:2026-S1"),
    ],
)
def test_the_first_page_is_the_period_that_ended_last(reviewed: Reviewed, now: datetime, key: str) -> None:
    with open_context(reviewed.settings) as context:
        assert choose_key(context, ["movements-half:2026-S2", "movements-half:2026-S1"], now) == key


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (178, "178"), (1234567, "1.234.567"), (1234.5, "1.234,5")]
)
def test_numbers_are_written_as_offices_write_them(value: float | None, text: str) -> None:
    assert show_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0,0 %"), (0.875, "87,5 %"), (19 / 24, "79,1 %"), (0.9999, "99,9 %"), (1.0, "100,0 %")],
)
def test_a_share_reads_all_only_when_it_is_all(value: float | None, text: str) -> None:
    assert show_share(value) == text


def test_instants_are_those_of_viet_nam() -> None:
    assert show_instant(datetime(2026, 6, 16, 16, 59, 59, tzinfo=UTC)) == "16/06/2026 23:59"
