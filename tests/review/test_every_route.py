"""Every route asked as everybody, as access.yaml says; and every write leaves a line that names who made it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import openpyxl
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from reviewed_office import (
    LOGINS,
    PASSWORD,
    PERIOD,
    REPORT,
    ROLES,
    Reviewed,
    copy_reviewed,
    log_in,
    read_rows,
    read_token,
)

from etl.review.access import read_access_table
from etl.review.app import create_app
from etl.review.office import Office
from etl.review.people import Role
from etl.review.sessions import make_csrf
from etl.usecases.board import read_board
from etl.usecases.context import Context, open_context
from etl.usecases.ingest import ingest
from etl.usecases.quarantine import list_quarantine
from etl.usecases.submission_view import list_submissions
from etl.usecases.unit_links import OPEN_AFTER_DUE, make_token, read_secret, revoke_link
from etl.warehouse.server import ServerInfo

KEY: Final = f"{REPORT}:{PERIOD}"
LINES: Final = sorted(read_access_table().rights.items(), key=lambda line: (line[0][1], line[0][0]))
UNIT_LINES: Final = [(method, path) for (method, path), roles in LINES if roles == {Role.UNIT}]
OFFICE_LINES: Final = [(method, path, roles) for (method, path), roles in LINES if roles != {Role.UNIT}]
DOOR: Final = ("/login", "/login/oidc", "/login/oidc/back")
NOW: Final = datetime(2026, 7, 6, 2, tzinfo=UTC)
WHY: Final = "Theo công văn của đơn vị"


@dataclass
class House:
    """A province of this file's own, its app, and what addresses are filled with."""

    settings: Any
    app: FastAPI
    values: dict[str, str]
    """Words for the places of an address, of unit A; `other_…` of unit B."""
    secret: str

    @property
    def engine(self) -> sa.Engine:
        return self.app.state.office.context().engine

    def fill(self, path: str, **given: str) -> str:
        return re.sub(r"{(\w+)}", lambda place: {**self.values, **given}[place[1]], path)

    def body(self, path: str) -> dict[str, str]:
        """A form that would do it."""
        values = self.values
        forms: Mapping[str, dict[str, str]] = {
            "/login": {"login": LOGINS["reader"], "password": PASSWORD},
            "/logout": {},
            "/board/{report}/{period}/{unit}/remind": {},
            "/submissions/{number}/decide": {"decision": "return", "why": WHY, "seen": values["decision"]},
            "/periods/{report}/{period}/start": {"why": WHY, "version": "0"},
            "/periods/{report}/{period}/approve": {"why": WHY, "version": "1"},
            "/periods/{report}/{period}/publish": {"why": WHY, "version": "2"},
            "/periods/{report}/{period}/reopen": {"why": WHY, "version": "3"},
            "/quarantine/{arrival}/attribute": {"unit": values["unit"], "key": KEY, "why": WHY, "seen": values["seen"]},
            "/quarantine/{arrival}/discard": {"why": WHY, "seen": values["seen"]},
            "/register/exemptions": {"unit": values["third"], "key": KEY, "why": WHY},
            "/register/exemptions/withdraw": {
                "unit": values["third"], "key": KEY, "why": WHY, "seen": self.read_excused(values["third"]),
            },
            "/register/mutes": {
                "unit": values["unit"], "key": KEY, "until": f"{NOW + timedelta(days=300):%Y-%m-%d}", "why": WHY, "seen": "0",
            },
            "/register/mutes/lift": {"unit": values["unit"], "key": KEY, "why": WHY, "seen": "1"},
            "/links/{report}/{period}/{unit}/revoke": {"why": WHY, "seen": "0"},
            "/accounts": {"login": "nguoi-moi", "name": "Người mới", "role": "reader", "password": PASSWORD},
            "/accounts/{login}": {"role": "reviewer", "seen": self.read_changed("nguoi-moi")},
        }  # fmt: skip
        return dict(forms[path])

    def read_excused(self, unit: str) -> str:
        """What the form that withdraws an exemption carries; any instant where the unit is not excused."""
        found = self.app.state.office.context().register.exemption(unit, REPORT, PERIOD)
        return (found.recorded_at if found else NOW).isoformat()

    def read_changed(self, login: str) -> str:
        """What the form of an account carries; any instant where there is none."""
        with self.engine.connect() as connection:
            query = sa.text("SELECT changed_at FROM ops.account WHERE login = :login")
            return (connection.execute(query, {"login": login}).scalar_one_or_none() or NOW).isoformat()

    def count_audit(self, login: str) -> int:
        with self.engine.connect() as connection:
            query = sa.text("SELECT count(*) FROM ops.audit_trail WHERE who = :who")
            return int(connection.execute(query, {"who": login}).scalar_one())

    def weigh(self) -> dict[str, str]:
        """What each table says, to the row. Log-ins and visits leave their mark in the two that are left out."""
        found: dict[str, str] = {}
        with self.engine.connect() as connection:
            tables = connection.execute(
                sa.text(
                    "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_type = "
                    "'BASE TABLE' AND table_schema IN ('register', 'landing', 'core', 'ops') ORDER BY 1"
                )
            ).scalars()
            for table in [name for name in tables if name != "ops.session"]:
                which = "WHERE t.action <> 'log-in'" if table == "ops.action" else ""
                query = (
                    f"SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t {which}"
                )
                found[table] = str(connection.execute(sa.text(query)).scalar_one())
        return found


@pytest.fixture(scope="module")
def house(
    server: ServerInfo, pristine: tuple[Reviewed, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("every-route")
    made = copy_reviewed(server, *pristine, folder)
    # While late reports are still taken: links open and periods can be reviewed, whenever this runs.
    began = datetime.now(UTC)
    office = Office(lambda: made.settings, clock=lambda: NOW + (datetime.now(UTC) - began))
    app = create_app(office)
    unknown = folder / "không rõ"
    unknown.mkdir()
    for number in range(2):
        book = openpyxl.Workbook()
        book.active.append(["Báo cáo của ai", number])
        book.save(unknown / f"khong-ro-{number}.xlsx")
    with open_context(made.settings) as own:
        ingest(own, [unknown], None)
    yield House(made.settings, app, choose_values(office.context()), read_secret(made.settings))
    office.close()


def choose_values(context: Context) -> dict[str, str]:
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    accepted = [line.unit for line in lines if line.status in ("on_time", "late")]
    missing = [line.unit for line in lines if line.status == "missing"]
    first, second = accepted[0], accepted[1]
    mine, other = (list_submissions(context, unit, REPORT, PERIOD)[-1] for unit in (first, second))
    arrivals = [item for item in list_quarantine(context) if "khong-ro" in item.file]
    with context.engine.connect() as connection:
        query = sa.text("SELECT max(id) FROM core.decision WHERE submission_id = :id")
        decision = connection.execute(query, {"id": mine.id}).scalar_one()
    names = {line.unit: line.unit_name for line in lines}
    return {
        "name": "office.css", "report": REPORT, "period": PERIOD, "unit": first, "other_unit": second, "third": missing[0],
        "unit_name": names[first], "other_name": names[second], "number": str(mine.id), "other_number": str(other.id),
        "mart": "movements", "arrival": str(arrivals[0].arrival_id), "other_arrival": str(arrivals[1].arrival_id),
        "seen": str(arrivals[0].generation), "decision": str(decision), "login": LOGINS["reader"], "key": "a" * 32,
        "token": make_token(context, first, REPORT, PERIOD, NOW), "other_token": make_token(context, second, REPORT, PERIOD, NOW),
    }  # fmt: skip


@pytest.fixture(scope="module")
def clients(house: House) -> dict[str, TestClient]:
    return {role: log_in(house.app, role) for role in ("anonymous", *ROLES)}


@pytest.fixture(scope="module")
def tokens(house: House, clients: dict[str, TestClient]) -> dict[str, str]:
    return {role: read_token(clients[role]) for role in ROLES} | {"anonymous": "0" * 64}


def is_refused(answer: Response) -> bool:
    return answer.status_code in (401, 403) or answer.headers.get("location", "").startswith("/login")


def shows_nothing(house: House, answer: Response) -> bool:
    named = (house.values["unit"], house.values["unit_name"], house.values["other_unit"], house.values["other_name"])
    # When a session has ended, what was typed is given back, with the way back to the form: the asker told it, not we.
    told = re.sub(
        r'<textarea [^>]*readonly[^>]*>[^<]*</textarea>|<input [^>]*readonly[^>]*>|href="/login\?next=[^"]*"',
        "",
        answer.text,
    )
    return not any(text in told for text in named)


def test_pages_open_for_whom_the_table_says(house: House, clients: dict[str, TestClient]) -> None:
    seen = 0
    for method, path, roles in OFFICE_LINES:
        if method != "GET" or path in DOOR:
            continue
        for role, client in clients.items():
            answer = client.get(house.fill(path), params={"key": KEY, "first": "1", "second": "2"})
            assert answer.status_code < 500, (path, role, answer.text)
            assert is_refused(answer) == (Role(role) not in roles), (path, role, answer.status_code)
            if is_refused(answer):
                assert shows_nothing(house, answer), (path, role)
            seen += 1
    assert seen > 50


def test_nothing_is_written_for_whom_it_is_not(
    house: House, clients: dict[str, TestClient], tokens: dict[str, str]
) -> None:
    before = house.weigh()
    for method, path, roles in OFFICE_LINES:
        if method != "POST" or path in DOOR:
            continue
        for role, client in clients.items():
            address, form = house.fill(path), house.body(path)
            other = tokens["reader" if role != "reader" else "reviewer"]
            tries = [
                client.post(address, data=form),
                client.post(address, data={**form, "csrf": "0" * 64}),
                client.post(address, data={**form, "csrf": other}),
                client.post(address, data={**form, "csrf": ""}),
                client.post(address, data={**form, "csrf": tokens[role]}, headers={"sec-fetch-site": "cross-site"}),
                client.post(address, data={**form, "csrf": tokens[role]}, headers={"origin": "https://xau.example"}),
            ]
            if Role(role) not in roles:
                tries.append(client.post(address, data={**form, "csrf": tokens[role]}))
                tries.append(client.post(address, data=form, headers={"x-csrf-token": tokens[role]}))
            for number, answer in enumerate(tries):
                assert is_refused(answer), (path, role, number, answer.status_code)
                assert shows_nothing(house, answer)
    assert house.weigh() == before
    for role, client in clients.items():
        assert is_refused(client.get("/board")) == (role == "anonymous"), "nobody was logged out meanwhile"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods_do_nothing(house: House, clients: dict[str, TestClient], method: str) -> None:
    before = house.weigh()
    for path in {path for _, path, _ in OFFICE_LINES} - {path for asked, path, _ in OFFICE_LINES if asked == method}:
        for role in ("anonymous", "administrator"):
            answer = clients[role].request(method, house.fill(path))
            assert answer.status_code == 405, (path, role)
            assert shows_nothing(house, answer)
    assert house.weigh() == before


# --- units --------------------------------------------------------------------------------------------------------------


def send_unit(
    house: House, client: TestClient, method: str, path: str, token: str, *, csrf: str | None = None, **given: str
) -> Response:
    """Ask a page of the entrance with this link, a write with the csrf that belongs to the link unless another is given."""
    address = house.fill(path, token=token, **given)
    if method == "GET":
        return client.get(address)
    params = {"csrf": make_csrf(house.secret, token) if csrf is None else csrf}
    if path.endswith("/upload"):
        return client.post(address, params=params, files={"file": ("bao-cao.xlsx", b"PK no workbook")})
    return client.post(address, params=params, data={"reason-1": "vì thế"})


def bad_tokens(house: House) -> dict[str, str]:
    """Links that open nothing: altered in each part, made with another secret, of an unknown unit."""
    from itsdangerous import URLSafeSerializer

    from etl.usecases.unit_links import _signer

    token = house.values["token"]
    payload, _, signature = token.rpartition(".")
    foreign, _, _ = house.values["other_token"].rpartition(".")
    unit = [house.values["unit"], REPORT, PERIOD, 4102444800, 0]
    return {
        "cut": token[:-1],
        "longer": token + "A",
        "signature of another": f"{foreign}.{signature}",
        "empty signature": f"{payload}.",
        "no signature": payload,
        "another secret": str(URLSafeSerializer("bí mật khác", salt="unit-entrance").dumps(unit)),
        "another salt": str(URLSafeSerializer(house.secret, salt="oidc-step").dumps(unit)),
        "no obligation": str(_signer(house.settings).dumps(["H14.KHONG", REPORT, PERIOD, 4102444800, 0])),
        "an old end": str(_signer(house.settings).dumps([house.values["unit"], REPORT, PERIOD, 1, 0])),
        "word": "x",
    }


def test_a_units_link_opens_its_own_pages(house: House, clients: dict[str, TestClient]) -> None:
    assert UNIT_LINES, "the entrance is there"
    for method, path in UNIT_LINES:
        if method != "GET":
            continue
        # Whoever holds the link is the unit: it matters not who is logged in.
        for role in ("anonymous", "reader"):
            answer = send_unit(house, clients[role], method, path, house.values["token"])
            expected = 404 if "{key}" in path else 200
            assert answer.status_code == expected, (path, role, answer.text)
            assert house.values["other_name"] not in answer.text
    page = clients["anonymous"].get(house.fill("/u/{token}")).text
    assert house.values["unit_name"] in page
    assert clients["anonymous"].get("/board").headers["location"].startswith("/login"), "it opens nothing else"


def test_a_unit_never_sees_anothers_data(house: House, clients: dict[str, TestClient]) -> None:
    before = house.weigh()
    client = clients["anonymous"]
    for method, path in UNIT_LINES:
        if "{number}" not in path:
            continue
        there = send_unit(house, client, method, path, house.values["other_token"])  # A's number, B's link
        absent = send_unit(house, client, method, path, house.values["other_token"], number="999999999")
        assert there.status_code == absent.status_code == 404, path
        assert house.values["unit_name"] not in there.text
        # A number that is there and one that is not look alike.
        assert there.text == absent.text
    assert house.weigh() == before


@pytest.mark.parametrize("kind", ["altered", "expired", "revoked"])
def test_a_link_that_is_over_opens_nothing(house: House, clients: dict[str, TestClient], kind: str) -> None:
    context = house.app.state.office.context()
    client, app = clients["administrator"], house.app  # even in the browser of whoever may do everything else
    office = None
    links = {"": house.values["token"]}
    if kind == "altered":
        links = bad_tokens(house)
    elif kind == "revoked":
        unit = house.values["third"]
        links = {"": make_token(context, unit, REPORT, PERIOD, NOW)}
        revoke_link(context, unit, REPORT, PERIOD, by="test", why="thử", role="administrator")
        anew = house.fill("/u/{token}", token=make_token(context, unit, REPORT, PERIOD, NOW))
        assert client.get(anew).status_code == 200
    else:
        due = max(line.due_at for line in read_board(context, REPORT, PERIOD, context.clock()).units)
        office = Office(lambda: house.settings, clock=lambda: due + OPEN_AFTER_DUE + timedelta(seconds=1))
        app = create_app(office)
        client = log_in(app, None)
    before = house.weigh()
    for name, token in links.items():
        for method, path in UNIT_LINES:
            answer = send_unit(house, client, method, path, token)
            if answer.status_code == 429:
                app.state.limits["entrance"].__init__(300, 60)
                answer = send_unit(house, client, method, path, token)
            assert answer.status_code in (404, 410), (name, method, path, answer.status_code)
            assert shows_nothing(house, answer), (name, path)
            assert len(token) < 20 or token not in answer.text
    assert house.weigh() == before
    if office:
        office.close()


def test_a_units_write_wants_the_token_of_its_page(house: House, clients: dict[str, TestClient]) -> None:
    before = house.weigh()
    token, foreign = house.values["token"], make_csrf(house.secret, house.values["other_token"])
    for method, path in UNIT_LINES:
        if method == "GET":
            continue
        for csrf in ("", "0" * 64, foreign):
            answer = send_unit(house, clients["anonymous"], method, path, token, csrf=csrf)
            assert answer.status_code == 403, (path, csrf)
        cross = {"sec-fetch-site": "cross-site"}
        address = f"{house.fill(path)}?csrf={make_csrf(house.secret, token)}"
        assert clients["anonymous"].post(address, headers=cross).status_code == 403
    assert house.weigh() == before


# --- what may be written is, and is audited (last: it changes the province) ------------------------------------------------


ORDER: Final = (
    "/board/{report}/{period}/{unit}/remind", "/register/exemptions", "/register/exemptions/withdraw", "/register/mutes",
    "/register/mutes/lift", "/quarantine/{arrival}/attribute", "/quarantine/{arrival}/discard", "/submissions/{number}/decide",
    "/links/{report}/{period}/{unit}/revoke", "/periods/{report}/{period}/start", "/periods/{report}/{period}/approve",
    "/periods/{report}/{period}/publish", "/periods/{report}/{period}/reopen", "/accounts", "/accounts/{login}", "/logout",
)  # fmt: skip


def test_every_write_that_is_allowed_is_done_and_names_its_author(
    house: House, clients: dict[str, TestClient], tokens: dict[str, str]
) -> None:
    posts = {path: roles for method, path, roles in OFFICE_LINES if method == "POST" and path not in DOOR}
    assert set(ORDER) == set(posts), "a new write needs its place here"
    given: dict[str, dict[str, str]] = {
        "/board/{report}/{period}/{unit}/remind": {"unit": house.values["third"]},
        "/quarantine/{arrival}/discard": {"arrival": house.values["other_arrival"]},
        "/accounts/{login}": {"login": "nguoi-moi"},  # a change ends the sessions of whom it concerns
    }
    for path in ORDER:
        role = next(role for role in ROLES if Role(role) in posts[path])  # the least that may
        before = house.count_audit(LOGINS[role])
        form = {**house.body(path), "csrf": tokens[role]}
        answer = clients[role].post(house.fill(path, **given.get(path, {})), data=form)
        assert answer.status_code == 303, (path, role, answer.status_code, answer.text)
        assert house.count_audit(LOGINS[role]) > before, path
    assert is_refused(clients["reader"].get("/board")), "it was the one who logged out"


def test_whoever_may_more_may_this_too(house: House, tokens: dict[str, str], clients: dict[str, TestClient]) -> None:
    for method, path, roles in OFFICE_LINES:
        if method != "POST" or path in (*DOOR, "/logout"):
            continue
        for role in ROLES:
            if Role(role) in roles:
                answer = clients[role].post(house.fill(path), data={"csrf": tokens[role]})
                assert not is_refused(answer), (path, role)
                assert answer.status_code < 500, (path, role)


def test_log_ins_and_uploads_stand_in_the_audit_trail(house: House, clients: dict[str, TestClient]) -> None:
    before = house.count_audit(LOGINS["publisher"])
    log_in(house.app, "publisher")
    assert house.count_audit(LOGINS["publisher"]) == before + 1
    wrong = log_in(house.app, None).post("/login", data={"login": LOGINS["publisher"], "password": "sai mật khẩu"})
    assert wrong.status_code == 401
    assert house.count_audit(LOGINS["publisher"]) == before + 2

    unit = house.values["other_unit"]
    token = house.values["other_token"]
    book = openpyxl.Workbook()
    stream = io.BytesIO()
    book.save(stream)
    address = f"/u/{token}/upload?csrf={make_csrf(house.secret, token)}"
    sent = clients["anonymous"].post(address, files={"file": ("bao-cao.xlsx", stream.getvalue())})
    assert sent.status_code == 303, sent.text
    assert house.count_audit(f"unit:{unit}") == 1


def test_the_pages_of_the_audit_trail_show_it(house: House, clients: dict[str, TestClient]) -> None:
    text = read_rows(clients["reviewer"].get("/audit").text)
    assert "Gửi thư nhắc" in text
    assert "Đăng nhập" in text
    assert LOGINS["reviewer"] in text
    of_period = read_rows(clients["reviewer"].get("/audit", params={"key": KEY}).text)
    assert "Gửi thư nhắc" in of_period
    assert "Đăng nhập" not in of_period, "who logged in would bury what was decided about the period"
