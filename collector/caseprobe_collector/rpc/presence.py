"""What is said of a machine's presence, decided from three clocks; pure.

Three, because each alone lies. Frames may still be read from a machine whose own loop hangs (its kernel and its
transport go on by themselves). A loop may turn while nothing that we write is taken any more. And a stream may be open
to nobody. So a machine is online only while all three say so, and otherwise the clock that stood still is named.

Whoever judges may have slept itself: then all clocks look old at once, and nothing follows from that. Ages are
therefore counted from the moment at which the judge was last known to be awake (`Watch`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HEARTBEAT_SECONDS = 15.0
# Two heartbeats may be lost to a bad line; the transport's own ping ends a dead stream earlier than that.
SILENT_SECONDS = 2 * HEARTBEAT_SECONDS + 5.0
STALLED_SECONDS = 20.0
# Between two looks at the clock; longer than that and a half means that the judge itself did not run.
LOOK_SECONDS = 5.0
# Machines that heard nothing while the judge slept left it; for so long after it woke they may still be on their way
# back (an agent's longest pause is 30 s, a handshake 8), and one that has no stream is not called offline.
RETURN_SECONDS = 38.0
# Less is rounding: a machine reads its two clocks one after the other.
SHORTEST_SLEEP_SECONDS = 2.0


@dataclass(frozen=True)
class Signs:
    """Ages in seconds: of the last frame that was read, of the last sign that the machine's own loop turns, and of
    the frame that is being written now (0 where none waits)."""

    read_age_seconds: float
    pumped_age_seconds: float
    write_age_seconds: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """online, unresponsive or offline, and why where it is not online."""

    word: str
    why: str = ""


ONLINE = Verdict("online")
OFFLINE = Verdict("offline", "it has no stream")


def judge(signs: Signs | None) -> Verdict:
    """What is said of a machine with these signs; None: it has no stream.

    >>> judge(Signs(read_age_seconds=1.0, pumped_age_seconds=60.0)).why
    'its stream lives, but its own loop has not turned for 60 s'
    """
    if signs is None:
        return OFFLINE
    if signs.read_age_seconds > SILENT_SECONDS:
        return Verdict("unresponsive", f"nothing came from it for {signs.read_age_seconds:.0f} s")
    if signs.pumped_age_seconds > SILENT_SECONDS:
        why = f"its stream lives, but its own loop has not turned for {signs.pumped_age_seconds:.0f} s"
        return Verdict("unresponsive", why)
    if signs.write_age_seconds > STALLED_SECONDS:
        return Verdict("unresponsive", f"it has taken nothing for {signs.write_age_seconds:.0f} s")
    return ONLINE


@dataclass(frozen=True)
class Watch:
    """The judge's own alarm clock: when it last looked, and since when it has been awake without a break."""

    looked_at: float
    awake_since: float = -math.inf

    def look(self, now: float) -> Watch:
        """The watch after a look; a look that comes far too late means that the judge slept until now."""
        slept = now - self.looked_at > 2.5 * LOOK_SECONDS
        return Watch(now, now if slept else self.awake_since)

    def age(self, since: float, now: float) -> float:
        """How old something is, as far as the judge was awake to see it."""
        awake = self.look(now)
        return max(0.0, now - max(since, awake.awake_since))

    def just_woke(self, now: float) -> bool:
        """Whether machines that left while the judge slept may still be coming back."""
        return now - self.look(now).awake_since < RETURN_SECONDS


def slept_seconds(boottime_seconds: float, monotonic_seconds: float) -> float:
    """How long a machine slept while its boot clock moved by the one and its monotonic clock by the other.

    The boot clock counts sleep, the monotonic one does not.

    >>> slept_seconds(3620.0, 20.0), slept_seconds(15.001, 15.0)
    (3600.0, 0.0)
    """
    slept = boottime_seconds - monotonic_seconds
    return slept if slept >= SHORTEST_SLEEP_SECONDS else 0.0
