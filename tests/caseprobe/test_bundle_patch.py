"""A bundle in terms of an earlier one is that bundle, byte for byte, or it is refused."""

from __future__ import annotations

import io
import zlib
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.bundle import BundleReader, BundleWriter, apply_patch, make_patch, read_patch, sketch_of
from caseprobe.bundle.pieces import LARGEST_MEMBER_BYTES, ends, packer, pieces
from caseprobe.errors import Corrupt
from caseprobe.v1.bundle_pb2 import BundlePatch, PatchBody

LINES = st.lists(
    st.sampled_from([b"{\n", b"},\n", b' "total": 17,\n', b" at 12:00 the kernel said\n", b"no end"]), max_size=60
)
MEMBERS = st.dictionaries(st.sampled_from(["snapshot.json", "report.html", "artifacts/kernel.log"]), LINES, min_size=1)


def bundle(members: dict[str, bytes]) -> bytes:
    """A file with these members."""
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    for name, data in members.items():
        writer.add(name, data)
    writer.close(None)
    return stream.getvalue()


def patch_between(old: bytes, new: bytes) -> bytes:
    """The new file in terms of the old one."""
    sketch = sketch_of(BundleReader(io.BytesIO(old)), sha256(old).digest())
    assert sketch is not None
    patch = make_patch(sketch, BundleReader(io.BytesIO(new)), sha256(new).digest())
    assert patch is not None
    return patch


def applied(old: bytes, patch: bytes) -> bytes:
    """What the patch makes of the old file."""
    made = io.BytesIO()
    apply_patch(BundleReader(io.BytesIO(old)), read_patch(patch), made)
    return made.getvalue()


@given(old=MEMBERS, new=MEMBERS)
def test_whatever_two_bundles_have_in_common_the_new_one_comes_out(
    old: dict[str, list[bytes]], new: dict[str, list[bytes]]
) -> None:
    """Members that grew, shrank, moved, came and went."""
    before, after = (bundle({name: b"".join(lines) for name, lines in one.items()}) for one in (old, new))
    assert applied(before, patch_between(before, after)) == after


def test_a_log_that_grew_and_lost_its_beginning_costs_its_new_lines() -> None:
    """Pieces are cut by what the lines say, so what lies between stays the same; a member in two parts, too."""
    lines = [f"{number} {sha256(str(number).encode()).hexdigest()}\n".encode() for number in range(70_000)]
    old = bundle({"artifacts/kernel.log": b"".join(lines[:-100])})
    new = bundle({"artifacts/kernel.log": b"".join(lines[1000:])})
    patch = patch_between(old, new)
    assert len(patch) < len(new) / 100
    assert applied(old, patch) == new


@given(data=st.binary(max_size=2000), name=st.sampled_from(["findings.json", "artifacts/x"]))
def test_pieces_are_the_member(data: bytes, name: str) -> None:
    """Nothing is lost or doubled by cutting."""
    assert b"".join(pieces(name, data)) == data


def hostile(**change: Any) -> bytes:
    """A patch whose body is what a test wants."""
    body = change.pop("body", PatchBody())
    packed = zlib.compress(body.SerializeToString()) if isinstance(body, PatchBody) else body
    return BundlePatch(base_sha256=bytes(32), sha256=bytes(32), body=packed).SerializeToString()


def steps(*numbers: int, literals: bytes = b"", name: str = "a", times: int = 1) -> PatchBody:
    """A body with one member of these steps."""
    body = PatchBody(literals=literals)
    for number in range(times):
        body.members.add(name=name if times == 1 else f"{name}{number}", steps=numbers)
    return body


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff",
        hostile(body=b"no zlib"),
        hostile(body=zlib.compress(bytes(64 << 20))),
        hostile(body=steps(1, 2)),
        hostile(body=steps(0, -1, 1)),
        hostile(body=steps(0, 0, 1 << 60)),
        hostile(body=steps(-1, 0, 0)),
        hostile(body=steps(0, 0, 2, 0, -2, 2, name="artifacts/big")),
        hostile(body=steps(*(0, 0, 99, 0, -99, 99) * 50_000, name="artifacts/big")),
        hostile(body=steps(0, 0, 99, name="artifacts/big", times=20_000)),
        hostile(body=steps(name="../a")),
        hostile(body=zlib.compress(b"\x0a\x00" * 4_000_000)),
        hostile(body=zlib.compress(b"\x0a\xff\xff\xff\xff\xff\x01")),
        hostile(body=PatchBody()),
    ],
)
def test_what_is_no_honest_patch_is_refused(content: bytes) -> None:
    """Garbage, bombs, steps outside of the base, names that may not be: Corrupt, within memory and time."""
    lines = b"".join(f"{number:>6}\n".encode() for number in range(100_000))
    base = bundle({"a": b"", "artifacts/big": lines})
    with pytest.raises(Corrupt):
        applied(base, content)


@pytest.mark.parametrize(
    ("name", "data"), [("artifacts/x", b"\n" * (1 << 20)), ("report.html", b"</a>" * (1 << 20))], ids=["lines", "tags"]
)
def test_a_base_of_nothing_but_ends_is_not_taken_apart(name: str, data: bytes) -> None:
    """Neither by its machine nor by the collector."""
    base = bundle({name: data})
    assert sketch_of(BundleReader(io.BytesIO(base)), bytes(32)) is None
    with pytest.raises(Corrupt, match="too many pieces"):
        applied(base, hostile(body=steps(0, 0, 1, name=name)))


@given(data=st.binary(max_size=300), name=st.sampled_from(["findings.json", "artifacts/x"]))
def test_ends_are_no_fewer_than_pieces(data: bytes, name: str) -> None:
    """What bounds the cutting is told without cutting."""
    assert len(list(pieces(name, data))) <= ends(data)


def test_the_wrong_base_is_noticed() -> None:
    """The hash of the whole decides, whatever the steps happen to make."""
    old, other = bundle({"findings.json": b"a\n" * 50}), bundle({"findings.json": b"b\n" * 50})
    patch = patch_between(old, bundle({"findings.json": b"a\n" * 51}))
    with pytest.raises(Corrupt, match="does not make the bundle"):
        applied(other, patch)


def test_a_bundle_that_is_too_large_goes_whole() -> None:
    """Members are taken apart in memory: beyond a size nothing is sketched."""
    large = bundle({"artifacts/big": bytes(LARGEST_MEMBER_BYTES + 1)})
    assert sketch_of(BundleReader(io.BytesIO(large)), bytes(32)) is None


def test_how_this_program_packs_has_a_name() -> None:
    """The same for as long as it runs, so that both sides can compare."""
    assert len(packer()) == 8 and packer() == packer()
