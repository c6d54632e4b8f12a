"""Reads the form declarations beside this file; the only place that knows they are YAML."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from etl.forms.declaration import Form

FORMS_FOLDER = Path(__file__).resolve().parent


class BadForm(ValueError):
    """A declaration that contradicts itself; names the file and every reason."""


def read_form(path: Path) -> Form:
    """One declaration. Raises BadForm with file and reasons."""
    try:
        return Form.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (ValidationError, yaml.YAMLError) as problem:
        raise BadForm(f"{path.name}: {problem}") from problem


@lru_cache(maxsize=8)
def read_forms(folder: Path = FORMS_FOLDER) -> Mapping[str, Form]:
    """All declarations of a folder by form code, in code order. Raises BadForm; a file must be named after its form."""
    forms: dict[str, Form] = {}
    for path in sorted(folder.glob("F*.yaml")):
        form = read_form(path)
        if form.code != path.stem:
            raise BadForm(f"{path.name}: declares {form.code}; file and form must have one name")
        forms[form.code] = form
    if not forms:
        raise BadForm(f"no form declarations in {folder}")
    return forms
