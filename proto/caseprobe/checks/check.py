"""What a check is: a pure function over one section, with its threshold's source beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseprobe.v1 import finding_pb2, section_pb2

Judge = Callable[[section_pb2.Section], Iterator[finding_pb2.Finding]]


class NotApplicable(Exception):
    """Raised by a judge where the machine has no such thing; the message is the reason."""


class Unknown(Exception):
    """Raised by a judge where what it needs could not be read; the message is the reason, needs the missing right."""

    def __init__(self, message: str, needs: str = "") -> None:
        super().__init__(message)
        self.needs = needs


@dataclass(frozen=True)
class Check:
    """A frozen dotted id, the judge, and the name of the probe whose section it reads.

    judge yields one finding per object that is not well, nothing where all is well,
    and raises NotApplicable or Unknown where it cannot tell (findings yielded before that count).
    It need not fill check_id and threshold_source: check_snapshot stamps them.
    fields: parts of the facts without which it may not say "ok": where the section's shortfalls name one of them,
    the check is unknown (or not applicable) with that shortfall's reason.
    threshold: all levels of the check in words and units, for its page; a finding names the one it reached.
    Titles, summaries and advice live in caseprobe.texts, by this id.
    """

    id: str
    judge: Judge
    reads: str
    threshold: str
    threshold_source: str
    fields: tuple[str, ...] = ()
