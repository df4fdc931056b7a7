"""Unfinished items of machines whose stream broke, so that a large artifact goes on where it stopped.

What is kept is never acknowledged and never trusted further than its bytes: the whole must still have its hash. For a
while it is kept open, with the hash of what is there, and beyond that on the shelf, where every item of many pieces
lies from the start: so neither a deploy nor a collector that was killed costs an upload what it had (`storage/shelf`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from caseprobe_collector.ingest.assembly import Partial
from caseprobe_collector.ports import Clock, Shelf

MOST_BYTES = 2 << 30
KEPT_SECONDS = 900.0
# How often the shelf is looked through.
SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class _Parked:
    until: float
    partials: dict[str, Partial]

    @property
    def size(self) -> int:
        return sum(partial.received for partial in self.partials.values())


class Parking:
    """By machine, oldest first out."""

    def __init__(self, clock: Clock, most_bytes: int = MOST_BYTES, shelf: Shelf | None = None) -> None:
        """shelf: None where nothing outlives this object."""
        self._clock = clock
        self._shelf = shelf
        self._swept_at = clock.monotonic()
        self._closed = False
        self._most_bytes = most_bytes
        self._parked: OrderedDict[str, _Parked] = OrderedDict()

    def park(self, agent_id: str, partials: dict[str, Partial]) -> None:
        """Keep what a stream left unfinished; what the machine left before goes to the shelf."""
        if self._closed:
            self._put_away(partials)
            return
        self._drop(agent_id)
        if partials:
            self._parked[agent_id] = _Parked(self._clock.monotonic() + KEPT_SECONDS, partials)
        self._sweep()

    def take(self, agent_id: str) -> dict[str, Partial]:
        """What the machine left unfinished, to go on with; it is the caller's now."""
        self._sweep()
        parked = self._parked.pop(agent_id, None)
        found = dict(parked.partials) if parked is not None else {}
        for first, staged, size in self._shelf.take(agent_id) if self._shelf is not None else []:
            if first.stream_id in found:
                staged.discard()
            else:
                found[first.stream_id] = Partial(first, staged, size, None)
        return found

    def close(self) -> None:
        """Leave everything to the next process, or drop it where there is no place for it."""
        self._closed = True
        while self._parked:
            self._put_away(self._parked.popitem()[1].partials)

    def _put_away(self, partials: dict[str, Partial]) -> None:
        for partial in partials.values():
            if self._shelf is None:
                partial.staged.discard()
            else:
                self._shelf.leave(partial.staged)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        for agent_id, parked in list(self._parked.items()):
            if parked.until <= now:
                self._drop(agent_id)
        while self._parked and sum(parked.size for parked in self._parked.values()) > self._most_bytes:
            self._drop(next(iter(self._parked)))
        if self._shelf is not None and now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._shelf.sweep(self._clock.now())

    def _drop(self, agent_id: str) -> None:
        parked = self._parked.pop(agent_id, None)
        if parked is not None:
            self._put_away(parked.partials)
