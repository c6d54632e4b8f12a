"""`serve` and `accounts` on the command line: what they refuse, and that no password is an argument."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from etl.cli.main import main
from etl.cli.pages import check_address
from etl.settings import PROJECT_ROOT
from etl.usecases.accounts import log_in, read_session
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse

Run = Callable[..., tuple[int, str, str]]
PASSWORD = "mật khẩu đủ dài"  # noqa: S105
ANYWHERE = "0.0.0.0"  # noqa: S104 - what is refused here


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Run:
    """Runs a command with something on its standard input: (exit code, stdout, stderr)."""
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", database_url)
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(PROJECT_ROOT / "register"))

    def call(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            code = main(list(arguments))
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_accounts_from_the_command_line(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    from etl.settings import read_settings

    init_warehouse(read_settings())
    assert run("accounts", "list")[0] == 1
    code, out, err = run("accounts", "add", "Lan.NT", "--role", "reviewer", "--name", "Lan", typed=PASSWORD + "\n")
    assert (code, out.strip()) == (0, "Lan.NT: reviewer")
    assert PASSWORD not in out + err + caplog.text

    code, out, err = run("accounts", "list", "--json")
    (account,) = json.loads(out)
    assert (code, account["login"], account["role"], account["disabled_at"]) == (0, "lan.nt", "reviewer", None)
    assert "hash" not in out and "argon2" not in out

    with open_context(read_settings()) as context:
        session = log_in(context, "lan.nt", PASSWORD)
        assert session is not None
        assert run("accounts", "end", "lan.nt") == (0, "lan.nt: 1 sessions ended\n", "")
        assert run("accounts", "end", "lan.nt")[0] == 1
        assert read_session(context, session.token) is None

        assert run("accounts", "set", "lan.nt", "--password", typed="mật khẩu mới hơn\n")[0] == 0
        assert log_in(context, "lan.nt", PASSWORD) is None
        assert log_in(context, "lan.nt", "mật khẩu mới hơn") is not None
        assert run("accounts", "set", "lan.nt", "--close") == (0, "lan.nt: changed; its sessions are over\n", "")
        assert run("accounts", "set", "LAN.NT", "--close") == (0, "LAN.NT: is so already; nothing changed\n", "")
        assert log_in(context, "lan.nt", "mật khẩu mới hơn") is None

    for wrong, text in (
        (("accounts", "add", "lan.nt", "--role", "reader"), "already"),
        (("accounts", "add", "ngắn", "--role", "reader"), "at least 12"),
        (("accounts", "set", "ai-đó", "--role", "reader"), "no account"),
    ):
        code, _, err = run(*wrong, typed="ngắn" if "ngắn" in wrong else PASSWORD)
        assert code == 2
        assert text in err
        assert PASSWORD not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "lan", "--role", "reader", PASSWORD),
        ("add", "lan", "--role", "reader", "--password", PASSWORD),
        ("set", "lan", "--password", PASSWORD),
        ("set", "lan", f"--password={PASSWORD}"),
    ],
)
def test_a_password_is_no_argument(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("accounts", *arguments)[0] == 2


HTTPS = "https://bao-cao.tinh.example"


@pytest.mark.parametrize(
    ("host", "proxy", "web_url", "plain"),
    [
        ("127.0.0.1", "", None, False),
        ("::1", "", None, False),
        ("localhost", "", None, False),
        (ANYWHERE, "10.0.0.5", HTTPS, False),
        ("10.0.0.9", "10.0.0.0/28,::1", HTTPS, False),
        (ANYWHERE, "", None, True),
    ],
)
def test_where_it_may_serve(host: str, proxy: str, web_url: str | None, plain: bool) -> None:
    check_address(host, proxy, web_url, plain)


@pytest.mark.parametrize(
    ("host", "proxy", "web_url", "text"),
    [
        (ANYWHERE, "", None, "MOVEMENT_REPORTS_WEB_URL.*--trusted-proxy"),
        ("::", "", HTTPS, "give --trusted-proxy"),
        ("10.0.0.9", "10.0.0.5", "http://bao-cao.tinh.example", "give MOVEMENT_REPORTS_WEB_URL"),
        ("may-chu", "", None, "no TLS"),
        ("127.0.0.1", "*", HTTPS, r"--trusted-proxy \*"),
        ("127.0.0.1", "0.0.0.0/0", HTTPS, "pose as any address"),
        ("127.0.0.1", "proxy.tinh.example", HTTPS, "name addresses"),
    ],
)
def test_where_it_refuses_to_serve(run: Run, host: str, proxy: str, web_url: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_address(host, proxy, web_url, False)


def test_serve_says_why_before_it_takes_a_port(run: Run) -> None:
    code, _, err = run("serve", "--host", ANYWHERE)
    assert code == 2
    assert "no TLS" in err
    code, _, err = run("serve", "--port", "1")  # a warehouse that was never made
    assert code == 2
    assert "init" in err


def test_serve_answers_and_ends(run: Run) -> None:
    from etl.settings import read_settings

    init_warehouse(read_settings())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = subprocess.Popen(
        [sys.executable, "-c", "import sys; from etl.cli.main import main; sys.exit(main())", "serve", "--port", str(port)],
        cwd=PROJECT_ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/board", trust_env=False)
                break
            except httpx.TransportError:
                assert program.poll() is None, program.communicate()[1]
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
        assert "server" not in answer.headers
    finally:
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=30)[1]
    assert f"http://127.0.0.1:{port}/" in said
    assert "Traceback" not in said
