"""What proves a finding: lines that the section kept, or the facts themselves where no line exists."""

from __future__ import annotations

import re

from caseprobe.v1 import finding_pb2, section_pb2

MOST_LINES = 10
_SEPARATORS = re.compile(r"[\s:=,|]+")


def quote(section: section_pb2.Section, source: str, *words: str) -> list[finding_pb2.Evidence]:
    """Lines of a source that hold one of these words as a whole token, all of its lines without words; at most ten.

    A source that ends with "/" means every file below it.

    >>> line = section_pb2.SourceLine(source="/proc/meminfo", line=3, text="MemAvailable:  81920 kB")
    >>> [e.line for e in quote(section_pb2.Section(lines=[line]), "/proc/meminfo", "MemAvailable")]
    [3]
    """
    found = (line for line in section.lines if _is_from(line.source, source) and _holds(line.text, words))
    return [
        finding_pb2.Evidence(source=line.source, line=line.line, text=line.text)
        for line, _ in zip(found, range(MOST_LINES), strict=False)
    ]


def _is_from(source: str, wanted: str) -> bool:
    return source.startswith(wanted) if wanted.endswith("/") else source == wanted


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return not words or not set(words).isdisjoint(_SEPARATORS.split(text))


def stated(section: section_pb2.Section, **facts: float | str) -> finding_pb2.Evidence:
    """The facts themselves as evidence, for what was read by a system call and has no line.

    >>> stated(section_pb2.Section(probe="filesystems"), used_bytes=5, mount_point="/").text
    'used_bytes=5 mount_point=/'
    """
    text = " ".join(f"{name}={_plain(value)}" for name, value in facts.items())
    return finding_pb2.Evidence(source=f"{section.probe} section", text=text)


def _plain(value: float | str) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def prove(
    section: section_pb2.Section, source: str, words: tuple[str, ...], **facts: float | str
) -> list[finding_pb2.Evidence]:
    """The lines of source that hold one of words; where the section kept none, the facts."""
    return quote(section, source, *words) or [stated(section, **facts)]
