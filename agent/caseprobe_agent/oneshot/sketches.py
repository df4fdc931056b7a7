"""What this user remembers of the last bundle that arrived: hashes of its pieces, so that the next one costs less."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError

from caseprobe.bundle import BundleReader, make_patch, packer, sketch_of
from caseprobe.errors import CaseprobeError
from caseprobe.v1.bundle_pb2 import BundleSketch
from caseprobe.v1.enrolment_pb2 import EnrolResponse
from caseprobe_agent.identity.files import LARGEST_BYTES, read_private, write_private

NAME = "last-bundle.sketch"
# What is saved must be worth a second form of the same thing.
WORTH_RATIO = 0.8


class Sketches:
    """Of one folder. Nothing here stops a bundle: what cannot be read or kept only saves nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def patch(self, file: BinaryIO, sha256: bytes, response: EnrolResponse) -> bytes | None:
        """A finished bundle in terms of the last one; None where it goes whole.

        response: what the collector said of the bundle that it has.
        """
        base = self._kept()
        if base is None or base.sha256 != response.base_sha256 or packer() != response.packer:
            return None
        size_bytes = file.seek(0, 2)
        try:
            made = make_patch(base, BundleReader(file), sha256)
        except CaseprobeError:
            return None
        return made if made is not None and len(made) < WORTH_RATIO * size_bytes else None

    def keep(self, file: BinaryIO, sha256: bytes) -> None:
        """Remember a bundle that arrived, in place of the one before."""
        try:
            sketch = sketch_of(BundleReader(file), sha256)
            content = sketch.SerializeToString() if sketch else b""
            if 0 < len(content) <= LARGEST_BYTES:
                write_private(self._path, content)
        except CaseprobeError:
            return

    def _kept(self) -> BundleSketch | None:
        try:
            content = read_private(self._path)
            return BundleSketch.FromString(content) if content else None
        except (CaseprobeError, DecodeError):
            return None
