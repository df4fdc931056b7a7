"""Echoes on their way and the class of each reply: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.v1 import path_pb2

SEQUENCES = 1 << 16  # what fits the wire
MEMORY_SECONDS = 30.0
MAX_REPLIES = 4  # to one echo; more are an attack or a loop, and are not kept


@dataclass(frozen=True)
class Echo:
    """One packet to send: its TTL, and the sequence by which its reply is known."""

    sequence: int
    ttl: int
    round: int


@dataclass(slots=True)
class Reply:
    """One answer as it came: to which echo, when (monotonic seconds) and from whom (4 or 16 bytes).

    Not frozen: thousands are made in a second, and what a socket cannot know its owner fills in.
    reply_ttl is 0 where the tier cannot see it; unreachable is set where a router refused to go on.
    """

    sequence: int
    received_at: float
    address: bytes
    from_target: bool = False
    reply_ttl: int = 0
    mpls_labels: tuple[int, ...] = ()
    unreachable: path_pb2.UnreachableReason.ValueType = path_pb2.UNREACHABLE_REASON_UNSPECIFIED


@dataclass
class Sent:
    """An echo that left, and how often it was answered."""

    ttl: int
    round: int
    sent_at: float
    replies: int = 0


class EchoBook:
    """Every echo of the last half minute, by sequence; bounded, whatever comes in."""

    def __init__(self) -> None:
        self._sent: dict[int, Sent] = {}
        self._next = 0
        self._newest_answered: dict[int, float] = {}
        self._silent: Counter[int] = Counter()

    def open(self, ttl: int, round_number: int, now: float) -> Echo:
        """A new echo; its sequence replaces one that is too old to be answered."""
        self._next = (self._next + 1) % SEQUENCES
        self._sent[self._next] = Sent(ttl, round_number, now)
        if ttl not in self._newest_answered:
            self._silent[ttl] += 1
        return Echo(self._next, ttl, round_number)

    def sent(self, sequence: int, sent_at: float) -> None:
        """Note when the echo really left."""
        self._sent[sequence].sent_at = sent_at

    def drop(self, sequence: int) -> None:
        """Forget an echo that could not be sent."""
        sent = self._sent.pop(sequence)
        self._silent[sent.ttl] -= 1

    def forget(self, now: float) -> None:
        """Let go of echoes that are too old to be answered."""
        for sequence in [key for key, sent in self._old(now)]:
            del self._sent[sequence]

    def _old(self, now: float) -> Iterator[tuple[int, Sent]]:
        for sequence, sent in self._sent.items():
            if sent.sent_at > now - MEMORY_SECONDS:
                return
            yield sequence, sent

    def find(self, sequence: int) -> Sent | None:
        """The echo with this sequence, None where there is none to answer."""
        return self._sent.get(sequence)

    def unanswered(self) -> Iterator[Sent]:
        """Echoes that nothing answered so far, oldest first."""
        return (sent for sent in self._sent.values() if not sent.replies)

    def hopeless(self, ttl: int, echoes: int) -> bool:
        """True where at least so many echoes of this TTL were sent and not one was ever answered."""
        return self._silent[ttl] >= echoes and ttl not in self._newest_answered

    def answer(self, sent: Sent, reply: Reply, in_time: bool) -> path_pb2.HopReply | None:
        """The reply with its class and round-trip time; None for one of too many to the same echo."""
        if sent.replies >= MAX_REPLIES:
            return None
        reply_class = self._class_of(sent, in_time)
        sent.replies += 1
        self._newest_answered[sent.ttl] = max(sent.sent_at, self._newest_answered.get(sent.ttl, sent.sent_at))
        return path_pb2.HopReply(
            ttl=sent.ttl,
            address=reply.address,
            rtt_seconds=max(0.0, reply.received_at - sent.sent_at),
            reply_class=reply_class,
            mpls_labels=reply.mpls_labels,
            reply_ttl=reply.reply_ttl,
            from_target=reply.from_target,
            unreachable=reply.unreachable,
        )

    def _class_of(self, sent: Sent, in_time: bool) -> path_pb2.ReplyClass.ValueType:
        if sent.replies:
            return path_pb2.REPLY_CLASS_DUPLICATE
        if sent.sent_at < self._newest_answered.get(sent.ttl, sent.sent_at):
            return path_pb2.REPLY_CLASS_REORDERED
        return path_pb2.REPLY_CLASS_ON_TIME if in_time else path_pb2.REPLY_CLASS_LATE
