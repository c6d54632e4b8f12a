"""The files of a register folder as a whole: which differ, and putting those of one folder in the place of another's.

It must not read what the files say (`etl.register.read` does), and never loses a file: what is replaced is kept.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from etl.register.alert_rows import ALERTS_FILE
from etl.register.channels import CHANNELS_FILE
from etl.register.declarations import PROVINCE_FILE, REPORTS_FILE
from etl.register.read import COLUMNS

FILES = (PROVINCE_FILE, REPORTS_FILE, ALERTS_FILE, CHANNELS_FILE, *COLUMNS)


def list_changed_files(folder: Path, current: Path) -> list[str]:
    """The files of `folder` that `current` has otherwise or not at all."""
    if folder.resolve() == current.resolve():
        return []
    return [
        name
        for name in FILES
        if (folder / name).is_file()
        and not ((current / name).is_file() and (folder / name).read_bytes() == (current / name).read_bytes())
    ]


def keep_and_replace(folder: Path, target: Path, history: Path) -> Path:
    """Copies the files of `target` to `history`, then puts those of `folder` there; `history`.

    Each file is replaced in one step, from a copy beside it: a reader sees the old one or the new one.
    Raises OSError; `target` is as it was then.
    """
    history.mkdir(parents=True)
    for name in FILES:
        if (target / name).is_file():
            shutil.copy2(target / name, history / name)
    try:
        _put(folder, target)
    except OSError:
        put_back(history, target)
        raise
    return history


def put_back(history: Path, target: Path) -> None:
    """Puts the files kept in `history` in their place again."""
    _put(history, target)


def _put(folder: Path, target: Path) -> None:
    fresh = []
    for name in FILES:
        if (folder / name).is_file():
            # All copies are made before the first is put in place: a full disk changes nothing.
            fresh.append((shutil.copyfile(folder / name, target / f".{name}.new"), target / name))
    for copy, place in fresh:
        copy.replace(place)
