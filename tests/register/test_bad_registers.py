"""Every fault of a register folder is refused, with its file, its line and a reason; corrections and as-of reads."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from etl.calendar.deadlines import TIMEZONE
from etl.forms.library import read_forms
from etl.register.model import UnitType
from etl.register.obligations import build_obligations
from etl.register.read import COLUMNS, BadRegister, read_register
from etl.settings import PROJECT_ROOT

REC = "2025-12-01T08:00:00+07:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register"))


def append(folder: Path, name: str, *lines: str) -> int:
    """Adds lines to a file; the number of the last."""
    path = folder / name
    path.write_text(path.read_text("utf-8") + "".join(f"{line}\n" for line in lines), "utf-8")
    return len(path.read_text("utf-8").splitlines())


def replace(folder: Path, name: str, old: str, new: str) -> int:
    """Changes the first line that holds `old`; its number."""
    path = folder / name
    lines = path.read_text("utf-8").split("\n")
    places = [place for place, line in enumerate(lines) if old in line]
    assert places, f"{old!r} is on no line of {name}"
    lines[places[0]] = lines[places[0]].replace(old, new)
    path.write_text("\n".join(lines), "utf-8")
    return places[0] + 1


def refusal(folder: Path, **options: object) -> BadRegister:
    with pytest.raises(BadRegister) as caught:
        read_register(folder, **options)  # type: ignore[arg-type]
    return caught.value


APPENDED = [
    # a later row is the one told
    ("units.csv", f"H14.SNV,Sở Nội vụ mới,department,,2026-01-01,,,{REC}", "unit H14.SNV is already valid then"),
    ("units.csv", "H14.SNV,Sở Nội vụ,department,,2025-03-01,,,2025-12-01T08:00:00+07:00", "the same row as line"),
    ("units.csv", f"H14.A1,Đơn vị,department,,2026-02-30,,,{REC}", "valid_from '2026-02-30' is no date"),
    ("units.csv", f"H14.A1,Đơn vị,department,,20260201,,,{REC}", "is no date"),
    ("units.csv", f"H14.A1,Đơn vị,department,,,,,{REC}", "valid_from is empty"),
    ("units.csv", f"H14.A1,Đơn vị,department,,2026-02-01,2026-01-31,,{REC}", "valid_to 2026-01-31 is before"),
    ("units.csv", f"H14.A1,Đơn vị,huyện,,2026-02-01,,,{REC}", "unknown type 'huyện'"),
    ("units.csv", f"H14.A1,,department,,2026-02-01,,,{REC}", "name is empty"),
    ("units.csv", f"H14.A1,Đơn vị,department,H14.ZZ,2026-02-01,,,{REC}", "unknown parent 'H14.ZZ'"),
    ("units.csv", f"H14.A1,Đơn vị,department,H14.A1,2026-02-01,,,{REC}", "the parents of H14.A1 lead back to it"),
    ("units.csv", f"H14.A1,Đơn vị,department,H14.SNV,2020-02-01,,,{REC}", "parent H14.SNV does not exist all the time"),
    ("units.csv", f"H14-A1,Đơn vị,department,,2026-02-01,,,{REC}", "is not in the form of QĐ 20/2020"),
    ("units.csv", f"Z14.A1,Đơn vị,department,,2026-02-01,,,{REC}", "is not in the form of QĐ 20/2020"),
    ("units.csv", f"H14.{'A' * 32},Đơn vị,department,,2026-02-01,,,{REC}", "is not in the form of QĐ 20/2020"),
    ("units.csv", f"H37.A1,Đơn vị,department,,2026-02-01,,,{REC}", "does not open with the agency_prefix H14"),
    ("units.csv", f"H14.A1,{unicodedata.normalize('NFD', 'Đơn vị')},department,,2026-02-01,,,{REC}", "is not NFC"),
    ("units.csv", f"H14.A1,Đơn  vị,department,,2026-02-01,,,{REC}", "stray blanks"),
    ("units.csv", f"H14.A1,Đơn\u200b vị,department,,2026-02-01,,,{REC}", "invisible characters"),
    ("units.csv", "H14.A1,Đơn vị,department,,2026-02-01,,,2026-02-01T08:00:00", "is no instant"),
    ("units.csv", "H14.A1,Đơn vị,department,,2026-02-01,,,hôm qua", "is no instant"),
    ("units.csv", "H14.A1,Đơn vị", "2 cells where the header has 8"),
    ("units.csv", 'H14.A1,"Đơn" vị,department,,2026-02-01,,,', "is no CSV"),
    (
        "units.csv",
        f"H14.A1,Khối lạ,bloc,,2026-02-01,,,{REC}",
        "bloc H14.A1 needs exactly one leader on 2026-02-01: none",
    ),
    ("unit_aliases.csv", f"H14.ZZ,Sở gì đó,2026-01-01,,{REC}", "unknown unit 'H14.ZZ'"),
    ("unit_aliases.csv", f"H14.SNV,sở nv,2026-01-01,,{REC}", "alias H14.SNV sở nv is already valid then"),
    ("lineage.csv", f"H14.ZZ,H14.SNV,merge,2026-01-01,,,{REC}", "unknown unit 'H14.ZZ'"),
    ("lineage.csv", f"H14.STC,H14.SNV,hợp nhất,2026-01-01,,,{REC}", "unknown kind 'hợp nhất'"),
    ("lineage.csv", f"H14.STC,,merge,2026-01-01,,,{REC}", "a merge needs a successor"),
    ("lineage.csv", f"H14.STC,H14.SNV,merge,2020-01-01,,,{REC}", "successor H14.SNV does not exist on 2020-01-01"),
    ("lineage.csv", f"H14.STC,H14.SNV,split,2026-01-01,1.5,,{REC}", "share '1.5' is no part"),
    ("blocs.csv", f"H14.ZZ,H14.SNV,member,2026-01-01,,{REC}", "unknown bloc 'H14.ZZ'"),
    ("blocs.csv", f"H14.KHOI01,H14.ZZ,member,2026-01-01,,{REC}", "unknown unit 'H14.ZZ'"),
    ("blocs.csv", f"H14.STC,H14.SNV,member,2026-01-01,,{REC}", "H14.STC is no bloc"),
    ("blocs.csv", f"H14.KHOI01,H14.KHOI02,member,2026-01-01,,{REC}", "H14.KHOI02 is a bloc"),
    ("blocs.csv", f"H14.KHOI02,H14.SNV,member,2026-01-01,,{REC}", "membership of unit H14.SNV is already valid then"),
    ("blocs.csv", f"H14.KHOI02,H14.SNV,trưởng,2026-01-01,,{REC}", "unknown role 'trưởng'"),
    ("blocs.csv", f"H14.KHOI02,H14.STP,leader,2026-01-01,,{REC}", "needs exactly one leader on 2026-01-01"),
    (
        "awards.csv",
        f"BK_TINH,Bằng khen,ubnd_tinh,tap_the,3,,,F05.02.2,,,2026-01-01,,NĐ 152,{REC}",
        "award BK_TINH is already valid then",
    ),
    (
        "awards.csv",
        f"A_B,Cờ,ubnd_huyen,tap_the,3,,,F05.02.2,,,2026-01-01,,NĐ 152,{REC}",
        "unknown 'ubnd_huyen' in issuers",
    ),
    ("awards.csv", f"A_B,Cờ,,tap_the,3,,,F05.02.2,,,2026-01-01,,NĐ 152,{REC}", "issuers is empty"),
    ("awards.csv", f"A_B,Cờ,ubnd_tinh,tập thể,,,,,,,2026-01-01,,NĐ 152,{REC}", "unknown 'tập thể' in kinds"),
    ("awards.csv", f"A_B,Cờ,ubnd_tinh,tap_the,,,3,,,,2026-01-01,,NĐ 152,{REC}", "ca_nhan is not among the kinds"),
    (
        "awards.csv",
        f"A_B,Cờ,ubnd_tinh,tap_the,,,,,,F05.05.2,2026-01-01,,NĐ 152,{REC}",
        "ca_nhan is not among the kinds",
    ),
    ("awards.csv", f'A_B,Cờ,ubnd_tinh,tap_the,"1,5",,,,,,2026-01-01,,NĐ 152,{REC}', "'1,5' is no coefficient"),
    ("awards.csv", f"A_B,Cờ,ubnd_tinh,tap_the,0,,,,,,2026-01-01,,NĐ 152,{REC}", "'0' is no coefficient"),
    ("awards.csv", f"A_B,Cờ,ubnd_tinh,tap_the,8,,,F05-02,,,2026-01-01,,NĐ 152,{REC}", "'F05-02' is no cell"),
    ("awards.csv", f"a b,Cờ,ubnd_tinh,tap_the,8,,,,,,2026-01-01,,NĐ 152,{REC}", "award code 'a b'"),
    ("awards.csv", f"A_B,Cờ,ubnd_tinh,tap_the,8,,,,,,2026-01-01,,,{REC}", "legal_basis is empty"),
    (
        "awards.csv",
        f"A_B,Cờ,ubnd_tinh|co_quan_dang,tap_the,,,,,,,2026-01-01,,NĐ 152,{REC}",
        "the Party grants no awards",
    ),
    ("awards.csv", f"A_B,Cờ,co_quan_dang,tap_the,8,,,,,,2026-01-01,,QĐ,{REC}", "counted and paid nowhere here"),
    ("base_salary.csv", f"2.530.000,2027-07-01,NĐ,{REC}", "amount '2.530.000' is no sum in đồng"),
    ("base_salary.csv", f"0,2027-07-01,NĐ,{REC}", "amount '0' is no sum in đồng"),
    ("base_salary.csv", f"2700000,,NĐ,{REC}", "valid_from is empty"),
    ("base_salary.csv", f"2700000,2024-07-01,NĐ,{REC}", "the same row as line 2"),
    ("movements.csv", f"ABC,Phong trào,province,H14.ZZ,drive,2026-01-01,,,{REC}", "unknown unit 'H14.ZZ'"),
    ("movements.csv", f"abc,Phong trào,province,H14.SNV,drive,2026-01-01,,,{REC}", "movement code 'abc'"),
    (
        "movements.csv",
        f"NTM,Phong trào,province,H14.SNV,drive,2026-01-01,,,{REC}",
        "movement NTM is already valid then",
    ),
    ("movements.csv", f"ABC,Phong trào,huyện,H14.SNV,drive,2026-01-01,,,{REC}", "unknown level 'huyện'"),
    ("movement_aliases.csv", f"ABC,Tên khác,2026-01-01,,{REC}", "unknown movement 'ABC'"),
    ("movement_aliases.csv", f"VNN,Thi đua học tập suốt đời,2026-01-01,,{REC}", "already names movement XHHT"),
    ("indicators.csv", f"ABC,ABC01,Số gì,xã,sum,no,*,2026-01-01,,{REC}", "unknown movement 'ABC'"),
    ("indicators.csv", f"NTM,NTM09,Số gì,,sum,no,*,2026-01-01,,{REC}", "unit_of_measure is empty"),
    ("indicators.csv", f"NTM,NTM09,Số gì,xã,trung bình,no,*,2026-01-01,,{REC}", "unknown aggregation"),
    ("indicators.csv", f"NTM,NTM09,Số gì,xã,sum,có,*,2026-01-01,,{REC}", "write yes or no"),
    ("indicators.csv", f"NTM,NTM09,Số gì,xã,sum,no,commune|xã,2026-01-01,,{REC}", "unknown unit type 'xã'"),
    ("indicators.csv", f"NTM,NTM01,Số gì,xã,sum,no,*,2026-01-01,,{REC}", "indicator NTM NTM01 is already valid then"),
    ("indicators.csv", f"NTM,DVTG,Số gì,xã,sum,no,*,2026-01-01,,{REC}", "already one of every movement"),
    ("calendar.csv", f"2026-13-01,no,Nghỉ,{REC}", "date '2026-13-01' is no date"),
    ("calendar.csv", f"2026-01-02,yes,Làm bù,{REC}", "the same row as line 2"),
    ("calendar.csv", f"2027-01-02,,Làm bù,{REC}", "working is empty"),
    ("exemptions.csv", f"H14.ZZ,movements-half,2026-S1,Lý do,{REC}", "unknown unit 'H14.ZZ'"),
    ("exemptions.csv", f"H14.SNV,movements,2026-S1,Lý do,{REC}", "unknown report 'movements'"),
    ("exemptions.csv", f"H14.SNV,movements-half,2026-A1,Lý do,{REC}", "owed by half: 2026-A1 is a year period"),
    ("exemptions.csv", f"H14.SNV,movements-half,2026-S3,Lý do,{REC}", "'2026-S3' is no period"),
    ("exemptions.csv", f"H14.SNV,movements-half,2026-S1,,{REC}", "reason is empty"),
    ("calendar.csv", f"1890-01-02,no,Nghỉ,{REC}", "the holidays of 1890 are not known"),
    ("calendar.csv", f"2027-01-02,yes,Làm bù cho ngày 30/02/2027,{REC}", "30/02/2027, a day that does not exist"),
    ("calendar.csv", f"2027-01-02,yes,Làm bù cho thứ Hai ngày 05/01/2027,{REC}", "a thứ Hai: it is a thứ Ba"),
    (
        "calendar.csv",
        f"2027-01-02,yes,Làm bù cho thứ Ba ngày 05/01/2027,{REC}",
        "swapped with 2027-01-05, but both are",
    ),
]


@pytest.mark.parametrize(("name", "row", "reason"), APPENDED)
def test_a_bad_row_is_refused_at_its_line(folder: Path, name: str, row: str, reason: str) -> None:
    line = append(folder, name, row)
    problems = refusal(folder).problems
    assert {(problem.file, problem.line) for problem in problems} == {(name, line)}, [str(found) for found in problems]
    assert any(reason in problem.reason for problem in problems), [str(found) for found in problems]


CHANGED = [
    ("units.csv", "code,name,type,parent", "code,name,type,cha", ["missing column parent", "unknown column 'cha'"]),
    ("register.yaml", "province_code: ", "province: ", ["Field required", "Extra inputs are not permitted"]),
    ("register.yaml", "standing_office_unit: H14.SNV", "standing_office_unit: H14.ZZ", ["unknown unit 'H14.ZZ'"]),
    ("register.yaml", "highest_score: 100", "highest_score: 0", ["greater than 0"]),
    ("register.yaml", "certificate_ranks: 3", "certificate_ranks: 0", ["greater than 0"]),
    ("register.yaml", "flag_ranks: 1", "flag_ranks: 4", ["at least flag_ranks"]),
    ("register.yaml", "simulated: true", "simulated: maybe", ["valid boolean"]),
    ("register.yaml", "recorded_at: 2025-12-01T08:00:00+07:00", "recorded_at: 2025-12-01T08:00:00", ["timezone"]),
    ("reports.yaml", "days: 2", "days: 0", ["leaves no working day after the cut-off"]),
    ("reports.yaml", "days: 4", "days: four", ["valid integer"]),
    ("reports.yaml", "day: 25", "day: 14", ["leaves no working day after the cut-off"]),
    ("reports.yaml", "day: 25", "days: 25", ["fixed_date takes a `day`"]),
    ("reports.yaml", "clock: admin", "clock: lunar", ["admin"]),
    ("reports.yaml", "frequency: half", "frequency: weekly", ["half"]),
    ("reports.yaml", 'F03: {"*": mandatory}', "F03: {bloc: mandatory}", ["says nothing of commune, ward"]),
    ("reports.yaml", 'F03: {"*": mandatory}', 'F03: {"*": required}', ["mandatory"]),
    ("reports.yaml", 'F03: {"*": mandatory}', 'F03: {"*": mandatory, huyện: optional}', ["unknown unit type 'huyện'"]),
    ("reports.yaml", 'F03: {"*": mandatory}', 'F3: {"*": mandatory}', ["pattern"]),
    ("reports.yaml", "code: statistics-year", "code: movements-half", ["the same row as line 5"]),
    ("reports.yaml", "day: 25, operator: no_later_than}", "day: 25, operator: no_later_than", ["no YAML"]),
]


@pytest.mark.parametrize(("name", "old", "new", "reasons"), CHANGED)
def test_a_bad_declaration_is_refused_at_its_line(
    folder: Path, name: str, old: str, new: str, reasons: list[str]
) -> None:
    line = replace(folder, name, old, new)
    problems = [problem for problem in refusal(folder).problems if problem.file == name]
    for reason in reasons:
        assert any(reason in problem.reason for problem in problems), [str(problem) for problem in problems]
    # A missing key is told at the mapping's first line, a bad rule at its list, anything else at the line itself.
    assert any(abs(problem.line - line) <= 5 for problem in problems), [str(found) for found in problems]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    frequency: half", "    frequency: half\n    frequency: year", "key 'frequency' twice"),
        ("    valid_from: 2025-12-15", "    valid_from: 2025-02-30", "valid_from"),
        ("    valid_from: 2025-12-15", "    valid_from: 2025-12-15\n    valid_to: 2025-06-30", "is before valid_from"),
        ('      - unit_types: ["*"]', "      - unit_types: [department]", "no due rule for party, front"),
        ('      - unit_types: ["*"]', "      - unit_types: [ward]", "two due rules for ward"),
        (
            "    frequency: half",
            "    frequency: half\n    one_off_periods: {2026-X-dot: [2026-03-02, 2026-03-01]}",
            "ends on 2026-03-01 before",
        ),
        (
            "    frequency: half",
            "    frequency: half\n    one_off_periods: {2026-S1: [2026-03-01, 2026-03-02]}",
            "2026-S1 is no one-off period code",
        ),
    ],
)
def test_faults_inside_the_first_report(folder: Path, old: str, new: str, reason: str) -> None:
    path = folder / "reports.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    problems = refusal(folder).problems
    assert any(reason in problem.reason and problem.file == "reports.yaml" for problem in problems)


def test_an_early_due_rule_is_told_at_the_rules(folder: Path) -> None:
    line = replace(folder, "reports.yaml", "days: 2", "days: 0")
    (problem,) = refusal(folder).problems
    lines = (folder / "reports.yaml").read_text("utf-8").splitlines()
    assert lines[problem.line - 1].strip() == "due:"
    assert problem.line < line


def test_unknown_forms_are_refused_only_when_the_forms_are_known(folder: Path) -> None:
    line = replace(folder, "reports.yaml", "F07:", "F99:")
    assert read_register(folder).report("movements-half").forms[-1].code == "F99"
    (problem,) = refusal(folder, known_forms=set(read_forms())).problems
    assert (problem.line, problem.reason) == (line, "movements-half: unknown form F99")


def test_cycles_over_two_rows(folder: Path) -> None:
    replace(folder, "units.csv", "Sở Nội vụ,department,", "Sở Nội vụ,department,H14.STC")
    replace(folder, "units.csv", "Sở Tài chính,department,", "Sở Tài chính,department,H14.SNV")
    last = append(
        folder,
        "lineage.csv",
        f"H14.SNV,H14.STC,merge,2026-01-01,,,{REC}",
        f"H14.STC,H14.SNV,merge,2026-01-01,,,{REC}",
    )
    problems = refusal(folder).problems
    assert [problem.file for problem in problems] == ["lineage.csv"] * 2 + ["units.csv"] * 2
    assert [problem.line for problem in problems[:2]] == [last - 1, last]
    assert all("lead back to it" in problem.reason for problem in problems)


def test_a_code_may_succeed_itself(folder: Path) -> None:
    before = read_register(folder)
    append(folder, "units.csv", f"H14.TEN,Trung tâm Cũ,public_service,,2025-07-01,2025-12-31,,{REC}")
    append(folder, "units.csv", f"H14.TEN,Trung tâm Mới,public_service,,2026-01-01,,,{REC}")
    append(folder, "lineage.csv", f"H14.TEN,H14.TEN,rename,2026-01-01,,,{REC}")
    assert len(read_register(folder).lineage) == len(before.lineage) + 1


LIFE = (
    f"H14.A,Trung tâm A,public_service,,2025-07-01,2025-12-31,,{REC}",
    f"H14.B,Trung tâm B,public_service,,2026-01-01,,,{REC}",
    f"H14.C,Trung tâm C,public_service,,2025-07-01,,,{REC}",
)
"""A ended on the last day of 2025, B began on the day after, C was there before and goes on."""


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(["H14.A,H14.B,merge,2026-01-01,,"], id="merge"),
        pytest.param(["H14.A,H14.B,rename,2026-01-01,,"], id="rename"),
        pytest.param(["H14.A,H14.C,absorb,2026-01-01,,"], id="absorb"),
        pytest.param(["H14.A,,abolish,2026-01-01,,"], id="abolish"),
        pytest.param(["H14.A,H14.B,split,2026-01-01,0.6,", "H14.A,H14.C,split,2026-01-01,0.4,"], id="split"),
        pytest.param(["H14.C,H14.B,split,2026-01-01,0.25,"], id="a part of what goes on"),
        pytest.param(["H14.A,H14.B,split,2026-01-01,,", "H14.A,,abolish,2026-01-01,,"], id="the rest abolished"),
    ],
)
def test_what_may_become_of_a_unit(folder: Path, rows: list[str]) -> None:
    append(folder, "units.csv", *LIFE)
    append(folder, "lineage.csv", *(f"{row},{REC}" for row in rows))
    assert len(read_register(folder).lineage) > len(rows)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["H14.A,H14.B,absorb,2026-01-01,,"], "H14.B is new: write merge or rename, not absorb"),
        (["H14.A,H14.C,merge,2026-01-01,,"], "H14.C stood before: write absorb, not merge"),
        (["H14.A,H14.B,abolish,2026-01-01,,"], "an abolish has no successor"),
        (["H14.A,,split,2026-01-01,,"], "a split needs a successor"),
        (["H14.A,H14.B,merge,2025-12-01,,"], "successor H14.B does not exist on 2025-12-01"),
        (["H14.A,H14.C,absorb,2025-12-01,,"], "H14.A still exists on 2025-12-01"),
        (["H14.A,H14.C,absorb,2026-03-01,,"], "H14.A does not exist on the day before 2026-03-01"),
        (["H14.B,H14.C,absorb,2026-01-01,,"], "H14.B does not exist on the day before 2026-01-01"),
        (["H14.C,,abolish,2026-01-01,,"], "H14.C still exists on 2026-01-01"),
        (["H14.C,H14.C,rename,2026-01-01,,"], "H14.C has no validity that begins on 2026-01-01"),
        (["H14.A,H14.B,merge,2026-02-30,,"], "valid_from '2026-02-30' is no date"),
        (["H14.A,H14.B,split,2026-01-01,0.6,", "H14.A,H14.C,split,2026-01-01,0.5,"], "shares of H14.A on 2026-01-01"),
        (["H14.A,H14.C,absorb,2026-01-01,,", "H14.A,H14.B,rename,2026-01-01,,"], "a rename joins one unit to one"),
        (["H14.A,H14.B,merge,2026-01-01,,", "H14.A,H14.B,merge,2026-01-01,,"], "the same row as line"),
    ],
)
def test_what_cannot_have_become_of_a_unit(folder: Path, rows: list[str], reason: str) -> None:
    append(folder, "units.csv", *LIFE)
    line = append(folder, "lineage.csv", *(f"{row},{REC}" for row in rows))
    (problem,) = refusal(folder).problems
    assert (problem.file, problem.line) == ("lineage.csv", line)
    assert reason in problem.reason


def test_a_bloc_without_a_leader_for_a_time(folder: Path) -> None:
    replace(
        folder,
        "blocs.csv",
        "H14.KHOI05,H14.BNC,leader,2025-07-01,,",
        "H14.KHOI05,H14.BNC,leader,2025-07-01,2026-03-31,",
    )
    (problem,) = refusal(folder).problems
    assert problem.file == "blocs.csv"
    assert "needs exactly one leader on 2026-04-01: none" in problem.reason


def test_a_bloc_without_a_deputy_for_a_time(folder: Path) -> None:
    line = replace(
        folder,
        "blocs.csv",
        "H14.KHOI01,H14.SNV,deputy,2025-07-01,,",
        "H14.KHOI01,H14.SNV,deputy,2025-07-01,2026-03-31,",
    )
    (problem,) = refusal(folder).problems
    assert (problem.file, problem.line) == ("blocs.csv", line - 1)
    assert "bloc H14.KHOI01 needs a deputy on 2026-04-01" in problem.reason


def test_cells_of_awards_are_in_forms_that_exist(folder: Path) -> None:
    line = append(folder, "awards.csv", f"A_B,Cờ,ubnd_tinh,tap_the,8,,,F99.01.1,,,2026-01-01,,NĐ 152,{REC}")
    assert read_register(folder).award_on("A_B", date(2026, 1, 1)) is not None
    (problem,) = refusal(folder, known_forms=set(read_forms())).problems
    assert (problem.file, problem.line, problem.reason) == ("awards.csv", line, "award A_B: unknown form F99")


def test_a_register_without_scoring_has_the_usual_one(folder: Path) -> None:
    path = folder / "register.yaml"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("bloc_scoring:")], "utf-8")
    scoring = read_register(folder).province.scoring
    assert (scoring.highest_score, scoring.flag_ranks, scoring.certificate_ranks) == (100, 1, 3)


def test_all_problems_are_told_at_once(folder: Path) -> None:
    append(folder, "units.csv", f"H14.A1,Đơn vị,huyện,,2026-02-30,,,{REC}")
    append(folder, "calendar.csv", f"2027-01-02,maybe,Làm bù,{REC}")
    replace(folder, "reports.yaml", "days: 2", "days: 2\n        hours: 3")
    (folder / "exemptions.csv").unlink()
    append(folder, "indicators.csv", f"ABC,ABC01,Số gì,xã,sum,no,*,2026-01-01,,{REC}")
    refused = refusal(folder)
    assert [problem.file for problem in refused.problems] == [
        *("calendar.csv", "exemptions.csv", "indicators.csv", "reports.yaml", "units.csv", "units.csv"),
    ]
    for problem in refused.problems:
        assert f"{problem.file}:{problem.line}: {problem.reason}" in str(refused)


def test_a_file_in_another_encoding_is_refused_at_the_line(folder: Path) -> None:
    path = folder / "movements.csv"
    lines = path.read_text("utf-8").splitlines()
    raw = [line.encode("utf-8") for line in lines]
    raw[3] = lines[3].encode("utf-16-le")
    path.write_bytes(b"\n".join(raw))
    problem = refusal(folder).problems[0]
    assert (problem.file, problem.line) == ("movements.csv", 4)


@pytest.mark.parametrize("change", [lambda raw: b"\xef\xbb\xbf" + raw, lambda raw: raw.replace(b"\n", b"\r\n")])
def test_what_spreadsheet_programs_add_is_no_fault(folder: Path, change: Callable[[bytes], bytes]) -> None:
    plain = read_register(folder)
    for name in COLUMNS:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
    assert read_register(folder) == plain


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (problem,) = refusal(tmp_path).problems
    assert problem.file == "register.yaml"


def test_a_later_row_corrects_an_earlier_one_and_as_of_reads_do_not_see_it(folder: Path) -> None:
    append(
        folder,
        "units.csv",
        "H14.DN01,Công ty TNHH Xây dựng Mẫu số 01,enterprise,,2025-07-01,2026-03-31,,2026-04-02T09:00:00+07:00",
    )
    replace(
        folder,
        "blocs.csv",
        "H14.KHOI13,H14.DN01,leader,2025-07-01,,",
        "H14.KHOI13,H14.DN01,leader,2025-07-01,2026-03-31,",
    )
    replace(
        folder,
        "blocs.csv",
        "H14.KHOI13,H14.DN02,deputy,2025-07-01,,",
        "H14.KHOI13,H14.DN02,deputy,2025-07-01,2026-03-31,",
    )
    replace(
        folder,
        "blocs.csv",
        "H14.KHOI13,H14.DN03,member,2025-07-01,,",
        "H14.KHOI13,H14.DN03,member,2025-07-01,2026-03-31,",
    )
    append(folder, "blocs.csv", f"H14.KHOI13,H14.DN02,leader,2026-04-01,,{REC}")
    append(folder, "blocs.csv", f"H14.KHOI13,H14.DN03,deputy,2026-04-01,,{REC}")
    now = read_register(folder)
    assert now.unit_at("H14.DN01", date(2026, 4, 1)) is None
    assert len(now.units_on(date(2026, 4, 1))) == 177
    before = read_register(folder, recorded_by=datetime(2026, 4, 1, tzinfo=TIMEZONE))
    assert before.unit_at("H14.DN01", date(2026, 4, 1)) is not None
    assert before.exemptions == ()
    assert [movement.code for movement in before.movements][:2] == ["DMST", "DNTN"]


def test_who_owes_when_units_come_and_go(folder: Path) -> None:
    """Abolished, founded, renamed and re-typed within the window; gone before it; founded after it."""
    append(
        folder,
        "units.csv",
        f"H14.CU,Trung tâm Cũ,public_service,,2025-07-01,2025-12-14,,{REC}",
        f"H14.DO,Trung tâm Dở,public_service,,2025-07-01,2025-12-15,,{REC}",
        f"H14.MOI,Trung tâm Mới,public_service,,2026-06-14,,,{REC}",
        f"H14.SAU,Trung tâm Sau,public_service,,2026-06-15,,,{REC}",
        f"H14.TEN,Trung tâm Tên cũ,public_service,,2025-07-01,2026-01-31,,{REC}",
        f"H14.TEN,Đặc khu Tên mới,special_zone,,2026-02-01,,,{REC}",
    )
    owed = {row.unit.code: row for row in build_obligations(read_register(folder), "movements-half", "2026-S1")}
    assert len(owed) == 181
    assert "H14.CU" not in owed
    assert "H14.SAU" not in owed
    assert (owed["H14.DO"].owed_from, owed["H14.DO"].owed_to) == (date(2025, 12, 15), date(2025, 12, 15))
    assert owed["H14.MOI"].owed_from == owed["H14.MOI"].owed_to == date(2026, 6, 14)
    renamed = owed["H14.TEN"]
    assert (renamed.unit.name, renamed.unit.type) == ("Đặc khu Tên mới", UnitType.SPECIAL_ZONE)
    assert (renamed.owed_from, renamed.owed_to, renamed.due_at.date()) == (
        *(date(2025, 12, 15), date(2026, 6, 14), date(2026, 6, 16)),
    )


def test_one_off_periods_are_owed_too(folder: Path) -> None:
    replace(
        folder,
        "reports.yaml",
        "    legal_basis: Nghị định 09/2019/NĐ-CP, Điều 12",
        "    legal_basis: Nghị định 09/2019/NĐ-CP\n    one_off_periods: {2026-X-bau-cu: [2026-02-01, 2026-03-31]}",
    )
    owed = build_obligations(read_register(folder), "movements-half", "2026-X-bau-cu")
    assert len(owed) == 178
    assert {row.due_at.date() for row in owed} == {date(2026, 4, 2), date(2026, 4, 3)}


ONE_OFF = "    one_off_periods:\n      2026-X-bau-cu: {start: 2026-02-01, end: 2026-03-31, due: %s}"


def add_one_off(folder: Path, due: str) -> None:
    line = "    legal_basis: Nghị định 09/2019/NĐ-CP, Điều 12"
    replace(folder, "reports.yaml", line, f"{line}\n{ONE_OFF % due}")


def test_a_one_off_period_may_have_a_due_instant_of_its_own(folder: Path) -> None:
    add_one_off(folder, "2026-04-06T17:00:00+07:00")
    register = read_register(folder)
    owed = build_obligations(register, "movements-half", "2026-X-bau-cu")
    assert {row.due_at.isoformat() for row in owed} == {"2026-04-06T17:00:00+07:00"}
    regular = build_obligations(register, "movements-half", "2026-S1")
    assert {row.due_at.date() for row in regular} == {date(2026, 6, 16), date(2026, 6, 17)}


@pytest.mark.parametrize(
    ("due", "reason"),
    [("2026-03-31T17:00:00+07:00", "not after its window ends on 2026-03-31"), ("2026-04-06T17:00:00", "timezone")],
)
def test_a_due_instant_of_its_own_that_cannot_be(folder: Path, due: str, reason: str) -> None:
    add_one_off(folder, due)
    problems = refusal(folder).problems
    assert any(problem.file == "reports.yaml" and reason in problem.reason for problem in problems)


WITHDRAWN = "unit,report,period,reason,withdrawn,recorded_at"


def with_withdrawals(folder: Path, *rows: str) -> int:
    """Gives exemptions.csv the column `withdrawn`, empty in its rows, and adds rows."""
    path = folder / "exemptions.csv"
    first, *lines = path.read_text("utf-8").splitlines()
    assert first == "unit,report,period,reason,recorded_at"
    old = [",,".join(line.rsplit(",", 1)) for line in lines]
    path.write_text("".join(f"{line}\n" for line in [WITHDRAWN, *old, *rows]), "utf-8")
    return len(old) + len(rows) + 1


def test_an_exemption_is_ended_by_a_later_row(folder: Path) -> None:
    with_withdrawals(folder, "H14.DN17,movements-half,2026-S1,Hoạt động trở lại,yes,2026-06-05T08:00:00+07:00")
    register = read_register(folder)
    assert register.exemption("H14.DN17", "movements-half", "2026-S1") is None
    assert register.exemption("H14.DN36", "movements-half", "2026-S1") is not None
    then = read_register(folder, recorded_by=datetime(2026, 6, 4, tzinfo=TIMEZONE))
    assert then.exemption("H14.DN17", "movements-half", "2026-S1") is not None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("H14.SNV,movements-half,2026-S1,Nhầm mã,yes,2026-06-05T08:00:00+07:00", "no line above grants"),
        ("H14.DN17,movements-half,2026-S1,Lý do,thôi,2026-06-05T08:00:00+07:00", "write yes or no"),
    ],
)
def test_a_withdrawal_that_ends_nothing_is_refused(folder: Path, row: str, reason: str) -> None:
    line = with_withdrawals(folder, row)
    (problem,) = refusal(folder).problems
    assert (problem.file, problem.line) == ("exemptions.csv", line)
    assert reason in problem.reason
