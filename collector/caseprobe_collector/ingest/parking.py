"""Unfinished items of machines whose stream broke, so that a large artifact goes on where it stopped.

What is kept is never acknowledged and never trusted further than its bytes: the whole must still have its hash. It is
kept in files, for a while and up to a size. A collector that is stopped in order leaves them on a shelf for the next
one, so that a deploy costs no upload what it had; after a crash a start sweeps them, and the machine begins again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from caseprobe_collector.ingest.assembly import Partial
from caseprobe_collector.ports import Clock, Shelf

MOST_BYTES = 2 << 30
KEPT_SECONDS = 900.0


@dataclass(frozen=True)
class _Parked:
    until: float
    partials: dict[str, Partial]

    @property
    def size(self) -> int:
        return sum(partial.received for partial in self.partials.values())

    def discard(self) -> None:
        for partial in self.partials.values():
            partial.staged.discard()


class Parking:
    """By machine, oldest first out."""

    def __init__(self, clock: Clock, most_bytes: int = MOST_BYTES, shelf: Shelf | None = None) -> None:
        self._clock = clock
        # What an earlier process left is kept as long as if it had been left to this one at its start.
        self._shelf = shelf
        self._shelf_until = clock.monotonic() + KEPT_SECONDS
        self._closed = False
        self._most_bytes = most_bytes
        self._parked: OrderedDict[str, _Parked] = OrderedDict()

    def park(self, agent_id: str, partials: dict[str, Partial]) -> None:
        """Keep what a stream left unfinished; what the machine left before is dropped."""
        if self._closed:
            self._put_away(agent_id, partials)
            return
        self._drop(agent_id)
        if partials:
            self._parked[agent_id] = _Parked(self._clock.monotonic() + KEPT_SECONDS, partials)
        self._sweep()

    def take(self, agent_id: str) -> dict[str, Partial]:
        """What the machine left unfinished, to go on with; it is the caller's now."""
        self._sweep()
        parked = self._parked.pop(agent_id, None)
        if parked is not None:
            return parked.partials
        left = self._shelf.take(agent_id) if self._shelf is not None else []
        return {first.stream_id: Partial(first, staged, size, None) for first, staged, size in left}

    def close(self) -> None:
        """Leave everything to the next process, or drop it where there is no place for it."""
        self._closed = True
        while self._parked:
            agent_id, parked = self._parked.popitem()
            self._put_away(agent_id, parked.partials)

    def _put_away(self, agent_id: str, partials: dict[str, Partial]) -> None:
        for partial in partials.values():
            if self._shelf is None:
                partial.staged.discard()
            else:
                self._shelf.put(agent_id, partial.first, partial.staged)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        if self._shelf is not None and now >= self._shelf_until:
            self._shelf.clear()
            self._shelf_until = float("inf")
        for agent_id, parked in list(self._parked.items()):
            if parked.until <= now:
                self._drop(agent_id)
        while self._parked and sum(parked.size for parked in self._parked.values()) > self._most_bytes:
            self._drop(next(iter(self._parked)))

    def _drop(self, agent_id: str) -> None:
        parked = self._parked.pop(agent_id, None)
        if parked is not None:
            parked.discard()
