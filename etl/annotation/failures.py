"""Why a workbook cannot be annotated. A file we cannot mark is never the sender's fault: the summary still goes out."""

from __future__ import annotations


class CannotAnnotate(Exception):
    """The workbook stays as it is; `reason` is one plain sentence without anything out of the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
