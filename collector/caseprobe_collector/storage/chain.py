"""The audit's next links, for commits that take no way over the database layer."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from caseprobe.errors import StorageDamaged
from caseprobe_collector.audit import GENESIS, entry_sha256
from caseprobe_collector.records import AuditEntry
from caseprobe_collector.storage.inserts import insert_rows
from caseprobe_collector.storage.rowform import microseconds

ADD_ENTRY = (
    "audit",
    ("number", "at", "actor", "action", "customer_id", "object", "detail", "previous_sha256", "sha256"),
)
LAST_ENTRY = "SELECT number, sha256 FROM audit ORDER BY number DESC LIMIT 1"


def append_entries(connection: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    """Chain these entries to the last, in their order: the one writer is what keeps the chain single."""
    if not entries:
        return
    last, previous = link_of(connection.execute(LAST_ENTRY).fetchone())
    rows = []
    for number, entry in enumerate(entries, start=last + 1):
        what = (entry.actor, entry.action, entry.customer_id, entry.object, entry.detail)
        digest = entry_sha256(number, entry.at, *what, previous)
        rows.append((number, microseconds(entry.at), *what, previous, digest))
        previous = digest
    insert_rows(connection, ADD_ENTRY, rows)


def link_of(row: Any) -> tuple[int, bytes]:
    """Number and hash to chain the next entry to; raises StorageDamaged where the last entry's have rotted.

    Not chained to anything else, which would hide that it was there; and not refused for good, so that machines keep
    what they have until the store is restored.
    """
    number, sha256 = row or (0, GENESIS)
    if not isinstance(number, int) or not isinstance(sha256, bytes) or len(sha256) != len(GENESIS):
        raise StorageDamaged("the audit's last entry is damaged: stop the collector and restore a backup")
    return number, sha256
