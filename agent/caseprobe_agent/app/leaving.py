"""Ends the enrolment: the agent stops, the identity goes, and with a purge everything that is ours."""

from __future__ import annotations

import asyncio
import shutil

from caseprobe.errors import NotFound
from caseprobe_agent.app.control import call
from caseprobe_agent.app.parts import LocalClock, audit_of, user_name
from caseprobe_agent.config import Settings
from caseprobe_agent.identity import ENROLLED, ONE_SHOT, forget
from caseprobe_agent.spool import Spool

STOP_SECONDS = 15.0
# Everything that this program ever makes in its state folder; nothing else in it is touched.
OURS = (
    *("audit.jsonl", "pseudonyms.key", "agent.sock", "spool.*", "*.lock", "bundles", "one-shot", "grants"),
    *("history.ring", "marks.json"),
)


async def leave(settings: Settings, purge: bool) -> list[str]:
    """Stop the agent and forget who this machine was; gives the names of what was removed."""
    await _stop(settings)
    # Holding the spool proves that no agent runs any more.
    async with await Spool.open(settings.state_folder, settings.spool_quota_bytes):
        forget(settings.state_folder, ENROLLED)
    removed = ["identity"]
    if not purge:
        await audit_of(settings, LocalClock()).record("left", "", user_name())
        return removed
    forget(settings.state_folder, ONE_SHOT)
    return removed + await asyncio.to_thread(_purge, settings)


async def _stop(settings: Settings) -> None:
    """Ask a running agent to end, and wait until it has."""
    try:
        await call(settings.socket_path, {"do": "stop"})
    except NotFound:
        return
    async with asyncio.timeout(STOP_SECONDS):
        while settings.socket_path.exists():
            await asyncio.sleep(0.05)


def _purge(settings: Settings) -> list[str]:
    """Delete what is ours, by name."""
    removed = []
    for pattern in OURS:
        for path in settings.state_folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed.append(path.name)
    return removed
