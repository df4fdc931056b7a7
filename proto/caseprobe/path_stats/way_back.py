"""How long the way back of replies is, by the TTL with which they arrive: a hint at another way than the one there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# With what systems send their answers: Linux and BSD 64, Windows 128, most routers 255.
INITIAL_TTLS = (64, 128, 255)
LEAST_DIFFERENCE = 2  # routers: one more or less is often a hop that counts itself otherwise
# In a row, up to the last that tells: inside a tunnel replies go to its end first, behind it they do not.
LEAST_HOPS = 2


@dataclass(frozen=True)
class WayBack:
    """From first_ttl on the way back has so many routers more than the way there; fewer where hops is negative."""

    first_ttl: int
    hops: int


def back_hops(reply_ttl: int) -> int:
    """How many routers a reply has passed that arrives with a TTL.

    >>> back_hops(255), back_hops(60), back_hops(115)
    (0, 4, 13)
    """
    return next(initial for initial in INITIAL_TTLS if initial >= reply_ttl) - reply_ttl


def way_back(reply_ttls: Sequence[tuple[int, int]]) -> WayBack | None:
    """The difference that begins at some hop and holds to the last, None where there is none.

    reply_ttls: of every hop that tells, in order, its ttl and the TTL of its reply.

    >>> way_back([(1, 255), (2, 254), (3, 250), (4, 249), (5, 57)])
    WayBack(first_ttl=3, hops=3)
    >>> way_back([(1, 255), (2, 254), (3, 250), (4, 252)]) is None
    True
    """
    differences = [(ttl, back_hops(reply) - (ttl - 1)) for ttl, reply in reply_ttls]
    run: list[tuple[int, int]] = []
    for ttl, difference in reversed(differences):
        if abs(difference) < LEAST_DIFFERENCE or (run and (difference > 0) != (run[-1][1] > 0)):
            break
        run.append((ttl, difference))
    # The whole path alike says more of the first router's own count than of another way.
    if len(run) < LEAST_HOPS or len(run) == len(differences):
        return None
    return WayBack(run[-1][0], min((difference for _, difference in run), key=abs))
