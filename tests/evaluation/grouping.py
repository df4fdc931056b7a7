"""How well messages are grouped into templates, and how fast, on logs with the true template of each line.

The data (loghub, 8 systems of 2,000 lines) has its own licence and is not part of this project: its
folder is an argument.
"""

from __future__ import annotations

import csv
import io
import tarfile
import time
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from caseprobe.parse.logs.templates import NUMBER, templates_of

ARCHIVE = "logs.tar.xz"
TRUTH = "_2k.log_structured.csv"
RUNS = 5


@dataclass(frozen=True)
class Labelled:
    """Messages of one system with the name of the true template of each."""

    messages: Sequence[str]
    truth: Sequence[str]


def labelled(folder: Path) -> Mapping[str, Labelled]:
    """The systems in the folder's archive, by name."""
    found = {}
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(TRUTH) else None
            if content is not None:
                rows = list(csv.DictReader(io.StringIO(content.read().decode("utf-8"), newline="")))
                truth = [row["EventId"] for row in rows]
                found[Path(member.name).parent.name] = Labelled([row["Content"] for row in rows], truth)
    return dict(sorted(found.items()))


def grouping_accuracy(told: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Share of lines whose group holds exactly the lines of its true template (Zhu et al., ICSE-SEIP 2019).

    >>> grouping_accuracy(["a", "a", "b", "c"], [1, 1, 2, 2])
    0.5
    """
    true_groups = set(_groups(truth))
    right = sum(len(group) for group in _groups(told) if group in true_groups)
    return right / len(truth) if truth else 1.0


def _groups(names: Sequence[Hashable]) -> list[tuple[int, ...]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        groups[name].append(place)
    return [tuple(group) for group in groups.values()]


def accuracies(systems: Mapping[str, Labelled]) -> dict[str, float]:
    """Grouping accuracy of each system."""
    return {name: grouping_accuracy(templates_of(one.messages), one.truth) for name, one in systems.items()}


def numbers_only(systems: Mapping[str, Labelled]) -> dict[str, float]:
    """The same with nothing but numbers cut: what the further steps add."""
    return {
        name: grouping_accuracy([NUMBER.sub("*", message) for message in one.messages], one.truth)
        for name, one in systems.items()
    }


def lines_per_second(systems: Mapping[str, Labelled]) -> float:
    """Of one core, all systems as one stream, each line once as it stands there; the best of a few runs."""
    stream = [message for one in systems.values() for message in one.messages]
    best = min(_seconds(stream) for _ in range(RUNS))
    return len(stream) / best


def _seconds(messages: Sequence[str]) -> float:
    begin = time.process_time()
    templates_of(messages)
    return time.process_time() - begin
