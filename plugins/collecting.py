"""What the tasks of `collect_submissions` do with channels: one task a channel, so that each shows how its channel is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from plugins.airflow_settings import log_line, open_run, plain


def name_channels() -> list[str]:
    """The codes of the register's channels."""
    with open_run() as (context, _):
        return [line.code for line in context.register.channels]


def collect_one(channel: str) -> dict[str, Any]:
    """Collects a channel; `unavailable` in the result says why it could not be, or not wholly."""
    from etl.usecases.collect import collect_arrivals

    with open_run() as (context, _):
        summary: dict[str, Any] = plain(asdict(collect_arrivals(context, channels=[channel])))
    log_line(f"channel {channel}", **summary)
    return summary


def name_down(landed: Iterable[Mapping[str, Any]] | None) -> list[str]:
    """The channels that were down."""
    return [fault["channel"] for summary in landed or () for fault in summary["unavailable"]]


def collect_again(channel: str) -> dict[str, Any]:
    """Collects a channel that was down. Raises ChannelUnavailable, an OSError that Airflow tries again, where it still is."""
    from etl.channels.protocol import ChannelUnavailable

    summary = collect_one(channel)
    for fault in summary["unavailable"]:
        raise ChannelUnavailable(f"{fault['channel']}: {fault['what']}")
    return summary


def count_all(landed: Iterable[Mapping[str, Any]] | None, loaded: Iterable[Mapping[str, int]] | None) -> dict[str, int]:
    """The counts of all channels and batches; fails where files could not be stored."""
    totals: dict[str, int] = {}
    for counts in (*(landed or ()), *(loaded or ())):
        for name, count in counts.items():
            if isinstance(count, int):
                totals[name] = totals.get(name, 0) + count
    log_line("collected", **totals)
    if totals.get("failed"):
        raise AirflowFailException(f"{totals['failed']} files could not be stored: see ops.fault; they stay pending")
    return totals
