"""What load does to round trips: each stretch of the test in figures, and what they say together: pure.

Echoes go their own way beside what is carried, so they meet the queues of the network and not the sender's own. What
counts is the difference of medians: the distance to the collector, its own work and this machine's are in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caseprobe.load_limits import WAY_BYTES_PER_SECOND
from caseprobe.path_stats.hops import median, p95
from caseprobe.v1 import path_load_pb2

RAMP_SECONDS = 1.0  # a connection that begins slowly has filled a line by then
FEW_ECHOES = 10  # fewer say nothing about a stretch
OWN_LIMIT = 0.8  # who carried so much of what the test allows was held by the test, and by nothing else for long
# The most that a grade adds to a round trip: DSLReports' speed test, www.dslreports.com/faq/17930. It grades the mean
# of both ways; here the worse one counts, because a call needs both.
GRADES = ((0.005, "A+"), (0.030, "A"), (0.060, "B"), (0.200, "C"), (0.400, "D"))
WORST_GRADE = "F"
QUEUE_SECONDS = 0.060  # from grade C on there is a queue to speak of


@dataclass(frozen=True)
class Echo:
    """When it left, and how long it took; where it was not answered, how long it had waited at the end."""

    sent_at: float
    seconds: float
    answered: bool = True


@dataclass(frozen=True)
class Mark:
    """By then so many bytes had come to the receiver, as the agent heard of it."""

    at: float
    total_bytes: int


def load_phase(
    echoes: Sequence[Echo], began: float, ended: float, flows: Sequence[Sequence[Mark]] = ()
) -> path_load_pb2.LoadPhase:
    """One stretch of the test by the agent's clock: the echoes that left in it, once the line was filled.

    flows: what each connection carried beside them, as it was counted; none for the idle line.

    >>> idle = [Echo(at / 10, 0.02) for at in range(10)]
    >>> load_phase(idle, 0.0, 1.0).median_seconds
    0.02
    """
    counted = began + RAMP_SECONDS if flows else began
    met = [echo for echo in echoes if counted <= echo.sent_at < ended]
    phase = path_load_pb2.LoadPhase(
        echoes=len(met),
        unanswered=sum(not echo.answered for echo in met),
        seconds=ended - began,
        bytes_total=_carried(flows, ended),
    )
    if ended > counted:
        phase.bytes_per_second = (phase.bytes_total - _carried(flows, counted)) / (ended - counted)
    phase.at_own_limit = phase.bytes_per_second >= OWN_LIMIT * WAY_BYTES_PER_SECOND
    if len(met) >= FEW_ECHOES:
        times = [echo.seconds for echo in met]
        phase.median_seconds, phase.p95_seconds = median(times), p95(times)
    return phase


def _carried(flows: Sequence[Sequence[Mark]], at: float) -> int:
    """How many bytes had come by then over all connections."""
    return sum(max((mark.total_bytes for mark in marks if mark.at <= at), default=0) for marks in flows)


def judge_load(facts: path_load_pb2.LoadFacts) -> path_load_pb2.LoadVerdict:
    """What the stretches say: which way has a queue, how much it adds, and a grade."""
    phases = (facts.idle, facts.down, facts.up)
    if not all(phase.HasField("median_seconds") for phase in phases):
        return path_load_pb2.LoadVerdict(message_id="load.not_measured")
    down, up = (max(0.0, phase.median_seconds - facts.idle.median_seconds) for phase in phases[1:])
    return path_load_pb2.LoadVerdict(
        message_id=f"load.{_name(facts, down, up)}",
        added_down_seconds=down,
        added_up_seconds=up,
        grade=grade(max(down, up)),
    )


def _name(facts: path_load_pb2.LoadFacts, down: float, up: float) -> str:
    if min(down, up) >= QUEUE_SECONDS:
        return "queue_both"
    if max(down, up) >= QUEUE_SECONDS:
        return "queue_up" if up >= QUEUE_SECONDS else "queue_down"
    return "not_filled" if facts.down.at_own_limit or facts.up.at_own_limit else "lean"


def grade(added_seconds: float) -> str:
    """The letter for what load adds to a round trip.

    >>> grade(0.004), grade(0.03), grade(0.24), grade(2.0)
    ('A+', 'B', 'D', 'F')
    """
    return next((letter for most, letter in GRADES if added_seconds < most), WORST_GRADE)
