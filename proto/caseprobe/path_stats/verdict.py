"""What each hop's losses mean and where the path's begin.

A hop that answers fewer echoes than those behind it loses none: what reached the others passed it. Such a hop limits,
drops or delays its own answers and says nothing about the path. The rest is read as one change-point: little loss
before it, more from it to the target. `change` weighs both together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from caseprobe.path_stats import chance, change
from caseprobe.path_stats.hops import HopTally, Judged, median
from caseprobe.v1 import path_pb2

# The segment holds the change-point with this probability at least. Over all named segments that makes 95 % and more,
# because whole links are added where a part of one would do.
CREDIBLE = 0.9
LIMITER_MISSES = 0.08  # a limiter that misses less lets out nearly every answer to one echo a second
# Above both: half as much again is more than the ways back from neighbouring routers differ by on a long path, and 5 ms
# are more than a host's own scheduling adds on a short one.
SLOW_FACTOR = 1.5
SLOW_EXTRA_SECONDS = 0.005
SLOW_SURE = 0.95  # that a hop's times do not lie above those behind it by chance


class Path:
    """The hops of a path with the reading of those that answered."""

    def __init__(self, hops: Sequence[HopTally]) -> None:
        self.hops = hops
        self.used = [hop for hop in hops if hop.received]
        before = [0, *(hop.ttl for hop in self.used)]
        answers = [_answers(hop, hop.ttl - ttl) for ttl, hop in zip(before, self.used, strict=False)]
        reading = change.read(answers) if answers else change.Reading([], [])
        self.begins = reading.begins
        self._own = {hop.ttl: own for hop, own in zip(self.used, reading.own, strict=True)}
        self._reached = dict(zip((hop.ttl for hop in self.used), _sums(reading.begins), strict=True))

    def own(self, hop: HopTally) -> float:
        """Probability that a hop keeps answers to itself."""
        return self._own.get(hop.ttl, 0.0)

    def lossy(self, hop: HopTally) -> float:
        """Probability that the loss of the path has begun before a hop, given that there is any."""
        return self._reached.get(hop.ttl, 0.0)


def _answers(hop: HopTally, links: int) -> change.Answers:
    """What a hop answered, with its limiter where it misses enough to have one."""
    bucket = hop.bucket() if hop.loss_ratio >= LIMITER_MISSES else None
    if bucket is None:
        return change.Answers(hop.lost, hop.sent, links)
    return change.Answers(hop.lost, hop.sent, links, bucket.log_odds, bucket.met, bucket.blank)


def _sums(values: Sequence[float]) -> list[float]:
    return [math.fsum(values[: index + 1]) for index in range(len(values))]


def judge(hops: Sequence[HopTally]) -> tuple[list[Judged], path_pb2.PathVerdict]:
    """The class of every hop, and the verdict on the path that they make."""
    path = Path(hops)
    verdict = _verdict(path)
    return [_judge_hop(path, hop, verdict) for hop in hops], verdict


def _judge_hop(path: Path, hop: HopTally, verdict: path_pb2.PathVerdict) -> Judged:
    """The first rule that holds: a hop's own word, then what it keeps from us, then what the path does to it."""
    if not hop.sent:
        return Judged("unknown", 0.0)
    # Its own word, and once is enough: a router does not prohibit by chance.
    if hop.refused == path_pb2.UNREACHABLE_REASON_PROHIBITED:
        return Judged("filtered", 1.0)
    # Many routers are set to answer nothing, and forward all the same. One that answers half would have been heard.
    if not hop.received:
        return Judged("silent", 1 - 0.5**hop.sent)
    # Before loss: what a hop misses and those behind it do not, got past it. mtr's "loss" at one hop is mostly this.
    own = path.own(hop)
    if own > 0.5:
        return _own_answers(hop, own)
    # Before loss too: answers are made by the router's processor, packets are forwarded without it; a hop may be slow
    # to answer and stand on a path that loses, and the path's loss is said in the verdict.
    slow = _slow(path, hop)
    if slow >= SLOW_SURE:
        return Judged("slow_control_plane", slow)
    # A link's loss shows at every hop behind it, so it is the path's that counts, and only where that is sure: a hop
    # that lost one of its echoes on a healthy path lost it by chance.
    if verdict.message_id == "path.loss_from" and hop.lost and path.lossy(hop) > 0.5:
        return Judged("loss", path.lossy(hop) * (1 - own))
    return Judged("ok", min(1 - own, 1 - 0.5**hop.sent))


def _own_answers(hop: HopTally, own: float) -> Judged:
    """A limiter where a bucket explains which echoes were answered; else a control plane that is overloaded."""
    bucket = hop.bucket()
    # Too few echoes to tell which of the two: of routers that keep answers back, most limit them on purpose.
    if bucket is None:
        return Judged("rate_limited", own / 2)
    limited = 1 / (1 + math.exp(-max(-500.0, min(500.0, bucket.log_odds))))
    if limited >= 0.5:
        return Judged("rate_limited", own * limited, bucket)
    return Judged("slow_control_plane", own * (1 - limited))


def _slow(path: Path, hop: HopTally) -> float:
    """How sure it is that a hop answers much later than some hop behind it: what reached that one passed it.

    Each answer beyond the bar is one vote (sign test), so a few late ones do not make a hop slow. Hops of a tunnel,
    whose answers go to its end first, are as late as that end and not later: they are not called slow.
    """
    behind = [median(other.rtts) for other in path.used if other.ttl > hop.ttl]
    quickest = min(behind, default=math.inf)
    bar = max(quickest * SLOW_FACTOR, quickest + SLOW_EXTRA_SECONDS)
    above = sum(rtt > bar for rtt in hop.rtts)
    return 1 - chance.binomial_tail(above, len(hop.rtts), 0.5)


def _verdict(path: Path) -> path_pb2.PathVerdict:
    hops = path.hops
    if not any(hop.sent for hop in hops):
        return path_pb2.PathVerdict(message_id="path.nothing_sent")
    end = hops[-1]
    # The end alone tells what the path loses: the hops before it may keep answers back, the target's are the path's.
    if not end.from_target:
        return _short_of_target(hops)
    low, high = chance.interval(end.lost, end.sent)
    verdict = path_pb2.PathVerdict(loss_ratio=end.loss_ratio, loss_low_ratio=low, loss_high_ratio=high)
    if chance.is_loss(end.lost, end.sent):
        verdict.message_id = "path.loss_from"
        verdict.segment_first_ttl, verdict.segment_last_ttl, verdict.confidence = _segment(path)
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


def _segment(path: Path) -> tuple[int, int, float]:
    """First and last ttl of the segment where loss begins, and the probability that it does: as few links as hold it.

    The loss begins on the way from the first to the last. Links with no answer between them are equally likely to be
    where it does. (0, …) is this machine's own side of the first hop.
    """
    held = list(accumulate(_links(path), initial=0.0))
    last = len(held) - 1
    for width in range(1, last + 1):
        first = max(range(last - width + 1), key=lambda at: held[at + width] - held[at])
        if held[first + width] - held[first] >= CREDIBLE:
            return first, first + width, min(held[first + width] - held[first], 1.0)
    return 0, last, 1.0


def _links(path: Path) -> list[float]:
    """The probability that the loss begins on each link, from this machine's own on."""
    shares: list[float] = []
    for hop, probability in zip(path.used, path.begins, strict=True):
        links = hop.ttl - len(shares)
        shares += [probability / links] * links
    return shares
