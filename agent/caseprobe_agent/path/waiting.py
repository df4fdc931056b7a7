"""How a probe's loop waits: for a reply, or for the moment at which its state has something to do."""

from __future__ import annotations

import asyncio


async def wait_until(changed: asyncio.Event, until: float) -> None:
    """Wait until the event is set, and clear it, but not longer than until (loop time, which is time.monotonic)."""
    timer = asyncio.get_running_loop().call_at(until, changed.set)
    try:
        await changed.wait()
    finally:
        timer.cancel()
        changed.clear()
