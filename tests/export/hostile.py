"""What a unit may type to make a program of the reader's own run, or a document that cannot be opened."""

from __future__ import annotations

FORMULAS = [
    "=1+1", "+1", "-1", "@x", "=cmd|'/c calc'!A1", "=HYPERLINK(\"http://a.example\",\"bấm\")", "\t=1+1", "\r=1+1", " =1+1",
    "\u200e=1+1", "\u202e=1+1", "＝1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
]  # fmt: skip
MARKUP = [
    "<script>alert(1)</script>", "<r><t>x</t></r>", "<r>", "]]>", "&amp;", "&#0;", "_x0041_", "<w:fldSimple w:instr='DDEAUTO'/>",
    "{{ 7*7 }}", "{% for x in y %}", "{_{ so }_}", "http://a.example/?a=1&b=2", "mailto:a@b.example",
]  # fmt: skip
MARKS = [
    "\u202eđảo\u202c",
    "a\u2066b\u2069",
    "a\x01b\x0bc\x1fd\x7fe",
    "\ufffe\uffff",
    "a\ud800b",
    "dòng 1\ndòng 2\r\ndòng 3",
]
LONG = "ă" * 40_000
ALL = [*FORMULAS, *MARKUP, *MARKS, LONG]
