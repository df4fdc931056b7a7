"""What may hang in the kernel, such as reading from a dead mount, and is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from caseprobe.errors import MachineTimeout

Answer = TypeVar("Answer")


def within(seconds: float, step: Callable[[], Answer]) -> Answer:
    """What a step gives that may hang in the kernel, such as reading a file of a dead mount; its thread is left behind.

    Raises MachineTimeout, and what the step raises.
    """
    given: list[Answer] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            given.append(step())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    for error in raised:
        raise error
    if not given:
        raise MachineTimeout(f"did not answer within {seconds:g} s")
    return given[0]
