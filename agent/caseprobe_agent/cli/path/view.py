"""What shows a path: a person or a program in front of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from caseprobe.v1 import path_pb2

Facts = Callable[[], path_pb2.PathFacts]


class View(Protocol):
    """What is shown while a trace runs and when it ends."""

    @property
    def left(self) -> bool:
        """True where the person in front of it has asked for the end."""

    def begin(self, header: path_pb2.PathFacts) -> None:
        """The path is about to be probed so."""

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """One more round is there; facts gives what is known with it."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """The trace is over."""
