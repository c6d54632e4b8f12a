"""`channels list|check`: where submissions are collected from, and whether each place answers.

`check` takes nothing. Exit codes: 0 done; 1 a channel is down; 2 wrong usage or our fault. Connections are shown by name only.
"""

from __future__ import annotations

import argparse
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json, show_progress
from etl.settings import read_settings


def add_channels(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`json`)."""
    channels = sub.add_parser("channels", help="where submissions are collected from: list, check")
    actions = channels.add_subparsers(dest="action", required=True, metavar="list|check")
    add = actions.add_parser("list", parents=[parents["json"]], help="the channels of the register")
    add.set_defaults(run=run_list)
    add = actions.add_parser("check", parents=[parents["json"]], help="connect to each; 1 when one is down")
    add.set_defaults(run=run_check)


def run_list(arguments: argparse.Namespace) -> int:
    """`channels list`."""
    from etl.usecases.channels import list_channels
    from etl.usecases.context import Knowledge

    settings = read_settings()
    rows = [
        {
            "channel": line.code,
            "kind": line.kind.value,
            "connection": line.connection or None,
            "connection_set": line.connection in settings.connections if line.connection else None,
            "path": line.path,
            "unit": line.unit,
            "attribute_by_folder": line.attribute_by_folder,
            "server_clock": line.server_clock.value,
            "after": line.after.value,
            "stable_after": line.stable_after,
        }
        for line in list_channels(Knowledge(settings))
    ]
    if arguments.json:
        print_json(rows)
        return YES
    table = Table(box=SIMPLE)
    for header in ("Kênh", "Loại", "Kết nối", "Nơi lấy", "Đơn vị", "Sau khi nhận"):
        table.add_column(header, overflow="fold")
    for row in rows:
        missing = " (chưa đặt)" if row["connection_set"] is False else ""
        owner = "theo thư mục" if row["attribute_by_folder"] else str(row["unit"] or "–")
        after = "chuyển đi" if row["after"] == "move" else "giữ nguyên"
        connection = f"{row['connection'] or '–'}{missing}"
        table.add_row(str(row["channel"]), str(row["kind"]), connection, str(row["path"] or "–"), owner, after)
    out.print(table)
    return YES


def run_check(arguments: argparse.Namespace) -> int:
    """`channels check`: 1 when a channel is down."""
    from etl.usecases.channels import check_channels, list_channels
    from etl.usecases.context import Knowledge

    knowledge = Knowledge(read_settings())
    found = []
    with show_progress("channels", len(list_channels(knowledge))) as bar:
        for check in check_channels(knowledge):
            found.append(check)
            bar.advance()
    if arguments.json:
        print_json(
            [
                {
                    "channel": one.channel,
                    "kind": one.kind,
                    "up": one.up,
                    "fault": one.fault or None,
                    "risk": one.risk or None,
                }
                for one in found
            ]
        )
    else:
        for one in found:
            out.print(f"{one.channel} ({one.kind}): {'kết nối được' if one.up else 'không kết nối được'}")
            if one.fault:
                err.print(f"{one.channel}: {one.fault}.", soft_wrap=True)
            if one.risk:
                err.print(f"{one.channel}: {one.risk}.", soft_wrap=True)
    return YES if all(one.up for one in found) else NO
