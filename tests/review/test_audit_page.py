"""The audit trail: every recorded kind has words, the filters narrow, the pages lose and repeat nothing."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, log_in, read_rows, read_token

from etl.calendar.deadlines import TIMEZONE
from etl.labels import DECISION_LABELS
from etl.review.app import create_app
from etl.review.audit_words import GROUPS, KINDS, list_kind_choices, name_deed, read_kind_choice, tell_detail
from etl.review.office import Office
from etl.settings import PROJECT_ROOT
from etl.usecases.accounts import change_account, end_sessions, list_accounts, record_action
from etl.usecases.audit_trail import ANY_UNIT, BadPlace, Deed, Sought, find_deeds, list_people, read_audit
from etl.usecases.exempting import excuse_unit
from etl.usecases.review_states import Action

KEY = f"{REPORT}:{PERIOD}"
UNIT = "H14.SNV"
CODES = re.compile(r"\b(figures|sha256|generation|arrival|until|taken|refused|role|password|disabled|done)\b")
"""How the codes of ours look that stand in subjects and outcomes."""


def list_recorded_kinds() -> set[str]:
    """`kind.action` of all that is recorded: the actions that the code names, and the branches of the view."""
    found = {f"period.{action.value}" for action in Action} | {
        f"decision.{code}" for code in (*DECISION_LABELS, "hold")
    }
    found |= {"exemption.exempt", "exemption.withdraw"}
    for path in (PROJECT_ROOT / "etl").rglob("*.py"):
        if "record_action" not in (source := path.read_text(encoding="utf-8")):
            continue
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "record_action":
                action = call.args[4]
                assert isinstance(action, ast.Constant), f"{path.name}: an action that cannot be read here"
                found.add(f"page.{action.value}")
    view = (PROJECT_ROOT / "sql" / "views" / "60_review.sql").read_text(encoding="utf-8")
    branches = view.partition("CREATE VIEW ops.audit_trail")[2]
    literals = re.findall(r"^SELECT [^']*'([a-z]+)', '([a-z-]+)'", branches, re.MULTILINE)
    assert len(literals) >= 8
    return found | {f"{kind}.{action}" for kind, action in literals}


def test_every_kind_that_is_recorded_has_words() -> None:
    recorded = list_recorded_kinds()
    assert recorded <= set(KINDS), "a new kind of action needs its Vietnamese words in etl/review/audit_words.py"
    assert set(KINDS) <= recorded, "words for what nothing records"
    assert all(not kind.name.isascii() and kind.group in GROUPS for kind in KINDS.values())


def test_every_kind_can_be_chosen_once() -> None:
    chosen = [code for _, _, kinds in list_kind_choices() for code, _ in kinds]
    names = [name for _, _, kinds in list_kind_choices() for _, name in kinds]
    assert len(names) == len(set(names))
    assert {code for one in chosen for code in read_kind_choice(one) or ()} == set(KINDS)
    assert {code for group in GROUPS for code in read_kind_choice(group) or ()} == set(KINDS)
    assert read_kind_choice("page.x") is None


def make_deed(code: str, subject: str | None = None, outcome: str | None = None) -> Deed:
    kind, _, action = code.partition(".")
    detail = ", ".join(part for part in (subject, outcome) if part) or None
    return Deed(
        datetime(2026, 6, 1, tzinfo=UTC), "a", kind, action, None, None, None, None, detail, None, subject, outcome, "k"
    )


@pytest.mark.parametrize(
    ("code", "subject", "outcome", "told"),
    [
        ("period.start", None, "under_review", ""),
        ("period.publish", None, "published #2", "lần công bố 2"),
        ("publication.freeze", None, "1234 figures, sha256 0fa3", "1.234 số liệu, mã kiểm tra 0fa3"),
        ("examination.reread", None, "generation 2", "lần kiểm tra thứ 2"),
        ("quarantine.discard", "arrival 17", None, "tệp đến số 17"),
        ("mute.mute", None, "until 2026-06-30 23:59", "đến 23:59 ngày 30/06/2026"),
        ("mute.acknowledge", None, "until 2026-06-30 08:00", "đến 08:00 ngày 30/06/2026"),
        ("page.log-in", None, "refused", "không thành công"),
        ("page.log-in", None, None, ""),
        ("page.remind", None, "2", "2 thư"),
        ("page.remind", None, "0", "thư hôm nay đã có, không gửi thêm"),
        ("page.explain", None, "3", "3 cảnh báo"),
        ("page.upload", None, "1 taken, 0 refused", "nhận 1 tệp"),
        ("page.upload", None, "2 taken, 1 refused", "nhận 2 tệp, không nhận 1 tệp"),
        ("page.account.add", "lan.nt", "reviewer", "tài khoản lan.nt: quyền người thẩm tra"),
        ("page.account.change", "lan, role", "role publisher, password, closed",
         "tài khoản lan, role: quyền người công bố, đặt lại mật khẩu, khóa tài khoản"),
        ("page.account.change", "lan.nt", "opened", "tài khoản lan.nt: mở lại tài khoản"),
        ("page.account.change", "lan.nt", None, "tài khoản lan.nt"),
        ("page.account.end-sessions", "lan.nt", "2", "tài khoản lan.nt: 2 phiên"),
        # What the table does not know is shown as it was recorded.
        ("page.remind", None, "nobody", "nobody"),
        ("page.new-thing", "a", "b", "a, b"),
    ],
)  # fmt: skip
def test_details_are_told_in_words(code: str, subject: str | None, outcome: str | None, told: str) -> None:
    assert tell_detail(make_deed(code, subject, outcome)) == told


def test_an_unknown_kind_is_named_by_its_code() -> None:
    assert name_deed(make_deed("page.new-thing")) == "page.new-thing"


# ---------------------------------------------------------------------------------------------------- the page


@pytest.fixture
def client(own_office: Office) -> TestClient:
    return log_in(create_app(own_office), "administrator")


def read_lines(client: TestClient, **query: str) -> list[str]:
    """The lines of the trail as they are read, without tags."""
    answer = client.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", row))).strip() for row in rows]


def test_what_the_pages_do_is_told_without_codes(own_office: Office, client: TestClient) -> None:
    context = own_office.context()
    excuse_unit(context, UNIT, REPORT, PERIOD, by="nguyen.van.a", why="Tạm nghỉ")
    csrf = read_token(client)
    made = {"login": "lan.nt", "name": "Lan", "role": "reader", "password": PASSWORD, "csrf": csrf}
    assert client.post("/accounts", data=made).status_code == 303
    seen = {"seen": next(one.changed_at for one in list_accounts(context) if one.login == "lan.nt").isoformat()}
    assert (
        client.post("/accounts/lan.nt", data={**seen, "role": "reviewer", "disabled": "true", "csrf": csrf}).status_code
        == 303
    )
    until = context.clock().astimezone(TIMEZONE).date() + timedelta(days=30)
    mute_form = {"unit": UNIT, "why": "Sáp nhập", "seen": "0", "csrf": csrf}
    assert client.post("/register/mutes", data={**mute_form, "until": until.isoformat()}).status_code == 303
    lift_form = {**mute_form, "why": "Đã xong", "seen": "1"}
    assert client.post("/register/mutes/lift", data=lift_form).status_code == 303
    end_sessions(context, "lan.nt", "command line")
    with context.engine.begin() as connection:
        subject = f"{KEY}/{UNIT}/1"
        record_action(connection, context.clock(), f"unit:{UNIT}", "unit", "explain", subject, "3")

    lines = read_lines(client)

    assert not [line for line in lines if CODES.search(line)]
    text = "\n".join(lines)
    for words in (
        "Thêm tài khoản Tài khoản lan.nt: quyền người xem",
        "Đổi tài khoản Tài khoản lan.nt: quyền người thẩm tra, khóa tài khoản",
        f"Ngừng nhắc Sở Nội vụ Đến 23:59 ngày {until:%d/%m/%Y} Sáp nhập",
        "Nhắc trở lại Sở Nội vụ Đã xong",
        "dòng lệnh Kết thúc các phiên đăng nhập Tài khoản lan.nt: 0 phiên",
        "đơn vị H14.SNV Đơn vị giải trình cảnh báo Sở Nội vụ 6 tháng đầu năm 2026 "
        "– Báo cáo kết quả phong trào thi đua 6 tháng lần nộp số 1 3 cảnh báo",
    ):
        assert words in text, f"{words}\n{text}"


def test_filters_narrow_by_kind_person_unit_period_and_day(own_office: Office, client: TestClient) -> None:
    context = own_office.context()
    excuse_unit(context, UNIT, REPORT, PERIOD, by="nguyen.van.a", why="Tạm nghỉ")
    log_in(create_app(own_office), "reviewer")
    now = context.clock()
    with context.engine.begin() as connection:
        taken = "1 taken, 0 refused"
        record_action(connection, now - timedelta(days=40), f"unit:{UNIT}", "unit", "upload", f"{KEY}/{UNIT}", taken)
    whole = read_lines(client)

    def only(words: str, **query: str) -> bool:
        lines = read_lines(client, **query)
        return 0 < len(lines) < len(whole) and all(words in line for line in lines)

    assert only("Đăng nhập", what="page.log-in")
    assert only("Miễn báo cáo Sở Nội vụ", what="exemption.exempt")
    assert {line.partition(LOGINS["reviewer"])[1] for line in read_lines(client, what="people")} == {
        LOGINS["reviewer"],
        "",
    }
    assert only(LOGINS["reviewer"], who=LOGINS["reviewer"])
    assert only("đơn vị H14.SNV Đơn vị nộp tệp", who=ANY_UNIT)
    assert only("Sở Nội vụ", unit="h14.snv")
    assert only("Sở Nội vụ", unit="sở nội")
    old = (now - timedelta(days=40)).date().isoformat()
    assert only("Đơn vị nộp tệp", until=(now - timedelta(days=30)).date().isoformat(), what="units")
    assert not any("Đơn vị nộp tệp" in line for line in read_lines(client, since=now.date().isoformat()))
    assert "Đăng nhập" not in "\n".join(read_lines(client, key=KEY))
    # Together they narrow further; nothing found is said so, and the way back is there.
    nothing = client.get("/audit", params={"what": "period.start", "since": old, "until": old})
    assert "Không có việc nào khớp với bộ lọc" in nothing.text and "Bỏ lọc" in nothing.text
    crossed = client.get("/audit", params={"since": now.date().isoformat(), "until": old})
    assert "Hãy chọn lại ngày" in crossed.text
    # What was chosen stays chosen.
    shown = client.get("/audit", params={"what": "page.log-in", "who": LOGINS["reviewer"], "unit": "", "key": ""}).text
    assert '<option value="page.log-in" selected>' in shown
    assert f'<option value="{LOGINS["reviewer"]}" selected>' in shown


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"key": "x:y"}, 404), ({"what": "x"}, 404), ({"since": "hôm qua"}, 422), ({"until": "2026-02-30"}, 422),
        ({"after": "x"}, 422), ({"after": "2026-01-01T00:00:00 k"}, 422), ({"unit": "không có đơn vị nào tên này"}, 200),
        ({"who": "không ai"}, 200), ({"since": "0001-01-01", "until": "9999-12-31"}, 200),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_for_is_said(live: str, client_of: object, query: dict[str, str], status: int) -> None:
    answer = client_of("reviewer").get("/audit", params=query)  # type: ignore[operator]
    assert answer.status_code == status
    assert "<h1>" in answer.text


@pytest.fixture
def crowd(own_office: Office) -> Iterator[list[str]]:
    """250 log-outs of people of one office, many of them in one instant; their logins, newest first."""
    context = own_office.context()
    now = context.clock()
    logins = [f"người {number:03}" for number in range(250)]
    with context.engine.begin() as connection:
        for number, login in enumerate(logins):
            record_action(connection, now + timedelta(seconds=number // 60), login, "reader", "log-out", "", "done")
    yield logins[::-1]


def test_the_pages_lose_and_repeat_nothing(own_office: Office, client: TestClient, crowd: list[str]) -> None:
    found: list[str] = []
    address, pages = "/audit?what=page.log-out", 0
    while True:
        text = client.get(address).text
        found += re.findall(r"<td class=\"raw\">(người \d+)</td>", text)
        pages += 1
        if pages == 1:  # what is recorded meanwhile moves nothing
            context = own_office.context()
            with context.engine.begin() as connection:
                later = context.clock() + timedelta(hours=1)
                record_action(connection, later, "người mới", "reader", "log-out", "", "done")
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        address = html.unescape(following[1])
        assert "Về việc mới nhất" in client.get(address).text
    assert found == crowd
    assert pages == 3


def test_a_period_leads_to_the_rest_of_its_trail(own_office: Office, client: TestClient) -> None:
    context = own_office.context()
    with context.engine.begin() as connection:
        for _ in range(60):
            record_action(connection, context.clock(), "a", "reader", "remind", f"{KEY}/{UNIT}", "1")

    text = client.get(f"/periods/{REPORT}/{PERIOD}").text

    assert text.partition("Nhật ký của kỳ")[2].count("Gửi thư nhắc") == 50
    assert "Xem toàn bộ nhật ký của kỳ" in text
    assert read_rows(client.get("/audit", params={"key": KEY}).text).count("Gửi thư nhắc") == 60


def test_the_trail_of_the_use_case(own_office: Office, crowd: list[str]) -> None:
    context = own_office.context()
    everything = read_audit(context)
    page = find_deeds(context, Sought(), most=len(everything))
    assert page.older is None
    assert sorted(page.deeds, key=lambda deed: (deed.at, deed.key)) == sorted(
        everything, key=lambda deed: (deed.at, deed.key)
    )
    assert len({(deed.at, deed.key) for deed in everything}) == len(everything)
    assert find_deeds(context, Sought(kinds=[]), most=5).deeds == []
    with pytest.raises(BadPlace):
        find_deeds(context, Sought(), after="2026-01-01 00:00")
    assert crowd[0] in list_people(context)


def test_a_change_of_an_account_says_what_changed(own_office: Office) -> None:
    context = own_office.context()
    login = LOGINS["reader"]
    change_account(context, login, "quan.tri", role="reviewer", password=PASSWORD, disabled=True)
    with context.engine.connect() as connection:
        query = sa.text("SELECT outcome FROM ops.action WHERE action = 'account.change'")
        assert connection.execute(query).scalars().all() == ["role reviewer, password, closed"]
