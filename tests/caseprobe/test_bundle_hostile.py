"""Archives that somebody else made: refused or reported, quickly, in little memory, never unpacked to disk."""

from __future__ import annotations

import io
import json
import random
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from caseprobe.bundle import BundleReader, BundleWriter, Signer, write_bundle
from caseprobe.bundle.layout import CENTRAL_MAGIC, LOCAL, LOCAL_MAGIC, STORED, VERSION_NEEDED
from caseprobe.errors import CaseprobeError, Corrupt, NotFound, TooLarge, UsageError
from caseprobe.ids import agent_id
from caseprobe.v1.snapshot_pb2 import Snapshot

SECONDS, BYTES = 1.0, 64 << 20
SNAPSHOT = Snapshot(snapshot_id="snap_1", profile="quick")
KEY = ec.generate_private_key(ec.SECP256R1())


def signer(kind: str = "enrolled", key: ec.EllipticCurvePrivateKey = KEY) -> Signer:
    """Signs with a key made for this run."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return lambda data: (kind, agent_id(public), key.sign(data, ec.ECDSA(SHA256())), public)


def written(sign: Signer | None = None, snapshot: Snapshot = SNAPSHOT) -> bytes:
    """A small bundle."""
    stream = io.BytesIO()
    write_bundle(stream, snapshot, {"artifacts/kernel.log": b"one\ntwo\n" * 50}, "<!doctype html>", sign)
    return stream.getvalue()


def entry(name: bytes, data: bytes, flags: int = 0, method: int = STORED, size: int | None = None) -> bytes:
    """One local header with its data, true or not."""
    size = len(data) if size is None else size
    sizes = (zlib.crc32(data), len(data), size, len(name), 0)
    return struct.pack(LOCAL, LOCAL_MAGIC, VERSION_NEEDED, flags, method, 0, 33, *sizes) + name + data


def deflated(data: bytes) -> bytes:
    """Raw deflate, as in a ZIP."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@contextmanager
def within_limits() -> Iterator[None]:
    """Fails where the block takes over a second of CPU or 64 MB."""
    tracemalloc.start()
    started = time.process_time()
    try:
        yield
        # tracemalloc itself triples the time.
        assert time.process_time() - started < 3 * SECONDS
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()


def zipped(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    """An archive made by the standard library on a stream that can seek, so without data descriptors."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        change(archive)
    return stream.getvalue()


def link(archive: zipfile.ZipFile) -> None:
    """Adds a symbolic link."""
    info = zipfile.ZipInfo("artifacts/passwd")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")
    archive.writestr("manifest.json", "{}")


PIECE = deflated(b"\0" * (4 << 20))
# The first ten thousand differ; nobody gets to the others.
MILLION = b"".join(entry(b"%x" % n, b"") for n in range(10_001)) + entry(b"again", b"") * 990_000
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a caseprobe bundle"),
    "text": (b"hello " * 100, "not a caseprobe bundle"),
    "traversal": (entry(b"../../etc/passwd", b"x"), "plain relative path"),
    "traversal inside": (entry(b"artifacts/../../x", b"x"), "plain relative path"),
    "absolute": (entry(b"/etc/passwd", b"x"), "plain relative path"),
    "drive": (entry(b"C:/x", b"x"), "plain relative path"),
    "backslash": (entry(b"artifacts\\..\\x", b"x"), "plain relative path"),
    "device": (entry(b"artifacts/con.log", b"x"), "plain relative path"),
    "folder": (entry(b"artifacts/", b""), "plain relative path"),
    "control characters": (entry(b"a\x1b[2Jb", b"x"), "plain relative path"),
    "right to left": (entry("x\u202egnp.exe".encode(), b"x"), "plain relative path"),
    "long name": (entry(b"a" * 60_000, b"x"), "too long"),
    "encrypted": (entry(b"snapshot.json", b"x", flags=1), "encrypted"),
    "data descriptor": (entry(b"snapshot.json", b"x", flags=8), "another program"),
    "unknown method": (entry(b"snapshot.json", b"x", method=12), "another program"),
    "link": (zipped(link), "another program"),
    "twice": (entry(b"a", b"1") + entry(b"a", b"2"), "two members of one name"),
    "twice by case": (entry(b"a", b"1") + entry(b"A", b"2"), "two members of one name"),
    "large member": (entry(b"a", b"x", method=8, size=1 << 30), "unpack to more"),
    "bomb": (b"".join(entry(b"a%d" % n, PIECE, method=8, size=4 << 20) for n in range(9)), "unpack to more"),
    "a million entries": (MILLION, "more than 10000 members"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(name: str) -> None:
    """Each is refused with its reason before anything is unpacked."""
    data, reason = HOSTILE[name]
    with within_limits(), pytest.raises(Corrupt, match=reason):
        BundleReader(io.BytesIO(data))


def test_a_member_that_unpacks_to_more_than_it_says_is_not_unpacked() -> None:
    """A hundred kilobytes that would become 128 megabytes stop at the size of their header."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(128)) + packer.flush()
    reader = BundleReader(io.BytesIO(entry(b"snapshot.json", packed, method=8, size=100)))
    with within_limits(), pytest.raises(Corrupt, match="damaged"):
        reader.read("snapshot.json")


def test_a_member_with_another_checksum_is_damaged() -> None:
    """Content that is not what its header says is never handed out, with or without a manifest."""
    whole = bytearray(entry(b"snapshot.json", b"{}"))
    whole[-1] = ord("]")
    with pytest.raises(Corrupt, match="damaged"):
        BundleReader(io.BytesIO(bytes(whole))).read("snapshot.json")


@pytest.mark.parametrize("seed", range(150))
def test_a_garbled_bundle_is_refused_or_reported(seed: int) -> None:
    """Some bytes changed anywhere: never a traceback, never "complete with right hashes"."""
    random_source = random.Random(seed)
    original = written(signer())
    whole = bytearray(original)
    for _ in range(random_source.choice((1, 3, 40))):
        whole[random_source.randrange(len(whole))] ^= random_source.randrange(1, 256)
    try:
        verification = BundleReader(io.BytesIO(bytes(whole))).verify()
    except CaseprobeError as error:
        assert "\n" not in str(error)
    else:
        proven = verification.complete and verification.hashes_ok and verification.signed_by == "enrolled"
        assert proven is (whole == original)


def rebuilt(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A signed bundle taken apart, changed and put together by a program that knows the format."""
    reader = BundleReader(io.BytesIO(written(signer())))
    members = {name: reader.read(name) for name in reader.names()}
    change(members)
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    manifest = members.pop("manifest.json")
    for name, data in members.items():
        writer.add(name, data)
    writer.add("manifest.json", manifest)
    return stream.getvalue() + writer.directory()


def test_a_changed_member_is_named() -> None:
    """Whoever changes a log and repacks leaves a hash that does not fit."""

    def change(members: dict[str, bytes]) -> None:
        members["artifacts/kernel.log"] = b"nothing happened\n"

    verification = BundleReader(io.BytesIO(rebuilt(change))).verify()
    assert not verification.hashes_ok and "artifacts/kernel.log has another hash" in verification.sentence


@pytest.mark.parametrize(
    ("add", "words"), [(True, "artifacts/more is not in"), (False, "artifacts/kernel.log is missing")]
)
def test_added_and_removed_members_are_named(add: bool, words: str) -> None:
    """The manifest lists every member, so none can come or go."""

    def change(members: dict[str, bytes]) -> None:
        if add:
            members["artifacts/more"] = b"x"
        else:
            del members["artifacts/kernel.log"]

    verification = BundleReader(io.BytesIO(rebuilt(change))).verify()
    assert not verification.hashes_ok and words in verification.sentence


def with_manifest(change: Callable[[dict[str, object]], None]) -> bytes:
    """A bundle whose manifest was edited after signing."""

    def edit(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()

    return rebuilt(edit)


def test_hashes_rewritten_together_with_the_content_break_the_signature() -> None:
    """Who also corrects the hash cannot correct the signature."""

    def edit(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        members["artifacts/kernel.log"] = b"nothing happened\n"
        for member in manifest["members"]:
            if member["name"] == "artifacts/kernel.log":
                member["sha256"] = sha256(members["artifacts/kernel.log"]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    verification = BundleReader(io.BytesIO(rebuilt(edit))).verify()
    assert verification.hashes_ok and verification.signed_by == "invalid" and "does not fit" in verification.sentence


def test_another_bundles_signature_does_not_fit() -> None:
    """A signature lifted from one bundle into another proves nothing."""
    other = json.loads(
        BundleReader(io.BytesIO(written(signer(), Snapshot(snapshot_id="snap_2")))).read("manifest.json")
    )
    data = with_manifest(lambda manifest: manifest.update(signature=other["signature"]))
    assert BundleReader(io.BytesIO(data)).verify().signed_by == "invalid"


def test_a_key_under_another_keys_id_does_not_fit() -> None:
    """The id is computed from the key, so nobody can sign under an agent's name."""
    stranger = ec.generate_private_key(ec.SECP256R1())
    key_id = signer()(b"")[1]
    data = written(lambda data: ("enrolled", key_id, *signer(key=stranger)(data)[2:]))
    assert BundleReader(io.BytesIO(data)).verify().signed_by == "invalid"


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    """An older program does not pretend to understand a newer bundle."""
    data = with_manifest(lambda manifest: manifest.update(version=3))
    with pytest.raises(Corrupt, match="update caseprobe"):
        BundleReader(io.BytesIO(data)).verify()


@pytest.mark.parametrize("manifest", [b"[" * 100_000, b"{}", b"null", b"\xff", b'{"format": 1}', b"[]" * 50_000])
def test_a_manifest_that_is_none_is_refused(manifest: bytes) -> None:
    """Deep, empty or foreign JSON is one clear line."""
    data = rebuilt(lambda members: members.update({"manifest.json": manifest}))
    with within_limits(), pytest.raises(Corrupt):
        BundleReader(io.BytesIO(data)).verify()


@pytest.mark.parametrize(
    ("sign", "signed_by", "words"),
    [
        (signer("enrolled"), "enrolled", "compare the id with its list of agents"),
        (signer("one-shot"), "one-shot", "not which machine or person made it"),
        (None, "none", "it is not signed"),
    ],
)
def test_verify_says_what_each_kind_of_signature_proves(sign: Signer | None, signed_by: str, words: str) -> None:
    """Enrolled, one-shot and unsigned bundles are complete, but prove different things."""
    verification = BundleReader(io.BytesIO(written(sign))).verify()
    assert verification.complete and verification.hashes_ok and verification.signed_by == signed_by
    assert words in verification.sentence
    assert verification.key_id == (signer()(b"")[1] if sign else "")


@pytest.mark.parametrize(
    "tail", [b"\0" * 64, b"PK\x01\x02" + b"\xff" * 60, b"trailing words that are longer than any header"]
)
def test_something_behind_the_members_is_reported(tail: bytes) -> None:
    """A foreign directory or trailing bytes make the file damaged, its members still readable."""
    cut = written().index(b"PK\x01\x02")
    reader = BundleReader(io.BytesIO(written()[:cut] + tail))
    assert not reader.complete and not reader.verify().complete and reader.snapshot() == SNAPSHOT


def test_a_directory_that_hides_a_member_from_other_programs_is_reported() -> None:
    """Our reader and a desktop program must see the same members, or the file is damaged."""
    whole = bytearray(written())
    at = whole.rindex(b"artifacts/kernel.log")
    whole[at : at + 9] = b"artifactz"
    assert "directory" in BundleReader(io.BytesIO(bytes(whole))).verify().sentence


def test_a_link_in_the_directory_is_reported() -> None:
    """A member that only other programs would take for a link makes the file damaged."""
    whole = bytearray(written())
    struct.pack_into("<L", whole, whole.index(CENTRAL_MAGIC) + 38, 0o120777 << 16)
    assert "directory" in BundleReader(io.BytesIO(bytes(whole))).verify().sentence


@pytest.mark.parametrize("name", ["../x", "/x", "", "a//b", "a/./b", "a b", "snapshot.json"])
def test_the_writer_refuses_names_that_readers_would(name: str) -> None:
    """No bundle of ours is refused by ourselves: bad and repeated names fail when they are written."""
    writer = BundleWriter(io.BytesIO())
    writer.add("snapshot.json", b"{}")
    with pytest.raises(UsageError):
        writer.add(name, b"x")


def test_parts_with_a_gap_are_no_member() -> None:
    """A member of which a part is missing is not read as if it were whole."""
    reader = BundleReader(io.BytesIO(entry(b"a.part-0001", b"1") + entry(b"a.part-0003", b"3")))
    with pytest.raises(NotFound):
        reader.read("a")


def test_a_full_archive_is_said_to_be_full() -> None:
    """More members than a ZIP can count are refused while writing, not found out while reading."""
    writer = BundleWriter(io.BytesIO())
    writer.add("one", b"x")
    writer._entries *= 0xFFFE
    with pytest.raises(TooLarge):
        writer.add("one-more", b"x")
