"""Hostile archives by the hundred, seeded: what somebody could hand to a reader of tar archives or of bundles."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from caseprobe.bundle import BundleReader, BundleWriter, Signer, write_bundle
from caseprobe.bundle.layout import LOCAL, LOCAL_MAGIC, STORED, VERSION_NEEDED
from caseprobe.ids import agent_id
from caseprobe.v1.snapshot_pb2 import Snapshot
from tests import fakes_sos as sos

TAR, BUNDLE = "tar", "bundle"
ROOT = "sosreport-a-2026-11-22-xyz"
ZEROS = bytes(1 << 20)
PACKERS: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, lzma.compress, bz2.compress, bytes)
Make = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Hostile:
    """One archive, which reader it is meant for, and its family and seed by which it is made again."""

    reader: str
    family: str
    seed: int
    data: bytes


def seeded(seeds: range) -> Iterator[Hostile]:
    """One archive of every family for each seed."""
    for seed in seeds:
        for reader, families in ((TAR, TAR_FAMILIES), (BUNDLE, BUNDLE_FAMILIES)):
            for family, make in families.items():
                yield Hostile(reader, family, seed, make(random.Random(f"{family} {seed}")))


def bombs(*names: str) -> Iterator[Hostile]:
    """What would take a reader's time or memory: all, or those of these names."""
    for reader, families in ((TAR, TAR_BOMBS), (BUNDLE, BUNDLE_BOMBS)):
        for family in [one for one in families if not names or one in names]:
            yield Hostile(reader, family, 0, families[family](random.Random(family)))


# --- tar ---


def entry(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "", size: int | None = None
) -> bytes:
    """A member with a right checksum, whatever it says."""
    info = tarfile.TarInfo("x")
    info.size, info.type = len(data) if size is None else size, kind
    info.name, info.linkname = name[:100], target[:100]
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def headed(change: Callable[[bytearray], None], data: bytes = b"x" * 600) -> bytes:
    """A member of which a change is made to the header, whose checksum fits again afterwards."""
    header = bytearray(entry(f"{ROOT}/proc/meminfo", size=len(data)))
    change(header)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data + bytes(-len(data) % 512)


def _whole(chance: random.Random) -> bytes:
    return sos.sosreport(chance.choice(("xz", "gz", "bz2", "")))


def _cut(chance: random.Random) -> bytes:
    data = _whole(chance)
    return data[: chance.randrange(len(data))]


def _garbled(chance: random.Random) -> bytes:
    data = bytearray(_whole(chance))
    for _ in range(chance.choice((1, 3, 40))):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    return bytes(data)


def _names(chance: random.Random) -> bytes:
    """Names that lead out, are absolute, endless, not printable or no UTF-8, among good ones."""
    bad = (
        "../" * 20 + "etc/passwd",
        "/etc/passwd",
        f"{ROOT}/../../etc/shadow",
        "a" * 100,
        f"{ROOT}/etc/ho\x1bsts",
        "..",
        "",
    )
    parts = [entry(chance.choice(bad), b"root:x:0:0::/:/bin/sh\n") for _ in range(20)]
    parts += [entry(f"{ROOT}/proc/meminfo", b"MemTotal: 1 kB\n"), entry(f"{ROOT}/sos_commands/host/hostname", b"a\n")]
    chance.shuffle(parts)
    return chance.choice(PACKERS)(b"".join(parts) + bytes(1024))


def _links(chance: random.Random) -> bytes:
    """Links that lead out, in circles, to themselves, through each other; hard links to nothing."""
    names = [f"{ROOT}/proc/{name}" for name in ("self", "net", "meminfo", "mounts", "stat")]
    targets = ("self", "net", "../proc/net", "/etc/shadow", "../../../../etc/shadow", "self/net/self", ".", "", "/")
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE)
    parts = [entry(chance.choice(names), b"", chance.choice(kinds), chance.choice(targets)) for _ in range(30)]
    parts += [
        entry(f"{ROOT}/proc/self/mountinfo", sos.MOUNTINFO.encode()),
        entry(f"{ROOT}/sos_commands/host/uptime", b"up"),
    ]
    chance.shuffle(parts)
    return b"".join(parts) + bytes(1024)


def _devices(chance: random.Random) -> bytes:
    """Devices, pipes and kinds that nobody knows, in the place of files."""
    kinds = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"Z", b"M", b"V")
    files = ("proc/meminfo", "etc/hosts", "var/log/messages", "sos_commands/host/uptime", "proc/stat")
    parts = [entry(f"{ROOT}/{chance.choice(files)}", b"1:2\n", chance.choice(kinds)) for _ in range(30)]
    return chance.choice(PACKERS)(b"".join(parts) + _whole(chance)[:0] + bytes(1024))


def _twice(chance: random.Random) -> bytes:
    """The same names again and again, as files, folders and links."""
    kinds = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE)
    names = (f"{ROOT}/proc/meminfo", f"{ROOT}/proc", f"{ROOT}/sos_commands", f"{ROOT}/sos_commands/host/uptime", ROOT)
    return b"".join(entry(chance.choice(names), b"", chance.choice(kinds), "../x") for _ in range(50)) + bytes(1024)


def _numbers(chance: random.Random) -> bytes:
    """Sizes that are negative, beyond the file, not octal, or of 95 bits; times beyond all time."""
    sizes = (
        b"77777777777\0",
        b"\xff" * 12,
        b"\x80" + b"\xff" * 11,
        b"-0000000001\0",
        b"abc\0",
        b"\x80" + bytes(10) + b"\1",
    )

    def change(header: bytearray) -> None:
        place = chance.choice((124, 124, 136))
        header[place : place + 12] = chance.choice(sizes).ljust(12, b"\0")[:12]

    return headed(change) + bytes(1024)


def _pax(chance: random.Random) -> bytes:
    """pax and GNU headers that are endless, lie about lengths, or rename the next member."""
    lies = (
        b"5 path=\n",
        b"999999999999 path=x\n",
        b"0 a=b\n",
        b"abc",
        b"30 path=../../../etc/shadow12\n",
        b"19 size=9999999999\n",
        b"12 mtime=1e9\n",
        b"20 size=-99999999999\n",
        b"11 path=\xff\xfe\n",
    )
    kind = chance.choice((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK))
    told = chance.choice((chance.choice(lies), chance.randbytes(600), b"x" * 100_000))
    parts = [
        entry("header", told, kind, size=chance.choice((len(told), 1 << 33))) for _ in range(chance.choice((1, 50)))
    ]
    return b"".join(parts) + entry(f"{ROOT}/proc/meminfo", b"MemTotal: 1 kB\n") + bytes(1024)


def _named(header: bytes, text: bytes, member: bytes) -> bytes:
    """A member before which a header speaks of it."""
    return entry("header", text, header) + member


def _long_targets(chance: random.Random) -> bytes:
    """Links to places whose names are longer than any path, and many whose names are just short enough."""
    link = entry(f"{ROOT}/x", b"", tarfile.SYMTYPE, "y")
    sizes = [chance.choice((900, 1025, 60_000)) for _ in range(200)]
    parts = [
        _named(tarfile.GNUTYPE_LONGNAME, b"%s/proc/%d" % (ROOT.encode(), number), b"")
        + _named(tarfile.GNUTYPE_LONGLINK, b"x" * size, link)
        for number, size in enumerate(sizes)
    ]
    return b"".join(parts) + entry(f"{ROOT}/sos_commands/host/uptime", b"up") + bytes(1024)


def _pax_records(chance: random.Random) -> bytes:
    """Headers of ten thousand records, each of a name of its own."""
    rows = b"".join(b"11 %05d=v\n" % number for number in range(5000))
    header = entry("header", rows + b"12 mtime=1e9\n", tarfile.XHDTYPE)
    return header * chance.choice((1, 30)) + entry(f"{ROOT}/proc/meminfo", b"MemTotal: 1 kB\n") + bytes(1024)


def deep(total: int) -> bytes:
    """Files, each below fifty folders that no other shares: a thousand have more than any machine."""
    parts = [entry(f"{ROOT}/sos_commands/host/uptime", b"up")]
    for number in range(total):
        name = f"{ROOT}/sys/block/{number}/{'/'.join('abcdefghijklmnopqrstuvwxyz' * 2)}/x".encode()
        parts.append(_named(tarfile.GNUTYPE_LONGNAME, name, entry("x", b"1")))
    return b"".join(parts) + bytes(1024)


def _cards(chance: random.Random) -> bytes:
    """The folder of network cards leads into the one in which their devices are made up."""
    parts = [entry(f"{ROOT}/sys/class/net", b"", tarfile.SYMTYPE, "/sys/devices/a")]
    for number in range(chance.choice((2, 50))):
        parts.append(entry(f"{ROOT}/sys/devices/a/net/{number}", b"1"))
        parts.append(entry(f"{ROOT}/sys/devices/a/{number}", b"", tarfile.SYMTYPE, f"/sys/devices/a/new{number}"))
    return b"".join(parts) + entry(f"{ROOT}/sos_commands/host/uptime", b"up") + bytes(1024)


def _nested(chance: random.Random) -> bytes:
    """Archives in archives, and packed twice: no reader looks into what it finds."""
    data = _whole(chance)
    for _ in range(chance.choice((1, 3, 9))):
        data = (
            chance.choice(PACKERS)(entry(f"{ROOT}/var/log/messages", data) + bytes(1024))
            if chance.random() < 0.5
            else (chance.choice(PACKERS)(data))
        )
    return data


def _odd_texts(chance: random.Random) -> bytes:
    """A whole archive whose files begin as they should and go on with what no kernel writes."""
    odd = (
        b"\0" * 5000,
        b"9" * 5000,
        b"-1 " * 2000,
        chance.randbytes(3000),
        b"MemTotal: 99999999999999999999999 kB\n",
        b"{" * 9999,
        b"\n" * 20_000,
        # What takes a careless expression the square of its length.
        (b"a" + b" " * 4000 + b"\n") * 20,
        (b": " * 2000 + b"\n") * 20,
    )
    texts = {**sos.FILES, **{f"sos_commands/{name}": text for name, text in sos.OUTPUTS.items()}}
    parts = [
        entry(f"{ROOT}/{name}", text.partition("\n")[0].encode() + b"\n" + chance.choice(odd))
        for name, text in texts.items()
    ]
    return chance.choice(PACKERS)(b"".join(parts) + bytes(1024))


def _rubbish(chance: random.Random) -> bytes:
    magic = chance.choice((b"", b"\x1f\x8b\x08\0", b"\xfd7zXZ\0", b"BZh9", b"PK\x03\x04", b"{"))
    return magic + chance.randbytes(chance.randrange(1, 5000))


def _flood(block: bytes, packed: bool) -> bytes:
    """A gigabyte of this block (512 bytes): packed, its deflate stream is one piece over and over."""
    piece = block * 2048
    if not packed:
        return piece * 512
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    once = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + once * 1024


def _xz_flood(size: int, preset: int) -> bytes:
    packer = lzma.LZMACompressor(lzma.FORMAT_XZ, preset=preset)
    head = entry(f"{ROOT}/var/log/messages", b"", size=size << 20)
    return packer.compress(head) + b"".join(packer.compress(ZEROS) for _ in range(size)) + packer.flush()


def _bz2_flood(size: int) -> bytes:
    packer = bz2.BZ2Compressor()
    head = entry(f"{ROOT}/proc/meminfo", b"", size=size << 20)
    return packer.compress(head) + b"".join(packer.compress(ZEROS) for _ in range(size)) + packer.flush()


def _many(total: int) -> bytes:
    """Members that are all wanted, each under a name of its own."""
    return b"".join(entry(f"{ROOT}/proc/{number}/mountinfo", b"%d" % number) for number in range(total)) + bytes(1024)


TAR_FAMILIES: dict[str, Make] = {
    "cut": _cut,
    "garbled": _garbled,
    "names": _names,
    "links": _links,
    "devices": _devices,
    "twice": _twice,
    "numbers": _numbers,
    "pax": _pax,
    "long targets": _long_targets,
    "pax records": _pax_records,
    "deep folders": lambda chance: deep(chance.choice((10, 2000))),
    "cards in circles": _cards,
    "nested": _nested,
    "odd texts": _odd_texts,
    "rubbish": _rubbish,
}
TAR_BOMBS: dict[str, Make] = {
    "a million members": lambda _: _flood(entry("a"), packed=True),
    "a million folders": lambda _: _flood(entry(f"{ROOT}/proc/1", kind=tarfile.DIRTYPE), packed=True),
    "a million links": lambda _: _flood(entry(f"{ROOT}/proc/1", kind=tarfile.SYMTYPE, target="2"), packed=True),
    "a million pax headers": lambda _: _flood(entry("h", kind=tarfile.XHDTYPE), packed=True),
    "a gigabyte of zeros under gzip": lambda _: _flood(bytes(512), packed=True),
    "a gigabyte in one file": lambda _: _flood(entry(f"{ROOT}/proc/stat", size=1 << 33), packed=True),
    "zeros under xz": lambda _: _xz_flood(200, 0),
    "a dictionary of 64 MiB": lambda _: _xz_flood(1, 9),
    "zeros under bzip2": lambda _: _bz2_flood(200),
    "wanted members without end": lambda _: _many(60_000),
}


# --- bundle ---

KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
SNAPSHOT = Snapshot(snapshot_id="snap_1", profile="quick")


def signer(kind: str = "enrolled", key: ec.EllipticCurvePrivateKey = KEY, name: str = "") -> Signer:
    """Signs with a key made for this run; name: the id of another one that it claims to be."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return lambda data: (kind, name or agent_id(public), key.sign(data, ec.ECDSA(SHA256())), public)


def written(sign: Signer | None = None, snapshot: Snapshot = SNAPSHOT) -> bytes:
    """A small bundle."""
    stream = io.BytesIO()
    write_bundle(stream, snapshot, {"artifacts/kernel.log": b"one\ntwo\n" * 50}, "<!doctype html>", sign)
    return stream.getvalue()


def member(name: bytes, data: bytes, flags: int = 0, method: int = STORED, size: int | None = None) -> bytes:
    """One local header with its data, true or not."""
    size = len(data) if size is None else size
    sizes = (zlib.crc32(data), len(data), size, len(name), 0)
    return struct.pack(LOCAL, LOCAL_MAGIC, VERSION_NEEDED, flags, method, 0, 33, *sizes) + name + data


def rebuilt(change: Callable[[dict[str, bytes]], None], sign: Signer | None = None) -> bytes:
    """A signed bundle taken apart, changed and put together by a program that knows the format."""
    reader = BundleReader(io.BytesIO(written(sign or signer())))
    members = {name: reader.read(name) for name in reader.names()}
    change(members)
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    manifest = members.pop("manifest.json")
    for name, data in members.items():
        writer.add(name, data)
    writer.add("manifest.json", manifest)
    return stream.getvalue() + writer.directory()


def _edited(chance: random.Random) -> bytes:
    """Another hash, a newer version, another signature, another key's name, a member more or less, no JSON."""

    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        chance.choice(
            (
                lambda: manifest.update(version=chance.choice((3, 99, -1, "2", None, 1e400))),
                lambda: manifest["members"][0].update(sha256="00" * 32),
                lambda: manifest["signature"].update(value="AAAA"),
                lambda: manifest["signature"].update(key_id="agent_aaaa"),
                lambda: manifest.update(members=[]),
                lambda: manifest.update(format="other"),
                lambda: members.update({"artifacts/more": b"x"}),
                lambda: members.pop("artifacts/kernel.log"),
                lambda: members.update({"snapshot.json": b'{"a":' * 3000}),
                lambda: members.update({"snapshot.json": b"[" + b"{}," * 30_000}),
                lambda: members.update({"snapshot.json": chance.randbytes(2000)}),
            )
        )()
        members["manifest.json"] = chance.choice((json.dumps(manifest).encode(), chance.randbytes(500), b"[" * 5000))

    return rebuilt(change)


def _foreign(chance: random.Random) -> bytes:
    """Signed by another key than it says, or with a signature that was taken from another bundle."""
    mine = agent_id(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    if chance.random() < 0.5:
        return written(signer(key=OTHER_KEY, name=mine))
    other = BundleReader(io.BytesIO(written(signer(key=OTHER_KEY), Snapshot(snapshot_id="snap_2"))))
    taken = json.loads(other.read("manifest.json"))["signature"]

    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), "signature": taken}).encode()

    return rebuilt(change)


def _bundle_cut(chance: random.Random) -> bytes:
    data = written(signer())
    return data[: chance.randrange(len(data))]


def _bundle_garbled(chance: random.Random) -> bytes:
    data = bytearray(written(signer()))
    for _ in range(chance.choice((1, 3, 40))):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    return bytes(data)


def _bundle_names(chance: random.Random) -> bytes:
    names = (
        b"../../etc/passwd",
        b"/etc/passwd",
        b"C:/x",
        b"a\\..\\b",
        b"a/con.log",
        b"a/",
        b"a\x1b[2J",
        b"\xff\xfe",
        b"a" * 60_000,
        b"",
    )
    return b"".join(member(chance.choice(names), b"x", flags=chance.choice((0, 1, 8))) for _ in range(5))


def _bundle_sizes(chance: random.Random) -> bytes:
    sizes = (0, 1, 4 << 20, 1 << 30, 0xFFFF_FFFF)
    packed = zlib.compress(bytes(1 << 16))[2:-4]
    made = (member(b"a%d" % n, packed, method=chance.choice((0, 8, 12)), size=chance.choice(sizes)) for n in range(9))
    return b"".join(made)


BUNDLE_FAMILIES: dict[str, Make] = {
    "cut": _bundle_cut,
    "garbled": _bundle_garbled,
    "edited": _edited,
    "foreign signature": _foreign,
    "names": _bundle_names,
    "sizes": _bundle_sizes,
    "rubbish": _rubbish,
}
BUNDLE_BOMBS: dict[str, Make] = {
    "a million members": lambda _: b"".join(member(b"%x" % number, b"") for number in range(1_000_000)),
    "pieces of zeros": lambda _: b"".join(
        member(b"a%d" % n, zlib.compress(bytes(4 << 20))[2:-4], method=8, size=4 << 20) for n in range(200)
    ),
}
