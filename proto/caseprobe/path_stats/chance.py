"""Is it loss, or chance? Binomial statistics, exact where samples are small."""

from __future__ import annotations

import math

NOISE_RATIO = 0.005  # loss that a healthy path may show
ALARM_PROBABILITY = 0.01  # of calling a healthy path lossy
NEVER = 100_000  # rounds: more are not worth telling


def binomial_tail(count: int, trials: int, ratio: float) -> float:
    """Probability of count or more hits in so many trials.

    >>> round(binomial_tail(1, 10, 0.005), 3)
    0.049
    >>> binomial_tail(0, 10, 0.005)
    1.0
    """
    if count <= 0:
        return 1.0
    below = (math.exp(_log_term(hits, trials, ratio)) for hits in range(count))
    return max(0.0, 1.0 - math.fsum(below))


def _log_term(hits: int, trials: int, ratio: float) -> float:
    choose = math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
    return choose + log_likelihood(hits, trials, ratio)


def log_likelihood(hits: int, trials: int, ratio: float) -> float:
    """Logarithm of the likelihood of hits in trials, up to a constant; ratio is kept off 0 and 1."""
    kept = min(max(ratio, 1e-6), 1 - 1e-6)
    return hits * math.log(kept) + (trials - hits) * math.log1p(-kept)


def is_loss(lost: int, sent: int) -> bool:
    """True where so many unanswered echoes are no chance on a path with noise only. One lost echo never is.

    >>> is_loss(1, 1), is_loss(1, 10), is_loss(3, 10), is_loss(6, 300)
    (False, False, True, True)
    """
    return lost >= 2 and binomial_tail(lost, sent, NOISE_RATIO) < ALARM_PROBABILITY


def echoes_to_tell(lost: int, sent: int) -> int:
    """How many echoes must have been sent in all until loss at this ratio is told from chance.

    >>> echoes_to_tell(1, 10)
    20
    """
    for lost_then in range(max(2, lost), NEVER):
        total = math.ceil(lost_then * sent / lost)
        if total > NEVER or is_loss(lost_then, total):
            return min(total, NEVER)
    return NEVER


def interval(lost: int, sent: int) -> tuple[float, float]:
    """The 95 % interval of a loss ratio (Wilson's score interval); (0, 1) where nothing was sent.

    >>> tuple(round(end, 3) for end in interval(15, 300))
    (0.031, 0.081)
    """
    if not sent:
        return 0.0, 1.0
    z2 = 1.959964**2
    ratio = lost / sent
    centre = ratio + z2 / (2 * sent)
    spread = math.sqrt(z2 * (ratio * (1 - ratio) + z2 / (4 * sent)) / sent)
    return max(0.0, (centre - spread) / (1 + z2 / sent)), min(1.0, (centre + spread) / (1 + z2 / sent))
