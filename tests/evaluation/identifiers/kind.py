"""A kind of identifier: how one is drawn, how it may be spelled, and the lines in which machines write it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Draw = Callable[[Random], str]
Spell = Callable[[str], str]


def as_drawn(value: str) -> str:
    """The value as it is."""
    return value


@dataclass(frozen=True)
class Kind:
    """A name, a way to draw a value, the spellings of it, and lines that hold "{value}" once or more.

    told: the machine knows the value as its own ("host", "user", "serial", "peer"), as it knows its accounts;
    "" for values that it has never heard of. pieces: what must not be left in the output, of a spelled value.
    """

    name: str
    draw: Draw
    contexts: tuple[str, ...]
    spellings: tuple[Spell, ...] = (as_drawn,)
    told: str = ""
    pieces: Callable[[str], tuple[str, ...]] = lambda value: (value,)
