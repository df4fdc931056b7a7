"""The hash chain of what was done: each entry commits with the thing it speaks of, before anything is dispatched.

A chain that was cut at its end still fits in itself; only who remembers an entry from before (a checkpoint) sees that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from caseprobe.errors import NotAllowed
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.ports import AuditStore, Clock, Transaction
from caseprobe_collector.records import AuditEntry, AuditRow, Checkpoint

GENESIS = bytes(32)
LONGEST_DETAIL = 1000


class AuditLog:
    """Writes and reads the chain."""

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self,
        tx: Transaction,
        by: Principal | str,
        action: str,
        customer_id: str,
        object: str,
        detail: str = "",
    ) -> None:
        """Chain one entry inside the transaction of what it speaks of: both are durable, or neither is."""
        entry = self.entry(by, action, customer_id, object, detail)
        await self._store.append_audit(
            tx, entry.at, entry.actor, entry.action, entry.customer_id, entry.object, entry.detail
        )

    def entry(self, by: Principal | str, action: str, customer_id: str, object: str, detail: str = "") -> AuditEntry:
        """What `record` would chain, for a deposit that takes its own place in the chain."""
        actor = by if isinstance(by, str) else f"{by.kind}:{by.id}"
        return AuditEntry(self._clock.now(), actor, action, customer_id, object, detail[:LONGEST_DETAIL])

    async def list(self, by: Principal, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Entries from a number on, oldest first; those of customers that one may not see are left out."""
        if not decide(by, Action.AUDIT_READ):
            raise NotAllowed("only admins may read the audit log")
        rows = await self._store.list_audit(first, limit)
        return [row for row in rows if by.customer_ids is None or row.customer_id in by.customer_ids]

    async def newest(self, by: Principal) -> int:
        """The number of the newest entry, 0 before the first."""
        if not decide(by, Action.AUDIT_READ):
            raise NotAllowed("only admins may read the audit log")
        found = await self._store.newest_audit()
        return found.number if found else 0


def entry_sha256(
    number: int,
    at: datetime,
    actor: str,
    action: str,
    customer_id: str,
    object: str,
    detail: str,
    previous_sha256: bytes,
) -> bytes:
    """The hash that chains an entry to the one before it.

    Every text goes in behind its length, so no two different entries have the same bytes.
    """
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    texts = f"{number}", stamp, actor, action, customer_id, object, detail
    parts = [previous_sha256]
    for text in texts:
        part = text.encode()
        parts += (len(part).to_bytes(8, "big"), part)
    return hashlib.sha256(b"".join(parts)).digest()


def verify(
    rows: Iterable[AuditRow],
    previous_sha256: bytes = GENESIS,
    first: int = 1,
    checkpoint: Checkpoint | None = None,
) -> str | None:
    """None where the rows are one unbroken chain, else what is wrong with the first bad one; pure.

    checkpoint: an entry seen earlier, at or after first, that must be among them unchanged.
    """
    missing = checkpoint
    for number, row in enumerate(rows, start=first):
        wrong = _wrong(row, number, previous_sha256)
        if wrong:
            return wrong
        previous_sha256 = row.sha256
        if missing == Checkpoint(number, row.sha256):
            missing = None
    if missing is not None:
        return f"entry {missing.number} is not what was seen before: the log was cut or written anew"
    return None


def _wrong(row: AuditRow, number: int, previous_sha256: bytes) -> str | None:
    if row.number != number:
        return f"entry {number} is missing; entry {row.number} stands in its place"
    if row.previous_sha256 != previous_sha256:
        return f"entry {number} does not follow the one before it"
    try:
        expected = entry_sha256(
            row.number, row.at, row.actor, row.action, row.customer_id, row.object, row.detail, row.previous_sha256
        )
    except (TypeError, AttributeError, ValueError):
        expected = b""  # a bit that flips may make bytes of a text
    return None if row.sha256 == expected else f"entry {number} was altered"
