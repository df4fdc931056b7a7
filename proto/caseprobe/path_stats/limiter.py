"""The limiter of a router's own answers, from which of its echoes it answered: a token bucket fitted by likelihood.

Routers answer so many echoes at once and then so many a second (Linux: net.ipv4.icmp_ratelimit, six and one). Which
echo such a router answers follows from when it was asked; an overloaded one leaves out any. Source of the approach:
FADER (Guo and Heidemann, PAM 2018), which tells limiters from loss by a model of the limiter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Outcome = tuple[float, bool]  # when the echo left, seconds; whether it was answered
FEWEST = 12  # outcomes below which no limiter is told from chance
# So many echoes take longer than this to send. Recorded output of other programs has no times at all.
SHORTEST_SECONDS = 1.0
MOST = 240  # outcomes that are read: they tell all that there is to tell
BURSTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
RATE_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
FINE_STEPS = 16  # to either side of the rate that fits best, so that its tokens are not early or late at the end
SLACK = 0.06  # of a token: packets jitter, so near one both outcomes are as likely
UNEXPLAINED = 0.02  # an answer without a token: the limiter is not quite one


@dataclass(frozen=True)
class Bucket:
    """So many answers a second after so many at once; log_odds: how much likelier than answers left out at random.

    met: echoes for which a token was there; of these blank were not answered: lost on the way, or others took the
    token. They tell of the path what a hop without a limiter tells by all its echoes.
    """

    per_second: float
    burst: int
    log_odds: float
    met: int = 0
    blank: int = 0


def fit(outcomes: Sequence[Outcome]) -> Bucket | None:
    """The bucket that explains best which echoes were answered; None where there is too little to tell.

    >>> fit([(0.0, n > 9) for n in range(60)])
    >>> answered = [(float(n), n < 4 or n % 4 == 0) for n in range(60)]
    >>> bucket = fit(answered)
    >>> bucket.burst, round(bucket.per_second, 2), bucket.log_odds > 10
    (4, 0.25, True)
    """
    read = outcomes[:MOST]
    received = sum(answered for _, answered in read)
    if len(read) < FEWEST or received in (0, len(read)) or read[-1][0] - read[0][0] < SHORTEST_SECONDS:
        return None
    chance = _binomial(len(read) - received, len(read))
    best = max(_fitted(read, rate, burst) for rate, burst in _candidates(read, received))
    best = max(_fitted(read, rate, best.burst) for rate in _finer(read, best.rate))
    # Two fitted numbers more than chance has, out of a hundred pairs: twice what the Bayesian criterion charges.
    return Bucket(best.rate, best.burst, best.score - chance - 2 * math.log(len(read)), best.met, best.blank)


def _finer(outcomes: Sequence[Outcome], rate: float) -> Iterator[float]:
    """Rates around one, as far apart as make a small part of a token by the end."""
    yield rate
    step = RATE_STEPS[1] / FINE_STEPS / (outcomes[-1][0] - outcomes[0][0])
    for number in range(1, FINE_STEPS + 1):
        yield rate + number * step
        if rate > number * step:
            yield rate - number * step


def _candidates(outcomes: Sequence[Outcome], received: int) -> Iterator[tuple[float, int]]:
    """Rates that would have let out about as many answers as came, for every burst."""
    seconds = outcomes[-1][0] - outcomes[0][0]
    for burst in BURSTS:
        for step in RATE_STEPS:
            if received + step > burst:
                yield (received - burst + step) / seconds, burst


class _Fit(NamedTuple):
    """How well a bucket explains what was answered (log likelihood), the better first."""

    score: float
    rate: float
    burst: int
    met: int
    blank: int


def _fitted(outcomes: Sequence[Outcome], rate: float, burst: int) -> _Fit:
    """A bucket held against the outcomes: an echo that it cannot have answered takes no token."""
    tokens, last = float(burst), outcomes[0][0]
    met = blank = unexplained = near = 0
    for at, answered in outcomes:
        tokens = min(float(burst), tokens + (at - last) * rate)
        last = at
        if abs(tokens - 1) <= SLACK:
            near += 1
            tokens = tokens if answered else min(tokens, 1 - SLACK / 2)
        elif tokens > 1:
            met += 1
            blank += not answered
        else:
            unexplained += answered
        if answered:
            tokens = max(0.0, tokens - 1)
    score = _binomial(blank, met) + unexplained * math.log(UNEXPLAINED) - near * math.log(2)
    return _Fit(score, rate, burst, met, blank)


def _binomial(hits: int, trials: int) -> float:
    """Log likelihood of hits at the ratio that fits them, never surer than one more of each kind would allow."""
    ratio = (hits + 0.5) / (trials + 1)
    return hits * math.log(ratio) + (trials - hits) * math.log1p(-ratio)
