"""When a path takes another way: from who answered at each hop, round by round.

A balancer that spreads packets also changes who answers, from the start and for ever; a new route changes it once.
So an address counts as a sign only where one address had answered alone before and only the new one answers since.
Every such answer, before and since, is one bit: a balancer over two ways would have had to choose alike each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from caseprobe.v1 import path_pb2

SURE_BITS = 12  # a balancer looks so once in 4,096 hops
SURE_ANSWERS_ALONE = 3  # of the new address, where one hop alone shows it
SURE_ANSWERS = 2  # where several do
MOST_ROUNDS = 64  # a sign that is neither confirmed nor refuted by then is given up


@dataclass
class _Hop:
    """Who answered at one hop: the address of late, how often in a row, and all that were seen before."""

    address: bytes
    run: int = 1
    known: set[bytes] = field(default_factory=set)


@dataclass
class _Sign:
    """A new address at a hop: after how many answers of the old one, since which round, how often."""

    address: bytes
    after: int
    first_round: int
    answers: int = 1

    @property
    def bits(self) -> int:
        return self.after + self.answers - 1


@dataclass(frozen=True)
class Change:
    """The first round on the new route, and the first hop that differs."""

    first_round: int
    ttl: int


class RouteWatch:
    """Signs of a new route, gathered from rounds in order."""

    def __init__(self) -> None:
        self._hops: dict[int, _Hop] = {}
        self._signs: dict[int, _Sign] = {}

    @property
    def since(self) -> int | None:
        """The first round that may be on another route; None while nothing hints at one."""
        return min((sign.first_round for sign in self._signs.values()), default=None)

    def add(self, number: int, replies: Iterable[path_pb2.HopReply]) -> Change | None:
        """Take in a round; gives the change once it is sure. Answers to other rounds' echoes are passed over."""
        for reply in replies:
            if _counts(reply):
                self._see(number, reply.ttl, reply.address)
        for ttl in [ttl for ttl, sign in self._signs.items() if number - sign.first_round >= MOST_ROUNDS]:
            self._refute(ttl)
        return self._sure()

    def is_news(self, replies: Iterable[path_pb2.HopReply]) -> bool:
        """True where an answer is the first hint at another route, before it is taken in."""
        return any(
            reply.ttl in self._hops
            and not self._hops[reply.ttl].known
            and reply.address != self._hops[reply.ttl].address
            and _counts(reply)
            for reply in replies
        )

    def _see(self, number: int, ttl: int, address: bytes) -> None:
        hop, sign = self._hops.setdefault(ttl, _Hop(address, 0)), self._signs.get(ttl)
        if address == hop.address:
            hop.run += 1
            self._refute(ttl)
        elif address in hop.known:
            self._refute(ttl)
            self._turn(hop, address)
        elif sign is not None and sign.address == address:
            sign.answers += 1
        elif sign is not None or hop.known:
            # A third address, or one more of several: a balancer, whose next address is no news.
            self._refute(ttl)
            self._turn(hop, address)
        else:
            self._signs[ttl] = _Sign(address, hop.run, number)

    def _turn(self, hop: _Hop, address: bytes) -> None:
        hop.known.add(hop.address)
        hop.address, hop.run = address, 1

    def _refute(self, ttl: int) -> None:
        """No new route at this hop: its old address answers again."""
        sign = self._signs.pop(ttl, None)
        if sign is not None:
            self._hops[ttl].known.add(sign.address)

    def _sure(self) -> Change | None:
        signs = self._signs.values()
        if not signs:
            return None
        needed = SURE_ANSWERS if len(signs) > 1 else SURE_ANSWERS_ALONE
        if sum(sign.bits for sign in signs) < SURE_BITS or max(sign.answers for sign in signs) < needed:
            return None
        return Change(min(sign.first_round for sign in signs), min(self._signs))


def _counts(reply: path_pb2.HopReply) -> bool:
    return bool(reply.address) and not reply.round and reply.reply_class != path_pb2.REPLY_CLASS_DUPLICATE
