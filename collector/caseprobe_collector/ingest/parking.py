"""Unfinished items of machines whose stream broke, so that a large artifact goes on where it stopped.

What is kept is never acknowledged and never trusted further than its bytes: the whole must still have its hash. It is
kept in files, for a while and up to a size; a start of the collector sweeps it, and the machine begins again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from caseprobe_collector.ingest.assembly import Partial
from caseprobe_collector.ports import Clock

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

    def __init__(self, clock: Clock, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._parked: OrderedDict[str, _Parked] = OrderedDict()

    def park(self, agent_id: str, partials: dict[str, Partial]) -> None:
        """Keep what a stream left unfinished; what the machine left before is dropped."""
        self._drop(agent_id)
        if partials:
            self._parked[agent_id] = _Parked(self._clock.monotonic() + KEPT_SECONDS, partials)
        self._sweep()

    def take(self, agent_id: str) -> dict[str, Partial]:
        """What the machine left unfinished, to go on with; it is the caller's now."""
        self._sweep()
        parked = self._parked.pop(agent_id, None)
        return parked.partials if parked else {}

    def close(self) -> None:
        """Drop everything."""
        for agent_id in list(self._parked):
            self._drop(agent_id)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        for agent_id, parked in list(self._parked.items()):
            if parked.until <= now:
                self._drop(agent_id)
        while self._parked and sum(parked.size for parked in self._parked.values()) > self._most_bytes:
            self._drop(next(iter(self._parked)))

    def _drop(self, agent_id: str) -> None:
        parked = self._parked.pop(agent_id, None)
        if parked is not None:
            parked.discard()
