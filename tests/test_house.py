"""Rules of the house that no linter knows: sizes, hosts, paths, letters. Runs in `make check`."""

from __future__ import annotations

import ast
import re
import subprocess
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def text_files() -> list[tuple[Path, str]]:
    found = []
    for path in tracked_files():
        try:
            found.append((path, path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_modules_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix == ".py"
        and path.relative_to(ROOT).parts[0] in {"etl", "plugins", "tools"}
        and (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}


def test_dag_files_are_wiring() -> None:
    long = {
        path.name: lines
        for path in (ROOT / "dags").glob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) >= 80
    }
    assert long == {}


def test_modules_say_what_they_are_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix == ".py"
        and path.stat().st_size
        and not path.read_text("utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    # Written in parts so that this file does not name what it forbids.
    hosts = "|".join((r"py" + r"pi\.org", "python" + "hosted", r"registry\.np" + "mjs", r"deb\.deb" + "ian"))
    pattern = re.compile(rf"{hosts}|{re.escape(str(ROOT.parent))}/(?:main|shared)\b")
    named = [str(path.relative_to(ROOT)) for path, text in text_files() if pattern.search(text)]
    assert named == []
    assert not (ROOT / "uv.lock").exists()


def test_texts_are_composed_unicode() -> None:
    """Data that tests keep in other forms on purpose is written with escapes."""
    decomposed = [
        str(path.relative_to(ROOT)) for path, text in text_files() if not unicodedata.is_normalized("NFC", text)
    ]
    assert decomposed == []


def test_the_lock_has_a_hash_for_every_package() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text("utf-8"))
    unhashed = [block.split("==")[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]
    assert len(blocks) > 100
    assert unhashed == []


BANNED = {"process", "handle", "utils", "manager", "processes", "handles", "handler", "util", "managers"}
"""Words that say nothing about what a thing does."""


def words_of(name: str) -> set[str]:
    """`HTTPManager`, `readerManager2`, `find_manager` → http, manager …"""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def declared_names(source: str) -> list[str]:
    """Classes, functions and their arguments."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.arg):
            found.append(node.arg)
    return found


def test_names_of_modules_say_something() -> None:
    named = [str(path) for path in tracked_files() if path.suffix == ".py" and words_of(path.stem) & BANNED]
    assert named == []


def test_names_of_classes_functions_and_arguments_say_something() -> None:
    """Names of tests are sentences, in which another process may well be a process."""
    named = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in tracked_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"
        for name in declared_names(path.read_text("utf-8"))
        if words_of(name) & BANNED
    ]
    assert named == []


def test_banned_words_are_found() -> None:
    source = "class FileManager:\n    async def readAll(self, *, handle=1, **utils): ...\ndef _process_2(): ...\n"
    named = [name for name in declared_names(source) if words_of(name) & BANNED]
    assert sorted(named) == ["FileManager", "_process_2", "handle", "utils"]
    assert not any(words_of(name) & BANNED for name in ("processed_at", "handlebar", "find_managed"))
