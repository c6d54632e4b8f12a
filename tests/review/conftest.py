"""One small province reviewed through the pages: a loaded warehouse, an account of each role, a served app, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from reviewed_office import Reviewed, copy_reviewed, log_in, make_reviewed, serve
from unit_gate import PERIOD, REPORT, Gate, open_gate

from etl.review.app import create_app
from etl.review.office import Office
from etl.settings import PROJECT_ROOT
from etl.warehouse.server import ServerInfo


@pytest.fixture(scope="session")
def pristine(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reviewed, str]:
    """The province as it was loaded, and its database's name; nobody may connect to it: it is copied from."""
    return make_reviewed(server, tmp_path_factory.mktemp("reviewed"))


@pytest.fixture(scope="session")
def reviewed(server: ServerInfo, pristine: tuple[Reviewed, str], tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The province that tests only read (and log in to); who changes it takes `own_province`."""
    return copy_reviewed(server, *pristine, tmp_path_factory.mktemp("read"))


@pytest.fixture
def own_province(server: ServerInfo, pristine: tuple[Reviewed, str], tmp_path: Path) -> Reviewed:
    """The same province as this test's own, to be changed."""
    return copy_reviewed(server, *pristine, tmp_path / "province")


@pytest.fixture(scope="session")
def office(reviewed: Reviewed) -> Iterator[Office]:
    found = Office(lambda: reviewed.settings)
    yield found
    found.close()


@pytest.fixture
def own_office(own_province: Reviewed) -> Iterator[Office]:
    """The office of the province that this test changes."""
    found = Office(lambda: own_province.settings)
    yield found
    found.close()


@pytest.fixture(scope="session")
def app(office: Office) -> FastAPI:
    return create_app(office)


@pytest.fixture
def client_of(app: FastAPI) -> Callable[[str | None], TestClient]:
    return lambda role: log_in(app, role)


@pytest.fixture(scope="session")
def live(app: FastAPI) -> Iterator[str]:
    """The served app over the province that is only read."""
    with serve(app) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium on this machine: tools/install_test_peers.sh installs it")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def screens() -> Path:
    """Where screenshots go: MOVEMENT_REPORTS_SCREENS at the start of the tests, else build/screens."""
    folder = Path(os.environ.get("SCREENS") or PROJECT_ROOT / "build" / "screens")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def gate(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The units' entrance over a province where nobody has filed; tests take units of their own (`unit`, `unused`)."""
    with open_gate(server, tmp_path_factory.mktemp("gate")) as found:
        yield found


@pytest.fixture(scope="session")
def unused(gate: Gate) -> Iterator[str]:
    """Communes that owe the half-year and that no test has used."""
    return iter(
        [
            str(row[0])
            for row in gate.rows(
                "SELECT unit FROM register.obligation WHERE report = :r AND period = :p AND unit_type = 'commune' "
                "AND retired_at IS NULL AND exempt_reason IS NULL ORDER BY unit",
                r=REPORT,
                p=PERIOD,
            )
        ]
    )


@pytest.fixture
def unit(unused: Iterator[str]) -> str:
    """One of them."""
    return next(unused)
