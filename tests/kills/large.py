"""A large bundle of a customer, made without measuring, and how far its upload came."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

from caseprobe.bundle import write_bundle
from caseprobe.v1 import snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.app.sending import own_key_of
from caseprobe_agent.config import load
from caseprobe_agent.seal.pipe import signer_of
from tests.stand import Customer, Stand


def large_bundle(customer: Customer, size_bytes: int) -> Path:
    """A bundle of noise by this user's key, agreed to be sent unseen."""

    async def own_key() -> tuple[bytes, str]:
        return await own_key_of(load(customer.environment, {}))()

    private, agent_id = asyncio.run(own_key())
    noise = Random()
    snapshot = snapshot_pb2.Snapshot(
        snapshot_id=f"snap_{noise.getrandbits(128):032x}", agent_id=agent_id, flow=snapshot_pb2.FLOW_ONE_SHOT
    )
    snapshot.consent.mode = CONSENT_MODE_STREAMING
    path = customer.folder / "large.zip"
    with path.open("wb") as file:
        artifacts = {"artifacts/noise": noise.randbytes(size_bytes)}
        write_bundle(file, snapshot, artifacts, "<!doctype html>", signer_of(private, "one-shot"))
    return path


def unfinished(stand: Stand) -> os.stat_result | None:
    """The file on the collector's disk that an upload goes into; None where there is none."""
    folder = stand.disk.path("unfinished")
    for path in folder.iterdir() if folder.exists() else ():
        try:
            return path.stat()
        except FileNotFoundError:
            continue
    return None


def stored(stand: Stand) -> list[os.stat_result]:
    """The bundle files that the collector keeps."""
    return [path.stat() for path in stand.disk.path("objects").rglob("*.zip")]
