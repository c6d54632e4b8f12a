"""The rule on a form as a whole: a mandatory form in which every figure is nought or blank. Pure.

Not a suite: it speaks of a sheet, and a suite blames cells. Needs no warehouse, so `check` runs it too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.parsing.submission import ParsedCell, ParsedSubmission
from etl.register.entities import FormStatus
from etl.validation.context import Submission

CODE = "H-ALL-ZEROS"


def find_forms_of_noughts(submission: Submission, catalogue: Catalogue) -> Iterator[Finding]:
    """One finding a form, at its sheet; nothing where it is not known who reports what.

    A cell that could not be read may hold anything, and a required one left blank is an error that says more: either keeps its
    form out. Numbered lines (an open list) are only there
    when somebody had something to write, so such a form is never asked.
    """
    unit, report, period = submission.unit, submission.report, submission.period
    if unit is None or report is None or period is None or not catalogue[CODE].applies_on(period.end):
        return
    owed = report.forms_for(unit.type)
    for form, cells in _collect_figures(submission.parsed).items():
        if owed.get(form) is FormStatus.MANDATORY and all(cell.is_usable and not cell.value.number for cell in cells):
            yield catalogue.make_finding(CODE, form=form, sheet=cells[0].sheet)


def _collect_figures(parsed: ParsedSubmission) -> dict[str, list[ParsedCell]]:
    unchecked = {(form, row.key, row.ordinal) for form, rows in parsed.rows.items() for row in rows if not row.checked}
    figures: defaultdict[str, list[ParsedCell]] = defaultdict(list)
    for key, cell in parsed.cells.items():
        if (
            cell.declared.type.is_number
            and cell.value.missing != "absent"
            and cell.not_applicable is None
            and parsed.versions[key.form].rows_from != "open"
            and (key.form, key.row, key.ordinal) not in unchecked
        ):
            figures[key.form].append(cell)
    return figures
