"""Bundles that came encrypted to the collector's key, opened before anything else looks at them."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from typing import Any

from caseprobe.errors import Corrupt
from caseprobe_collector.ingest.assembly import Offload
from caseprobe_collector.ports import Objects, Staged


class Unsealing:
    """Opens them with one key; what comes out is a bundle file like any other, and as little trusted."""

    def __init__(self, objects: Objects, secret: bytes, offload: Offload) -> None:
        """secret: 32 bytes of the X25519 key; empty: nothing is opened."""
        self._objects = objects
        self._secret = secret
        self._offload = offload

    async def opened(self, sealed: Staged) -> tuple[Staged, bytes]:
        """The bundle and its SHA-256; raises Corrupt where the key does not open it, StorageFull."""
        try:
            if not self._secret:
                raise Corrupt("this collector opens no encrypted bundles; send it as it was before")
            plain: Staged = await self._offload(self._objects.stage)
            try:
                return plain, await self._offload(_open, sealed, plain, self._secret)
            except BaseException:
                await self._offload(plain.discard)
                raise
        finally:
            await self._offload(sealed.discard)


def _open(sealed: Staged, plain: Staged, secret: bytes) -> bytes:
    from caseprobe.bundle.age import decrypt

    digest = hashlib.sha256()

    def write(data: bytes) -> None:
        plain.write(data)
        digest.update(data)

    sealed.file.seek(0)
    source: Any = sealed.file
    # Lines of the header are read one by one: not with a system call for each letter.
    reader = BufferedReader(source)
    try:
        decrypt(reader, write, secret)
    finally:
        reader.detach()
    return digest.digest()
