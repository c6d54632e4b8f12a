"""The statutory tables of the whole province in their official layout, derived from the forms' declarations.

`mart.statutory_cell` has one line a printed cell, `mart.table_0601` … `mart.table_0605` one line an official row with a column
per official column, `mart.statutory_check` the printed equations that do not hold. Cells meet across layouts by their
measure, so a new version of a form needs no SQL. It must not compute figures of its own: values are sums of
`mart.figure_source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl.forms.declaration import Form, FormVersion


@dataclass(frozen=True, slots=True)
class Table:
    """An official table: its form and, where the form holds two tables, the first and last row code of this one."""

    code: str
    form: str
    name: str
    rows: tuple[str, str] | None = None

    def has_row(self, code: str) -> bool:
        """Whether a row of the form stands in this table."""
        return self.rows is None or self.rows[0] <= code <= self.rows[1]


TABLES = (
    Table("0601", "F02", "Số phong trào thi đua"),
    Table("0602", "F04", "Khen thưởng cấp Nhà nước"),
    Table("0603", "F05", "Khen thưởng cấp bộ, cấp tỉnh"),
    # One form of ours holds both: organisations above, people below.
    Table("0604", "F09", "Tổ chức làm công tác thi đua, khen thưởng", ("01", "05")),
    Table("0605", "F09", "Nhân sự làm công tác thi đua, khen thưởng", ("06", "22")),
)

_CELL_COMMENTS = {
    "table_code": "Số hiệu biểu thống kê (0601 đến 0605)",
    "report": "Mã báo cáo",
    "period": "Mã kỳ báo cáo",
    "layout": "Mẫu biểu đang có hiệu lực vào ngày chốt số liệu của kỳ",
    "form": "Mã biểu",
    "row_code": "Mã dòng in trên biểu",
    "row_label": "Tên dòng",
    "row_place": "Thứ tự dòng trên biểu",
    "column_code": "Mã cột in trên biểu",
    "column_label": "Tên cột",
    "measure": "Mã chỉ số, giữ nguyên qua các phiên bản biểu",
    "figure": "Mã số liệu tổng hợp, để truy nguồn",
    "value": "Tổng toàn tỉnh; trống nếu không đơn vị nào ghi",
    "units": "Số đơn vị có số liệu",
    "estimated_units": "Trong số đó: số đơn vị ghi là số liệu ước thực hiện",
    "comparable": "Mọi mẫu biểu mà các đơn vị đã dùng trong kỳ đều có ô này",
    "not_comparable": "Các cột không so sánh được: có đơn vị dùng mẫu biểu không có ô này, nên số ở đây không gồm đơn vị đó",
}
_CHECK_COMMENTS = {
    "table_code": _CELL_COMMENTS["table_code"],
    "report": _CELL_COMMENTS["report"],
    "period": _CELL_COMMENTS["period"],
    "layout": _CELL_COMMENTS["layout"],
    "axis": "Đẳng thức giữa các dòng (row) hay giữa các cột (column)",
    "formula": "Đẳng thức in trên biểu",
    "at_code": "Mã cột (đẳng thức giữa các dòng) hoặc mã dòng (đẳng thức giữa các cột) nơi bị lệch",
    "total": "Số tổng đang có",
    "parts": "Các số thành phần cộng lại",
    "difference": "Lệch: số tổng trừ các số thành phần",
    "comparable": "Mọi ô của đẳng thức đều so sánh được; nếu không, lệch có thể do các đơn vị dùng mẫu biểu khác nhau",
}


def write_statutory_views(forms: Mapping[str, Form]) -> str:
    """The SQL of the views with their comments, for those tables whose form is declared."""
    tables = [table for table in TABLES if table.form in forms]
    if not tables:
        return ""
    cells = "\nUNION ALL\n".join(_select_cells(table, forms[table.form]) for table in tables)
    lines = [f"CREATE VIEW mart.statutory_cell AS\n{cells};"]
    lines += _comment(
        "statutory_cell",
        "Biểu thống kê toàn tỉnh theo mẫu chính thức, mỗi ô một dòng",
        {name: text for name, text in _CELL_COMMENTS.items() if name != "not_comparable"},
    )
    for table in tables:
        lines += _write_table(table, forms[table.form])
    lines += _write_check(tables, forms)
    return "\n".join(lines)


def read_identities(label: str, codes: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The equations that a total's label prints, such as `Tổng số (01=02+…+05=11+12)`: (total, parts) each.

    `codes`: the codes of the rows or columns in print order, by which `…` is filled in. An equation with a code that is not
    among them is left out.
    """
    found = re.search(r"\((\w+(?:=[\w+…]+)+)\)", label)
    if found is None:
        return []
    total, *sides = found[1].split("=")
    equations = []
    for side in sides:
        parts: list[str] = []
        terms = side.split("+")
        for place, term in enumerate(terms):
            if term != "…":
                parts.append(term)
            elif parts and place + 1 < len(terms) and {parts[-1], terms[place + 1]} <= set(codes):
                parts += codes[codes.index(parts[-1]) + 1 : codes.index(terms[place + 1])]
        if {total, *parts} <= set(codes):
            equations.append((total, tuple(parts)))
    return equations


def _select_cells(table: Table, form: Form) -> str:
    versions = ", ".join(
        f"({_quote(v.version)}, date {_quote(v.effective_from.isoformat())}, "
        f"date {_quote(v.effective_to.isoformat() if v.effective_to else 'infinity')})"
        for v in form.versions
    )
    rows = f" AND f.row_code BETWEEN {_quote(table.rows[0])} AND {_quote(table.rows[1])}" if table.rows else ""
    return f"""SELECT {_quote(table.code)}::text AS table_code, p.report, p.period, f.form_version AS layout, f.form,
       f.row_code, f.row_label, r.row_place,
       f.column_code, f.column_label, f.measure,
       p.report || ':' || p.period || '/' || f.form || '/' || f.row_code || '/' || f.measure AS figure,
       g.value, coalesce(g.units, 0) AS units, coalesce(g.estimated_units, 0) AS estimated_units,
       NOT EXISTS (
           SELECT 1 FROM unnest(used.versions) other WHERE other <> f.form_version
             AND NOT EXISTS (SELECT 1 FROM core.known_form_field h WHERE h.form = f.form
                             AND h.form_version = other AND h.measure = f.measure)) AS comparable
FROM core.known_period p
JOIN (SELECT DISTINCT report FROM core.known_report_form WHERE form = {_quote(table.form)} AND status <> 'not_owed') asked
  ON asked.report = p.report
JOIN (VALUES {versions}) v (version, since, until) ON p.window_end BETWEEN v.since AND v.until
JOIN core.known_form_field f ON f.form = {_quote(table.form)} AND f.form_version = v.version{rows}
JOIN (SELECT form_version, row_code, min(place) AS row_place FROM core.known_form_field WHERE form = {_quote(table.form)}
      GROUP BY form_version, row_code) r ON r.form_version = f.form_version AND r.row_code = f.row_code
LEFT JOIN (
    SELECT s.report, s.period, s.measure, sum(s.number) AS value, count(DISTINCT s.unit)::integer AS units,
           count(DISTINCT s.unit) FILTER (WHERE s.estimated)::integer AS estimated_units
    FROM mart.figure_source s WHERE s.form = {_quote(table.form)} AND s.counted
    GROUP BY s.report, s.period, s.measure
) g ON g.report = p.report AND g.period = p.period AND g.measure = f.measure
LEFT JOIN (
    SELECT b.report, b.period, array_agg(DISTINCT b.form_version) AS versions
    FROM mart.figure_source b WHERE b.form = {_quote(table.form)} AND b.counted GROUP BY b.report, b.period
) used ON used.report = p.report AND used.period = p.period"""  # noqa: S608 - made of declarations, quoted


def _write_table(table: Table, form: Form) -> Iterator[str]:
    view = f"table_{table.code}"
    columns = list(dict.fromkeys(column.code for version in form.versions for column in version.columns))
    values = ", ".join(f"max(value) FILTER (WHERE column_code = {_quote(code)}) AS c{code.lower()}" for code in columns)
    head = "report, period, layout, row_code, row_label, row_place"
    yield (
        f"CREATE VIEW mart.{view} AS SELECT {head}, {values}, max(units) AS units, max(estimated_units) AS estimated_units,\n"
        "       string_agg(column_code, ', ' ORDER BY length(column_code), column_code) FILTER (WHERE NOT comparable)\n"
        "       AS not_comparable\n"
        f"FROM mart.statutory_cell WHERE table_code = {_quote(table.code)} GROUP BY {head};"
    )
    comments = {name: _CELL_COMMENTS[name] for name in head.split(", ")}
    comments |= {f"c{code.lower()}": f"Cột {code}: {_label_of(form, code)}" for code in columns}
    comments |= {name: _CELL_COMMENTS[name] for name in ("units", "estimated_units", "not_comparable")}
    yield from _comment(view, f"Biểu {table.code} toàn tỉnh theo mẫu chính thức: {table.name}", comments)


def _label_of(form: Form, code: str) -> str:
    return next(
        column.label for version in reversed(form.versions) for column in version.columns if column.code == code
    )


def _list_identities(table: Table, version: FormVersion) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(axis, formula, total, parts) of every equation that the layout prints in this table."""
    rows = [row for row in version.rows if table.has_row(row.code)]
    for row in rows:
        for total, parts in read_identities(row.label, [one.code for one in rows]):
            yield "row", f"{total}={'+'.join(parts)}", total, parts
    for column in version.columns:
        for total, parts in read_identities(column.label, [one.code for one in version.columns]):
            yield "column", f"{total}={'+'.join(parts)}", total, parts


def _write_check(tables: Sequence[Table], forms: Mapping[str, Form]) -> Iterator[str]:
    equations = ",\n    ".join(
        f"({_quote(table.code)}, {_quote(version.version)}, {_quote(axis)}, {_quote(formula)}, {_quote(total)}, "
        f"ARRAY[{', '.join(map(_quote, parts))}])"
        for table in tables
        for version in forms[table.form].versions
        for axis, formula, total, parts in _list_identities(table, version)
    )
    yield f"""CREATE VIEW mart.statutory_check AS
WITH equation (table_code, layout, axis, formula, total, parts) AS (VALUES
    {equations}
), told AS (
    SELECT c.table_code, c.report, c.period, c.layout, e.axis, e.formula,
           CASE WHEN e.axis = 'row' THEN c.column_code ELSE c.row_code END AS at_code,
           max(c.value) FILTER (WHERE code.of = e.total) AS total, sum(c.value) FILTER (WHERE code.of <> e.total) AS parts,
           bool_and(c.comparable) AS comparable
    FROM mart.statutory_cell c
    JOIN equation e ON e.table_code = c.table_code AND e.layout = c.layout
    CROSS JOIN LATERAL (SELECT CASE WHEN e.axis = 'row' THEN c.row_code ELSE c.column_code END AS of) code
    WHERE code.of = e.total OR code.of = ANY (e.parts)
    GROUP BY c.table_code, c.report, c.period, c.layout, e.axis, e.formula,
             CASE WHEN e.axis = 'row' THEN c.column_code ELSE c.row_code END
)
SELECT table_code, report, period, layout, axis, formula, at_code, total, parts,
       coalesce(total, 0) - coalesce(parts, 0) AS difference, comparable
FROM told WHERE coalesce(total, 0) <> coalesce(parts, 0);"""  # noqa: S608 - made of declarations, quoted
    yield from _comment(
        "statutory_check",
        "Đẳng thức in trên biểu thống kê mà số toàn tỉnh không khớp, và lệch bao nhiêu",
        _CHECK_COMMENTS,
    )


def _comment(view: str, about: str, columns: Mapping[str, str]) -> Iterator[str]:
    yield f"COMMENT ON VIEW mart.{view} IS {_quote(about)};"
    for name, text in columns.items():
        yield f"COMMENT ON COLUMN mart.{view}.{name} IS {_quote(text)};"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
