"""Stored files under newer rules: what these find in them is hidden too, in a new file in the old one's place.

Pseudonyms that machines made stay. The collector has no machine's key, so what is found anew gets pseudonyms of a key
that nobody keeps: nothing turns them back. The new file bears no signature, since the machine signed other bytes; the
audit names the hash that it signed.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from caseprobe.bundle import BundleReader, write_bundle
from caseprobe.errors import CaseprobeError, RedactionError
from caseprobe.redaction import RULESET_VERSION, Redactor
from caseprobe.report import render_report
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bases import BUNDLE_OBJECT
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import ObjectRecord
from caseprobe_collector.storage import Storage

PAGE = 100
ACTION = "snapshot.redact_again"


@dataclass
class Again:
    """What came of it: bundles looked at, those that hold less now, those that could not be read."""

    looked_at: int = 0
    changed: int = 0
    unreadable: tuple[str, ...] = ()


async def redact_again(storage: Storage, audit: AuditLog, by: str, told: Callable[[str], None]) -> Again:
    """Every stored bundle, one after the other, each whole or not at all; told: a line for each that changed.

    Killed at any moment, a bundle is the old one or the new one, and the next start sweeps the other away.
    """
    result, after = Again(), ""
    while rows := await storage.snapshots.list_objects(BUNDLE_OBJECT, after, PAGE):
        for snapshot_id, customer_id, record in rows:
            result.looked_at, after = result.looked_at + 1, snapshot_id
            try:
                line = await _one(storage, audit, by, (snapshot_id, customer_id, record))
            except CaseprobeError as error:
                result.unreadable = (*result.unreadable, snapshot_id)
                line = f"{snapshot_id}: left as it is: {error}"
            else:
                result.changed += bool(line)
            if line:
                told(line)
    return result


async def _one(storage: Storage, audit: AuditLog, by: str, found: tuple[str, str, ObjectRecord]) -> str:
    """One bundle; what to tell of it, or "" where nothing in it changed."""
    snapshot_id, customer_id, old = found
    data, hidden = cleaned(await storage.objects.get_bytes(old.object), old.sha256)
    if not hidden:
        return ""
    digest = hashlib.sha256(data)
    new = ObjectRecord(old.name, f"again/{digest.hexdigest()[:2]}/{digest.hexdigest()}", len(data), digest.digest())
    # Durable before the row that names it; if the commit fails it is an orphan.
    await storage.objects.put_bytes(new.object, data)
    detail = f"{hidden} more hidden by rules {RULESET_VERSION}; the file was {old.sha256.hex()}"

    async def work(tx: Transaction) -> bool:
        await audit.record(tx, by, ACTION, customer_id, snapshot_id, detail)
        return await storage.snapshots.switch_object(tx, snapshot_id, old, new)

    if await storage.transactions.run(work):
        await storage.objects.delete(old.object)
    return f"{snapshot_id}: {detail}"


def cleaned(data: bytes, sha256: bytes) -> tuple[bytes, int]:
    """A bundle file whose artifacts passed today's rules, and how much more these hid; the same bytes where nothing.

    An artifact that the rules withhold is left out, with the reason. Raises Corrupt where the file is damaged.
    """
    if hashlib.sha256(data).digest() != sha256:
        raise RedactionError("its bundle file no longer matches its SHA-256")
    reader = BundleReader(io.BytesIO(data))
    snapshot = reader.snapshot()
    redactor = Redactor(secrets.token_bytes(32), asset_masked=False)
    artifacts: dict[str, bytes] = {}
    changed = 0
    for listed in snapshot.artifacts:
        if listed.withheld_reason:
            continue
        raw = reader.read(listed.name)
        try:
            kept = redactor.artifact(raw, listed.source)
        except RedactionError as error:
            listed.withheld_reason, changed = str(error), changed + 1
            continue
        artifacts[listed.name] = kept
        changed += kept != raw
        listed.size_bytes, listed.sha256 = len(kept), hashlib.sha256(kept).digest()
    if not changed:
        return data, 0
    stream = io.BytesIO()
    write_bundle(stream, snapshot, artifacts, render_report(snapshot), None)
    return stream.getvalue(), max(sum(redactor.counts.values()), changed)
