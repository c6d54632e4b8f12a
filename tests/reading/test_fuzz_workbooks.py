"""Two thousand broken workbooks go the whole way of a file: nothing raises, hangs, or passes the limit of memory.

In a program of its own, whose memory and that of its readers is theirs alone. To look at one failure again:
`fuzz_builders.make_mutant(number)`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_builders import make_mutant

NUMBER = 2000
GIB = 1024**3
PROGRAM = """
import faulthandler, io, json, re, resource, sys, time, traceback, zipfile
from pathlib import Path
from fuzz_builders import make_mutant
from etl.annotation.annotate import annotate_workbook
from etl.annotation.failures import CannotAnnotate
from etl.annotation.summary import SummaryFacts, write_summary_html, write_summary_text
from etl.examination import Delivery
from etl.reading.grid import parse_cell_name
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.check import show_checked
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner

folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
settings = Settings(home=folder, register=PROJECT_ROOT / "register", landing=folder.as_uri(), readers=2, reader_seconds=10)
faults, codes, verdicts, slowest, copies = [], {}, {}, (0.0, -1), 0


def note(number, stage):
    # The last frames say where; the message may quote what is in the file.
    faults.append([number, stage, traceback.format_exc(limit=-3)])


def look(number, name, data, examined):
    global slowest, copies
    started = time.monotonic()
    verdicts[examined.verdict] = verdicts.get(examined.verdict, 0) + 1
    for finding in examined.findings:
        codes[finding.code] = codes.get(finding.code, 0) + 1
        assert finding.message and finding.fix, finding.code
        assert finding.cell is None or parse_cell_name(finding.cell)
    json.dumps(show_checked(examined, Path(name)), ensure_ascii=False).encode("utf-8", "surrogatepass")
    annotated = None
    try:
        copy = annotate_workbook(data, examined.findings, examined.subject)
        assert zipfile.ZipFile(io.BytesIO(copy)).testzip() is None
        annotated, copies = "a.xlsx", copies + 1
    except CannotAnnotate:
        pass
    facts = SummaryFacts(name, None, None, None, examined.verdict, examined.findings, annotated=annotated)
    write_summary_html(facts), write_summary_text(facts)
    slowest = max(slowest, (time.monotonic() - started, number))


def examine(examiner, batch):
    deliveries = [Delivery(number, name, data) for number, (name, data) in batch.items()]
    try:
        return list(examiner.examine(deliveries))
    except Exception:
        if len(batch) == 1:
            note(next(iter(batch)), "examine")
            return []
        return [one for number, mutant in batch.items() for one in examine(examiner, {number: mutant})]


with make_examiner(Knowledge(settings)) as examiner:
    for start in range(first, last, 250):
        # A hang is told by where it hangs, and ends the program.
        faulthandler.dump_traceback_later(240, exit=True)
        batch = {number: make_mutant(number) for number in range(start, min(start + 250, last))}
        for examined in examine(examiner, batch):
            try:
                look(examined.key, *batch[examined.key], examined)
            except Exception:
                note(examined.key, "answer")
faulthandler.cancel_dump_traceback_later()
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({
    "faults": faults, "codes": codes, "verdicts": verdicts, "slowest": slowest, "copies": copies,
    "worker": peak * 1024, "children": children * 1024,
}))
"""


def test_a_mutant_is_its_number() -> None:
    assert [make_mutant(number) for number in (3, 4)] == [make_mutant(number) for number in (3, 4)]


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
def test_two_thousand_broken_workbooks(tmp_path: Path) -> None:
    """Measured on two cores: see the report of the durations of this test; it must stay within some three minutes."""
    folders = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), "0", str(NUMBER)],
        capture_output=True, text=True, timeout=1200, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    answer = json.loads(done.stdout)
    assert answer["faults"] == []
    assert sum(answer["verdicts"].values()) == NUMBER
    assert answer["worker"] < GIB, f"the worker held {answer['worker'] >> 20} MiB"
    assert answer["children"] < GIB, f"a reading child held {answer['children'] >> 20} MiB"
    assert answer["slowest"][0] < 20, answer["slowest"]
    assert "FILE-TIMEOUT" not in answer["codes"], "a file of some kilobytes keeps a reader busy"
    # The mutations reach every stage: some files are unreadable, most are not, and many rules speak.
    assert set(answer["verdicts"]) == {"accepted", "accepted_with_warnings", "rejected"}
    assert 0.05 * NUMBER < answer["codes"]["FILE-UNREADABLE"] < 0.6 * NUMBER
    assert answer["copies"] > 0.4 * NUMBER
    assert len(answer["codes"]) > 40
