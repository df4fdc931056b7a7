"""A bundle of what another program recorded: converted in a child, then through the same pipe as our own snapshots."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe import VERSION, ids
from caseprobe.v1 import snapshot_pb2
from caseprobe_agent.app.parts import LocalClock, user_name
from caseprobe_agent.app.sending import IMPORTED
from caseprobe_agent.config import Settings
from caseprobe_agent.identity import ONE_SHOT, keys
from caseprobe_agent.identity.state import save_key
from caseprobe_agent.imports import Converted, convert_apart
from caseprobe_agent.oneshot.place import bundle_path, check_room

if TYPE_CHECKING:
    from caseprobe_agent.oneshot.order import Result


async def import_bundle(settings: Settings, paths: Sequence[Path], output: Path | None) -> Result:
    """Convert, redact, judge and write; the same input gives the same snapshot id, the same machine the same agent id.

    Both ids, and the key that signs, are made of this user's own key for pseudonyms: nobody else can make them, and
    the names in all that is imported here have the same stand-ins. The key is kept, so that the bundle can be sent.
    Raises as convert_apart, UsageError, StorageFull.
    """
    path = bundle_path(output, settings.state_folder, LocalClock()())
    check_room(path)
    converting = asyncio.create_task(convert_apart(paths))
    # What hides, judges and renders is loaded while the child reads.
    await asyncio.to_thread(importlib.import_module, "caseprobe_agent.oneshot.file")
    from caseprobe_agent.oneshot.file import BundleFile
    from caseprobe_agent.oneshot.order import Result
    from caseprobe_agent.seal.form import Hiding, Judging, load_key
    from caseprobe_agent.seal.pipe import seal, signer_of

    converted = await converting
    key = load_key(settings.state_folder)
    private, public = _machine_key(key, converted)
    save_key(settings.state_folder / IMPORTED / ids.agent_id(public), ONE_SHOT, private)
    snapshot = converted.taken.snapshot
    snapshot.agent_id, snapshot.snapshot_id = ids.agent_id(public), _snapshot_id(key, converted)
    snapshot.consent.granted_by, snapshot.consent.language = user_name(), settings.language
    snapshot.consent.granted_at.FromDatetime(LocalClock()().astimezone(UTC))
    snapshot.flow, snapshot.agent_version = snapshot_pb2.FLOW_ONE_SHOT, VERSION
    hiding = Hiding(key, True, converted.host_name, converted.passwd, converted.hosts)
    sealed = seal(snapshot, converted.taken.artifacts, hiding, Judging(settings.overrides))
    file = BundleFile(path, signer_of(private, "one-shot"), settings.language, strict=True)
    return Result(sealed.snapshot, sealed.redactor, path, file.write(sealed))


def _machine_key(key: bytes, converted: Converted) -> tuple[bytes, bytes]:
    """What signs for a machine that never had a key: its private key (PEM) and its public one (DER)."""
    known_by = converted.machine.encode() or converted.digest
    private, public = keys.unpack(keys.derive(hmac.digest(key, b"imported machine\0" + known_by, "sha256")))
    return private, public


def _snapshot_id(key: bytes, converted: Converted) -> str:
    """Of the moment that the input tells of, and the input's digest."""
    mark = hmac.digest(key, b"imported snapshot\0" + converted.digest, hashlib.sha256)
    return ids.new_id("snap", max(0.0, converted.taken.snapshot.started_at.ToMicroseconds() / 1e6), mark)
