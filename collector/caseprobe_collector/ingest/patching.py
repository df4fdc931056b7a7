"""Bundles that came in terms of their machine's last one, made whole before anything else looks at them."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from caseprobe.errors import Corrupt, NotFound
from caseprobe_collector.bases import last_bundle
from caseprobe_collector.ingest.assembly import Assembled, Offload
from caseprobe_collector.ports import Objects, SnapshotStore, Staged
from caseprobe_collector.records import Agent

if TYPE_CHECKING:
    from caseprobe.v1.bundle_pb2 import BundlePatch


class Patching:
    """Makes them of what is stored; what comes out is a bundle file like any other, and as little trusted."""

    def __init__(self, snapshots: SnapshotStore, objects: Objects, offload: Offload) -> None:
        self._snapshots = snapshots
        self._objects = objects
        self._offload = offload

    async def whole(self, agent: Agent, content: bytes) -> tuple[Staged, bytes]:
        """The bundle that a patch makes of its machine's last one, and its SHA-256; raises Corrupt, StorageFull.

        A machine is refused for good by that, and sends the bundle whole.
        """
        from caseprobe.bundle import read_patch

        patch = read_patch(content)
        record = await last_bundle(self._snapshots, agent.agent_id, agent.customer_id)
        if record is None or record.sha256 != patch.base_sha256:
            raise Corrupt("the patch is to a bundle that is not this machine's last one here; it must be sent whole")
        base = await self._read(record.object)
        made = await self._offload(_made, base, patch)
        staged: Staged = await self._offload(self._objects.stage)
        try:
            await self._offload(staged.write, made)
        except BaseException:
            await self._offload(staged.discard)
            raise
        return staged, patch.sha256

    async def _read(self, name: str) -> bytes:
        """All of an object. Whether it is sound, the hash of what is made of it tells."""
        try:
            async with contextlib.aclosing(self._objects.get(name)) as chunks:  # type: ignore[type-var]
                return b"".join([chunk async for chunk in chunks])
        except NotFound:
            raise Corrupt("this machine's last bundle is gone here; the bundle must be sent whole") from None


def content_of(item: Assembled) -> bytes:
    """All bytes of an item, which is used up by it; blocking."""
    if item.staged is None:
        return item.content
    try:
        item.staged.file.seek(0)
        return item.staged.file.read()
    finally:
        item.staged.discard()


def _made(base: bytes, patch: BundlePatch) -> bytes:
    from caseprobe.bundle import BundleReader, apply_patch

    made = io.BytesIO()
    apply_patch(BundleReader(io.BytesIO(base)), patch, made)
    return made.getvalue()
