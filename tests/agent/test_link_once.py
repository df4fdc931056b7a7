"""One delivery: everything arrives and is acknowledged, or the error says why not and nothing is lost."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest

from caseprobe.errors import CaseClosed, Corrupt, NotTrusted, Unreachable
from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from caseprobe_agent.link import FileOutbox, Link
from tests.fakes_collector import FakeCollector, FakeStream, running
from tests.fakes_link import TestAuthority
from tests.fakes_rig import FakeOutbox, Rig

AUTHORITY = TestAuthority()


@pytest.fixture
async def collector() -> AsyncIterator[FakeCollector]:
    """A collector that takes everything."""
    async with running(FakeCollector(AUTHORITY)) as started:
        yield started


@pytest.fixture
async def rig(collector: FakeCollector) -> Rig:
    """A link for that collector."""
    return Rig(collector.credentials())


async def test_deliver_once_returns_when_everything_is_acknowledged(collector: FakeCollector, rig: Rig) -> None:
    """All records arrive whole and in order, and the outbox is empty."""
    bodies = [b"a", b"", b"c" * 700_000]
    rig.outbox = FakeOutbox(*bodies)
    rig.__post_init__()
    delivery = await rig.link.deliver_once(10)
    assert [stored.body for stored in collector.stored] == bodies
    assert rig.outbox.bodies == {} and delivery.notices == ()
    assert max(len(frame.data.payload) for frame in collector.got("data")) == 256 * 1024


async def test_a_file_is_delivered_without_being_loaded(collector: FakeCollector, rig: Rig) -> None:
    """A finished bundle is read in pieces and stored as it is."""
    bundle = b"PK" + bytes(range(256)) * 4000
    outbox = FileOutbox(io.BytesIO(bundle), link_pb2.DATA_KIND_BUNDLE, "snap_9")
    await Link(rig.credentials, rig.hello, outbox, rig.handle, Random(1)).deliver_once(10)
    assert [(stored.stream_id, stored.body) for stored in collector.stored] == [("snap_9", bundle)]


async def test_notices_of_acks_come_back(collector: FakeCollector, rig: Rig) -> None:
    """Stored but not attached is told with its reason."""

    async def closed(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data"):
            ack = link_pb2.Ack(sequence=frame.data.sequence, notice="case is closed", notice_code="case_closed")
            await stream.send(Response(ack=ack))
        return frame.HasField("data")

    collector.behave = closed
    rig.outbox.add(b"x")
    delivery = await rig.link.deliver_once(10)
    assert [(notice.sequence, notice.code, notice.text) for notice in delivery.notices] == [
        (1, "case_closed", "case is closed")
    ]


@pytest.mark.parametrize("sequence", [0, 1], ids=["the stream", "the record"])
async def test_a_refusal_is_its_own_error_and_the_record_stays(
    collector: FakeCollector, rig: Rig, sequence: int
) -> None:
    """What the collector refuses in a one-shot run is raised as its class, with its text as one line."""

    async def refuse(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data"):
            refusal = link_pb2.Refusal(code="case_closed", message="the case\nis closed", sequence=sequence)
            await stream.send(Response(refusal=refusal))
        return frame.HasField("data")

    collector.behave = refuse
    rig.outbox.add(b"x")
    with pytest.raises(CaseClosed, match=r"^the case is closed$"):
        await rig.link.deliver_once(10)
    assert rig.outbox.bodies == {1: b"x"} and rig.outbox.dropped == []


async def test_nobody_listening_is_unreachable_within_the_time(collector: FakeCollector, rig: Rig) -> None:
    """A one-shot run tries until its time is over, then says where it tried and why it failed."""
    await collector.stop()
    rig.outbox.add(b"x")
    with pytest.raises(Unreachable, match="cannot reach the collector at"):
        await rig.link.deliver_once(0.3)
    assert rig.outbox.bodies == {1: b"x"}


async def test_a_collector_of_another_ca_is_not_trusted(collector: FakeCollector, rig: Rig) -> None:
    """No frame is sent to a server that this agent's CA did not sign."""
    rig.credentials = collector.credentials(TestAuthority("another"))
    rig.__post_init__()
    rig.outbox.add(b"x")
    with pytest.raises(NotTrusted):
        await rig.link.deliver_once(5)
    assert collector.streams == []


async def test_an_agent_of_another_ca_gets_no_stream(collector: FakeCollector, rig: Rig) -> None:
    """A certificate that the collector did not sign opens nothing."""
    key, certificate = TestAuthority("another").agent_pair()
    rig.credentials = replace(rig.credentials, certificate_pem=certificate, private_key_pem=key)
    rig.__post_init__()
    with pytest.raises(Unreachable):
        await rig.link.deliver_once(0.3)
    assert collector.streams == []


async def test_a_busy_collector_is_tried_again_after_its_delay(collector: FakeCollector, rig: Rig) -> None:
    """Shedding names a delay; the next attempt does not come before it."""

    async def busy_once(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("hello") and len(collector.streams) == 1:
            refusal = link_pb2.Refusal(code="busy", message="too many", retry_after_seconds=7)
            await stream.send(Response(refusal=refusal))
            return True
        return False

    collector.behave = busy_once
    rig.outbox.add(b"x")
    await rig.link.deliver_once(10)
    assert len(rig.slept) == 1 and 7 <= rig.slept[0] <= 10.5


async def test_a_full_collector_gets_the_record_again_later(collector: FakeCollector, rig: Rig) -> None:
    """A refusal that is worth a retry is retried after its delay."""

    async def full_once(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data") and frame.data.sequence == 2 and len(collector.streams) == 1:
            refusal = link_pb2.Refusal(code="storage_full", message="full", sequence=2, retry_after_seconds=3)
            await stream.send(Response(refusal=refusal))
            return True
        return False

    collector.behave = full_once
    for body in (b"1", b"2"):
        rig.outbox.add(body)
    await rig.link.deliver_once(10)
    assert [stored.body for stored in collector.stored][-1] == b"2"
    assert len(rig.slept) == 1 and 3 <= rig.slept[0] <= 4.5


async def test_a_body_that_shrank_is_corrupt(collector: FakeCollector, rig: Rig) -> None:
    """A file that changed under us ends as an error, not as a hang."""
    file = io.BytesIO(b"x" * 600_000)
    outbox = FileOutbox(file, link_pb2.DATA_KIND_BUNDLE, "snap_9")
    file.truncate(300_000)
    with pytest.raises(Corrupt, match="make it anew"):
        await Link(rig.credentials, rig.hello, outbox, rig.handle, Random(1)).deliver_once(10)
