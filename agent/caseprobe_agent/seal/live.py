"""What a running session shows of a round: sections through the one pipe, in a child.

Of a log that is followed, the new lines are taken out of its redacted artifact: there they were looked at as a text,
after the lines before them, so that a secret of several lines is known in the middle of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from caseprobe.errors import RedactionError
from caseprobe.v1 import link_pb2, section_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.seal import Run
from caseprobe_agent.seal.form import Hiding, pack_request, unpack_request
from caseprobe_agent.seal.shown import shortened, withheld

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact
    from caseprobe_agent.seal.pipe import Sealed

SECONDS = 30.0
# A collector takes 256 KiB at once.
LARGEST_ROUND_BYTES = 224 << 10
TOO_LONG = "more than is shown at once"
UNCLEAR = "withheld: after redaction its new lines could not be told from those before them"


@contextlib.asynccontextmanager
async def rounds_apart(
    hiding: Hiding, kept: bool, run: Run = worker.call
) -> AsyncIterator[Callable[[snapshot_pb2.Snapshot, Sequence[RawArtifact]], Awaitable[link_pb2.Sections]]]:
    """sections_apart for the rounds of one session; kept: one child makes them all, and has loaded the rules once."""
    async with worker.Kept(make_sections) as child:
        yield partial(_made, hiding, child.call if kept else run)


async def _made(
    hiding: Hiding, run: Run, snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact]
) -> link_pb2.Sections:
    return await sections_apart(snapshot, artifacts, hiding, run)


async def sections_apart(
    snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact], hiding: Hiding, run: Run = worker.call
) -> link_pb2.Sections:
    """The sections of a round as they may leave; raises MeasurementError where the child failed."""
    answer = await run(make_sections, pack_request(snapshot, artifacts, hiding, b""), SECONDS)
    return link_pb2.Sections.FromString(answer)


def make_sections(request: bytes) -> bytes:
    """In the child: the sections of a packed round."""
    from caseprobe_agent.seal.pipe import seal  # the rules are never loaded by the resident process

    snapshot, artifacts, hiding, _, judging = unpack_request(request)
    try:
        sealed = seal(snapshot, artifacts, hiding, judging, strict=False)
        sections = [_seen(section, sealed) for section in sealed.snapshot.sections]
    except RedactionError as error:
        sections = [withheld(section.probe, str(error)) for section in snapshot.sections]
    made = link_pb2.Sections(sections=sections)
    if made.ByteSize() > LARGEST_ROUND_BYTES:
        made = link_pb2.Sections(sections=[withheld(section.probe, TOO_LONG) for section in sections])
    return made.SerializeToString()


def _seen(section: section_pb2.Section, sealed: Sealed) -> section_pb2.Section:
    """A sealed section as it is shown, looked at once more."""
    from caseprobe_agent.seal.guard import as_text

    shown = shortened(section)
    if section.HasField("log_tail"):
        why = _reason(sealed.snapshot, section.log_tail.artifact) or _with_lines(shown, sealed.artifacts)
        if why:
            return withheld(section.probe, why)
    why = sealed.guard.objection(section.probe, as_text(shown))
    return withheld(section.probe, why) if why else shown


def _with_lines(shown: section_pb2.Section, artifacts: Mapping[str, bytes]) -> str:
    """Gives a tail its new lines; the reason where they cannot be told."""
    facts = shown.log_tail
    text = artifacts.get(facts.artifact, b"").decode("utf-8", "replace")
    # What stands behind the last line's end is hidden with a secret that goes on there, and empty else.
    *lines, _ = text.split("\n")
    if len(lines) != facts.context_lines_total + facts.lines_total:
        return UNCLEAR
    for number, line in enumerate(lines[facts.context_lines_total :], start=1):
        shown.lines.add(source=facts.source, line=number, text=line)
    return ""


def _reason(snapshot: snapshot_pb2.Snapshot, artifact: str) -> str:
    """Why an artifact stayed here; empty where it did not."""
    return next((one.withheld_reason for one in snapshot.artifacts if one.name == artifact), "")
