"""Takes a sample every ten seconds, in a thread of its own: a disk or a sensor that is slow holds up nothing else."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from caseprobe.errors import MeasurementError
from caseprobe_agent.history.figures import Key
from caseprobe_agent.history.ring import NAME, Ring
from caseprobe_agent.history.sampling import KMSG, Sampler
from caseprobe_agent.machine import Machine

log = logging.getLogger("caseprobe.history")
SAMPLE_SECONDS = 10.0
# A folder that cannot be written is tried again only now and then.
RETRY_SECONDS = 600.0
STOP_SECONDS = 1.0
STACK_BYTES = 256 << 10
NOTED_AT_MOST = 100


class Recorder:
    """Keeps a machine's history in a folder while it is entered; what it cannot keep is left out, and said once."""

    def __init__(
        self, machine: Machine, folder: Path, size_bytes: int, boot: str, sample_seconds: float = SAMPLE_SECONDS
    ) -> None:
        """boot: names this boot."""
        self._sample_seconds = sample_seconds
        self._machine = machine
        self._path = folder / NAME
        self._size_bytes = size_bytes
        self._boot = boot.encode()
        # By figure, the sum of its values and how many these are.
        self._noted: dict[Key, tuple[float, int]] = {}
        self._noting = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def __enter__(self) -> Recorder:
        before = threading.stack_size(STACK_BYTES)
        try:
            self._thread.start()
        finally:
            threading.stack_size(before)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(STOP_SECONDS)

    def note(self, key: Key, value: float) -> None:
        """What another part of the agent measured; the next sample tells the mean of a figure's values."""
        with self._noting:
            total, count = self._noted.get(key, (0.0, 0))
            if count or len(self._noted) < NOTED_AT_MOST:
                self._noted[key] = total + value, count + 1

    def _taken_notes(self) -> dict[Key, float]:
        with self._noting:
            noted, self._noted = self._noted, {}
        return {key: total / count for key, (total, count) in noted.items()}

    def _run(self) -> None:
        """The first sample waits: what begins has other things to do."""
        told = ""
        while not self._ended.wait(self._sample_seconds if not told else RETRY_SECONDS):
            try:
                self._record()
                return
            except OSError as error:
                if (why := str(error.strerror)) != told:
                    log.warning("no history is kept in %s: %s", self._path, why)
                told = why

    def _record(self) -> None:
        """Until it is ended. Raises OSError where the file cannot be made or written."""
        with contextlib.ExitStack() as stack:
            kernel = None
            with contextlib.suppress(MeasurementError):
                kernel = stack.enter_context(self._machine.opened(KMSG))
            sampler = Sampler(self._machine, kernel)
            ring = stack.enter_context(contextlib.closing(Ring(self._path, self._size_bytes, self._sample_seconds)))
            while True:
                # Tables that cannot be understood cost their sample, not those after it.
                with contextlib.suppress(ValueError, ArithmeticError):
                    values = sampler.take() | self._taken_notes()
                    ring.append(self._machine.wall_seconds(), self._machine.boottime_seconds(), self._boot, values)
                if self._ended.wait(self._sample_seconds):
                    return
