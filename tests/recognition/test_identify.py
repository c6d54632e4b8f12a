"""Whose file it is: metadata, envelope, title, channel, file name, in this order; a file name alone decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from etl.calendar.periods import PeriodKind
from etl.recognition.identity import Identity, identify, read_metadata
from etl.recognition.tables import find_forms
from etl.register.model import Lineage, LineageKind, Register
from tests.golden.make_cases import put
from tests.golden.sender import (
    COMMUNE,
    DEPARTMENT,
    HALF_YEAR,
    PERIOD,
    Edit,
    Sending,
    as_read,
    drop_sheet,
    make_sending,
    read_knowledge,
    without_metadata,
    write,
)

FORMS = ("F00", "F03", "F05", "F07")
Known = tuple[str | None, str | None, str | None]


def who(
    *edits: Edit, name: str = "bao-cao.xlsx", channel: Mapping[str, str] | None = None, register: Register | None = None
) -> Identity:
    knowledge = read_knowledge()
    workbook = as_read(make_sending(*edits))
    metadata = read_metadata(workbook)
    found = find_forms(workbook, knowledge.forms, metadata)
    return identify(metadata, found, register or knowledge.register, knowledge.catalogue, name, channel)


def known(identity: Identity) -> Known:
    return (
        identity.unit.code if identity.unit else None,
        identity.report.code if identity.report else None,
        identity.period.code if identity.period else None,
    )


def found(identity: Identity) -> list[tuple[str, str | None, str | None]]:
    return [(finding.code, finding.sheet, finding.cell) for finding in identity.findings]


def titles(unit: str | None = None, period: str | None = None) -> list[Edit]:
    """Edits: the lines of all title blocks."""
    edits = []
    for form in FORMS:
        edits.append(write(form, 2, 0, f"Đơn vị báo cáo: {unit}" if unit else None))
        edits.append(write(form, 3, 0, f"Kỳ báo cáo: {period}" if period else None))
    return edits


NO_TITLES = titles()
NO_ENVELOPE = [put("F00", row, "1", None) for row in ("01", "03", "05")]


def meta(**changes: str) -> Edit:
    def edit(sending: Sending) -> None:
        sending.plan.metadata = {**(sending.plan.metadata or {}), **changes}

    return edit


def test_everything_agrees() -> None:
    identity = who()
    assert known(identity) == (DEPARTMENT, HALF_YEAR, PERIOD)
    assert identity.is_attributed and identity.findings == []


def test_metadata_alone() -> None:
    assert known(who(*NO_TITLES, *NO_ENVELOPE)) == (DEPARTMENT, HALF_YEAR, PERIOD)


def test_the_envelope_alone() -> None:
    identity = who(without_metadata, *NO_TITLES)
    assert (known(identity), found(identity)) == ((DEPARTMENT, HALF_YEAR, PERIOD), [])


def test_the_title_names_unit_and_period_by_their_words() -> None:
    identity = who(
        without_metadata, *titles("UBND xã Bảo Lâm", "6 tháng đầu năm 2026 (từ 15/12/2025)"),
        put("F00", "01", "1", None), put("F00", "05", "1", None),
    )  # fmt: skip
    assert (known(identity), found(identity)) == ((COMMUNE, HALF_YEAR, PERIOD), [])


def test_metadata_comes_before_the_envelope() -> None:
    identity = who(put("F00", "01", "1", COMMUNE), put("F00", "05", "1", "2025-S2"))
    assert known(identity) == (DEPARTMENT, HALF_YEAR, PERIOD)
    assert sorted(found(identity)) == [("ID-CONFLICT", "F00 Phiếu gửi", "D13"), ("ID-CONFLICT", "F00 Phiếu gửi", "D9")]


def test_the_envelope_comes_before_the_title() -> None:
    identity = who(without_metadata, *titles(period="6 tháng đầu năm 2026"), write("F05", 2, 0, "Đơn vị: Xã Bảo Lâm"))
    assert known(identity) == (DEPARTMENT, HALF_YEAR, PERIOD)
    assert found(identity) == [("ID-CONFLICT", "F05 Khen thưởng cấp tỉnh", "A3")]
    assert "Phiếu gửi F00" in identity.findings[0].message


def test_a_wrong_claim_is_told_once_at_its_first_place() -> None:
    """A file copied from another unit says so over every table."""
    identity = who(*titles("Xã Bảo Lâm", "6 tháng cuối năm 2025"))
    assert found(identity) == [("ID-CONFLICT", "F00 Phiếu gửi", "A3"), ("ID-CONFLICT", "F00 Phiếu gửi", "A4")]
    assert identity.findings[0].message.endswith(
        "(ghi như vậy cả ở “F03 Kết quả phong trào” ô A3, “F05 Khen thưởng cấp tỉnh” ô A3, “F07 Cơ cấu đối tượng” ô A3)."
    )
    several = who(put("F00", "01", "1", COMMUNE), *titles("Xã Bảo Lâm"), write("F07", 2, 0, "Đơn vị: Sở Tài chính"))
    assert found(several) == [("ID-CONFLICT", "F00 Phiếu gửi", "D9"), ("ID-CONFLICT", "F07 Cơ cấu đối tượng", "A3")]


def test_the_title_comes_before_the_channel() -> None:
    identity = who(
        without_metadata,
        put("F00", "01", "1", None),
        *titles("Sở Nội vụ", "6 tháng đầu năm 2026"),
        channel={"unit": COMMUNE},
    )
    assert known(identity)[0] == DEPARTMENT
    assert found(identity) == [("ID-FILE-NAME", None, None)]
    assert identity.findings[0].message.startswith("Nơi nhận gợi ý đơn vị “H14.X01290”")


def test_the_channel_names_a_unit_that_nothing_else_names() -> None:
    edits = [without_metadata, put("F00", "01", "1", None), *titles(period="6 tháng đầu năm 2026")]
    identity = who(*edits, channel={"unit": DEPARTMENT}, name=f"{COMMUNE}.xlsx")
    assert (known(identity), found(identity)) == ((DEPARTMENT, HALF_YEAR, PERIOD), [])


def test_a_file_name_never_attributes() -> None:
    name = f"{DEPARTMENT}_{HALF_YEAR}_{PERIOD}.xlsx"
    identity = who(without_metadata, *NO_TITLES, *NO_ENVELOPE, name=name)
    assert known(identity) == (None, None, None)
    assert not identity.is_attributed
    assert identity.hints == {"unit": DEPARTMENT, "report": HALF_YEAR, "period": PERIOD}


def test_a_file_name_never_rejects() -> None:
    identity = who(name=f"{COMMUNE} statistics-year 2025-S2.xlsx")
    assert known(identity) == (DEPARTMENT, HALF_YEAR, PERIOD)
    assert [(finding.code, finding.severity.value) for finding in identity.findings] == [("ID-FILE-NAME", "info")] * 3


def test_a_file_name_that_agrees_says_nothing() -> None:
    assert who(name=f"{DEPARTMENT.lower()}_{HALF_YEAR}_{PERIOD}.xlsx").findings == []


def test_a_title_that_means_nothing_claims_nothing() -> None:
    assert who(*titles("Đơn vị nào đó", "kỳ vừa qua")).findings == []


def test_a_unit_note_is_no_unit() -> None:
    assert who(write("F05", 4, 0, "Đơn vị tính: người")).findings == []


def test_two_units_of_one_name_are_not_guessed() -> None:
    register = read_knowledge().register
    twin = replace(next(unit for unit in register.units if unit.code == DEPARTMENT), code="H14.SNV2")
    twice = replace(register, units=(*register.units, twin))
    edits = [without_metadata, put("F00", "01", "1", None)]
    assert known(who(*edits))[0] == DEPARTMENT
    identity = who(*edits, register=twice)
    assert known(identity)[0] is None
    assert [code for code, *_ in found(identity)] == ["ID-UNIT-MISSING"]
    # One of the two was closed before the period: then the name says which.
    closed = replace(twin, valid_to=date(2025, 12, 14))
    assert known(who(*edits, register=replace(register, units=(*register.units, closed))))[0] == DEPARTMENT


def test_an_abolished_unit_is_led_to_its_heir() -> None:
    register = read_knowledge().register
    old = next(unit for unit in register.units if unit.code == DEPARTMENT)
    gone = replace(old, code="H14.CU", name="Sở Cũ", valid_to=date(2025, 11, 30))
    line = Lineage(
        "H14.CU", DEPARTMENT, LineageKind.MERGE, date(2025, 12, 1), None, None, datetime(2025, 12, 1, tzinfo=UTC)
    )
    changed = replace(register, units=(*register.units, gone), lineage=(*register.lineage, line))
    identity = who(
        without_metadata, *titles(period="6 tháng đầu năm 2026"), put("F00", "01", "1", "H14.CU"), register=changed
    )
    assert found(identity) == [("ID-UNIT-NOT-IN-FORCE", "F00 Phiếu gửi", "D9")]
    assert identity.findings[0].fix.endswith("Đơn vị kế thừa: Sở Nội vụ.")


@pytest.mark.parametrize(("sender", "codes"), [("H14.STC", []), ("H14.STP", ["ID-FILE-NAME"])])
def test_the_heir_of_a_unit_that_ended_may_send_its_report(sender: str, codes: list[str]) -> None:
    register = read_knowledge().register
    old = next(unit for unit in register.units if unit.code == DEPARTMENT)
    others = tuple(unit for unit in register.units if unit is not old)
    line = Lineage(
        DEPARTMENT, "H14.STC", LineageKind.ABSORB, date(2026, 7, 1), None, None, datetime(2026, 7, 1, tzinfo=UTC)
    )
    changed = replace(
        register, units=(*others, replace(old, valid_to=date(2026, 6, 30))), lineage=(*register.lineage, line)
    )
    identity = who(register=changed, channel={"unit": sender})
    assert known(identity)[0] == DEPARTMENT
    assert [finding.code for finding in identity.findings] == codes


@pytest.mark.parametrize("text", ["quý 1", "2026-Q1", "2026-S3", "S1", "1/2026"])
def test_unknown_periods(text: str) -> None:
    identity = who(without_metadata, *NO_TITLES, put("F00", "05", "1", text))
    assert known(identity) == (DEPARTMENT, HALF_YEAR, None)
    assert found(identity) == [("ID-PERIOD-UNKNOWN", "F00 Phiếu gửi", "D13")]
    assert "2026-S1" in identity.findings[0].fix


def test_nothing_written_is_said_so() -> None:
    identity = who(without_metadata, *NO_TITLES, *NO_ENVELOPE)
    assert [code for code, *_ in found(identity)] == ["ID-REPORT-UNKNOWN", "ID-UNIT-MISSING"]
    assert "“(bỏ trống)”" in identity.findings[0].message


@pytest.mark.parametrize(
    ("frequency", "one_off", "label", "code"),
    [
        (PeriodKind.NINE_MONTHS, {}, "9 tháng năm 2026", "2026-9M"),
        (PeriodKind.MONTH, {}, "Tháng 5 năm 2026", "2026-M05"),
        (PeriodKind.QUARTER, {}, "QUÝ I NĂM 2026", "2026-Q1"),
        (
            PeriodKind.ONE_OFF, {"2026-X-bao-lu": (date(2026, 5, 1), date(2026, 5, 31))},
            "từ ngày 01/05/2026 đến ngày 31/05/2026", "2026-X-bao-lu",
        ),
    ],
)  # fmt: skip
def test_reports_of_every_frequency(
    frequency: PeriodKind, one_off: Mapping[str, tuple[date, date]], label: str, code: str
) -> None:
    """Nine months and one-off periods do not tile the year: neither a title nor an unknown code may raise."""
    register = read_knowledge().register
    reports = tuple(
        replace(report, frequency=frequency, one_off_periods=one_off) if report.code == HALF_YEAR else report
        for report in register.reports
    )
    changed = replace(register, reports=reports)
    edits = [without_metadata, *titles(period=label), put("F00", "05", "1", None)]
    identity = who(*edits, register=changed)
    assert known(identity) == (DEPARTMENT, HALF_YEAR, code)
    unknown = who(without_metadata, *NO_TITLES, put("F00", "05", "1", "2026-S1"), register=changed)
    assert found(unknown) == [("ID-PERIOD-UNKNOWN", "F00 Phiếu gửi", "D13")]


def test_without_the_envelope_the_metadata_still_tells() -> None:
    assert known(who(drop_sheet("F00"))) == (DEPARTMENT, HALF_YEAR, PERIOD)


def test_a_report_the_unit_does_not_owe() -> None:
    identity = who(
        without_metadata, *NO_TITLES, put("F00", "01", "1", "H14.KHOI01"), put("F00", "03", "1", "statistics-year"),
        put("F00", "05", "1", "2026-A1"),
    )  # fmt: skip
    assert found(identity) == [("ID-NOT-OWED", None, None)]
    assert "năm 2026" in identity.findings[0].message


def test_an_unknown_unit_in_the_metadata_is_shown_where_it_can_be_seen() -> None:
    identity = who(meta(unit="H14.SNX"), put("F00", "01", "1", "H14.SNX"), *NO_TITLES)
    assert found(identity) == [("ID-UNIT-UNKNOWN", "F00 Phiếu gửi", "D9")]


@pytest.mark.parametrize("typed", ["2026-s1", "2026-S1 ", " 2026-s1"])
def test_a_period_typed_in_small_letters_is_the_period(typed: str) -> None:
    identity = who(put("F00", "05", "1", typed))
    assert known(identity)[2] == "2026-S1"
    assert found(identity) == []
