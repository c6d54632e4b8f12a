"""Whole examinations and annotations of hostile files: each is a finding, and nobody's memory passes one gibibyte.

A program of its own, so that the greatest memory of the worker and of its children is that of this work alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_builders import READ, list_hostile, list_truncated, make_table, repeat_row
from reading_builders import make_small_xlsx

GIB = 1024**3
PROGRAM = """
import json, resource, sys
from pathlib import Path
from etl.annotation.annotate import annotate_workbook
from etl.annotation.failures import CannotAnnotate
from etl.examination import Delivery
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner

folder = Path(sys.argv[1])
names = json.loads((folder / "names.json").read_text("utf-8"))
settings = Settings(home=folder, register=PROJECT_ROOT / "register", landing=folder.as_uri(), readers=2, reader_seconds=20)
found, marked = [], []
with make_examiner(Knowledge(settings)) as examiner:
    deliveries = [Delivery(at, f"{at}.{kind}", (folder / str(at)).read_bytes()) for at, kind in enumerate(names)]
    for examined in examiner.examine(deliveries):
        found.append([examined.verdict, *(finding.code for finding in examined.findings)])
        try:
            marked.append(len(annotate_workbook(deliveries[examined.key].data, examined.findings)))
        except CannotAnnotate:
            marked.append(0)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"found": found, "marked": marked, "worker": peak * 1024, "children": children * 1024}))
"""


def examine_apart(folder: Path, files: list[bytes], kinds: list[str]) -> dict[str, list[list[str]]]:
    """What a worker of its own finds in the files, and the peaks of memory, which are asserted here."""
    for at, data in enumerate(files):
        (folder / str(at)).write_bytes(data)
    (folder / "names.json").write_text(json.dumps(kinds), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer = json.loads(done.stdout)
    assert answer["children"] < GIB, f"a reading child held {answer['children'] >> 20} MiB"
    assert answer["worker"] < GIB, f"the worker held {answer['worker'] >> 20} MiB"
    assert len(answer["found"]) == len(files)
    return answer  # type: ignore[no-any-return]


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
def test_hostile_files_are_findings_within_a_gibibyte(tmp_path: Path) -> None:
    hostile = list_hostile()
    sound = make_small_xlsx()
    files = [data for data, _ in hostile.values()]
    assert max(map(len, files)) < 20 * 1024**2
    found = examine_apart(tmp_path, [*files, sound], ["xlsx"] * (len(files) + 1))["found"]
    wrong = {}
    for (name, (_, expected)), (verdict, *codes) in zip(hostile.items(), found, strict=False):
        reading = [
            code for code in codes if code.startswith("FILE-") and code not in {"FILE-EXTENSION", "FILE-NO-FORM"}
        ]
        seen = reading[0] if reading else READ
        if verdict != "rejected" or len(reading) > 1 or seen not in expected.split("|"):
            wrong[name] = codes
    assert wrong == {}
    assert found[-1] == ["rejected", "FILE-NO-FORM"], "a sound file after all of them is read as ever"


HOLD = """
import sys, time
from pathlib import Path
from etl.reading.grid import Workbook
from etl.reading.pool import ReaderPool

data = Path(sys.argv[1]).read_bytes()
with ReaderPool(2) as pool:
    read = pool.read((at, data) for at in range(9))
    results = [next(read)[1]]
    # Until the children have read all that they were given, the caller being busy with the first.
    while pool._busy or pool._threads._work_queue.qsize():
        time.sleep(0.05)
    results = [len(result.sheets[0].cells) for _, result in read if isinstance(result, Workbook)]
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(len(results), *set(results), peak // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
def test_many_heavy_files_at_once_do_not_add_up(tmp_path: Path) -> None:
    """Two kilobytes that stand for 390,000 cells, nine times: what waits for its turn waits packed, a tenth of the size."""
    (tmp_path / "heavy").write_bytes(make_table(repeat_row(390_000)))
    command = [sys.executable, "-c", HOLD, str(tmp_path / "heavy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    count, cells, peak = map(int, done.stdout.split())
    assert (count, cells) == (8, 390_000)
    assert peak < 500, f"the worker held {peak} MiB"


def test_files_cut_short_anywhere(tmp_path: Path) -> None:
    cut = list_truncated(60)
    found = examine_apart(tmp_path, list(cut.values()), [name.split()[0] for name in cut])["found"]
    for name, (verdict, *codes) in zip(cut, found, strict=True):
        assert verdict == "rejected", name
        assert {"FILE-UNREADABLE", "FILE-NOT-WORKBOOK", "FILE-NO-FORM"} & set(codes), (name, codes)
    unreadable = [name for name, (_, *codes) in zip(cut, found, strict=True) if "FILE-NO-FORM" not in codes]
    assert len(unreadable) > 0.9 * len([name for name in cut if not name.startswith("xls ")])
