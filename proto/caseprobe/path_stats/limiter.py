"""The limiter of a router's own answers, from which of its echoes it answered: a token bucket fitted by likelihood.

Routers answer so many echoes at once and then so many a second (Linux: net.ipv4.icmp_ratelimit, six and one). Which
echo such a router answers follows from when it was asked; an overloaded one leaves out any. Source of the approach:
FADER (Guo and Heidemann, PAM 2018), which tells limiters from loss by a model of the limiter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Outcome = tuple[float, bool]  # when the echo left, seconds; whether it was answered
FEWEST = 12  # outcomes below which no limiter is told from chance
# So many echoes take longer than this to send. Recorded output of other programs has no times at all.
SHORTEST_SECONDS = 1.0
MOST = 240  # outcomes that are read: they tell all that there is to tell
BURSTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
RATE_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
SLACK = 0.06  # of a token: packets jitter, so near one both outcomes are as likely


@dataclass(frozen=True)
class Bucket:
    """So many answers a second after so many at once; log_odds: how much likelier than answers left out at random."""

    per_second: float
    burst: int
    log_odds: float


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
    best = max((_fitted(read, rate, burst) for rate, burst in _candidates(read, received)), key=lambda one: one[0])
    # Two fitted numbers more than chance has: Bayesian information criterion.
    return Bucket(best[1], best[2], best[0] - chance - math.log(len(read)))


def _candidates(outcomes: Sequence[Outcome], received: int) -> Iterator[tuple[float, int]]:
    """Rates that would have let out about as many answers as came, for every burst."""
    seconds = outcomes[-1][0] - outcomes[0][0]
    for burst in BURSTS:
        for step in RATE_STEPS:
            if received + step > burst:
                yield (received - burst + step) / seconds, burst


def _fitted(outcomes: Sequence[Outcome], rate: float, burst: int) -> tuple[float, float, int]:
    """Log likelihood of a bucket; what it says wrongly is lost on the way or was spent on others."""
    tokens, last, wrong, told = float(burst), outcomes[0][0], 0, 0
    for at, answered in outcomes:
        tokens = min(float(burst), tokens + (at - last) * rate)
        last = at
        if abs(tokens - 1) > SLACK:
            told += 1
            wrong += answered != (tokens > 1)
        elif not answered:
            tokens = min(tokens, 1 - SLACK / 2)
        if answered:
            tokens = max(0.0, tokens - 1)
    return _binomial(wrong, told) - (len(outcomes) - told) * math.log(2), rate, burst


def _binomial(hits: int, trials: int) -> float:
    """Log likelihood of hits at the ratio that fits them, never surer than one more of each kind would allow."""
    ratio = (hits + 0.5) / (trials + 1)
    return hits * math.log(ratio) + (trials - hits) * math.log1p(-ratio)
