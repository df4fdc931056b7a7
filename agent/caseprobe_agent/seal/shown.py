"""What is seen of a section before the file that holds it whole."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor

from caseprobe.v1 import section_pb2

# A longer section is told by its single facts; its lists come with the file.
LARGEST_SECTION_BYTES = 16 << 10


def withheld(probe: str, why: str) -> section_pb2.Section:
    """A section of which nothing leaves but its name and the reason."""
    return section_pb2.Section(probe=probe, outcome=section_pb2.PROBE_OUTCOME_FAILED, reason=why)


def shortened(section: section_pb2.Section) -> section_pb2.Section:
    """A section without its lines; without its lists where it is too long, and without facts where it still is."""
    short = section_pb2.Section()
    short.CopyFrom(section)
    del short.lines[:]
    kind = short.WhichOneof("facts")
    if kind is None or short.ByteSize() <= LARGEST_SECTION_BYTES:
        return short
    facts = getattr(short, kind)
    for field, _ in facts.ListFields():
        if field.is_repeated and field.type == FieldDescriptor.TYPE_MESSAGE:
            facts.ClearField(field.name)
    if short.ByteSize() > LARGEST_SECTION_BYTES:
        short.ClearField("facts")
        del short.shortfalls[:]
    return short
