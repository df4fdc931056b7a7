"""A stretch of time that logs are asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Both ends belong to it; in seconds since 1970."""

    from_at: float
    to_at: float

    def holds(self, at: float | None) -> bool:
        """Whether this moment lies in it; never where there is none.

        >>> Window(5, 9).holds(9), Window(5, 9).holds(None)
        (True, False)
        """
        return at is not None and self.from_at <= at <= self.to_at

    def written(self) -> str:
        """As a probe is handed it, in place of where a log was left."""
        return json.dumps({"from": self.from_at, "to": self.to_at})


def window_from(text: object) -> Window | None:
    """What was written; None for anything else.

    >>> window_from(Window(5.0, 9.0).written())
    Window(from_at=5.0, to_at=9.0)
    """
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        told = json.loads(text)
        return Window(float(told["from"]), float(told["to"]))
    except (ValueError, TypeError, KeyError):
        return None
