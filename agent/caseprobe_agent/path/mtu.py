"""How large a packet a path carries, who says so, and where larger ones vanish unsaid: a pure state machine.

`Search.poll(now)` gives the echoes to send, `on_refused`, `on_told` and `on_answer` take in what came of them,
`wake_at` says when to look again; `size`, `teller`, `vanishes` and `segment` hold once `done`. Sizes are whole IP
packets in bytes.

A router that cannot carry a packet should say so with the size that it can (RFC 1191, RFC 8201). Where that message
is filtered, larger packets vanish: the size is then bracketed by echoes of many sizes at once, and the place by
echoes that are one byte too large and whose TTL runs out at every hop in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

FLOOR_4, FLOOR_6 = 576, 1280  # what every host must take (RFC 1122) and every link must carry (RFC 8200)
AT_ONCE = 16  # sizes in one step of the search
TRIES = 3  # of each size: three lost of three are 1 in 1,000 on a path that loses a tenth
GAP_SECONDS = 0.1  # between tries, and after the last until the worst round trip is over
LEAST_WAIT_SECONDS = 0.25
FIRST_WAIT_SECONDS = 1.0
MOST_TOLD = 8  # routers that may each say less than the one before


class State(Enum):
    """What the search is doing, and at the end how it ended."""

    REACH = "reach"
    CEILING = "ceiling"
    BRACKET = "bracket"
    PLACE = "place"
    DONE = "done"
    SILENT = "silent"


@dataclass(frozen=True)
class SizedEcho:
    """One echo: its size as an IP packet, and its TTL."""

    sequence: int
    size: int
    ttl: int


@dataclass
class Told:
    """A router's word: it carries no more than so many bytes."""

    address: bytes
    size: int


@dataclass
class Search:
    """One search: ceiling is the MTU of this machine's own link, max_ttl how far hops are asked."""

    ceiling: int
    floor: int
    max_ttl: int = 30
    state: State = State.REACH
    told: list[Told] = field(default_factory=list)
    vanishes: bool = False
    segment: tuple[int, int] = (0, 0)
    echoes: int = 0
    _good: int = 0
    _bad: int = 0
    _hops: dict[bool, set[int]] = field(default_factory=lambda: {False: set(), True: set()})
    _end_ttl: int = 0
    _sent: dict[int, tuple[SizedEcho, float]] = field(default_factory=dict)
    _sizes: list[int] = field(default_factory=list)
    _tries: int = 0
    _next_at: float = 0.0
    _worst_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the smallest size: without an answer to that there is nothing to find."""
        self._bad = self.ceiling + 1
        self._sizes = [self.floor]

    @property
    def done(self) -> bool:
        """True when nothing more is to be sent."""
        return self.state in (State.DONE, State.SILENT)

    @property
    def teller(self) -> bytes:
        """The router that told the size that was found; empty where none did."""
        return next((one.address for one in self.told if one.size == self._good), b"")

    @property
    def size(self) -> int:
        """The largest size that came through, 0 where none did."""
        return self._good

    def wake_at(self) -> float:
        """When poll has more to send."""
        return self._next_at

    def poll(self, now: float) -> list[SizedEcho]:
        """The echoes to send now."""
        if self.done or now < self._next_at - 1e-6:
            return []
        if self._tries >= TRIES or self._settled():
            self._advance()
            if self.done:
                return []
        self._tries += 1
        wait = self._wait() if self._tries >= TRIES else max(GAP_SECONDS, self._worst_seconds)
        self._next_at = now + wait
        return [self._echo(size, ttl, now) for size, ttl in self._wanted()]

    def _wait(self) -> float:
        if not self._worst_seconds:
            return FIRST_WAIT_SECONDS
        return max(LEAST_WAIT_SECONDS, 1.5 * self._worst_seconds)

    def _wanted(self) -> list[tuple[int, int]]:
        """Size and TTL of what is still open in this step."""
        if self.state != State.PLACE:
            return [(size, 64) for size in self._sizes if self._good < size < self._bad]
        hops = range(1, (self._end_ttl or self.max_ttl) + 1)
        return [
            (size, ttl)
            for large, size in ((True, self._bad), (False, self.floor))
            for ttl in hops
            if ttl not in self._hops[large]
        ]

    def _settled(self) -> bool:
        """True where every echo of this step has had its answer."""
        return bool(self._tries) and not self._wanted()

    def _echo(self, size: int, ttl: int, now: float) -> SizedEcho:
        self.echoes += 1
        echo = SizedEcho(self.echoes & 0xFFFF, size, ttl)
        self._sent[echo.sequence] = echo, now
        return echo

    def on_answer(self, sequence: int, now: float, from_target: bool) -> None:
        """An echo came through to the target, or its TTL ran out at a hop."""
        if sequence not in self._sent:
            return
        echo, sent_at = self._sent[sequence]
        self._worst_seconds = max(self._worst_seconds, now - sent_at)
        if self.state == State.PLACE:
            self._hops[echo.size > self._good].add(echo.ttl)
            if from_target:
                self._end_ttl = min(self._end_ttl or echo.ttl, echo.ttl)
        elif from_target:
            self._good = max(self._good, echo.size)
        self._hurry()

    def on_told(self, sequence: int, address: bytes, size: int) -> None:
        """A router says that it carries no more than size; believed where it is less than what was sent to it."""
        if sequence not in self._sent or len(self.told) >= MOST_TOLD:
            return
        if not self.floor <= size < min(self._sent[sequence][0].size, self._bad):
            return
        self.told.append(Told(address, size))
        self._bad = size + 1
        self._sizes, self._tries, self._next_at = [size], 0, 0.0

    def on_refused(self, echo: SizedEcho) -> None:
        """This machine itself does not send so large a packet."""
        self._sent.pop(echo.sequence, None)
        if self.floor < echo.size < self._bad:
            self._bad = echo.size
            self._sizes, self._tries, self._next_at = [echo.size - 1], 0, 0.0

    def _hurry(self) -> None:
        """Go on at once where nothing more is expected of this step."""
        if self._settled():
            self._next_at = 0.0

    def _advance(self) -> None:
        """The step after this one; a size that stayed without an answer does not come through."""
        self._tries = 0
        self._bad = min((size for size in self._sizes if size > self._good), default=self._bad)
        if self.state == State.REACH:
            self.state = State.CEILING if self._good else State.SILENT
            self._bad = self.ceiling + 1
            self._sizes = [self.ceiling]
        elif self.state == State.PLACE:
            self.segment, self.state = self._place(), State.DONE
        elif self._bad - self._good <= 1:
            self._end_search()
        else:
            self.state, self.vanishes = State.BRACKET, True
            self._sizes = _spread(self._good, self._bad)

    def _end_search(self) -> None:
        """The size is known; where nobody told it, look for the place."""
        told = {one.size for one in self.told} | {self.ceiling}
        self.vanishes = self._good not in told
        self.state = State.PLACE if self.vanishes else State.DONE

    def _place(self) -> tuple[int, int]:
        """Between the last hop that a packet too large reached and the next that small ones do; (0, 0) if unknown."""
        large, small = self._hops[True], self._hops[False]
        first = max(large, default=0)
        behind = [ttl for ttl in small if ttl > first]
        return (first, min(behind)) if behind else (0, 0)


def _spread(good: int, bad: int) -> list[int]:
    """Sizes between one that comes through and one that does not, evenly."""
    step = max(1, -(-(bad - good) // (AT_ONCE + 1)))
    return list(range(good + step, bad, step)) or [bad - 1]
