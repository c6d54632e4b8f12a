"""What units, their files and the register say is shown and never obeyed: no script, no formula, no page burst by a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from browsing import PHONE, visit
from openpyxl import load_workbook
from reviewed_office import PERIOD, REPORT, Reviewed, copy_reviewed, log_in, serve

from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.board import read_board
from etl.usecases.export import export_workbook
from etl.usecases.ingest import ingest
from etl.usecases.register_change import apply_change
from etl.usecases.review import decide_submission
from etl.usecases.unit_links import make_token
from etl.warehouse.server import ServerInfo
from tests.golden.sender import Sending, add_sheet, make_sending, write

KEY = f"{REPORT}:{PERIOD}"
IMAGE = '"><img src=x onerror=window.pwned=1>'
SCRIPT = "<script>window.pwned=1</script>"
FORMULA = "=cmd|' /C calc'!A0"
TEMPLATE = "{{7*7}}${7*7}"
TURNED = "\u202eđảo\u2066ngược\u200bẩn\u2028dòng"
LONG = "W" * 500
TEXTS = (IMAGE, SCRIPT, FORMULA, "@SUM(A1)", "+1+1", TEMPLATE, TURNED, LONG, "javascript:window.pwned=1", "a\tb\u0085c")
FILE = f"{IMAGE} {TURNED.replace(chr(0x2028), '')} {TEMPLATE}.xlsx"


@dataclass(frozen=True)
class Hostile:
    """A province with such texts in cells, names of sheets and files, reasons, the register. `paths`: pages that show them."""

    office: Office
    paths: list[str]
    unit_path: str


def _poison(sending: Sending) -> None:
    """Texts beside the table, where a name or a number belongs, and as a sheet's name."""
    for place, text in enumerate(TEXTS):
        write("F03", 40 + place, 1, text)(sending)
    for row, text in (("11", SCRIPT), ("12", IMAGE), ("13", FORMULA)):
        sending.field("F00", row, text)
    add_sheet('"><img src=x onerror=a()>')(sending)


@pytest.fixture(scope="module")
def hostile(
    server: ServerInfo, pristine: tuple[Reviewed, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    province = copy_reviewed(server, *pristine, folder / "province")
    office = Office(lambda: province.settings)
    context = office.context()
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    unit = next(line.unit for line in lines if line.unit_type == "department")
    inbox = folder / "hộp thư"
    inbox.mkdir()

    def break_numbers(sending: Sending) -> None:
        for row, text in (
            ("02", IMAGE),
            ("03", SCRIPT),
            ("04", FORMULA),
            ("05", LONG),
            ("07", TURNED),
            ("08", TEMPLATE),
        ):
            sending.put("F05", row, "2", text)

    # Loaded one after the other: the first is accepted, the second is the newest and full of findings.
    for name, edits in (("sạch.xlsx", (_poison,)), (FILE, (_poison, break_numbers))):
        (inbox / name).write_bytes(make_sending(*edits, unit=unit).to_bytes())
        ingest(context, [inbox], None)
    changed = folder / "register"
    _rename_unit(Path(province.settings.register), changed, unit, f"Sở {IMAGE} {SCRIPT} {TEMPLATE} {'M' * 120}")
    apply_change(context, changed, by=f"người {SCRIPT}", why=f"{IMAGE} {LONG} {FORMULA}")
    context = office.context()
    with context.engine.connect() as connection:
        numbers = list(
            connection.execute(
                sa.text("SELECT id FROM core.submission WHERE unit = :unit ORDER BY id DESC LIMIT 2"), {"unit": unit}
            ).scalars()
        )
    decide_submission(context, numbers[1], "return", by="reviewer@vp", why="\n".join((SCRIPT, IMAGE, LONG, TURNED)))
    sheets = ("", "F03 Kết quả phong trào", "F05 Khen thưởng cấp tỉnh", '"><img src=x onerror=a()>')
    paths = [
        f"/board?key={KEY}",
        f"/board?key={KEY}&text={quote(IMAGE)}",
        f"/board/{REPORT}/{PERIOD}/{unit}",
        f"/submissions?key={KEY}",
        f"/submissions?key={KEY}&unit={unit}",
        *(f"/submissions/{number}?sheet={quote(sheet)}&cell=D10" for number in numbers for sheet in sheets),
        *(
            f"/tables/{mart}?key={KEY}"
            for mart in ("board", "findings", "quality", "movement_units", "structure_units")
        ),
        f"/figure?id={KEY}/F05/02/F05.02.2",
        "/quarantine",
        f"/register?text={quote(SCRIPT)}",
        "/register",
        "/audit",
        f"/periods/{REPORT}/{PERIOD}",
        f"/links/{REPORT}/{PERIOD}/{unit}",
    ]
    ago = office.context().register.period(REPORT, PERIOD).end
    late = Office(
        lambda: province.settings, clock=lambda: context.clock().replace(year=ago.year, month=ago.month, day=28)
    )
    yield Hostile(late, paths, f"/u/{make_token(context, unit, REPORT, PERIOD, context.clock())}")
    late.close()
    office.close()


def _rename_unit(source: Path, target: Path, unit: str, name: str) -> None:
    import csv
    import shutil

    shutil.copytree(source, target)
    with (target / "units.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows, columns = list(reader), list(reader.fieldnames or ())
    for row in rows:
        if row["code"] == unit and not row["valid_to"]:
            row["name"] = name
    with (target / "units.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)


def test_no_page_obeys_stored_text_or_is_burst_by_it(hostile: Hostile, browser: Any, screens: Path) -> None:
    with serve(create_app(hostile.office)) as address, visit(browser, address) as desk:
        dialogs: list[str] = []
        desk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        desk.log_in("administrator")
        seen = ""
        for path in [*hostile.paths, hostile.unit_path]:
            page = desk.open(path)
            assert page.evaluate("window.pwned") is None, path
            assert page.locator("main img, main script, main iframe").count() == 0, path
            assert page.evaluate("[...document.querySelectorAll('a')].every(a => !a.href.startsWith('javascript:'))")
            for width in (PHONE[0], 1280):
                page.set_viewport_size({"width": width, "height": 800})
                assert desk.measure_overflow() <= 0, f"{path} at {width}"
            seen += page.locator("main").inner_text()
        assert desk.complaints == []  # the policy had nothing to stop
        assert dialogs == []
        for text in (SCRIPT, IMAGE, FORMULA, TEMPLATE, LONG):
            assert text in seen.replace("\n", ""), text[:30]
        raw = desk.open(hostile.paths[4]).locator(".raw").first
        assert raw.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
        desk.shoot(screens, "40-van-ban-la")


def test_files_that_are_taken_away_have_no_live_formula(hostile: Hostile, tmp_path: Path) -> None:
    context = hostile.office.context()
    official = export_workbook(context, REPORT, PERIOD, tmp_path / "tổng hợp.xlsx", datetime.now(UTC))
    stored = [cell.value for sheet in load_workbook(official) for row in sheet.iter_rows() for cell in row]
    formulas = [value for value in stored if isinstance(value, str) and value.startswith("=")]
    # Our own sums may be formulas; nothing that a unit wrote is in one.
    assert not [one for one in formulas if any(text in one for text in ("cmd", "script", "SUM(A1)", "img", "7*7"))]
    assert any(isinstance(value, str) and SCRIPT in value for value in stored)
    client = log_in(create_app(hostile.office), "administrator")
    texts: list[str] = []
    for mart in ("board", "findings", "quality", "movement_units", "structure_units"):
        answer = client.get(f"/tables/{mart}/file", params={"key": KEY})
        assert answer.status_code == 200, mart
        for sheet in load_workbook(BytesIO(answer.content)).worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", f"{mart} {cell.coordinate}"
                    assert cell.hyperlink is None
                    texts += [cell.value] if isinstance(cell.value, str) else []
    assert any(SCRIPT in text for text in texts)  # they are there, as words
    number = hostile.paths[5].partition("/submissions/")[2].partition("?")[0]
    original = client.get(f"/submissions/{number}/original")
    header = original.headers["content-disposition"]
    assert header.isascii() and "\n" not in header and header.startswith("attachment;")
    assert '"' not in header.partition('filename="')[2].partition('"; ')[0]
