"""This machine's audit chain and the collector's bear witness to each other: each notes the other's newest entry.

So neither side can cut its log, write it anew or go back to an old copy of it without the other's seeing that.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

from caseprobe.v1 import link_pb2
from caseprobe_agent.audit import Audit, Entry
from caseprobe_agent.identity.files import read_private, write_private

NAME = "collector-audit.json"
MOST_ENTRIES = 1000

log = logging.getLogger("caseprobe.agent")
Send = Callable[[link_pb2.LinkRequest, link_pb2.Lane.ValueType], None]


class Witness:
    """Tells this machine's newest entries, and keeps the collector's newest in the state folder."""

    def __init__(self, audit: Audit, folder: Path, send: Send) -> None:
        self._audit = audit
        self._path = folder / NAME
        self._send = send
        # What was told over the stream that is open; None before its Welcome.
        self._told: int | None = None

    def hello(self, hello: link_pb2.Hello) -> None:
        """A stream begins: the collector is asked for the entry of its chain that was noted."""
        self._told = None
        noted = self._noted()
        if noted is not None:
            hello.witnessed.CopyFrom(noted)

    async def welcomed(self, welcome: link_pb2.Welcome) -> None:
        """Note the collector's newest entry, and tell it this machine's from the last one on that it noted."""
        if welcome.HasField("audit_head"):
            await self._note(welcome.audit_head)
        await self._tell(welcome.audit_number or self._audit.newest.number)

    async def tell(self) -> None:
        """Tell what came to the chain since it was told last, if anything."""
        if self._told is not None and self._audit.newest.number > self._told:
            await self._tell(self._told)

    async def _tell(self, number: int) -> None:
        entries = await asyncio.to_thread(self._audit.since, number)
        self._told = entries[-1].number if entries else 0
        for first in range(0, max(1, len(entries)), MOST_ENTRIES):
            frame = link_pb2.AuditEntries(entries=map(_told, entries[first : first + MOST_ENTRIES]))
            self._send(link_pb2.LinkRequest(audit_entries=frame), link_pb2.LANE_CONTROL)

    async def _note(self, head: link_pb2.AuditEntry) -> None:
        """One that goes back is noted as well, and that it does stands in this machine's own chain from then on."""
        before = self._noted()
        if before == head:
            return
        if before is not None and head.number <= before.number:
            wrong = f"its log ended at entry {before.number} {before.sha256.hex()}, and ends at {head.number} now"
            log.warning("the collector's audit is not what it was: %s", wrong)
            await self._audit.record("collector.audit_contradicted", "collector", "caseprobe", wrong)
        kept = {"number": head.number, "sha256": head.sha256.hex()}
        await asyncio.to_thread(write_private, self._path, json.dumps(kept).encode())

    def _noted(self) -> link_pb2.AuditEntry | None:
        data = read_private(self._path)
        if not data:
            return None
        try:
            kept = json.loads(data)
            return link_pb2.AuditEntry(number=kept["number"], sha256=bytes.fromhex(kept["sha256"]))
        except (ValueError, TypeError, KeyError):
            log.warning("%s is not readable and is begun anew", self._path)
            return None


def _told(entry: Entry) -> link_pb2.AuditEntry:
    return link_pb2.AuditEntry(
        number=entry.number, previous_sha256=bytes.fromhex(entry.previous), sha256=bytes.fromhex(entry.sha256)
    )
