"""The last look before a byte leaves: second scanner and sentinel test, over exactly the bytes that would go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from google.protobuf import json_format

from caseprobe.bundle import BundleReader
from caseprobe.bundle.layout import whole_name
from caseprobe.errors import RedactionError
from caseprobe.redaction.second import leaks
from caseprobe.sentinel import sentinel_hits
from caseprobe.v1 import section_pb2, snapshot_pb2

WITHHELD = "withheld: the second scanner saw {kinds} in it after redaction"
OWN_VALUE = "a value of this run that must stay here"
SENTINEL = "the sentinel that was planted in every source"


def seen(data: bytes, forbidden: Sequence[str] = (), sentinels: Sequence[str] = ()) -> list[str]:
    """Kinds of things that must not be in data and are; empty where it may leave."""
    found = leaks(data)
    if any(text and text.encode() in data for text in forbidden):
        found.append(OWN_VALUE)
    if any(sentinel_hits(data, one) for one in sentinels):
        found.append(SENTINEL)
    return found


def as_text(message: snapshot_pb2.Snapshot | section_pb2.Section) -> bytes:
    """A message as readers see it, without what only makes its lines."""
    text = json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False, indent=None)
    return text.encode()


@dataclass
class Guard:
    """Looks at one member after the other; a source in which it saw something gives nothing more."""

    forbidden: Sequence[str] = field(default=(), repr=False)
    sentinels: Sequence[str] = field(default=(), repr=False)
    closed: set[str] = field(default_factory=set)
    # A sentinel was seen somewhere: then the pipe did not run over everything.
    broken: bool = False
    # SHA-256 of everything in which nothing was seen: the same bytes need no second look.
    passed: set[bytes] = field(default_factory=set)

    def sees(self, data: bytes) -> list[str]:
        """Kinds of things in data that must not be there."""
        found = seen(data, self.forbidden, self.sentinels)
        self.broken = self.broken or SENTINEL in found
        return found

    def objection(self, name: str, data: bytes) -> str:
        """Why a member must stay here; empty where its first byte may leave.

        A member's source is its name without the number of a part.
        """
        source = whole_name(name)[0]
        if source in self.closed:
            return "withheld: it follows from a source in which the second scanner saw something"
        found = [] if sha256(data).digest() in self.passed else self.sees(data)
        if not found:
            self.let_pass(data)
            return ""
        self.closed.add(source)
        return WITHHELD.format(kinds=", ".join(found))

    def let_pass(self, data: bytes) -> None:
        """Note bytes of which every line was looked at."""
        self.passed.add(sha256(data).digest())

    def check_file(self, file: BinaryIO) -> None:
        """Reads a finished bundle as a receiver would; raises RedactionError where anything is in it that must not be.

        What it unpacks to must be what was looked at, byte for byte, or is looked at now. Compressed bytes are looked
        at for the sentinel only: they hold no words.
        """
        file.seek(0)
        reader = BundleReader(file)
        for name in reader.names():
            data = reader.read(name)
            if sha256(data).digest() not in self.passed and (found := self.sees(data)):
                raise RedactionError(f"nothing leaves: {', '.join(found)} in {name} of the finished bundle")
        file.seek(0)
        if any(sentinel_hits(file.read(), one) for one in self.sentinels):
            raise RedactionError(f"nothing leaves: {SENTINEL} is in the finished bundle")
