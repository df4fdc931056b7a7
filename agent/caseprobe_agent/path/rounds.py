"""Which echoes are due and what their replies mean: a pure state machine.

`Trace.poll(now)` gives the echoes to send, `on_sent` and `on_reply` tell what happened to them,
`finished(now)` gives each round once nothing more is expected of it, and `wake_at` says when to look again.
All times are monotonic seconds of one clock that the caller reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from caseprobe.v1 import path_pb2
from caseprobe_agent.path.echoes import Echo, EchoBook, Reply
from caseprobe_agent.path.horizon import Horizon, Pace

FIRST_BURST = 6
SPREAD_SECONDS = 0.001  # between further first echoes: a near target is found before the rest is sent to it
QUICK_FACTOR = 1.5
QUICK_EXTRA_SECONDS = 0.02
STEADY_FACTOR = 2.0
STEADY_EXTRA_SECONDS = 0.1
HOPELESS_ECHOES = 3  # a hop that let so many go unanswered is not waited for


@dataclass(frozen=True)
class Plan:
    """What to send: how many rounds, how often, how far, and the budgets that end it early.

    hop_gap_seconds and target_gap_seconds are the least time between two echoes to the same place;
    reply_wait_seconds is how long a round stays open for a reply; echo_bytes is the size of one echo.
    """

    rounds: int = 10
    interval_seconds: float = 1.0
    max_ttl: int = 30
    hop_gap_seconds: float = 1.0
    target_gap_seconds: float = 0.1
    reply_wait_seconds: float = 1.0
    max_echoes: int = 100_000
    max_bytes: int = 10_000_000
    max_seconds: float = 86_400.0
    echo_bytes: int = 64

    @property
    def echo_limit(self) -> int:
        """How many echoes the packet and byte budgets allow."""
        return min(self.max_echoes, self.max_bytes // self.echo_bytes)

    def shortfall(self, echoes: int, seconds: float) -> str:
        """The budget that is used up after so many echoes and seconds; empty while none is."""
        if echoes >= self.echo_limit:
            return "packet_budget" if echoes >= self.max_echoes else "byte_budget"
        return "time_budget" if seconds >= self.max_seconds else ""


class Network(Protocol):
    """What a trace needs of the world."""

    def send(self, echo: Echo) -> float | None:
        """Send one echo; gives the time just before it left, None where it could not leave."""

    def receive(self) -> Iterable[Reply]:
        """Every reply that has come since the last call."""


@dataclass
class _Round:
    """One round under way."""

    message: path_pb2.PathRound
    pending: deque[tuple[float, int]]
    last_sent_at: float
    waiting: dict[int, int] = field(default_factory=dict)  # sequence -> ttl
    end_answered: bool = False

    @property
    def first(self) -> bool:
        """True for the round that discovers the path."""
        return self.message.number == 1


class Trace:
    """One path probe: rounds of echoes to every hop that is due, and what came back."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._horizon = Horizon(plan.max_ttl)
        self._pace = Pace(plan.hop_gap_seconds, plan.target_gap_seconds)
        self._book = EchoBook()
        self._rounds: deque[_Round] = deque()
        self._strays: list[path_pb2.HopReply] = []
        self._begun = 0
        self._echoes = 0
        self._started_at: float | None = None
        self._next_at: float | None = None
        self._worst_seconds = 0.0
        self._shortfall = ""
        self._told = ""  # the shortfall as some round carried it

    # --- sending

    def poll(self, now: float) -> list[Echo]:
        """The echoes to send now, lowest TTL first."""
        self._book.forget(now)
        self._spend(now)
        if self._may_begin() and (self._next_at is None or now >= self._next_at - 1e-6):
            self._begin(now)
        return [self._echo(round_, now) for round_ in self._rounds for _ in range(self._due(round_, now))]

    def on_sent(self, echo: Echo, sent_at: float | None) -> None:
        """Take in when an echo left; None where it could not be sent: then it counts for nothing."""
        if sent_at is not None:
            self._book.sent(echo.sequence, sent_at)
            return
        self._book.drop(echo.sequence)
        round_ = next((r for r in self._rounds if r.message.number == echo.round), None)
        if round_ is not None:
            round_.waiting.pop(echo.sequence, None)
            round_.message.sent.remove(echo.ttl)

    def _spend(self, now: float) -> None:
        """End the trace where a budget is used up; what has begun is still received."""
        more = self._begun < self._plan.rounds or any(round_.pending for round_ in self._rounds)
        if self._shortfall or not more:
            return
        self._shortfall = self._plan.shortfall(self._echoes, self._elapsed(now))
        if self._shortfall:
            for round_ in self._rounds:
                round_.pending.clear()

    def _may_begin(self) -> bool:
        return not self._shortfall and self._begun < self._plan.rounds

    def _begin(self, now: float) -> None:
        """Start a round. One that is late by more than an interval (a suspended machine) is not caught up."""
        late = self._next_at is None or now - self._next_at > self._plan.interval_seconds
        planned = now if late or self._next_at is None else self._next_at
        self._started_at = planned if self._started_at is None else self._started_at
        ttls = range(1, self._horizon.last_ttl(self._begun) + 1)
        due = self._pace.due(ttls, self._horizon.end_ttl, planned)
        self._begun += 1
        message = path_pb2.PathRound(number=self._begun, started_seconds=planned - self._started_at)
        self._rounds.append(_Round(message, deque(self._spread(due, planned)), planned))
        self._next_at = planned + self._plan.interval_seconds

    def _spread(self, ttls: list[int], planned: float) -> Iterable[tuple[float, int]]:
        """When each echo leaves: all at once on a known path, else all but the first few a little apart."""
        step = 0.0 if self._horizon.end_ttl is not None else SPREAD_SECONDS
        return ((planned + step * max(0, index - FIRST_BURST + 1), ttl) for index, ttl in enumerate(ttls))

    def _due(self, round_: _Round, now: float) -> int:
        """How many echoes of a round may leave now; those beyond the path's end are given up."""
        end = self._horizon.end_ttl
        if end is not None:
            round_.pending = deque((at, ttl) for at, ttl in round_.pending if ttl <= end)
        left = self._plan.echo_limit - self._echoes
        return min(left, sum(at <= now + 1e-6 for at, _ in round_.pending))

    def _echo(self, round_: _Round, now: float) -> Echo:
        _, ttl = round_.pending.popleft()
        echo = self._book.open(ttl, round_.message.number, now)
        round_.message.sent.append(ttl)
        round_.waiting[echo.sequence] = ttl
        round_.last_sent_at = now
        self._echoes += 1
        return echo

    # --- receiving

    def on_reply(self, reply: Reply, now: float) -> None:
        """Take in one reply. One to no echo of this trace is ignored."""
        sent = self._book.find(reply.sequence)
        if sent is None:
            return
        round_ = next((r for r in self._rounds if reply.sequence in r.waiting), None)
        is_open = any(r.message.number == sent.round for r in self._rounds)
        answer = self._book.answer(sent, reply, in_time=is_open)
        if answer is None:
            return
        if answer.reply_class != path_pb2.REPLY_CLASS_DUPLICATE:
            self._learn(sent.ttl, reply, answer.rtt_seconds)
        self._file(answer, sent.round)
        if round_ is not None:
            del round_.waiting[reply.sequence]
            round_.end_answered |= sent.ttl == self._horizon.end_ttl

    def _learn(self, ttl: int, reply: Reply, rtt_seconds: float) -> None:
        self._horizon.learn(ttl, ends=reply.from_target or bool(reply.unreachable))
        self._worst_seconds = max(self._worst_seconds, rtt_seconds)

    def _file(self, answer: path_pb2.HopReply, number: int) -> None:
        """Put a reply into its round, or with its round's number into the next that is finished."""
        for round_ in self._rounds:
            if round_.message.number == number:
                round_.message.replies.append(answer)
                return
        if self._horizon.end_ttl is not None and answer.ttl > self._horizon.end_ttl:
            return
        answer.round = number
        self._strays.append(answer)

    # --- finishing

    def finished(self, now: float) -> path_pb2.PathRound | None:
        """The next round of which nothing more is expected, in order; None while there is none.

        Replies that came after their round was given travel with the next; after the last,
        a round without echoes carries what is left.
        """
        if self._rounds and now >= self._closes_at(self._rounds[0]) - 1e-6:
            return self._complete(self._rounds.popleft().message)
        if self._owes_tail() and now >= self._lingers_until(now):
            return self._complete(path_pb2.PathRound(number=self._begun + 1, started_seconds=self._elapsed(now)))
        return None

    def done(self, now: float) -> bool:
        """True when every round was given and no reply is worth waiting for."""
        return self._all_closed() and not self._owes_tail() and now >= self._lingers_until(now)

    def wake_at(self, now: float) -> float:
        """When poll, finished or done may next have something new, if no reply comes before."""
        times = [at for round_ in self._rounds for at, _ in round_.pending]
        if self._may_begin():
            times.append(now if self._next_at is None else self._next_at)
        if self._rounds:
            times.append(self._closes_at(self._rounds[0]))
        return min(times) if times else self._lingers_until(now)

    def _elapsed(self, now: float) -> float:
        return 0.0 if self._started_at is None else now - self._started_at

    def _all_closed(self) -> bool:
        return not self._rounds and not self._may_begin()

    def _owes_tail(self) -> bool:
        return self._all_closed() and (bool(self._strays) or self._shortfall != self._told)

    def _complete(self, message: path_pb2.PathRound) -> path_pb2.PathRound:
        message.replies.extend(self._strays)
        self._strays.clear()
        self._cut(message)
        if self._all_closed():
            message.shortfall = self._told = self._shortfall
        return message

    def _cut(self, message: path_pb2.PathRound) -> None:
        """Leave out what went beyond the end of the path: the target's answers there belong to no hop."""
        end = self._horizon.end_ttl
        if end is not None and any(ttl > end for ttl in message.sent):
            replies = [reply for reply in message.replies if reply.ttl <= end]
            message.sent[:] = [ttl for ttl in message.sent if ttl <= end]
            del message.replies[:]
            message.replies.extend(replies)

    def _closes_at(self, round_: _Round) -> float:
        """When a round is given up: at once if all hops answered, soon if the end of the path did."""
        if round_.pending:
            return round_.pending[-1][0] + self._plan.reply_wait_seconds
        if not any(self._worth_waiting(ttl) for ttl in round_.waiting.values()):
            return round_.last_sent_at
        wait = self._plan.reply_wait_seconds
        if round_.end_answered:
            factor, extra = (
                (QUICK_FACTOR, QUICK_EXTRA_SECONDS) if round_.first else (STEADY_FACTOR, STEADY_EXTRA_SECONDS)
            )
            wait = min(wait, self._worst_seconds * factor + extra)
        return round_.last_sent_at + wait

    def _worth_waiting(self, ttl: int) -> bool:
        """False for a hop beyond the path's end, or one that has never answered."""
        end = self._horizon.end_ttl
        return (end is None or ttl <= end) and not self._book.hopeless(ttl, HOPELESS_ECHOES)

    def _lingers_until(self, now: float) -> float:
        """Until when unanswered echoes may still be answered late: their absence is loss only then."""
        wait = max(self._plan.reply_wait_seconds, 4 * self._worst_seconds)
        times = [sent.sent_at + wait for sent in self._book.unanswered() if self._worth_waiting(sent.ttl)]
        return max(times, default=now)
