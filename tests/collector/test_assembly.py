"""Pieces become whole items only in order, within limits, and with the right hash."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import Corrupt, TooLarge
from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest import Assembly, Limits


def pieces(body: bytes, size: int, **changes: object) -> list[link_pb2.Data]:
    """A snapshot item cut into frames."""
    first = {"sequence": 7, "kind": link_pb2.DATA_KIND_SNAPSHOT, "stream_id": "snap_a", "total_bytes": len(body)}
    values = {**first, "sha256": hashlib.sha256(body).digest(), **changes}
    offsets = range(0, len(body), size) if body else [0]
    return [link_pb2.Data(offset=at, payload=body[at : at + size], **values) for at in offsets]  # type: ignore[arg-type]


@given(body=st.binary(max_size=5000), size=st.integers(1, 1000))
def test_any_cutting_gives_the_same_bytes(body: bytes, size: int) -> None:
    """However an item was cut, it comes out as it went in, and only after its last piece."""
    assembly = Assembly(Limits())
    *early, last = [assembly.add(piece) for piece in pieces(body, size)]
    assert early == [None] * len(early)
    assert last is not None
    with last.file as file:
        assert (file.read(), last.sequence, last.size_bytes) == (body, 7, len(body))


def test_a_wrong_hash_is_corrupt_and_forgotten() -> None:
    """Bytes that do not match their hash never become an item; the item may be sent again from its start."""
    assembly = Assembly(Limits())
    with pytest.raises(Corrupt):
        assembly.add(pieces(b"abc", 10, sha256=bytes(32))[0])
    again = assembly.add(pieces(b"abc", 10)[0])
    assert again is not None
    again.file.close()


@pytest.mark.parametrize("order", [[1], [0, 2], [0, 0, 2]])
def test_a_gap_is_corrupt(order: list[int]) -> None:
    """A missing piece is noticed at the piece after it."""
    assembly, cut = Assembly(Limits()), pieces(b"x" * 30, 10)
    with pytest.raises(Corrupt):
        for index in order:
            assembly.add(cut[index])
    assembly.close()


def test_more_than_the_cap_is_refused_before_a_byte_is_kept() -> None:
    """The cap is judged on what the item says it has."""
    with pytest.raises(TooLarge):
        Assembly(Limits(snapshot_bytes=10)).add(pieces(b"x" * 11, 5)[0])


def test_more_bytes_than_announced_are_refused() -> None:
    """An item cannot grow past what it said."""
    first, *_ = pieces(b"x" * 30, 30, total_bytes=20)
    with pytest.raises(Corrupt):
        Assembly(Limits()).add(first)


def test_a_stream_has_few_unfinished_items() -> None:
    """A peer that opens item after item and finishes none is stopped."""
    assembly = Assembly(Limits(open_streams=2))
    with pytest.raises(TooLarge):
        for name in ("a", "b", "c"):
            assembly.add(pieces(b"x" * 30, 10, stream_id=name)[0])
    assembly.close()


def test_an_unknown_kind_is_refused() -> None:
    """What this version cannot store is not kept for later."""
    with pytest.raises(Corrupt):
        Assembly(Limits()).add(pieces(b"x", 1, kind=link_pb2.DATA_KIND_LOG_LINES)[0])
