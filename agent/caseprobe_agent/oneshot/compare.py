"""What changed between the machine's own words and what would leave. It is shown, and never written anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from caseprobe.v1 import section_pb2

WORD = re.compile(r"[^\s\"'=,;()\[\]{}<>|]{4,}")
LEFT_OUT = ""
# Characters of a long line that stand beside what is not alike in it.
CONTEXT = 40


@dataclass(frozen=True)
class Change:
    """One place before and after; after is empty where the value was dropped."""

    place: str
    before: str
    after: str

    def told(self) -> tuple[str, str]:
        """Both without the long stretches that they begin and end with alike.

        >>> Change("", "x" * 99 + "vm 1", "x" * 99 + "host-a 1").told()[0]
        '…xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxvm 1'
        """
        begin = _alike(self.before, self.after)
        alike = _alike(self.before[begin:][::-1], self.after[begin:][::-1])
        first, last = max(0, begin - CONTEXT), max(0, alike - CONTEXT)
        cut = (text[first : len(text) - last] for text in (self.before, self.after))
        before, after = ("…" * bool(first) + text + "…" * bool(last) for text in cut)
        return before, after


def _alike(one: str, other: str) -> int:
    """With how many characters both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def text_changes(name: str, before: bytes, after: bytes) -> Iterator[Change]:
    """Every line that is not as it was; both have the same number of lines."""
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    for number, (old, new) in enumerate(pairs, 1):
        if old != new:
            yield Change(f"{name}:{number}", old.decode("utf-8", "replace"), new.decode("utf-8", "replace"))


def section_changes(before: section_pb2.Section, after: section_pb2.Section) -> Iterator[Change]:
    """Every value of a section that is not as it was."""
    sent = dict(_values(after, after.probe))
    for place, value in _values(before, before.probe):
        if sent.get(place, LEFT_OUT) != value:
            yield Change(place, value, sent.get(place, LEFT_OUT))


def stand_ins(text: str, restore: Callable[[str], str]) -> dict[str, str]:
    """The stand-ins in a text with what each stands for; restore knows."""
    words = dict.fromkeys(match[0] for match in WORD.finditer(text))
    return {word: true for word in words if (true := restore(word)) != word}


def _values(message: Message, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a message with where it stands."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else (value,)
        for number, one in enumerate(many):
            place = f"{path}.{field.name}" + (f"[{number}]" if field.is_repeated else "")
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                yield from _values(one, place)
            elif field.type == FieldDescriptor.TYPE_STRING:
                yield place, one
            elif field.type == FieldDescriptor.TYPE_BYTES:
                yield place, one.decode("utf-8", "replace")
