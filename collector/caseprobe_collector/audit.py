"""The hash chain of what was done: each entry commits with the thing it speaks of, before anything is dispatched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from caseprobe.errors import NotAllowed
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.ports import AuditStore, Clock, Transaction
from caseprobe_collector.records import AuditRow

GENESIS = bytes(32)


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
        actor = by if isinstance(by, str) else f"{by.kind}:{by.id}"
        await self._store.append_audit(tx, self._clock.now(), actor, action, customer_id, object, detail)

    async def list(self, by: Principal, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Entries from a number on, oldest first."""
        if not decide(by, Action.AUDIT_READ):
            raise NotAllowed("only admins may read the audit log")
        return await self._store.list_audit(first, limit)


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
    digest = hashlib.sha256(previous_sha256)
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    for text in (str(number), stamp, actor, action, customer_id, object, detail):
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()


def verify(rows: Sequence[AuditRow], previous_sha256: bytes = GENESIS, first: int = 1) -> str | None:
    """None where the rows are one unbroken chain, else what is wrong with the first bad one; pure."""
    for number, row in enumerate(rows, start=first):
        if row.number != number:
            return f"entry {number} is missing; entry {row.number} stands in its place"
        if row.previous_sha256 != previous_sha256:
            return f"entry {number} does not follow the one before it"
        expected = entry_sha256(
            row.number, row.at, row.actor, row.action, row.customer_id, row.object, row.detail, row.previous_sha256
        )
        if row.sha256 != expected:
            return f"entry {number} was altered"
        previous_sha256 = row.sha256
    return None
