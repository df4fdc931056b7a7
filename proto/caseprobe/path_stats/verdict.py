"""What each hop's losses mean and where the path's begin.

A hop that answers fewer echoes than one behind it loses none: what reached the other passed it. Such a hop limits or
delays its own answers and says nothing about the path. The rest is read as one change-point: little loss before it,
more from it to the target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from caseprobe.path_stats import chance
from caseprobe.path_stats.hops import HopTally, median
from caseprobe.v1 import path_pb2

OWN_SIGMA = 2.6  # how sure it must be that a hop answers less than one behind it (0.5 % by chance)
CREDIBLE = 0.9  # the segment holds the change-point with this probability
SLOW_FACTOR = 1.5
SLOW_EXTRA_SECONDS = 0.005


@dataclass(frozen=True)
class Judged:
    """The class of one hop and how sure it is."""

    classification: str
    probability: float


def judge(hops: Sequence[HopTally]) -> tuple[list[Judged], path_pb2.PathVerdict]:
    """The class of every hop, and the verdict on the path that they make."""
    verdict = _verdict(hops)
    return [_judge_hop(hops, index, verdict) for index in range(len(hops))], verdict


def self_limited(hops: Sequence[HopTally], index: int) -> float:
    """By how many standard deviations a hop answers less than some hop behind it."""
    hop = hops[index]
    behind = [other for other in hops[index + 1 :] if other.received]
    return max((chance.answers_less(hop.lost, hop.sent, other.lost, other.sent) for other in behind), default=0.0)


def _judge_hop(hops: Sequence[HopTally], index: int, verdict: path_pb2.PathVerdict) -> Judged:
    hop = hops[index]
    if not hop.sent:
        return Judged("unknown", 0.0)
    if hop.refused == path_pb2.UNREACHABLE_REASON_PROHIBITED:
        return Judged("filtered", 1.0)
    if not hop.received:
        return Judged("silent", 1 - 0.5**hop.sent)
    sigma = self_limited(hops, index)
    if sigma > OWN_SIGMA:
        return Judged("rate_limited", 0.5 * (1 + math.erf(sigma / math.sqrt(2))))
    if verdict.message_id == "path.loss_from" and hop.ttl >= verdict.segment_last_ttl and hop.lost:
        return Judged("loss", verdict.confidence)
    return _by_time(hops, index, sigma)


def _by_time(hops: Sequence[HopTally], index: int, sigma: float) -> Judged:
    """Slow control plane, where a hop answers much later than hops behind it: what reached those passed it."""
    own = median(hops[index].rtts)
    behind = [median(hop.rtts) for hop in hops[index + 1 :] if hop.received]
    quickest = min(behind, default=math.inf)
    if own > quickest * SLOW_FACTOR and own > quickest + SLOW_EXTRA_SECONDS:
        return Judged("slow_control_plane", 1 - 0.5 ** len(hops[index].rtts))
    chance_alone = math.erfc(max(0.0, sigma) / math.sqrt(2))
    return Judged("ok", min(chance_alone, 1 - 0.5 ** hops[index].sent))


def _verdict(hops: Sequence[HopTally]) -> path_pb2.PathVerdict:
    if not any(hop.sent for hop in hops):
        return path_pb2.PathVerdict(message_id="path.nothing_sent")
    end = hops[-1]
    if not end.from_target:
        return _short_of_target(hops)
    low, high = chance.interval(end.lost, end.sent)
    verdict = path_pb2.PathVerdict(loss_ratio=end.loss_ratio, loss_low_ratio=low, loss_high_ratio=high)
    if chance.is_loss(end.lost, end.sent):
        verdict.message_id = "path.loss_from"
        verdict.segment_first_ttl, verdict.segment_last_ttl, verdict.confidence = _change_point(hops)
    elif end.lost:
        verdict.message_id = "path.needs_more"
        verdict.more_rounds = chance.echoes_to_tell(end.lost, end.sent) - end.sent
    else:
        verdict.message_id = "path.ok"
        verdict.confidence = _seen_none(end.sent)
    return verdict


def _seen_none(sent: int) -> float:
    """How sure no loss of 5 % or more is, where not one of so many echoes was lost."""
    return 1 - 0.95**sent


def _short_of_target(hops: Sequence[HopTally]) -> path_pb2.PathVerdict:
    """The verdict where the target never answered: a hop refused, or nothing came from behind the last that did."""
    answered = max((hop.ttl for hop in hops if hop.received), default=0)
    refused = hops[-1].refused != path_pb2.UNREACHABLE_REASON_UNSPECIFIED
    return path_pb2.PathVerdict(
        message_id="path.blocked" if refused else "path.target_silent",
        segment_first_ttl=hops[-1].ttl if refused else answered,
        segment_last_ttl=hops[-1].ttl if refused else answered + 1,
        loss_ratio=1.0,
        loss_low_ratio=chance.interval(hops[-1].sent, hops[-1].sent)[0],
        loss_high_ratio=1.0,
        confidence=1.0 if refused else _seen_none(hops[-1].sent),
    )


def _change_point(hops: Sequence[HopTally]) -> tuple[int, int, float]:
    """First and last ttl of the segment where loss begins, and the probability that it does.

    The loss begins on the way from the first to the last: between two hops that answered and were not limiting
    themselves. (0, …) is this machine's own side of the first hop.
    """
    used = [hop for index, hop in enumerate(hops) if hop.received and self_limited(hops, index) <= OWN_SIGMA]
    weights = _posterior(used)
    first = last = max(range(len(used)), key=lambda index: weights[index])
    held = weights[first]
    while held < CREDIBLE:
        before = weights[first - 1] if first else -1.0
        after = weights[last + 1] if last + 1 < len(used) else -1.0
        first, last = (first - 1, last) if before >= after else (first, last + 1)
        held += max(before, after)
    return (used[first - 1].ttl if first else 0), used[last].ttl, held


def _posterior(used: Sequence[HopTally]) -> list[float]:
    """Probability that the loss begins at each of the hops, all being equally likely before the measurement."""
    scores = [_fit(used[:index], chance.NOISE_RATIO) + _fit(used[index:], 1.0) for index in range(len(used))]
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    return [weight / math.fsum(weights) for weight in weights]


def _fit(hops: Sequence[HopTally], ceiling: float) -> float:
    """Log likelihood of hops that all lose at one ratio: the one that fits them best and is not over the ceiling."""
    lost, sent = sum(hop.lost for hop in hops), sum(hop.sent for hop in hops)
    return chance.log_likelihood(lost, sent, min(ceiling, lost / sent)) if sent else 0.0
