"""Pieces become whole items only in order, within limits, and with the right hash."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import Corrupt, TooLarge
from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest import Assembled, Assembly, Limits
from tests.fakes_storage import StagedInMemory

T = TypeVar("T")


def run(step: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that waits for nothing gives."""
    return asyncio.run(step)


async def in_place(function: Any, *arguments: Any) -> Any:
    """Instead of a thread."""
    return function(*arguments)


def assembly(limits: Limits | None = None) -> Assembly:
    """An assembly whose files are in memory."""
    return Assembly(limits or Limits(), lambda first: StagedInMemory(), in_place)


def pieces(body: bytes, size: int, **changes: object) -> list[link_pb2.Data]:
    """A snapshot item cut into frames."""
    first = {"sequence": 7, "kind": link_pb2.DATA_KIND_SNAPSHOT, "stream_id": "snap_a", "total_bytes": len(body)}
    values = {**first, "sha256": hashlib.sha256(body).digest(), **changes}
    offsets = range(0, len(body), size) if body else [0]
    return [link_pb2.Data(offset=at, payload=body[at : at + size], **values) for at in offsets]  # type: ignore[arg-type]


def content(item: Assembled) -> bytes:
    """All bytes of an item, wherever they are."""
    if item.staged is None:
        return item.content
    item.staged.file.seek(0)
    return item.staged.file.read()


def test_the_consent_of_the_stream_that_sends_now_counts() -> None:
    """A person who was asked again, while what they sent before lay unfinished here, agreed to the later one."""
    first, second, last = pieces(bytes(20), 8)
    first.consent.statement, second.consent.statement = b"once", b"again"
    item = run(feed(assembly(), first, second, last))[-1]
    assert isinstance(item, Assembled) and item.consent is not None and item.consent.statement == b"again"


async def feed(taker: Assembly, *frames: link_pb2.Data) -> list[Assembled | str | None]:
    """What each frame gave: an item, None, or the error's code."""
    given_: list[Assembled | str | None] = []
    for frame in frames:
        try:
            given_.append(await taker.add(frame))
        except (Corrupt, TooLarge) as error:
            given_.append(error.code)
    return given_


@given(body=st.binary(max_size=5000), size=st.integers(1, 1000))
def test_any_cutting_gives_the_same_bytes(body: bytes, size: int) -> None:
    """However an item was cut, it comes out as it went in, and only after its last piece."""
    *early, last = run(feed(assembly(), *pieces(body, size)))
    assert early == [None] * len(early)
    assert isinstance(last, Assembled)
    assert (content(last), last.sequence, last.size_bytes) == (body, 7, len(body))


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4),
    size=st.integers(1, 20),
    chaos=st.randoms(use_true_random=False),
)
def test_whatever_order_pieces_come_in_no_wrong_item_comes_out(bodies: list[bytes], size: int, chaos: Any) -> None:
    """Pieces lost, doubled, swapped among items: every item that comes out is one that was sent, with its own hash."""
    frames = [frame for name, body in enumerate(bodies) for frame in pieces(body, size, stream_id=f"s{name}")]
    frames += chaos.sample(frames, k=len(frames) // 2)
    chaos.shuffle(frames)
    for item in run(feed(assembly(), *frames)):
        if isinstance(item, Assembled):
            assert content(item) == bodies[int(item.stream_id[1:])]
            assert hashlib.sha256(content(item)).digest() == item.sha256


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4),
    size=st.integers(1, 20),
    chaos=st.randoms(use_true_random=False),
)
def test_items_that_are_sent_in_turns_all_arrive(bodies: list[bytes], size: int, chaos: Any) -> None:
    """As long as each item's own pieces keep their order, how items are mixed does not matter."""
    queues = [pieces(body, size, stream_id=f"s{name}", sequence=name + 1) for name, body in enumerate(bodies)]
    frames = []
    while any(queues):
        frames.append(chaos.choice([queue for queue in queues if queue]).pop(0))
    items = [item for item in run(feed(assembly(), *frames)) if isinstance(item, Assembled)]
    assert {item.sequence: content(item) for item in items} == dict(enumerate(bodies, 1))


@given(body=st.binary(min_size=2, max_size=200), size=st.integers(1, 50), data=st.data())
def test_one_wrong_bit_is_never_accepted(body: bytes, size: int, data: st.DataObject) -> None:
    """Wherever it flips, the item is refused at its end and nothing of it is kept."""
    frames = pieces(body, size)
    frame = frames[data.draw(st.integers(0, len(frames) - 1))]
    at = data.draw(st.integers(0, len(frame.payload) - 1))
    frame.payload = frame.payload[:at] + bytes([frame.payload[at] ^ 1]) + frame.payload[at + 1 :]
    taker = assembly()
    assert run(feed(taker, *frames))[-1] == "corrupt"
    assert taker.resume_points() == []


def test_an_item_that_was_refused_may_be_sent_again() -> None:
    """From its start, and then it is good."""
    taker = assembly()
    wrong, right = pieces(b"abc", 10, sha256=bytes(32)), pieces(b"abc", 10)
    first, second = run(feed(taker, *wrong, *right))
    assert first == "corrupt"
    assert isinstance(second, Assembled)


@pytest.mark.parametrize("order", [[1], [0, 2], [0, 0, 2]])
def test_a_gap_is_corrupt(order: list[int]) -> None:
    """A missing piece is noticed at the piece after it."""
    cut = pieces(b"x" * 30, 10)
    assert run(feed(assembly(), *(cut[index] for index in order)))[-1] == "corrupt"


def test_more_than_the_cap_is_refused_before_a_byte_is_kept() -> None:
    """The cap is judged on what the item says it has."""
    taker = assembly(Limits(snapshot_bytes=10))
    assert run(feed(taker, pieces(b"x" * 11, 5)[0])) == ["too_large"]
    assert taker.resume_points() == []


@pytest.mark.parametrize("change", [{"total_bytes": 20}, {"total_bytes": 40}])
def test_an_item_keeps_the_size_that_it_announced(change: dict[str, int]) -> None:
    """It cannot grow past what it said, nor say something else in the middle."""
    first = pieces(b"x" * 30, 15)[0]
    second = pieces(b"x" * 30, 15, **change)[1]
    second.payload += b"x"
    assert run(feed(assembly(), first, second)) == [None, "corrupt"]


def test_a_stream_has_few_unfinished_items() -> None:
    """A peer that opens item after item and finishes none is stopped."""
    frames = [pieces(b"x" * 30, 10, stream_id=name)[0] for name in ("a", "b", "c")]
    assert run(feed(assembly(Limits(open_streams=2)), *frames)) == [None, None, "too_large"]


def test_an_unknown_kind_is_refused() -> None:
    """What this version cannot store is not kept for later."""
    assert run(feed(assembly(), pieces(b"x", 1, kind=link_pb2.DATA_KIND_LOG_LINES)[0])) == ["corrupt"]


@given(body=st.binary(min_size=2, max_size=200), size=st.integers(1, 50), data=st.data())
def test_an_item_goes_on_where_its_stream_broke(body: bytes, size: int, data: st.DataObject) -> None:
    """A new stream that adopts what the old one left gives the same item, wherever the cut was."""
    frames = pieces(body, size)
    cut = data.draw(st.integers(0, len(frames) - 1))
    older, newer = assembly(), assembly()
    run(feed(older, *frames[:cut]))
    newer.adopt(older.leave())
    assert newer.resume_points() == ([("snap_a", frames[cut].offset)] if cut else [])
    last = run(feed(newer, *frames[cut:]))[-1]
    assert isinstance(last, Assembled)
    assert content(last) == body


def test_another_item_of_the_same_name_is_noticed_at_its_first_piece() -> None:
    """A file that was made anew under the same id does not go on in the middle of the old one."""
    body = bytes(30)
    older, newer = assembly(), assembly()
    run(feed(older, *pieces(body, 10)[:2]))
    newer.adopt(older.leave())
    assert run(feed(newer, *pieces(body, 10, sha256=bytes(32))[2:])) == ["corrupt"]


def test_an_item_that_was_all_there_is_asked_for_by_an_empty_piece() -> None:
    """Its receiver was killed before it said that it had stored it: not a byte of it comes again."""
    body = bytes(30)
    older, newer = assembly(), assembly()
    run(feed(older, *pieces(body, 10)[:2]))
    left = older.leave()
    left["snap_a"].append(body[20:])
    newer.adopt(left)
    [(_, due)] = newer.resume_points()
    rest = link_pb2.Data(
        stream_id="snap_a", offset=due, total_bytes=30, sequence=7, sha256=hashlib.sha256(body).digest()
    )
    [item] = run(feed(newer, rest))
    assert isinstance(item, Assembled)
    assert content(item) == body
