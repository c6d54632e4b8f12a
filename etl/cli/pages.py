"""`serve`: the standing office's pages on a port. `accounts`: who may log in there (small installations)."""

from __future__ import annotations

import argparse
import getpass
import ipaddress
import os
import sys
from typing import Any

from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json
from etl.settings import read_settings
from etl.text import format_instant

_ROLES = ("reader", "reviewer", "publisher", "administrator")


def add_pages(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """Both commands. `parents`: shared arguments by name (`json`)."""
    add = sub.add_parser("serve", help="the standing office's pages and the units' entrance, on one address")
    add.add_argument("--host", default="127.0.0.1", help="default: this machine only; put a TLS proxy before it")
    add.add_argument("--port", type=int, default=8090)
    add.add_argument(
        "--trusted-proxy",
        default="",
        metavar="ADDRESS",
        help="whose X-Forwarded-… headers are believed (addresses or networks, with commas); default nobody's",
    )
    add.add_argument(
        "--plain-http",
        action="store_true",
        help="serve other machines without TLS all the same: passwords and links are readable on the network",
    )
    add.set_defaults(run=run_serve)
    accounts = sub.add_parser("accounts", help="who may log in to the pages: list, add, set, end")
    actions = accounts.add_subparsers(dest="action", required=True, metavar="list|add|set|end")
    add = actions.add_parser("list", parents=[parents["json"]], help="all accounts")
    add.set_defaults(run=run_list)
    for action, helps in (("add", "a new account"), ("set", "change role or password, close or open an account")):
        add = actions.add_parser(action, help=f"{helps}; the password is read from the terminal or from standard input")
        add.add_argument("login")
        add.add_argument("--role", choices=_ROLES, required=action == "add")
        add.add_argument("--by", metavar="WHO", default=os.environ.get("USER") or "command line")
        if action == "add":
            add.add_argument("--name", default="")
        else:
            add.add_argument("--password", action="store_true", help="ask for a new password")
            change = add.add_mutually_exclusive_group()
            change.add_argument("--close", action="store_true", help="it opens nothing any more")
            change.add_argument("--open", action="store_true", help="it opens again")
        add.set_defaults(run=run_add if action == "add" else run_set)
    add = actions.add_parser("end", help="end all sessions of a login now, also of the identity provider's people")
    add.add_argument("login")
    add.add_argument("--by", metavar="WHO", default=os.environ.get("USER") or "command line")
    add.set_defaults(run=run_end)


def run_serve(arguments: argparse.Namespace) -> int:
    """`serve`: until told to stop."""
    import uvicorn

    from etl.review.app import create_app
    from etl.review.office import Office

    check_address(arguments.host, arguments.trusted_proxy, read_settings().web_url, arguments.plain_http)
    office = Office(read_settings)
    office.context()  # says what is missing before a port is taken
    office.checker().warm_up()  # the first unit that uploads must not wait for the rules to be loaded
    err.print(f"Pages on http://{arguments.host}:{arguments.port}/ (Ctrl-C ends)")
    # One program: sessions live in the warehouse, but limits and the warm checker are this program's.
    uvicorn.run(
        create_app(office), host=arguments.host, port=arguments.port, log_level="warning", access_log=False,
        server_header=False, proxy_headers=bool(arguments.trusted_proxy),
        forwarded_allow_ips=arguments.trusted_proxy or "127.0.0.1", timeout_graceful_shutdown=10,
    )  # fmt: skip
    return YES


def check_address(host: str, trusted_proxy: str, web_url: str | None, plain_http: bool) -> None:
    """Raises ValueError where passwords and personal links would cross a network unencrypted, or anybody be believed.

    This program speaks no TLS. On an address that other machines reach, a proxy that does must be named: by its own address,
    and by the https address people use (it makes cookies Secure).
    """
    for trusted in filter(None, (part.strip() for part in trusted_proxy.split(","))):
        try:
            is_everybody = ipaddress.ip_network(trusted, strict=False).prefixlen == 0
        except ValueError:
            is_everybody = True
        if is_everybody:
            raise ValueError(
                f"--trusted-proxy {trusted}: name addresses or networks; whoever is believed can pose as any address"
            )
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if is_local or plain_http:
        if (web_url or "").startswith("https://") and not trusted_proxy.strip():
            err.print(
                "Without --trusted-proxy all people share the proxy's address, and the limit on wrong passwords with it."
            )
        return
    missing = [
        name
        for name, given in (
            ("MOVEMENT_REPORTS_WEB_URL=https://…", (web_url or "").startswith("https://")),
            ("--trusted-proxy ADDRESS", trusted_proxy.strip()),
        )
        if not given
    ]
    if missing:
        raise ValueError(
            f"--host {host} is reached from other machines, and this program speaks no TLS: passwords and units' links would "
            f"be readable on the way. Put a proxy with TLS before it and give {' and '.join(missing)}; or, on a network you "
            "trust as a whole, --plain-http"
        )


def run_list(arguments: argparse.Namespace) -> int:
    """`accounts list`: 1 when there is none."""
    from etl.usecases.accounts import list_accounts
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        found = list_accounts(context)
    if arguments.json:
        print_json(
            [
                {
                    "login": account.login, "name": account.name, "role": account.role,
                    "disabled_at": account.disabled_at and account.disabled_at.isoformat(),
                    "changed_at": account.changed_at.isoformat(),
                }
                for account in found
            ]
        )  # fmt: skip
    else:
        for account in found:
            closed = f"closed since {format_instant(account.disabled_at)}" if account.disabled_at else "open"
            out.print(f"{account.login}  {account.role}  {account.name}  {closed}", soft_wrap=True)
    return YES if found else NO


def run_add(arguments: argparse.Namespace) -> int:
    """`accounts add`."""
    from etl.usecases.accounts import add_account
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        add_account(context, arguments.login, arguments.name, arguments.role, _ask_password(), arguments.by)
    out.print(f"{arguments.login}: {arguments.role}")
    return YES


def run_set(arguments: argparse.Namespace) -> int:
    """`accounts set`."""
    from etl.usecases.accounts import change_account
    from etl.usecases.context import open_context

    disabled = True if arguments.close else False if arguments.open else None
    with open_context(read_settings()) as context:
        is_changed = change_account(
            context, arguments.login, arguments.by, role=arguments.role, disabled=disabled,
            password=_ask_password() if arguments.password else None,
        )  # fmt: skip
    out.print(
        f"{arguments.login}: changed; its sessions are over"
        if is_changed
        else f"{arguments.login}: is so already; nothing changed"
    )
    return YES


def run_end(arguments: argparse.Namespace) -> int:
    """`accounts end`: 1 when there was no session."""
    from etl.usecases.accounts import end_sessions
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        ended = end_sessions(context, arguments.login, arguments.by)
    out.print(f"{arguments.login}: {ended} sessions ended")
    return YES if ended else NO


def _ask_password() -> str:
    """From the terminal without showing it, or the first line of standard input; never from the arguments, which `ps` shows."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password (at least 12 characters): ")
    if getpass.getpass("Once more: ") != first:
        raise ValueError("the two passwords differ")
    return first
