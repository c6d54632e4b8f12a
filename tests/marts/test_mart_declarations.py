"""The marts as they are declared: columns, comments, figures, words, order, JSON."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from etl.usecases.marts import MARTS, UnknownMart, list_marts, read_mart
from tests.marts.old_province import REPORT
from tests.usecases.deliveries import Post, at, rows_of

PERIOD = "2021-A1"


def test_every_mart_has_its_columns_in_the_view_and_words_in_vietnamese(articles: Post) -> None:
    with articles.context.engine.connect() as connection:
        for mart in MARTS.values():
            assert mart.title and mart.title[0].isupper()
            if mart.form is not None:
                continue
            found = set(connection.execute(sa.text(f"SELECT * FROM mart.{mart.view} LIMIT 0")).keys())
            wanted = {column.code for column in mart.columns} | {name.removeprefix("-") for name in mart.sort}
            wanted |= {column.figure[1:] for column in mart.columns if column.figure and column.figure.startswith("@")}
            assert wanted <= found, (mart.code, wanted - found)
            assert len({column.code for column in mart.columns}) == len(mart.columns)


def test_every_view_of_the_topics_and_each_column_has_a_comment(articles: Post) -> None:
    bare = rows_of(
        articles.context,
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relnamespace = 'mart'::regnamespace "
        "AND c.relname ~ '^(award|bloc|structure|fund|proposed|exemplars|quality|findings|movement)' "
        "AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)",
    )
    assert bare == []


def test_the_words_of_awards_are_those_of_the_form(articles: Post) -> None:
    version = articles.context.forms["F14"].versions[-1]
    for kind, field in (("issuer", "cap_quyet_dinh"), ("subject", "doi_tuong"), ("method", "phuong_thuc")):
        (column,) = [column for column in version.columns if column.field == field]
        stored = rows_of(
            articles.context, "SELECT code, name FROM mart.award_word WHERE kind = :kind ORDER BY place", kind=kind
        )
        assert stored == [(choice.value, choice.labels[0]) for choice in column.choices]


def test_restricted_values_are_in_no_column_of_a_topic(articles: Post) -> None:
    """The recipients of decisions ("danh sách chống dịch") stand in core alone."""
    recipient = "chống dịch"
    stored = "SELECT count(*) FROM core.observation WHERE text_value LIKE :t"
    assert rows_of(articles.context, stored, t=f"%{recipient}%") != [(0,)]
    keys = rows_of(
        articles.context,
        "SELECT compare_key FROM core.observation WHERE measure = 'F14.ten_don_vi' AND compare_key IS NOT NULL",
    )
    assert keys
    for view in ("award_line", "award_check_cell", "awards", "awards_source", "award_check_source", "contribution"):
        told = json.dumps(rows_of(articles.context, f"SELECT * FROM mart.{view}"), default=str, ensure_ascii=False)
        assert recipient not in told
        assert not any(str(key) in told for (key,) in keys)


def test_a_mart_says_itself_in_json(articles: Post) -> None:
    told = read_mart(articles.context, "0603", REPORT, "2020-A1", as_of=at("2021-06-01T08:00")).as_json()
    again = json.loads(json.dumps(told))
    assert again["as_of"] == "2021-06-01T08:00:00+07:00"
    assert again["rows"][1]["c2"] == 245
    assert again["rows"][1]["figures"]["c2"] == f"{REPORT}:2020-A1/F05/02/F05.02.2"
    assert again["coverage"] == [{"form": "F05", "accepted": 3, "expected": 12, "beyond": 0}]


def test_structural_zeros_of_a_statutory_table_are_told(articles: Post) -> None:
    found = read_mart(articles.context, "0603", REPORT, "2020-A1")
    assert (1, "c3") in found.not_applicable and (1, "c2") not in found.not_applicable


def test_as_of_before_anything_came_there_is_nothing(articles: Post) -> None:
    for mart in ("structure", "awards", "exemplars", "movement_units", "0603"):
        found = read_mart(articles.context, mart, REPORT, "2020-A1", as_of=at("2020-12-01T08:00"))
        assert not any(found.figures)
    board = read_mart(articles.context, "board", REPORT, "2020-A1", as_of=at("2020-12-01T08:00"))
    assert {row["status"] for row in board.rows} == {"chưa đến hạn"}
    now = read_mart(articles.context, "board", REPORT, "2020-A1")
    assert [row["status"] for row in now.rows].count("đúng hạn") == 3
    assert now.rows[0]["unit_type_code"] == "commune"


def test_rows_are_in_vietnamese_order(articles: Post) -> None:
    names = [row["unit_name"] for row in read_mart(articles.context, "board", REPORT, PERIOD).rows]
    assert names[:4] == ["Xã Ân Tình", "Xã Đề Thám", "Sở Kế hoạch và Đầu tư", "Sở Ngoại vụ"]


def test_an_unknown_mart_names_those_there_are(articles: Post) -> None:
    with pytest.raises(UnknownMart, match="structure"):
        read_mart(articles.context, "structur", REPORT, PERIOD)
    with pytest.raises(ValueError, match="time zone"):
        read_mart(articles.context, "structure", REPORT, PERIOD, as_of=at("2021-01-01T08:00").replace(tzinfo=None))
    assert "0601" not in [mart.code for mart in list_marts(articles.context, REPORT)]
    assert "structure" in [mart.code for mart in list_marts(articles.context, REPORT)]
