"""What is in a bundle, file by file: how large, why it is there, how private it was, what was hidden in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from caseprobe.v1 import privacy_pb2, section_pb2
from caseprobe_agent.config.bundles import CLASSES
from caseprobe_agent.probes import items
from caseprobe_agent.seal.pipe import Sealed

# Without these there is no bundle: what was measured, what was hidden in it, and the hashes.
NEEDED = ("snapshot.json", "redaction.json", "manifest.json")
# Made from the snapshot and from nothing else.
DERIVED = ("report.html", "findings.json")
KNOWN = (*NEEDED, *DERIVED, *(name for item in items.ALL for name in (*item.artifacts, *item.more)))
# What an operator's own probes read; the probe of site-NAME.txt is site.NAME.
SITE = "artifacts/site-"


@dataclass(frozen=True)
class Item:
    """One file of a bundle, or one area of its snapshot; number counts from 1, areas after the files.

    why: a word of the catalogue; privacy: the most private class that it held before it went through the pipe; hidden:
    counts by rule; size_bytes of an area is what it takes in the snapshot.
    """

    number: int
    name: str
    size_bytes: int
    why: str
    privacy: str
    hidden: Mapping[str, int] = field(default_factory=dict)
    needed: bool = False
    area: bool = False
    # Made from the snapshot: what was hidden there is hidden here.
    derived: bool = False


def items_of(sealed: Sealed, members: Mapping[str, int]) -> list[Item]:
    """Every file in the order of the bundle, then every measured area; members: size by name, as in the file."""
    files = [_file(number, name, size, sealed) for number, (name, size) in enumerate(members.items(), 1)]
    measured = [one for one in sealed.snapshot.sections if one.outcome != section_pb2.PROBE_OUTCOME_SKIPPED]
    areas = [
        Item(number, one.probe, one.ByteSize(), f"section_{one.probe}", most_private(one), area=True)
        for number, one in enumerate(measured, len(files) + 1)
    ]
    return [*files, *areas]


def probe_of(artifact: str) -> str:
    """The probe that an artifact was read by: both speak of the same source.

    >>> probe_of("artifacts/kernel.log")
    'kernel_log'
    """
    declared = next((item.name for item in items.ALL if artifact in item.words), "")
    if not declared and artifact.startswith(SITE):
        return artifact.removeprefix("artifacts/").removesuffix(".txt").replace("-", ".", 1)
    return declared or PurePosixPath(artifact).name.replace(".", "_").replace("-", "_")


def source_of(name: str, sealed: Sealed) -> set[str]:
    """Everything that goes where one thing goes: an artifact and the area that quotes it are one source."""
    probes = {probe_of(artifact): artifact for artifact in sealed.artifacts}
    if name in sealed.artifacts:
        return {name, probe_of(name)}
    return {name, probes[name]} if name in probes else {name}


def most_private(message: Message) -> str:
    """The most private class of any field that is set in a message and in all that is in it.

    >>> most_private(section_pb2.Section(probe="cpu"))
    'public'
    """
    return CLASSES[max(_classes(message), default=privacy_pb2.PRIVACY_CLASS_PUBLIC) - 1]


def _classes(message: Message) -> Iterator[int]:
    for field_, value in message.ListFields():
        if field_.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field_.is_repeated else (value,):
                yield from _classes(inner)
        elif field_.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            stated = field_.GetOptions().Extensions[privacy_pb2.privacy].privacy_class
            yield stated or privacy_pb2.PRIVACY_CLASS_SECRET


def _file(number: int, name: str, size: int, sealed: Sealed) -> Item:
    """One file; what is derived from the snapshot holds what the snapshot holds."""
    hidden: Mapping[str, int] = sealed.hidden.get(name, {})
    privacy = "public"
    if name in ("snapshot.json", *DERIVED):
        privacy = most_private(sealed.snapshot)
    elif name in sealed.artifacts:
        privacy = "secret"
    return Item(number, name, size, _why(name), privacy, dict(hidden), name in NEEDED, derived=name in DERIVED)


def _why(name: str) -> str:
    """The catalogue's word for why a file is there."""
    return f"why_{probe_of(name)}" if name in KNOWN else "why_artifact"
