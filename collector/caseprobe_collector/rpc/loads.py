"""Tests under load that run now: one for each machine, few at once, and what each may still carry."""

from __future__ import annotations

from collections.abc import Callable

from caseprobe.errors import Busy
from caseprobe.load_limits import WHOLE_SECONDS, Allowance

MOST_AT_ONCE = 4  # 400 Mbit/s, for ten seconds
REST_SECONDS = 15.0  # of one machine between two tests


class LoadTest:
    """One machine's test; over once it was stopped or its time is up."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.until = clock() + WHOLE_SECONDS
        self.down, self.up = Allowance(clock()), Allowance(clock())
        self.stopped = False

    @property
    def over(self) -> bool:
        """Whether nothing more may pass."""
        return self.stopped or self._clock() >= self.until

    def wait(self, way: Allowance, size: int) -> float | None:
        """Seconds to wait before these bytes pass; None where nothing more may."""
        return None if self.over else way.take(size, self._clock())


class Loads:
    """Who may test now. clock: seconds, only forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tests: dict[str, LoadTest] = {}
        # Machines that have tested lately, and until when they rest.
        self._rests: dict[str, float] = {}

    def begin(self, agent_id: str) -> LoadTest:
        """Raises Busy where the machine has a test already or had one just now, or too many others have."""
        now = self._clock()
        self._rests = {one: until for one, until in self._rests.items() if until > now}
        if agent_id in self._tests:
            raise Busy("this machine's test under load runs already; one at a time", WHOLE_SECONDS)
        if agent_id in self._rests:
            rest = self._rests[agent_id] - now
            raise Busy(f"this machine was tested under load just now; again in {rest:.0f} s", rest)
        if len(self._tests) >= MOST_AT_ONCE:
            raise Busy(f"{len(self._tests)} machines test under load now; this one after them", WHOLE_SECONDS)
        test = self._tests[agent_id] = LoadTest(self._clock)
        return test

    def of(self, agent_id: str) -> LoadTest | None:
        """The test that a machine has now."""
        return self._tests.get(agent_id)

    def end(self, agent_id: str, test: LoadTest) -> None:
        """It is over."""
        test.stopped = True
        if self._tests.get(agent_id) is test:
            del self._tests[agent_id]
            self._rests[agent_id] = self._clock() + REST_SECONDS

    def stop(self, agent_id: str) -> None:
        """Let nothing more of a machine's test pass."""
        if (test := self._tests.get(agent_id)) is not None:
            test.stopped = True

    def stop_all(self) -> None:
        """Let nothing more of any test pass."""
        for test in self._tests.values():
            test.stopped = True
