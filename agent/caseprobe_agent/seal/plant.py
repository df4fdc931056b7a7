"""A random value in every raw source, on which the pipe must prove itself: afterwards it may be nowhere.

The child plants it as each probe ends (`snapshot.child`); what came from elsewhere gets it here, before the pipe.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from caseprobe.sentinel import planted_text, sentinel_line
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.probes.probe import RawArtifact
from caseprobe_agent.snapshot import SENTINEL_SOURCE

KEY = sentinel_line("").partition("=")[0]
MARK = re.compile(rb"_hidden_(\w+?)_(?!\w)")


def sentinels_in(sections: Iterable[section_pb2.Section]) -> tuple[str, ...]:
    """The values that were planted while these sections were measured, each once."""
    lines = (line.text for section in sections for line in section.lines if line.source == SENTINEL_SOURCE)
    return tuple(dict.fromkeys(text.partition("=")[2] for text in lines if text.startswith(KEY + "=")))


def plant(
    snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact], sentinel: str
) -> tuple[snapshot_pb2.Snapshot, list[RawArtifact], tuple[str, ...]]:
    """A copy in which every section and artifact has a sentinel, its own or this one; and all that are in it."""
    planted = snapshot_pb2.Snapshot()
    planted.CopyFrom(snapshot)
    for section in planted.sections:
        if not any(line.source == SENTINEL_SOURCE for line in section.lines):
            section.lines.add(source=SENTINEL_SOURCE, text=sentinel_line(sentinel))
    known = sentinels_in(planted.sections) or (sentinel,)
    return planted, [_planted(one, known) for one in artifacts], known


def _planted(artifact: RawArtifact, known: Sequence[str]) -> RawArtifact:
    """An artifact with a sentinel; one that starts with the line of a known one has it already."""
    if any(artifact.data.startswith(sentinel_line(one).encode() + b"\n") for one in known):
        return artifact
    return replace(artifact, data=planted_text(artifact.data, known[0]))


def bare(artifact: RawArtifact, known: Sequence[str]) -> bytes:
    """The bytes of an artifact as they were read."""
    for one in known:
        line = sentinel_line(one).encode()
        if artifact.data.startswith(line + b"\n"):
            return artifact.data[len(line) + 1 : -len(line) - 1]
    return artifact.data


def uprooted(data: bytes) -> tuple[bytes, Counter[str]]:
    """A redacted text without its planted lines, and by which rules they were hidden.

    What does not begin with such a line stays as it is: then the search for the sentinel tells.
    """
    if not data.startswith(KEY.encode()):
        return data, Counter()
    first, last = data.find(b"\n"), data.rfind(b"\n")
    return data[first + 1 : max(first + 1, last)], _rules(data[:first]) + _rules(data[last + 1 :])


def uproot(snapshot: snapshot_pb2.Snapshot) -> Counter[str]:
    """Takes the planted lines out of a redacted snapshot; gives by which rules they were hidden."""
    rules: Counter[str] = Counter()
    for section in snapshot.sections:
        kept = [line for line in section.lines if line.source != SENTINEL_SOURCE]
        rules += sum((_rules(one.text.encode()) for one in section.lines if one not in kept), Counter())
        del section.lines[:]
        section.lines.extend(kept)
    return rules


def _rules(text: bytes) -> Counter[str]:
    return Counter(name.decode() for name in MARK.findall(text))
