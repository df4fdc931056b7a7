"""The audit's hash chain: who did what, durably before it is done, and every later change seen.

Each row's SHA-256 covers its fields and the hash of the row before it. A chain that was cut at its end still fits in
itself, so `verify` also takes what an earlier reader saw (a checkpoint) and finds the cut by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from caseprobe.errors import NotAllowed
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.ports import AuditStore, Clock, Transaction
from caseprobe_collector.records import AuditRow

ORIGIN = bytes(32)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_DETAIL = 1000


@dataclass(frozen=True)
class Checkpoint:
    """A row that somebody else remembers."""

    number: int
    sha256: bytes


class AuditLog:
    """Writes entries in their callers' transactions, reads them for those who may."""

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self, tx: Transaction, by: Principal | str, action: str, customer_id: str, object: str, detail: str = ""
    ) -> None:
        """Chain one entry; it is durable together with what it speaks of, never without."""
        actor = by if isinstance(by, str) else f"{by.kind}:{by.id}"
        await self._store.append_audit(
            tx, self._clock.now(), actor, action, customer_id, object, detail[:LONGEST_DETAIL]
        )

    async def list(self, by: Principal, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Entries in the chain's order from this number on; those of other customers are left out.

        Raises NotAllowed.
        """
        if not decide(by, Action.AUDIT_READ):
            raise NotAllowed("you may not read the audit")
        rows = await self._store.list_audit(first, limit)
        return [row for row in rows if by.customer_ids is None or row.customer_id in by.customer_ids]

    @staticmethod
    def verify(rows: Iterable[AuditRow], checkpoint: Checkpoint | None = None) -> str | None:
        """None for a whole chain, otherwise what is wrong; see the function `verify`."""
        return verify(rows, checkpoint)


def chain(
    number: int,
    at: datetime,
    actor: str,
    action: str,
    customer_id: str,
    object: str,
    detail: str,
    previous_sha256: bytes,
) -> AuditRow:
    """The row that follows the one with this hash.

    >>> row = chain(1, EPOCH, "user:u", "case.create", "cust_1", "case_1", "", ORIGIN)
    >>> verify([row]), verify([chain(2, EPOCH, "user:u", "case.close", "cust_1", "case_1", "", row.sha256)])
    (None, 'the audit begins with entry 2: the entries before it are missing')
    """
    row = AuditRow(number, at, actor, action, customer_id, object, detail, previous_sha256, b"")
    return AuditRow(number, at, actor, action, customer_id, object, detail, previous_sha256, digest_of(row))


def digest_of(row: AuditRow) -> bytes:
    """SHA-256 over all fields but the hash itself; each with its length, so that no two rows read alike."""
    microseconds = (row.at - EPOCH) // timedelta(microseconds=1)
    fields = (str(row.number), str(microseconds), row.actor, row.action, row.customer_id, row.object, row.detail)
    digest = hashlib.sha256(row.previous_sha256)
    for text in fields:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def verify(rows: Iterable[AuditRow], checkpoint: Checkpoint | None = None) -> str | None:
    """None where the rows are the whole chain from its first entry on, otherwise one sentence that names the place.

    checkpoint: an entry that is known from elsewhere; without one, entries cut off at the end cannot be missed.
    """
    number, previous, seen = 0, ORIGIN, checkpoint is None
    for row in rows:
        wrong = _wrong(row, number, previous)
        if wrong:
            return wrong
        number, previous = row.number, row.sha256
        seen = seen or (checkpoint is not None and checkpoint == Checkpoint(number, previous))
    if not seen and checkpoint is not None:
        return f"the audit does not hold entry {checkpoint.number} as it was seen before: it was cut or rewritten"
    return None


def _wrong(row: AuditRow, number: int, previous: bytes) -> str | None:
    if row.number != number + 1:
        if number == 0:
            return f"the audit begins with entry {row.number}: the entries before it are missing"
        return f"after entry {number} comes entry {row.number}: entries are missing, double or out of order"
    if row.previous_sha256 != previous:
        return f"entry {row.number} does not follow the entry before it: one of the two was changed"
    if row.sha256 != digest_of(row):
        return f"entry {row.number} was changed after it was written"
    return None
