"""An event loop without real time, threads or sockets: what happens next is decided by the seed alone.

Time stands still while anything can run and then jumps to the next timer. What the product hands to a thread runs
here, inline, at a moment that the seed chooses, and its caller hears of it a moment later: between the two lie the
crashes in which something was done and nobody was told.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar
from random import Random
from typing import Any

# Before a job begins, and from its end until its caller is told; seconds, on average.
JOB_SECONDS, ANSWER_SECONDS = 0.002, 0.001


class Deadlock(Exception):
    """Nothing can ever run again."""


class Life:
    """One process from its start to its end; nothing that a dead one does reaches the world any more."""

    def __init__(self, machine: str, number: int) -> None:
        self.machine, self.number = machine, number
        self.dead = False

    def __str__(self) -> str:
        """For the trace."""
        return f"{self.machine}.{self.number}"


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class _NoWaiting(selectors.DefaultSelector):
    """Where the loop would wait for sockets, the clock is put forward."""

    advance: Callable[[float | None], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing ever comes from outside."""
        self.advance(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """asyncio as it is, on virtual time."""

    def __init__(self, random: Random) -> None:
        selector = _NoWaiting()
        selector.advance = self._advance
        self._seconds = 0.0
        self._free_at: dict[Executor, float] = {}
        self._told_at = 0.0
        self.random = random
        self.problems: list[str] = []
        super().__init__(selector)
        self._clock_resolution = 1e-7
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Virtual seconds since the run began; also every machine's monotonic clock."""
        return self._seconds

    def run_in_executor(  # type: ignore[override]  # what is handed over is called, not typed
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Inline, later; what one thread would do one after the other stays so."""
        answer = self.create_future()
        begin = self._seconds + self.random.expovariate(1 / JOB_SECONDS)
        if isinstance(executor, ThreadPoolExecutor) and executor._max_workers == 1:
            begin = self._free_at[executor] = max(begin, self._free_at.get(executor, 0.0) + 1e-6)
        self.call_at(begin, self._do, answer, func, args)
        return answer

    def _do(self, answer: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        settle: Callable[[Any], None] = answer.set_result
        try:
            value = func(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            settle, value = answer.set_exception, error
        delay = self.random.expovariate(1 / ANSWER_SECONDS)
        self.call_later(delay, lambda: None if answer.done() else settle(value))

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """There is one thread only; what a job tells before it ends is heard a moment later, and in its order."""
        delay = self.random.expovariate(1 / ANSWER_SECONDS)
        self._told_at = max(self._told_at + 1e-6, self._seconds + delay)
        return self.call_at(self._told_at, callback, *args, context=context)

    def _advance(self, timeout: float | None) -> None:
        if timeout is None:
            raise Deadlock("every task waits for something that nothing will bring")
        self._seconds += max(0.0, timeout)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        life = LIFE.get()
        if life is None or not life.dead:
            self.problems.append(f"{context.get('message')}: {context.get('exception')!r}")


class Turns:
    """The spool's worker without a thread: one step after a while, whenever something is queued."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = loop.create_future()

    def begin(self, step: Callable[[], bool]) -> None:
        """Take the step."""
        self._step = step

    def notify(self) -> None:
        """Something was queued: whatever comes until the turn is taken shares it."""
        self._waiting += 1
        if self._timer is None and not self._ended.done():
            delay = self._loop.random.expovariate(1 / JOB_SECONDS)
            self._timer = self._loop.call_later(delay, self._turn)

    async def ended(self) -> None:
        """The last step was taken."""
        await asyncio.shield(self._ended)

    def _turn(self) -> None:
        self._timer = None
        if not self._step():
            self._ended.set_result(None)
