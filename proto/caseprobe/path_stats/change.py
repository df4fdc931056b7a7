"""Where loss begins and which hops keep answers to themselves: one model of the whole path, by likelihood.

Every hop either passes its answers on, then it misses as many as the path loses up to it, or it keeps answers to
itself, then it misses more than that. The path loses little up to one link and more from there on; the target's own
answers are the path's. All positions of that link, all ratios and both kinds of hop are weighed with each other
(Bayes, uniform priors on a grid), so what is said of one hop takes every other hop into account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from caseprobe.path_stats.chance import NOISE_RATIO

STEPS = 120
# Shares of routers that drop answers at random and that limit them so that one echo a second shows it. Assumed, not
# measured: with half or twice as many the class of none of 234 hops changed, and the segment's width by a twentieth.
DROPS, LIMITS = 0.1, 0.1
SHARED = 0.2  # share of limiters whose tokens others take as well; assumed likewise
MOST_ECHOES = 1000  # more echoes of a hop are weighed as so many: the grid tells no finer
_ANGLES = [math.pi / 2 * (step + 0.5) / STEPS for step in range(STEPS)]
RATIOS = tuple(math.sin(angle) ** 2 for angle in _ANGLES)  # even in what a binomial ratio can be told to
_WEIGHTS = tuple(math.sin(2 * angle) for angle in _ANGLES)
_QUIET = sum(ratio <= NOISE_RATIO for ratio in RATIOS)  # so many steps of the grid are noise, the rest is loss

Rows = list[list[float]]


@dataclass(frozen=True)
class Answers:
    """What a hop answered: so many echoes lost of those sent, over so many links since the hop before it.

    limited: how much likelier (log odds) a limiter explains which it answered than chance does, None where that cannot
    be told; of the met echoes for which that had a token, blank were not answered.
    """

    lost: int
    sent: int
    links: int = 1
    limited: float | None = None
    met: int = 0
    blank: int = 0


@dataclass(frozen=True)
class Reading:
    """begins: probability that loss, if there is any, begins before each hop; own: that a hop keeps answers back."""

    begins: list[float]
    own: list[float]


def read(hops: Sequence[Answers]) -> Reading:
    """The reading of the hops that answered at all, in order; the last is the end of the path.

    >>> path = read([Answers(*one) for one in ((0, 100), (80, 100), (0, 100), (10, 100), (10, 100))])
    >>> [round(p, 1) for p in path.begins], [round(p, 1) for p in path.own]
    ([0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0])
    """
    every = sum(hop.links for hop in hops)
    if not any(hop.lost for hop in hops):
        return Reading([hop.links / every for hop in hops], [0.0] * len(hops))
    fits = [_fit(hop.lost, hop.sent) for hop in hops]
    keeping = [_kept_back(fit, hop) for fit, hop in zip(fits[:-1], hops[:-1], strict=True)]
    passing = [_plus(fit, 1 - DROPS - LIMITS) for fit in fits[:-1]]
    mixed = [*(_either(one, other) for one, other in zip(passing, keeping, strict=True)), fits[-1]]
    shares = [_shares(kept, mix) for kept, mix in zip(keeping, mixed[:-1], strict=True)]
    before, after = _before(mixed), _after(mixed)
    scores = [
        _log_mean(before[index][:_QUIET]) + _log_mean(after[index][_QUIET:]) + math.log(hop.links / every)
        for index, hop in enumerate(hops)
    ]
    scores.append(_log_mean(before[-1][:_QUIET]))  # no link loses anything
    weights = _normal(scores)
    begins = _normal(scores[:-1])
    return Reading(begins, _own(weights, before, after, shares))


def _kept_back(fit: Sequence[float], hop: Answers) -> list[float]:
    """Log likelihood that the hop keeps answers back, at random or by a limiter, for each ratio of the path.

    A limiter tells of the path by the echoes that found a token: it misses those that the path loses, or more where
    others take tokens as well.
    """
    at_random = _keeping(fit)
    if hop.limited is None:
        return _plus(at_random, DROPS + LIMITS)
    told = _fit(hop.blank, hop.met) if hop.met else [0.0] * STEPS
    by_path = _either(_plus(told, 1 - SHARED), _plus(_keeping(told), SHARED))
    best = at_random[0] + hop.limited - max(by_path)
    return _either(_plus(at_random, DROPS), [value + best + math.log(LIMITS) for value in by_path])


def _fit(lost: int, sent: int) -> list[float]:
    """Log likelihood of each ratio."""
    scale = min(1.0, MOST_ECHOES / sent)
    hits, rest = lost * scale, (sent - lost) * scale
    return [hits * math.log(ratio) + rest * math.log1p(-ratio) for ratio in RATIOS]


def _keeping(fit: Sequence[float]) -> list[float]:
    """Log likelihood that the hop keeps answers back, for each ratio that the path loses up to it.

    A hop that keeps answers back misses any greater ratio, all being equally likely.
    """
    top = max(fit)
    parts = [weight * math.exp(value - top) for weight, value in zip(_WEIGHTS, fit, strict=True)]
    over = list(accumulate(reversed(parts)))[::-1]
    room = list(accumulate(reversed(_WEIGHTS)))[::-1]
    return [top + math.log(max(likely / wide, 1e-300)) for likely, wide in zip(over, room, strict=True)]


def _shares(keeping: Sequence[float], mixed: Sequence[float]) -> list[float]:
    """Probability that the hop keeps answers back, for each ratio of the path."""
    return [math.exp(kept - mix) for kept, mix in zip(keeping, mixed, strict=True)]


def _plus(scores: Sequence[float], share: float) -> list[float]:
    """Log likelihoods of something that is so likely beforehand."""
    return [value + math.log(share) for value in scores]


def _either(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Log likelihood of each ratio where one or the other is the case."""
    return [_log_sum(a, b) for a, b in zip(one, other, strict=True)]


def _log_sum(one: float, other: float) -> float:
    top = max(one, other)
    return top + math.log1p(math.exp(min(one, other) - top))


def _before(mixed: Rows) -> Rows:
    """Log likelihood of all hops before each, and of all hops, for each ratio."""
    sums = [[0.0] * STEPS]
    for row in mixed:
        sums.append([total + value for total, value in zip(sums[-1], row, strict=True)])
    return sums


def _after(mixed: Rows) -> Rows:
    """Log likelihood of each hop and all behind it."""
    return _before(mixed[::-1])[:0:-1]


def _own(weights: Sequence[float], before: Rows, after: Rows, shares: Rows) -> list[float]:
    """Probability that each hop keeps answers back, over all positions of the link and all ratios."""
    quiet = [[w * p for p in _normal(before[index][:_QUIET])] for index, w in enumerate(weights)]
    lossy = [[w * p for p in _normal(row[_QUIET:])] for row, w in zip(after, weights, strict=False)]
    behind = list(accumulate(lossy, _sum))
    ahead = list(accumulate(reversed(quiet), _sum))[::-1]
    own = [
        _dot(share[:_QUIET], ahead[index + 1]) + _dot(share[_QUIET:], behind[index])
        for index, share in enumerate(shares)
    ]
    return [*own, 0.0]


def _sum(one: list[float], other: list[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _normal(scores: Sequence[float]) -> list[float]:
    """Probabilities from log weights."""
    top = max(scores)
    parts = [math.exp(score - top) for score in scores]
    total = math.fsum(parts)
    return [part / total for part in parts]


def _log_mean(scores: Sequence[float]) -> float:
    top = max(scores)
    return top + math.log(math.fsum(math.exp(score - top) for score in scores) / len(scores))
