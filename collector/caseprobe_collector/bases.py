"""The last bundle of a machine that the collector holds whole, which its next one may be told in terms of.

Only bundles of the same key are looked at: no machine, and no customer, learns anything of what another has sent.
"""

from __future__ import annotations

from caseprobe_collector.ports import SnapshotStore
from caseprobe_collector.records import ObjectRecord

BUNDLE_OBJECT = "bundle.zip"
# Another is made of it in memory, member by member.
LARGEST_BYTES = 32 << 20
LOOKED_AT = 5


async def last_bundle(snapshots: SnapshotStore, agent_id: str, customer_id: str) -> ObjectRecord | None:
    """The file of a machine's newest bundle; None where there is none, or it is damaged or too large."""
    for row in await snapshots.list_by_agent(agent_id, frozenset({customer_id}), LOOKED_AT):
        if BUNDLE_OBJECT in row.objects and not row.damage:
            record = await snapshots.get_object(row.snapshot_id, BUNDLE_OBJECT)
            return record if record is not None and record.size_bytes <= LARGEST_BYTES else None
    return None
