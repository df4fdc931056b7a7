"""A case sees a bundle being made where its owner agreed to that beforehand; the bundle itself never depends on it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message

from caseprobe.bundle import BundleReader
from caseprobe.bundle.age import recipient_of
from caseprobe.errors import CaseprobeError, Unreachable
from caseprobe.v1 import link_pb2, section_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.oneshot import Result
from caseprobe_agent.oneshot.showing import MOST_TOGETHER, Showing
from tests.fakes_collector import FakeStream
from tests.fakes_oneshot import Desk, FakePerson, Held, open_desk

ROOM = 1 << 20
WAIT_SECONDS = 30.0


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose collector takes drafts."""
    async with open_desk(tmp_path) as desk:
        desk.collector.welcome.draft_bytes = ROOM
        yield desk


def drafts(desk: Desk) -> list[link_pb2.Draft]:
    """All that came."""
    return [frame.draft for frame in desk.collector.got("draft")]


def part_of(shown: Message, whole: Message) -> bool:
    """Whether nothing stands in the one that does not stand in the other."""
    for field, value in shown.ListFields():
        there = getattr(whole, field.name)
        if field.is_repeated:
            pairs = list(zip(value, there, strict=True)) if field.message_type else [(value, there)]
        else:
            pairs = [(value, there)]
        if not all(part_of(a, b) if isinstance(a, Message) else a == b for a, b in pairs):
            return False
    return True


async def held_run(desk: Desk, look: Callable[[], object] = lambda: None) -> Result:
    """A run of which an item does not end before a draft came; look: called then."""
    held, came = Held.in_folder(desk.folder), asyncio.Event()

    async def note(_stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        if frame.HasField("draft") and not came.is_set():
            look()
            came.set()
        return frame.HasField("draft")

    desk.collector.behave = note
    running = asyncio.create_task(desk.run(FakePerson(None), code=desk.code(), no_preview=True, profile="slow"))
    async with asyncio.timeout(WAIT_SECONDS):
        await came.wait()
    assert desk.collector.stored == []
    with held.let_go():
        return await running


async def test_what_is_seen_before_the_file_is_as_it_is_there(desk: Desk) -> None:
    """The first section alone, each once, and what each of them shows is what the snapshot in the file says."""
    result = await held_run(desk)
    shown = drafts(desk)
    sections = [section for draft in shown for section in draft.sections]
    (stored,) = desk.collector.stored
    final = {section.probe: section for section in BundleReader(io.BytesIO(stored.body)).snapshot().sections}
    assert len(shown[0].sections) == 1
    assert not any(draft.measured for draft in shown[:-1])
    assert {section.probe for section in sections} <= final.keys() - {"clock"}
    assert len(sections) == len({section.probe for section in sections}) <= shown[0].items_total
    assert [section.probe for section in sections if not part_of(section, final[section.probe])] == []
    assert {(one.snapshot_id, one.consent_mode) for one in shown} == {
        (result.snapshot.snapshot_id, CONSENT_MODE_STREAMING)
    }
    seeing, sending = desk.collector.streams
    assert not any(frame.HasField("draft") for frame in sending.frames)
    assert not any(frame.HasField("data") for frame in seeing.frames)


async def test_the_machines_own_record_comes_before_the_first_byte(desk: Desk) -> None:
    """Admitted, written down, then shown; the file has its own entries after that."""
    known: list[list[str]] = []
    await held_run(desk, lambda: known.append(desk.actions()))
    assert known == [["admitted:health", "showing"]]
    assert desk.actions() == ["admitted:health", "showing", "sending", "sent"]


@pytest.mark.parametrize("answer", [True, False])
async def test_what_somebody_is_to_look_at_first_is_not_seen_before(desk: Desk, answer: bool) -> None:
    """Up to the yes there is no stream at all, and never a draft, whatever the answer is."""
    person = FakePerson(answer)
    before: list[int] = []
    person.meanwhile = lambda: before.append(len(desk.collector.streams))
    result = await desk.run(person, code=desk.code())
    assert (before, drafts(desk)) == ([0], [])
    assert result.delivered == answer
    assert "showing" not in desk.actions()


async def test_what_is_for_one_key_alone_is_not_seen(desk: Desk) -> None:
    """A bundle that leaves encrypted has no draft, whether the caller wants it so or the join code."""
    recipient = recipient_of(b"s" * 32)
    desk.answers_also(recipient=recipient)
    await desk.run(FakePerson(None), code=desk.code(), no_preview=True, encrypt=True)
    await desk.run(FakePerson(None), code=desk.code(recipient=recipient), no_preview=True, output=desk.folder / "b.zip")
    assert drafts(desk) == []
    assert {stored.kind for stored in desk.collector.stored} == {link_pb2.DATA_KIND_BUNDLE_SEALED}


async def test_what_policy_denies_is_not_shown(desk: Desk) -> None:
    """The gate says no: there is no stream."""
    (desk.folder / "agent.toml").write_text('[policy]\nhealth = "deny"\n')
    with pytest.raises(CaseprobeError, match="policy denies health"):
        await desk.run(FakePerson(None), code=desk.code(), no_preview=True)
    assert desk.collector.streams == []


async def test_a_collector_that_knows_no_draft_gets_none(desk: Desk) -> None:
    """One of 0.1.0: the bundle comes as ever."""
    desk.collector.welcome.draft_bytes = 0
    result = await desk.run(FakePerson(None), code=desk.code(), no_preview=True)
    assert (result.delivered, drafts(desk)) == (True, [])


@pytest.mark.parametrize("how", ["cut", "refused"])
async def test_what_goes_wrong_while_it_is_seen_costs_the_bundle_nothing(desk: Desk, how: str) -> None:
    """The line is cut at the first draft, or the collector takes none of it: the file arrives all the same."""

    async def spoil(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        if not frame.HasField("draft"):
            return False
        if how == "cut":
            await stream.abort(grpc.StatusCode.UNAVAILABLE, "cut")
        else:
            refusal = link_pb2.Refusal(code="case_closed", message="closed")
            await stream.send(link_pb2.LinkResponse(refusal=refusal))
        return True

    desk.collector.behave = spoil
    result = await desk.run(FakePerson(None), code=desk.code(), no_preview=True)
    assert result.delivered
    assert len(desk.collector.stored) == 1
    assert BundleReader(io.BytesIO(desk.collector.stored[0].body)).verify().complete


async def test_a_way_that_never_opens_does_not_hold_up_the_measuring(desk: Desk) -> None:
    """The collector answers the join code and never the link for it: when all is measured nobody waits for it."""
    never = asyncio.Event()

    async def silent(_stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        if frame.HasField("hello") and len(desk.collector.streams) == 1:
            await never.wait()
        return False

    desk.collector.behave = silent
    result = await desk.run(FakePerson(None), code=desk.code(), no_preview=True)
    never.set()
    assert (result.delivered, drafts(desk)) == (True, [])


class FakeWay:
    """Keeps what is sent."""

    def __init__(self, room_bytes: int = ROOM) -> None:
        self.room_bytes, self.is_open = room_bytes, True
        self.sent: list[link_pb2.Draft] = []
        self.first = asyncio.Event()

    def send(self, draft: link_pb2.Draft) -> None:
        """Keep it."""
        self.sent.append(draft)
        self.first.set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[FakeWay]:
        """Open at once."""
        yield self


def showing(way: FakeWay, told: list[str] | None = None) -> Showing:
    """Sections as they are, over this way."""

    async def admitted() -> None:
        """Nothing to write."""

    def prepare() -> object:
        return lambda sections, measured: link_pb2.Draft(sections=sections, measured=measured)

    return Showing(prepare, way.opened, admitted, (told if told is not None else []).append, WAIT_SECONDS)  # type: ignore[arg-type]


async def test_the_first_section_leaves_while_the_others_are_still_measured() -> None:
    """It is there before anything else was measured; those that waited since go together, up to a limit."""
    way = FakeWay()
    async with showing(way).during() as take:
        take(section_pb2.Section(probe="system"))
        async with asyncio.timeout(WAIT_SECONDS):
            await way.first.wait()
        assert [[one.probe for one in draft.sections] for draft in way.sent] == [["system"]]
        for number in range(MOST_TOGETHER + 3):
            take(section_pb2.Section(probe=f"p{number}"))
    sizes = [len(draft.sections) for draft in way.sent]
    assert sizes == [1, MOST_TOGETHER, 3]
    assert way.sent[-1].measured


async def test_what_finds_no_room_comes_with_the_bundle() -> None:
    """The receiver said how much it takes: not a byte more is sent."""
    way = FakeWay(room_bytes=3000)
    async with showing(way).during() as take:
        for number in range(40):
            take(section_pb2.Section(probe=f"{number:0200}"))
        async with asyncio.timeout(WAIT_SECONDS):
            await way.first.wait()
    assert 0 < sum(draft.ByteSize() for draft in way.sent) <= 3000
    assert not any(draft.measured for draft in way.sent)


async def test_who_makes_the_bundle_is_told_why_nobody_watches() -> None:
    """One line; the measuring goes on."""
    told: list[str] = []

    class Shut(FakeWay):
        """Never opens."""

        @asynccontextmanager
        async def opened(self) -> AsyncIterator[FakeWay]:
            """Raises."""
            raise Unreachable("no route")
            yield self

    async with showing(Shut(), told).during() as take:
        take(section_pb2.Section(probe="system"))
        async with asyncio.timeout(WAIT_SECONDS):
            while not told:
                await asyncio.sleep(0)
    assert told == ["support cannot watch it being made: no route"]
