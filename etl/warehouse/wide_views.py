"""One wide view a form, derived from its declaration: a line per unit (and row), a column per value, in Vietnamese.

Restricted fields are left out: they never enter `mart`. A form in several versions gives one view over the columns of
the newest, older observations filling the columns they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl.forms.declaration import FIELD_COLUMN, Form, FormVersion, Kind, Value, ValueType

_HEAD = {
    "report": "Mã báo cáo",
    "period": "Mã kỳ báo cáo",
    "unit": "Mã đơn vị báo cáo",
    "unit_name": "Tên đơn vị báo cáo",
    "unit_type": "Loại đơn vị",
}


def write_wide_views(forms: Mapping[str, Form]) -> str:
    """The SQL of every wide view `mart.<form>_wide` with its comments."""
    return "\n".join(_write_view(form, form.versions[-1]) for form in forms.values())


def _write_view(form: Form, version: FormVersion) -> str:
    view = f"mart.{form.code.lower()}_wide"
    columns = list(_list_columns(version))
    rowed = version.kind is not Kind.FIELDS
    selected = ["a.report", "a.period", "a.unit", "a.unit_name", "a.unit_type", *(["o.row_key"] if rowed else [])]
    values = [
        f"max(o.{_storage(declared)}) FILTER (WHERE {condition}) AS {name}" for name, condition, declared in columns
    ]
    lines = [
        f"CREATE VIEW {view} AS SELECT {', '.join([*selected, *values])} FROM mart.accepted a",
        f"JOIN core.observation o ON o.submission_id = a.submission_id AND o.form = {_quote(form.code)}",
        # In words that the planner expects to be true of most cells, as mart.figure_source explains.
        "AND CASE WHEN o.generation = a.generation THEN true ELSE false END AND NOT o.restricted "
        f"AND o.ordinal IS NOT DISTINCT FROM 0 GROUP BY {', '.join(selected)};",
        f"COMMENT ON VIEW {view} IS {_quote(f'{form.code} – {form.name}: số liệu từng đơn vị')};",
    ]
    comments = dict(_HEAD) | ({"row_key": "Mã dòng"} if rowed else {})
    comments |= {name.strip('"'): _describe(declared) for name, _, declared in columns}
    lines += [f'COMMENT ON COLUMN {view}."{name}" IS {_quote(text)};' for name, text in comments.items()]
    return "\n".join(lines)


def _list_columns(version: FormVersion) -> Iterator[tuple[str, str, Value]]:
    if version.kind is Kind.FIELDS:
        for row in version.fields:
            if not row.restricted:
                yield (
                    f'"{row.field}"',
                    f"o.row_key = {_quote(row.code)} AND o.column_code = {_quote(FIELD_COLUMN)}",
                    row,
                )
        return
    for column in version.columns:
        if not column.restricted:
            name = column.field or f"c{column.code.lower()}"
            yield f'"{name}"', f"o.column_code = {_quote(column.code)}", column


def _storage(declared: Value) -> str:
    if declared.type.is_number:
        return "number"
    return "date_value" if declared.type is ValueType.DATE else "text_value"


def _describe(declared: Value) -> str:
    return f"{declared.label} ({declared.unit})" if declared.unit else declared.label


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
