"""Stored snapshots under newer rules: what these find in them is hidden too, in new bytes in the old ones' place.

That is a snapshot's facts, findings and lines, and of a bundle also its file: its artifacts, and the snapshot and
report in it. Pseudonyms that machines made stay. The collector has no machine's key, so what is found anew gets
pseudonyms of a key that nobody keeps: nothing turns them back. What the owner signed stays as it was signed. The new
file bears no signature, since the machine signed other bytes; the audit names the hash that it signed.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import zstandard

from caseprobe.bundle import BundleReader, write_bundle
from caseprobe.errors import CaseprobeError, RedactionError
from caseprobe.redaction import RULESET_VERSION, Redactor
from caseprobe.report import render_report
from caseprobe.v1.snapshot_pb2 import Artifact, RedactionCount, Snapshot
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bases import BUNDLE_OBJECT
from caseprobe_collector.ingest.forms import read_snapshot
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import ObjectRecord, StoredSnapshot, finding_index
from caseprobe_collector.storage import Storage
from caseprobe_collector.storage.deposits import IN_DATABASE_BYTES, body_object

PAGE = 100
ACTION = "snapshot.redact_again"


@dataclass
class Again:
    """What came of it: snapshots looked at, those that hold less now, those that could not be read."""

    looked_at: int = 0
    changed: int = 0
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cleaned:
    """A bundle file whose artifacts and snapshot passed today's rules; artifacts: what it lists now."""

    data: bytes
    artifacts: tuple[Artifact, ...]


async def redact_again(storage: Storage, audit: AuditLog, by: str, told: Callable[[str], None]) -> Again:
    """Every stored snapshot, one after the other, each whole or not at all; told: a line for each that changed.

    Killed at any moment, a snapshot is the old one or the new one, and the next start sweeps the other's files away.
    """
    result, after = Again(), ""
    while rows := await storage.snapshots.list_ids(after, PAGE):
        for snapshot_id, customer_id in rows:
            result.looked_at, after = result.looked_at + 1, snapshot_id
            try:
                line = await _one(storage, audit, by, snapshot_id, customer_id)
            except CaseprobeError as error:
                result.unreadable = (*result.unreadable, snapshot_id)
                line = f"{snapshot_id}: left as it is: {error}"
            else:
                result.changed += bool(line)
            if line:
                told(line)
    return result


async def _one(storage: Storage, audit: AuditLog, by: str, snapshot_id: str, customer_id: str) -> str:
    """One snapshot and the file beside it; what to tell of them, or "" where nothing changed."""
    stored = await storage.snapshots.get_snapshot(snapshot_id, None)
    if stored is None:
        return ""
    key = secrets.token_bytes(32)
    redactor = Redactor(key, asset_masked=False)
    raw = read_snapshot(stored.body)
    snapshot = redone(redactor, raw)
    record = await storage.snapshots.get_object(snapshot_id, BUNDLE_OBJECT)
    file = cleaned(await storage.objects.get_bytes(record.object), record.sha256, redactor, key) if record else None
    if file is not None:
        del snapshot.artifacts[:]
        snapshot.artifacts.extend(file.artifacts)
    if file is None and same(snapshot, raw):
        return ""
    was = record.sha256 if record else stored.row.sha256
    hidden = max(sum(redactor.counts.values()), 1)
    detail = f"{hidden} more hidden by rules {RULESET_VERSION}; the file was {was.hex()}"
    await _switch(storage, audit, (by, customer_id, detail), stored, snapshot, record, file)
    return f"{snapshot_id}: {detail}"


async def _switch(
    storage: Storage,
    audit: AuditLog,
    told: tuple[str, str, str],
    old: StoredSnapshot,
    snapshot: Snapshot,
    record: ObjectRecord | None,
    file: Cleaned | None,
) -> None:
    """The new bytes in the old ones' place, with the audit's entry in one commit; told: who, customer, what."""
    by, customer_id, detail = told
    body = zstandard.ZstdCompressor(level=3).compress(snapshot.SerializeToString())
    row = old.row._replace(size_bytes=len(body), sha256=hashlib.sha256(body).digest())
    place = body_object(row.sha256) if len(body) > IN_DATABASE_BYTES else ""
    # Durable before the rows that name them; if the commit fails they are orphans.
    if place:
        await storage.objects.put_bytes(place, body)
    new = _record(record, file) if record and file else None
    if new and file:
        await storage.objects.put_bytes(new.object, file.data)

    async def work(tx: Transaction) -> list[str]:
        await audit.record(tx, by, ACTION, customer_id, row.snapshot_id, detail)
        free = await storage.snapshots.switch_body(
            tx, old.row, StoredSnapshot(row, body, finding_index(snapshot)), place
        )
        if record and new and await storage.snapshots.switch_object(tx, row.snapshot_id, record, new):
            free.append(record.object)
        return free

    await storage.deposits.free_objects(await storage.transactions.run(work))


def _record(old: ObjectRecord, file: Cleaned) -> ObjectRecord:
    digest = hashlib.sha256(file.data)
    name = f"again/{digest.hexdigest()[:2]}/{digest.hexdigest()}"
    return ObjectRecord(old.name, name, len(file.data), digest.digest())


def redone(redactor: Redactor, snapshot: Snapshot) -> Snapshot:
    """A snapshot whose facts, findings and lines passed today's rules; the consent stays as it was given."""
    new = redactor.snapshot(snapshot)
    for name in ("consent", "redaction"):
        new.ClearField(name)
        if snapshot.HasField(name):
            getattr(new, name).CopyFrom(getattr(snapshot, name))
    if not same(new, snapshot):
        new.redaction.ruleset_version = RULESET_VERSION
        new.redaction.counts.extend(RedactionCount(rule=rule, total=n) for rule, n in sorted(redactor.counts.items()))
    return new


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two say the same, what is no number included."""
    return one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def cleaned(data: bytes, sha256: bytes, redactor: Redactor, key: bytes) -> Cleaned | None:
    """The bundle file anew; None where nothing in it changes. redactor: counts what is hidden in its artifacts.

    An artifact that the rules withhold is left out, with the reason. Raises Corrupt where the file is damaged.
    """
    if hashlib.sha256(data).digest() != sha256:
        raise RedactionError("its bundle file no longer matches its SHA-256")
    reader = BundleReader(io.BytesIO(data))
    raw = reader.snapshot()
    # Counted where the snapshot beside the file is.
    snapshot = redone(Redactor(key, asset_masked=False), raw)
    artifacts: dict[str, bytes] = {}
    changed = not same(snapshot, raw)
    for listed in snapshot.artifacts:
        if listed.withheld_reason:
            continue
        before = reader.read(listed.name)
        try:
            kept = redactor.artifact(before, listed.source)
        except RedactionError as error:
            listed.withheld_reason, changed = str(error), True
            continue
        artifacts[listed.name] = kept
        changed |= kept != before
        listed.size_bytes, listed.sha256 = len(kept), hashlib.sha256(kept).digest()
    if not changed:
        return None
    stream = io.BytesIO()
    write_bundle(stream, snapshot, artifacts, render_report(snapshot), None)
    return Cleaned(stream.getvalue(), tuple(snapshot.artifacts))
