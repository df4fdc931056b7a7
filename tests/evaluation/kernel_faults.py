"""How many true messages of the kernel are found, in the right class; and what is found where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.faults import Message, find_faults
from caseprobe.parse.logs.text import LogText, read_log, ring_parser

FOLDER = Path(__file__).parent
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# What counts as one class of the twenty-four, and how often a message must come to be one.
FAMILIES = {
    "blk_medium_error": "blk_io_error",
    "blk_transport_error": "blk_io_error",
    "ata_icrc": "ata_link_reset",
    "edac_ue": "edac_ce",
}
# Gathered from others' reports, one after the other; each labelled before any rule had been run on it.
PUBLISHED = ("kernel_faults_published.tsv", "kernel_faults_unseen.tsv")
REPEATED = {"link_down": ("link_flap", 3), "segfault": ("segfault_storm", 5)}


@dataclass(frozen=True)
class Case:
    """One event of the corpus: lines that the kernel wrote, and what they mean."""

    fault_class: str
    object: str
    source: str
    lines: Sequence[str]
    held_out: bool

    @property
    def times(self) -> int:
        """How often the event comes before it is judged."""
        return REPEATED.get(self.fault_class, ("", 1))[1]


@dataclass(frozen=True)
class Scored:
    """What became of one case."""

    case: Case
    found: bool
    class_right: bool
    object_right: bool


def cases() -> Iterator[Case]:
    """The corpus that was written from the kernel's sources, in its order."""
    for number, (fault_class, subject, source, text) in enumerate(_rows("kernel_faults.tsv")):
        yield Case(fault_class, subject, source, text.split("\\n"), held_out=number % 2 == 1)


def published(name: str) -> Iterator[Case]:
    """Whole lines of logs that others published in bug reports; the first figures stand at the head of the file."""
    for fault_class, subject, source, text in _rows(name):
        yield Case(fault_class, subject, source, text.split("\\n"), held_out=True)


def _rows(name: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in (FOLDER / name).read_text().splitlines() if line[:1] != "#")


def scored(case: Case) -> Scored:
    """The case judged as it would stand in dmesg, its lines a second apart."""
    lines = [line for _ in range(case.times) for line in case.lines]
    text = "".join(f"[{100 + number:5}.000000] {line}\n" for number, line in enumerate(lines))
    faults = facts_of(LogText(text, ring_parser(0))).faults
    wanted = REPEATED.get(case.fault_class, (case.fault_class, 1))[0]
    right = [one for one in faults if family(one.fault_class) == family(wanted)]
    return Scored(case, bool(faults), bool(right), any(one.object == case.object for one in right))


def scored_published(case: Case) -> Scored:
    """The case's lines read as the log that they were taken from, whatever its form; nothing of them is repeated."""
    log = read_log("".join(f"{line}\n" for line in case.lines).encode(), NOW, 0)
    faults = [] if log is None else list(facts_of(log).faults)
    right = [one for one in faults if family(one.fault_class) == family(case.fault_class)]
    return Scored(case, bool(faults), bool(right), any(one.object == case.object for one in right))


def family(fault_class: str) -> str:
    """The class of the twenty-four that a class belongs to."""
    return FAMILIES.get(fault_class, fault_class)


def alone(case: Case) -> list[str]:
    """The classes of the case's lines without any time, as dmesg -t would give them."""
    messages = [Message(number, None, line) for number, line in enumerate(case.lines, start=1)]
    return [fault.fault_class for fault in find_faults(messages)]


def false_findings(folder: str) -> dict[str, list[str]]:
    """By file of a folder that holds no fault: the lines that were taken for one."""
    return {path.name: _faults_in(path.read_bytes()) for path in sorted((FOLDER / folder).iterdir())}


def _faults_in(data: bytes) -> list[str]:
    log = read_log(data, NOW, 0)
    return [] if log is None else [fault.text for fault in facts_of(log).faults]
