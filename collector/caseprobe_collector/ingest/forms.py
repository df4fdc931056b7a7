"""What travels, read: a snapshot under zstd, a bundle file; and what reading it costs. Hostile bytes raise Corrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import zstandard
from google.protobuf.message import DecodeError

from caseprobe.errors import Corrupt, NotAllowed
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_collector.bases import BUNDLE_OBJECT
from caseprobe_collector.ingest.assembly import Assembled

if TYPE_CHECKING:
    from caseprobe.bundle import BundleReader

# Unpacked. A message of nothing but empty parts takes about 28 times its bytes in memory once it is parsed.
MAX_SNAPSHOT_BYTES = 16 << 20
# The patch, the member at hand and the pieces of the one that it is made of.
PATCH_WEIGHT_BYTES = 64 << 20


def decompress(
    body: bytes, limit_bytes: int = MAX_SNAPSHOT_BYTES, unpacker: zstandard.ZstdDecompressor | None = None
) -> bytes:
    """The bytes under zstd, never more than the limit whatever the header claims; raises Corrupt.

    unpacker: one that no other thread uses now; making one costs more than unpacking a small snapshot.
    """
    try:
        if 0 <= zstandard.frame_content_size(body) <= limit_bytes:
            return (unpacker or zstandard.ZstdDecompressor()).decompress(body)
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            raw = reader.read(limit_bytes + 1)
    except zstandard.ZstdError as error:
        raise Corrupt(f"not a zstd stream: {error}") from None
    if len(raw) > limit_bytes:
        raise Corrupt(f"a snapshot of more than {limit_bytes} bytes")
    return raw


def weight_of(item: Assembled) -> int:
    """How much memory it takes to store an item: its bytes, and what they unpack to; a bundle stays in its file."""
    if item.kind in (link_pb2.DATA_KIND_BUNDLE, link_pb2.DATA_KIND_BUNDLE_SEALED):
        return len(item.content)
    if item.kind == link_pb2.DATA_KIND_BUNDLE_PATCH:
        return PATCH_WEIGHT_BYTES
    return item.size_bytes + (unpacked_bytes(item.content) if item.staged is None else MAX_SNAPSHOT_BYTES)


def unpacked_bytes(body: bytes) -> int:
    """How much memory a body asks for when it is unpacked: what its header claims, the limit where it does not say."""
    try:
        claimed = zstandard.frame_content_size(body)
    except zstandard.ZstdError:
        return 0
    return claimed if 0 <= claimed <= MAX_SNAPSHOT_BYTES else MAX_SNAPSHOT_BYTES


def parse_snapshot(raw: bytes) -> snapshot_pb2.Snapshot:
    """The message in these bytes; raises Corrupt."""
    try:
        return snapshot_pb2.Snapshot.FromString(raw)
    except DecodeError:
        raise Corrupt("the snapshot's bytes are not a snapshot") from None


def read_snapshot(body: bytes, unpacker: zstandard.ZstdDecompressor | None = None) -> snapshot_pb2.Snapshot:
    """The snapshot in a body as it travels; raises Corrupt."""
    return parse_snapshot(decompress(body, unpacker=unpacker))


def object_name(agent_id: str, snapshot_id: str, sha256: bytes) -> str:
    """Where a bundle's bytes lie: made of our own ids and their hash, so nothing else ever takes this place."""
    return f"{agent_id}/{snapshot_id}/{sha256.hex()}.zip"


def first_object_name(agent_id: str, snapshot_id: str) -> str:
    """Where 0.1.0 laid a bundle's bytes, whose place no row names."""
    return f"{agent_id}/{snapshot_id}/{BUNDLE_OBJECT}"


def is_bundle(file: BinaryIO) -> bool:
    """Whether a file begins as a bundle does; whether it is one, reading it tells."""
    from caseprobe.bundle.layout import LOCAL_MAGIC

    file.seek(0)
    return file.read(len(LOCAL_MAGIC)) == LOCAL_MAGIC


def read_bundle(file: BinaryIO) -> snapshot_pb2.Snapshot:
    """The snapshot of a bundle that is whole and signed by the key of the machine that it names."""
    reader = _reader(file)
    proof = reader.verify()
    if not proof.complete or not proof.hashes_ok or proof.signed_by == "invalid":
        raise Corrupt(f"{proof.sentence} It was not stored.")
    snapshot = reader.snapshot()
    # A file that was carried here came over no TLS: its signature is all that says whose it is.
    if proof.signed_by == "none" or proof.key_id != snapshot.agent_id:
        raise NotAllowed("the bundle is not signed by the machine that it names; it was not stored")
    return snapshot


def is_sealed(file: BinaryIO) -> bool:
    """Whether a file is encrypted to somebody's key."""
    from caseprobe.bundle.age import is_encrypted

    return is_encrypted(file)


def attach_consent(snapshot: snapshot_pb2.Snapshot, consent: SignedConsent, sha256: bytes) -> None:
    """Keep with a snapshot what was agreed to when its bundle of this hash was sent.

    Raises Corrupt where that is not signed by the bundle's key, or speaks of another file.
    """
    from caseprobe.bundle import consent_fault

    if fault := consent_fault(consent, snapshot.agent_id, snapshot.snapshot_id, sha256):
        raise Corrupt(f"the consent that came with the bundle does not hold: {fault}; the bundle was not stored")
    if not snapshot.HasField("consent"):
        snapshot.consent.SetInParent()
    snapshot.consent.signed.CopyFrom(consent)


def agreed_case(consent: SignedConsent) -> str:
    """The case that somebody agreed to send to, "" where the consent names none."""
    from caseprobe.bundle import statement_of

    return statement_of(consent).case_id


def whole_bundle(file: BinaryIO) -> bool:
    """Whether a bundle is all there and every member has the hash that its manifest says."""
    proof = _reader(file).verify()
    return proof.complete and proof.hashes_ok


def read_member(file: BinaryIO, name: str) -> bytes:
    """One member of a bundle; raises NotFound, Corrupt."""
    return _reader(file).read(name)


def _reader(file: BinaryIO) -> BundleReader:
    # Here, because it loads the catalogues of texts, and the first machine after a start should not wait for them.
    from caseprobe.bundle import BundleReader

    return BundleReader(file)
