"""How often a password may be guessed."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

# Free failures within the window, then a wait that doubles up to a minute; per name, so one cannot lock out all.
FREE_FAILURES = 5
WINDOW_SECONDS = 900.0
LONGEST_WAIT_SECONDS = 60.0
NAMES_WATCHED = 10_000
FAILURES_KEPT = 20


def login_wait(failures: Sequence[float], now: float) -> float:
    """Seconds that a name must wait before its next try, given the times of its failures; pure.

    >>> login_wait([0.0] * 4, 1.0), login_wait([0.0] * 6, 1.0)
    (0.0, 1.0)
    """
    recent = [at for at in failures if now - at < WINDOW_SECONDS]
    excess = len(recent) - FREE_FAILURES
    if excess < 0:
        return 0.0
    return max(0.0, recent[-1] + min(LONGEST_WAIT_SECONDS, 2.0**excess) - now)


class Throttle:
    """The failures of each name, in bounded memory; the names tried longest ago are forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, name: str, now: float) -> float:
        """Seconds until this name may be tried again."""
        return login_wait(self._failures.get(name, ()), now)

    def fail(self, name: str, now: float) -> None:
        """Count a try. A try counts as failed until it succeeded, so a thousand at once are not all free."""
        self._failures.setdefault(name, deque(maxlen=FAILURES_KEPT)).append(now)
        self._failures.move_to_end(name)
        while len(self._failures) > NAMES_WATCHED:
            self._failures.popitem(last=False)

    def succeed(self, name: str) -> None:
        """Forget a name's failures."""
        self._failures.pop(name, None)
