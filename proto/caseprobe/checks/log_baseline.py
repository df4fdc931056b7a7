"""Which kinds of messages a machine's logs have held so far: hashes of templates, of redacted text, in bounded number.

They stay on the machine, with what it keeps of its earlier snapshots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from caseprobe.v1 import section_log_pb2, section_pb2, snapshot_pb2

KNOWN_AT_MOST = 4096
LOG_FACTS = ("kernel_log", "system_log")


def log_of(section: section_pb2.Section) -> section_pb2.LogFacts | None:
    """The facts of a log's section, None for any other."""
    kind = section.WhichOneof("facts")
    return getattr(section, kind) if kind in LOG_FACTS else None


def template_hash(template: section_log_pb2.LogTemplate) -> int:
    """Names a kind of message of one program."""
    text = f"{template.program}\n{template.template}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def without_lines(section: section_pb2.Section) -> None:
    """Take out of a log's section what no later judging needs: the lines themselves."""
    log = log_of(section)
    if log is not None:
        del log.faults[:]
        for template in log.templates:
            template.ClearField("text")


def carry(kept: Iterable[snapshot_pb2.Snapshot], newest_first: Sequence[snapshot_pb2.Snapshot]) -> None:
    """Let the newest section of each log that is kept know what all before it knew; only the newest holds that."""
    known = _known(reversed(newest_first))
    for snapshot in kept:
        for section in snapshot.sections:
            log = log_of(section)
            if log is not None:
                del log.known_templates[:]
                log.known_templates.extend(known.pop(section.probe, ()))


def _known(oldest_first: Iterable[snapshot_pb2.Snapshot]) -> dict[str, list[int]]:
    """By probe, the hashes in the order in which they were last met, the oldest dropped where there are too many."""
    found: dict[str, dict[int, None]] = {}
    for snapshot in oldest_first:
        for section in snapshot.sections:
            log = log_of(section)
            if log is not None:
                known = found.setdefault(section.probe, {})
                for one in (*log.known_templates, *map(template_hash, log.templates)):
                    known.pop(one, None)
                    known[one] = None
    return {probe: list(known)[-KNOWN_AT_MOST:] for probe, known in found.items()}
