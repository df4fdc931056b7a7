"""Single keys from the terminal while a loop runs, without a line end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable

Restore = Callable[[], None]


def take_keys(take: Callable[[str], None]) -> Restore:
    """Hand every key to take, from the running loop; gives what puts the terminal back as it was.

    Nothing is taken where standard input is no terminal, or is that of another program in front: asking it then would
    stop this one.
    """
    try:
        terminal = sys.stdin.fileno()
        in_front = os.tcgetpgrp(terminal) == os.getpgrp()
        before = termios.tcgetattr(terminal)
    except (OSError, ValueError, termios.error):
        return _nothing
    if not in_front:
        return _nothing
    tty.setcbreak(terminal)
    asyncio.get_running_loop().add_reader(terminal, _read, terminal, take)
    return lambda: _restore(terminal, before)


def _nothing() -> None:
    pass


def _read(terminal: int, take: Callable[[str], None]) -> None:
    with contextlib.suppress(OSError):
        keys = os.read(terminal, 64)
        if not keys:  # the terminal is gone, and would be readable for ever
            asyncio.get_running_loop().remove_reader(terminal)
        for key in keys.decode("ascii", "ignore"):
            take(key)


def _restore(terminal: int, before: list[int | list[bytes | int]]) -> None:
    with contextlib.suppress(termios.error):
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
