"""While a child measures: sections are handed on, logs are read for nothing, and nothing of it holds up the end."""

from __future__ import annotations

import asyncio
import sys

from caseprobe.v1 import section_pb2
from caseprobe_agent.oneshot.loading import READY
from caseprobe_agent.oneshot.rehearsal import Rehearsal
from caseprobe_agent.probes.probe import RawArtifact

LIMIT_SECONDS = 60.0


def log(data: bytes) -> RawArtifact:
    """A log with this text."""
    return RawArtifact("artifacts/x.log", "/var/log/x", data, truncated=False)


async def test_it_ends_when_all_is_measured() -> None:
    """Whatever came: texts, one that the pipe refuses, a section without lines; and then all is loaded."""
    heard: list[section_pb2.Section] = []
    rehearsal = Rehearsal(heard.append)
    playing = asyncio.create_task(asyncio.to_thread(rehearsal.play))
    sections = [section_pb2.Section(probe=name) for name in ("cpu", "memory")]
    sections[0].lines.add(source="/proc/stat", text="password=Tr0ub4dor&3x")
    for section in sections:
        rehearsal.hear(section)
    for data in (b"\0" * 100, b"", b"user alice from 192.0.2.7\n" * 10_000):
        rehearsal.take(log(data))
    rehearsal.end()
    await asyncio.wait_for(playing, LIMIT_SECONDS)
    assert heard == sections
    assert set(READY) <= sys.modules.keys()


async def test_it_ends_where_nothing_comes() -> None:
    """A run in which every probe fails, or the deadline comes first, is not waited for."""
    rehearsal = Rehearsal(lambda _section: None)
    playing = asyncio.create_task(asyncio.to_thread(rehearsal.play))
    rehearsal.end()
    await asyncio.wait_for(playing, LIMIT_SECONDS)
