"""Files of the embedded server under `home`, and the account it runs as.

For `server.py` and `server_binaries.py` only. It must not start or stop anything, and it never changes
the mode or the owner of a folder that it did not just make.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

SHARED_FOLDER = Path("/var/lib/movement-reports")
"""Only used as root: where `nobody` finds the server and, when `home` is closed to it, the data."""

LOCK_SECONDS = 300.0
ROLES = ("postgres", "mr_owner", "airflow")


class ServerError(RuntimeError):
    """The embedded server cannot be used; the text says what happened, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    def run(self, command: Sequence[str | Path], *, keep_open: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run to the end as this account, from `/` (the caller's folder may be closed to it), output captured."""
        try:
            return subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                pass_fds=keep_open,
                env=child_environment(),
                umask=0o077,
                user=None if self.is_self() else self.uid,
                group=None if self.is_self() else self.gid,
                extra_groups=None if self.is_self() else [],
            )
        except (OSError, subprocess.SubprocessError) as error:
            return subprocess.CompletedProcess([], 126, "", str(error))

    def is_self(self) -> bool:
        return self.uid == os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        """Asked of the kernel in a child, so that access lists and mounts count, not only the mode bits."""
        return self.is_self() or self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0


def child_environment() -> dict[str, str]:
    """Messages in English, times in UTC, and none of the caller's PG* variables: they would redirect the tools."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one home are. `cluster` is `folder` unless the account may not enter it."""

    home: Path
    folder: Path
    cluster: Path

    @property
    def data(self) -> Path:
        return self.cluster / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords.json"

    @property
    def port(self) -> Path:
        return self.folder / "port"

    @property
    def pointer(self) -> Path:
        return self.folder / "data-folder"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"


def find_place(home: Path) -> Place:
    """Where the server of `home` keeps its files; makes nothing.

    Raises ServerError when the data outside `home` say that they are another home's (a copied home
    would otherwise write into the data of the original).
    """
    home = home.expanduser().resolve()
    folder = home / "postgres"
    place = Place(home, folder, folder)
    try:
        if not place.pointer.is_file():
            return place
        cluster = Path(place.pointer.read_text(encoding="utf-8").rstrip("\n"))
    except PermissionError as error:
        raise ServerError(f"{folder} cannot be read by this user. Run as the user that made it.") from error
    owner_note = cluster / "home"
    if owner_note.is_file() and owner_note.read_text(encoding="utf-8").rstrip("\n") != str(home):
        raise ServerError(
            f"{place.pointer} points to {cluster}, which belongs to another home (see {owner_note}). "
            f"Nothing was changed. If the home was moved, write its new path into {owner_note}; "
            f"if it was copied, delete {folder} and restore the data from a dump."
        )
    return Place(home, folder, cluster)


def choose_account(data: Path) -> Account:
    """The owner of existing data; otherwise this user, or `nobody` when this user is root."""
    try:
        found = data.stat()
    except FileNotFoundError:
        if os.geteuid() != 0:
            return Account(os.geteuid(), os.getegid())
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            return Account(65534, 65534)
        return Account(entry.pw_uid, entry.pw_gid)
    except PermissionError as error:
        raise ServerError(f"{data} cannot be read by this user. Run as the user that made it.") from error
    if found.st_uid == 0:
        raise ServerError(f"{data} belongs to root, and PostgreSQL does not run as root. Give it to an ordinary user.")
    if os.geteuid() not in (0, found.st_uid):
        raise ServerError(f"{data} belongs to user {found.st_uid}. Run as that user, or choose another home.")
    return Account(found.st_uid, found.st_gid)


def make_folders(home: Path) -> Place:
    """Make what is missing of the folders of this home. Existing folders are left as they are."""
    place = find_place(home)
    place.home.mkdir(parents=True, exist_ok=True)
    # As root the data are below and another account must get through; the files in it are 0600 all the same.
    make_folder(place.folder, 0o711 if os.geteuid() == 0 else 0o700)
    return place


def place_new_data(place: Place, account: Account, shared: Path) -> Place:
    """The place with a cluster folder that the account may enter, under `shared` if `home` is closed to it."""
    if place.cluster == place.folder:
        if account.may_enter(place.folder):
            return place
        name = hashlib.sha256(os.fsencode(place.home)).hexdigest()[:16]
        cluster = shared / name
        open_shared(shared, account)
        make_folder(cluster, 0o711)
        write_private(cluster / "home", f"{place.home}\n")
        write_private(place.pointer, f"{cluster}\n")
        return Place(place.home, place.folder, cluster)
    open_shared(place.cluster.parent, account)
    make_folder(place.cluster, 0o711)
    return place


def open_shared(shared: Path, account: Account) -> None:
    """Make `shared` if it is missing; refuse one that others could write to or the account cannot enter."""
    try:
        for folder in (*reversed(shared.parents), shared):
            make_folder(folder, 0o755)
    except OSError as error:
        raise ServerError(
            f"{shared} cannot be made: {error}. Set MOVEMENT_REPORTS_SHARED to another folder."
        ) from error
    found = shared.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServerError(
            f"{shared} may be written to by others. Make it again as root with mode 0755, or name another."
        )
    if not account.may_enter(shared):
        raise ServerError(
            f"User {account.uid}, which runs PostgreSQL for root, cannot enter {shared}. Set MOVEMENT_REPORTS_SHARED "
            "to a folder that everyone may enter, or run as an ordinary user."
        )


def make_folder(folder: Path, mode: int) -> bool:
    """Make it with exactly this mode whatever the umask; False, and untouched, when it was there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    folder.chmod(mode)
    return True


def write_private(file: Path, text: str) -> None:
    """Write whole or not at all, mode 0600, owned like the folder (root may be helping another user)."""
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            give_to_owner(out.fileno(), file.parent)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def give_to_owner(descriptor: int, folder: Path) -> None:
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)


def open_log(log: Path, *, keep_bytes: int = 8 * 1024 * 1024) -> IO[bytes]:
    """Open for appending, 0600; a long log is moved aside once, so it never fills the disk."""
    if log.is_file() and log.stat().st_size > keep_bytes:
        log.replace(log.with_name(log.name + ".1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    give_to_owner(descriptor, log.parent)
    return os.fdopen(descriptor, "ab")


def read_log_end(log: Path, *, start: int = 0, lines: int = 12) -> str:
    """The last lines written after byte `start`."""
    try:
        with log.open("rb") as source:
            source.seek(max(start, source.seek(0, os.SEEK_END) - 16384))
            text = source.read().decode("utf-8", "replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


@contextmanager
def hold_lock(file: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[int]:
    """One holder at a time, across the processes of this machine; freed by the kernel when the holder dies.

    Yields the descriptor: a child that is given it holds the lock on when its parent dies.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        give_to_owner(descriptor, file.parent)
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"Another run has held {file} for {seconds:.0f} s. End that run, then try again."
                    ) from None
                time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def read_passwords(place: Place) -> Mapping[str, str] | None:
    """Passwords by role; None when there is no file yet."""
    try:
        text = place.passwords.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServerError(f"{place.passwords} cannot be read by this user. Run as the user that made it.") from error
    try:
        stored = json.loads(text)
        return {role: str(stored[role]) for role in ROLES}
    except (ValueError, KeyError, TypeError):
        raise ServerError(f"{place.passwords} is damaged. Restore it from a backup of the home.") from None


def make_passwords(place: Place) -> Mapping[str, str]:
    # URL-safe letters only: Airflow's configuration reads `%` as its own sign.
    passwords = {role: secrets.token_urlsafe(24) for role in ROLES}
    write_private(place.passwords, json.dumps(passwords) + "\n")
    return passwords


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says, and whose that process is now.

    `ours` runs these data, `gone` has ended, `other` is a process that got the number later (after a
    reboot) or that nobody has collected, `unclear` is a PostgreSQL whose folder was moved.
    """

    pid: int
    port: int | None
    state: Literal["ours", "gone", "other", "unclear"]


def read_postmaster(data: Path) -> Postmaster | None:
    """None when there is no `postmaster.pid`."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ServerError(f"{data} cannot be read by this user. Run as the user that made it.") from error
    if not lines or not lines[0].strip().lstrip("-").isdigit():
        return None
    pid = abs(int(lines[0]))
    port = int(lines[3]) if len(lines) > 3 and lines[3].strip().isdigit() else None
    return Postmaster(pid, port, _find_owner(pid, data))


def is_alive(pid: int) -> bool:
    """False too for a process that has ended and that nobody has collected."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def _find_owner(pid: int, data: Path) -> Literal["ours", "gone", "other", "unclear"]:
    # The command line, not /proc/PID/cwd: root in a container without CAP_SYS_PTRACE may not read the latter.
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    if Path(os.fsdecode(words[0])).name != "postgres" or b"-D" not in words:
        return "other"
    named = Path(os.fsdecode(words[words.index(b"-D") + 1]))
    try:
        return "ours" if named == data or named.samefile(data) else "other"
    except OSError:
        return "unclear"
