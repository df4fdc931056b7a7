"""What each hop did over all rounds: echoes, replies by class, times."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from caseprobe.path_stats import limiter
from caseprobe.path_stats.way_back import back_hops
from caseprobe.v1 import path_pb2


@dataclass
class HopTally:
    """Everything that was seen of one hop.

    rtts: seconds of every reply that answered an echo (so no duplicates), in the order in which they came;
    refused: the hop said that it will not carry echoes further, and why.
    asked: by round, when the echo left and whether it was answered; of the first rounds only.
    """

    ttl: int
    sent: int = 0
    rtts: list[float] = field(default_factory=list)
    addresses: dict[bytes, int] = field(default_factory=dict)
    mpls_labels: tuple[int, ...] = ()
    late: int = 0
    duplicates: int = 0
    reordered: int = 0
    from_target: int = 0
    reply_ttl: int = 0  # of the newest reply, 0 where the tier does not see it
    refused: path_pb2.UnreachableReason.ValueType = path_pb2.UNREACHABLE_REASON_UNSPECIFIED
    asked: dict[int, tuple[float, bool]] = field(default_factory=dict)
    _fitted: tuple[tuple[int, int], limiter.Bucket | None] = ((0, 0), None)

    def bucket(self) -> limiter.Bucket | None:
        """The limiter that fits the hop's answers; fitted anew only after more was asked or answered."""
        state = len(self.asked), sum(answered for _, answered in self.asked.values())
        if state != self._fitted[0]:
            self._fitted = state, limiter.fit(list(self.asked.values()))
        return self._fitted[1]

    @property
    def received(self) -> int:
        """Echoes that were answered, late or not."""
        return len(self.rtts)

    @property
    def lost(self) -> int:
        """Echoes that were never answered."""
        return max(0, self.sent - self.received)

    @property
    def loss_ratio(self) -> float:
        """Share of unanswered echoes, 0 where none was sent."""
        return self.lost / self.sent if self.sent else 0.0

    def ask(self, number: int, at: float) -> None:
        """Count one echo of a round."""
        self.sent += 1
        if len(self.asked) < limiter.MOST:
            self.asked[number] = at, False

    def copy(self) -> HopTally:
        """The same as it is now, which further echoes do not change."""
        return replace(self, rtts=self.rtts.copy(), addresses=self.addresses.copy(), asked=self.asked.copy())

    def add(self, reply: path_pb2.HopReply, number: int) -> None:
        """Count one reply to the echo of a round."""
        if number in self.asked:
            self.asked[number] = self.asked[number][0], True
        if reply.reply_class == path_pb2.REPLY_CLASS_DUPLICATE:
            self.duplicates += 1
            return
        self.rtts.append(reply.rtt_seconds)
        self.addresses[reply.address] = self.addresses.get(reply.address, 0) + 1
        self.mpls_labels = tuple(reply.mpls_labels) or self.mpls_labels
        self.late += reply.reply_class == path_pb2.REPLY_CLASS_LATE
        self.reordered += reply.reply_class == path_pb2.REPLY_CLASS_REORDERED
        self.from_target += reply.from_target
        self.reply_ttl = min(255, reply.reply_ttl) or self.reply_ttl
        self.refused = reply.unreachable or self.refused


class Stretch:
    """What was seen of every hop over rounds on one route, from first_round on."""

    def __init__(self, first_round: int = 1) -> None:
        self.first_round = first_round
        self.started_seconds = 0.0
        self._hops: dict[int, HopTally] = {}
        self._end_ttl = 0

    def add(self, round_: path_pb2.PathRound) -> None:
        """Count one more round."""
        if not self._hops:
            self.started_seconds = round_.started_seconds
        for ttl in round_.sent:
            self._hop(ttl).ask(round_.number, round_.started_seconds)
        for reply in round_.replies:
            self._count(reply, reply.round or round_.number)
        ends = [reply.ttl for reply in round_.replies if reply.from_target or reply.unreachable]
        self._end_ttl = min(ends, default=self._end_ttl)

    def add_late(self, replies: Iterable[path_pb2.HopReply]) -> None:
        """Count those of later replies that answer echoes of this route."""
        for reply in replies:
            if reply.round:
                self._count(reply, reply.round)

    def _count(self, reply: path_pb2.HopReply, number: int) -> None:
        if number >= self.first_round:
            self._hop(reply.ttl).add(reply, number)

    def copy(self) -> Stretch:
        """The same as it is now, which further rounds do not change."""
        other = Stretch(self.first_round)
        other.started_seconds, other._end_ttl = self.started_seconds, self._end_ttl
        other._hops = {ttl: hop.copy() for ttl, hop in self._hops.items()}
        return other

    def hops(self) -> list[HopTally]:
        """The hops of the path in order, from ttl 1 on, each once.

        The last is the target, or the hop that refused to go on; where neither ever answered, the first hop behind
        the last that did. Echoes beyond it are not part of the path.
        """
        answered = max((hop.ttl for hop in self._hops.values() if hop.received), default=0)
        last = self._end_ttl or min(answered + 1, max(self._hops, default=0))
        return [self._hops.get(ttl) or HopTally(ttl) for ttl in range(1, last + 1)]

    def _hop(self, ttl: int) -> HopTally:
        return self._hops.setdefault(ttl, HopTally(ttl))


def p95(values: Sequence[float]) -> float:
    """The nearest-rank 95th percentile of one or more values.

    >>> p95([3.0, 1.0, 2.0])
    3.0
    >>> p95([float(n) for n in range(1, 101)])
    95.0
    """
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def median(values: Sequence[float]) -> float:
    """The lower median of one or more values."""
    return sorted(values)[(len(values) - 1) // 2]


def jitter(rtts: Sequence[float]) -> float:
    """Mean absolute difference of successive round-trip times, 0 for fewer than two.

    Source: the difference D of RFC 3550 section 6.4.1, averaged instead of filtered, as mtr's Javg.

    >>> jitter([0.010, 0.014, 0.012])
    0.003
    """
    steps = [abs(after - before) for before, after in itertools.pairwise(rtts)]
    return round(math.fsum(steps) / len(steps), 12) if steps else 0.0


@dataclass(frozen=True)
class Judged:
    """The class of one hop, how sure it is, and the limiter of its answers where it could be told."""

    classification: str
    probability: float
    limit: limiter.Bucket | None = None


def path_hop(hop: HopTally, judged: Judged) -> path_pb2.PathHop:
    """The hop as it travels."""
    message = path_pb2.PathHop(
        ttl=hop.ttl,
        addresses=sorted(hop.addresses, key=lambda address: (-hop.addresses[address], address)),
        sent=hop.sent,
        received=hop.received,
        loss_ratio=hop.loss_ratio,
        mpls_labels=hop.mpls_labels,
        classification=judged.classification,
        probability=judged.probability,
        late=hop.late,
        duplicates=hop.duplicates,
        reordered=hop.reordered,
        from_target=hop.from_target > 0,
    )
    if judged.limit is not None:
        message.limit_per_second, message.limit_burst = judged.limit.per_second, judged.limit.burst
    if hop.reply_ttl:
        message.back_hops = back_hops(hop.reply_ttl)
    if hop.rtts:
        message.best_seconds, message.worst_seconds = min(hop.rtts), max(hop.rtts)
        message.avg_seconds = math.fsum(hop.rtts) / len(hop.rtts)
        message.p95_seconds, message.jitter_seconds = p95(hop.rtts), jitter(hop.rtts)
    return message
