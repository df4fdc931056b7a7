"""Measures the same again and again while somebody watches: each round is shown at once, sealed, and the last is kept.

One child measures all rounds, so that rates are over the time between two of them and a round costs little; one that
hangs is killed with its probe, and the next round has another.

A watch ends as its last round. A log that was followed ends as the lines that were shown, exactly as they were shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caseprobe.errors import MeasurementError
from caseprobe.v1 import link_pb2, section_log_pb2, section_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.session.spans import Span

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact
    from caseprobe_agent.snapshot import Taken

# What a log's snapshot holds at most of the lines that were shown, the newest.
KEPT_BYTES = 1 << 20
# After a probe's own limit, for its child to begin and end.
ROUND_SLACK_SECONDS = 5.0

# Where rounds are further apart, memory is worth more than the start of a child.
KEPT_SECONDS = 30.0

SealRound = Callable[[snapshot_pb2.Snapshot, "Sequence[RawArtifact]"], Awaitable[link_pb2.Sections]]
# What seals the rounds of one session, for as long as it lasts; told whether a child waits between them.
Sealing = Callable[[bool], contextlib.AbstractAsyncContextManager[SealRound]]


def keeps_children(span: Span) -> bool:
    """Whether the children of one round wait for the next."""
    return span.interval_seconds <= KEPT_SECONDS


async def rounds_of(span: Span, machine: Machine) -> AsyncGenerator[Taken]:
    """Everything that the span measures, a round after the other, the first at once, the last at its end; raw."""
    from caseprobe_agent.snapshot.child import Looks  # not for an agent that idles

    async with worker.Kept(Looks) as kept, contextlib.aclosing(_rounds(span, machine, kept)) as rounds:
        async for taken in rounds:
            yield taken


async def _rounds(span: Span, machine: Machine, kept: worker.Kept) -> AsyncGenerator[Taken]:
    from caseprobe_agent.snapshot import new_sentinel, take_snapshot

    clock = asyncio.get_running_loop().time
    sentinel, probes = new_sentinel(), span.probes
    profile = "log_tail" if span.follows else "watch"
    places: Mapping[str, str] | None = {probe.name: "" for probe in probes} if span.follows else None
    limit = max(probe.timeout_seconds for probe in probes) + ROUND_SLACK_SECONDS
    due = clock()
    end = due + span.duration_seconds
    while True:
        began = clock()
        child = await _waiting(kept) if keeps_children(span) else None
        taken = await take_snapshot(probes, machine, limit, profile, child, sentinel, places)
        yield taken
        now = clock()
        if now >= end:
            return
        # Rounds never overlap, and a machine that needs long for one rests as long before the next.
        due = min(max(due + span.interval_seconds, now + (now - began)), end)
        await asyncio.sleep(due - now)
        probes = span.later
        places = None if places is None else {**places, **taken.places}


async def _waiting(kept: worker.Kept) -> worker.Child | None:
    """The child that waits for a round; None where none can be started, which the round then tells."""
    with contextlib.suppress(MeasurementError):
        return await kept.child()
    return None


@dataclass
class Followed:
    """The lines of a log as they were shown, the newest that there is room for, and what is said of them."""

    facts: section_log_pb2.LogTailFacts = field(default_factory=section_log_pb2.LogTailFacts)
    # Every line that was shown counts, kept or not.
    lines_total: int = 0
    _lines: deque[bytes] = field(default_factory=deque)
    _kept_bytes: int = 0

    def show(self, section: section_pb2.Section, raw: section_pb2.Section) -> None:
        """Number the lines of a sealed section from the session's first on, and keep them; raw: what it was made of."""
        if not section.HasField("log_tail"):
            self.facts.left_out_total += raw.log_tail.lines_total
            return
        for line in section.lines:
            line.line += self.lines_total
            self._keep(line.text.encode() + b"\n")
        self.lines_total += len(section.lines)
        self.facts.source, self.facts.artifact = section.log_tail.source, section.log_tail.artifact
        self.facts.left_out_total += section.log_tail.left_out_total
        self.facts.truncated = self.facts.truncated or section.log_tail.truncated

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self._kept_bytes += len(line)
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._lines.popleft())
            self.facts.left_out_total += 1

    def conclude(self, section: section_pb2.Section) -> tuple[RawArtifact, ...]:
        """Tells in the section what was shown; gives the lines."""
        from caseprobe_agent.probes.probe import RawArtifact

        if section.HasField("log_tail"):
            section.log_tail.CopyFrom(self.facts)
            section.log_tail.lines_total = len(self._lines)
        data, facts = b"".join(self._lines), self.facts
        return (RawArtifact(facts.artifact, facts.source, data, facts.truncated),) if data else ()


def has_news(section: section_pb2.Section) -> bool:
    """Whether there is anything to show: a log is often silent."""
    facts = section.log_tail
    return not section.HasField("log_tail") or bool(facts.lines_total or facts.left_out_total or facts.truncated)


def check_can_follow(section: section_pb2.Section) -> None:
    """Raises MeasurementError where a log cannot be read: then there is nothing to wait for."""
    if section.outcome != section_pb2.PROBE_OUTCOME_OK:
        raise MeasurementError(section.reason or "the log could not be read")
