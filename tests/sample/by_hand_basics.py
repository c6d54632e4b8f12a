"""Where the faults of F01, F02, F09 and F12 must be told, by hand: see `test_sample_faults`."""

from __future__ import annotations

_MOVEMENT_ROW, _FIELD_ROW, _STAFF_ROW = "0[1-9]|1[0-2]", "0[1-9]", "0[6-9]|1[0-9]|2[0-2]"

BASIC_PLACES = {
    "direction says nothing": ("F01", "01", "1"),
    "movements says nothing": ("F01", "02", "1"),
    "commendation says nothing": ("F01", "06", "1"),
    "shortcomings says nothing": ("F01", "08", "1"),
    "direction hardly a word": ("F01", "01", "1"),
    "movements hardly a word": ("F01", "02", "1"),
    "commendation hardly a word": ("F01", "06", "1"),
    "shortcomings hardly a word": ("F01", "08", "1"),
    "layout of 2018": ("F02", None, None),
    "levels of movements do not add up": ("F02", _MOVEMENT_ROW, "1"),
    "scopes of movements do not add up": ("F02", "01", "[234]"),
    "terms of movements do not add up": ("F02", "01", "[234]"),
    "methods of movements do not add up": ("F02", "01", "[234]"),
    "levels of movements do not add up (2018)": ("F02", "0[1-9]", "1"),
    "scopes of movements do not add up (2018)": ("F02", "01", "[23]"),
    "terms of movements do not add up (2018)": ("F02", "01", "[23]"),
    "methods of movements do not add up (2018)": ("F02", "01", "[23]"),
    "organisations do not add up": ("F09", "01", "1"),
    "age of staff does not add up": ("F09", "06", "[12]"),
    "education of staff does not add up": ("F09", "06", "[12]"),
    "seniority of staff does not add up": ("F09", "06", "[12]"),
    "more women than staff": ("F09", _STAFF_ROW, "2"),
    "fields of exemplars do not add up": ("F12", "01", "[2-4]|[6-8]|1[0-2]|1[4-6]"),
    "exemplars found do not add up": ("F12", _FIELD_ROW, "1"),
    "exemplars nurtured do not add up": ("F12", _FIELD_ROW, "5"),
    "exemplars reviewed do not add up": ("F12", _FIELD_ROW, "9"),
    "exemplars spread do not add up": ("F12", _FIELD_ROW, "13"),
    "more exemplars nurtured than before": ("F12", "01", "5"),
    "more exemplars reviewed than before": ("F12", "01", "9"),
    "more exemplars spread than before": ("F12", "01", "13"),
}
