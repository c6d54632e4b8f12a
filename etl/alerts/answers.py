"""What a letter about a file that is no submission says, in Vietnamese: a repeat, one of nobody, one that was refused. Pure.

It must not know addresses nor decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from etl.alerts.letters import Body, Sender, render_letter
from etl.labels import VERDICT_LABELS
from etl.register.alerting import LetterKind

MOST_FINDINGS: Final = 10
MOST_FILES: Final = 20


@dataclass(frozen=True, slots=True)
class RepeatFacts:
    """A file equal to a submission already there: that one's receipt, number and verdict (a key of VERDICT_LABELS)."""

    file: str
    received_at: datetime
    unit: str
    report: str
    period: str
    first_received_at: datetime
    attempt: int
    verdict: str | None


@dataclass(frozen=True, slots=True)
class UnattributedFacts:
    """A file of which nobody knows whose it is. `findings`: (message, what to do), errors first."""

    file: str
    received_at: datetime
    findings: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RefusedFacts:
    """Files that were not taken: (name or "", why, what to do)."""

    received_at: datetime
    files: Sequence[tuple[str, str, str]]


def write_repeat(recipient: str, facts: RepeatFacts, sender: Sender) -> Body:
    """The file was there already."""
    verdict = VERDICT_LABELS.get(facts.verdict or "", "")
    subject = "Tệp này đã nhận trước đó, không tính thành lần nộp mới"
    values = {"recipient": recipient, "facts": facts, "sender": sender, "verdict": verdict}
    return render_letter(LetterKind.ALREADY_RECEIVED.value, subject, values)


def write_unattributed(recipient: str, facts: UnattributedFacts, sender: Sender) -> Body:
    """The file was received, and counts for nobody yet."""
    subject = "Đã nhận tệp nhưng chưa xác định được đơn vị, kỳ báo cáo"
    values = {"recipient": recipient, "facts": facts, "sender": sender, "most": MOST_FINDINGS}
    return render_letter(LetterKind.UNATTRIBUTED.value, subject, values)


def write_refused(recipient: str, facts: RefusedFacts, sender: Sender) -> Body:
    """Something was sent and not taken."""
    subject = "Không nhận được tệp, đề nghị gửi lại"
    values = {"recipient": recipient, "facts": facts, "sender": sender, "most": MOST_FILES}
    return render_letter(LetterKind.REFUSED.value, subject, values)
