"""The link delivers everything in order of urgency, survives its collector, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from random import Random

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import Corrupt, Revoked
from caseprobe.liveness import IDLE_SECONDS, INTERVAL_SECONDS, PROBES, SUPPORTED, connected_to, keep_alive
from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from caseprobe_agent.link.channel import DIRECT, OPTIONS
from caseprobe_agent.link.link import Link, back_off
from tests.fakes_collector import FakeCollector, FakeStream, running
from tests.fakes_link import TestAuthority
from tests.fakes_rig import CONTROL, LIVE, Rig, Running, a_round, outcome

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


async def test_hello_comes_first_and_welcome_reaches_the_handler(collector: FakeCollector, rig: Rig) -> None:
    """The handler learns of every new stream, so that it can send what may have been missed."""
    rig.link.send(outcome(1), CONTROL)
    async with Running(rig.link):
        await collector.until(lambda: collector.got("outcome"))
        kinds = [frame.WhichOneof("frame") for frame in collector.streams[0].frames]
        assert kinds == ["hello", "outcome"]
        assert rig.handled[0].HasField("welcome") and rig.link.connected.is_set() and rig.link.state.connected
    assert not rig.link.connected.is_set()


async def test_control_goes_before_live_and_live_before_bulk(collector: FakeCollector, rig: Rig) -> None:
    """With a backlog in every lane the writer takes the most urgent first."""
    rig.outbox.add(b"bulk")
    for number in range(3):
        rig.link.send(a_round(number, f"sess_{number}"), LIVE)
        rig.link.send(outcome(number), CONTROL)
    async with Running(rig.link):
        await collector.until(lambda: collector.stored)
    kinds = [frame.WhichOneof("frame") for frame in collector.streams[0].frames]
    assert kinds == ["hello", *["outcome"] * 3, *["rounds"] * 3, "data"]


async def test_live_frames_overtake_a_long_bulk_record(collector: FakeCollector, rig: Rig) -> None:
    """During a large upload that the collector holds up, a control frame still comes at once."""

    async def stingy(stream: FakeStream, frame: Request) -> bool:
        return frame.HasField("data")

    collector.welcome.bulk_credit_bytes = 300_000
    collector.behave = stingy
    rig.outbox.add(b"x" * 5_000_000)
    async with Running(rig.link):
        await collector.until(lambda: len(collector.got("data")) >= 2)
        rig.link.send(outcome(1), CONTROL)
        await collector.until(lambda: collector.got("outcome"))
        sent = sum(len(frame.data.payload) for frame in collector.got("data"))
        assert sent <= 300_000 + 256 * 1024


async def test_credit_lets_the_rest_through(collector: FakeCollector, rig: Rig) -> None:
    """Every frame that the collector took may be followed by as many bytes."""

    async def paying(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data"):
            credit = link_pb2.Credit(lane=link_pb2.LANE_BULK, bytes=len(frame.data.payload))
            await stream.send(Response(credit=credit))
        return False

    collector.welcome.bulk_credit_bytes = 300_000
    collector.behave = paying
    rig.outbox.add(b"x" * 3_000_000)
    async with Running(rig.link):
        await collector.until(lambda: collector.stored)
    assert len(collector.stored[0].body) == 3_000_000


async def test_the_first_round_leaves_alone_and_a_backlog_is_batched(collector: FakeCollector, rig: Rig) -> None:
    """Rounds of one session that wait go out together, at most 16 in a frame, in order, never across sessions."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        rig.link.send(a_round(0), LIVE)
        await collector.until(lambda: collector.got("rounds"))
        for number in range(1, 41):
            rig.link.send(a_round(number), LIVE)
        rig.link.send(a_round(0, "sess_2"), LIVE)
        await collector.until(lambda: sum(len(frame.rounds.rounds) for frame in collector.got("rounds")) == 42)
    frames = [frame.rounds for frame in collector.got("rounds")]
    assert [len(frame.rounds) for frame in frames] == [1, 16, 16, 8, 1]
    numbers = [each.number for frame in frames if frame.session_id == "sess_1" for each in frame.rounds]
    assert numbers == list(range(41))


async def test_many_senders_share_one_writer(collector: FakeCollector, rig: Rig) -> None:
    """Two hundred tasks that send at once break no stream."""

    async def send(number: int) -> None:
        rig.link.send(outcome(number), CONTROL)

    async with Running(rig.link):
        await rig.link.connected.wait()
        await asyncio.gather(*(send(number) for number in range(200)))
        await collector.until(lambda: len(collector.got("outcome")) == 200)
    assert len(collector.streams) == 1


async def test_records_appended_later_are_sent_on_wake(collector: FakeCollector, rig: Rig) -> None:
    """The outbox is asked again when it has something new, and acknowledged records leave it."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        for number in range(3):
            rig.outbox.add(b"record %d" % number)
            rig.link.wake()
            await rig.until(lambda: not rig.outbox.bodies)
    assert len(collector.stored) == 3


async def test_a_collector_that_died_gets_what_it_did_not_acknowledge(collector: FakeCollector, rig: Rig) -> None:
    """Resent after every reconnect until acknowledged; what was acknowledged is not sent again."""

    async def deaf(stream: FakeStream, frame: Request) -> bool:
        return frame.HasField("data") and frame.data.sequence > 1

    collector.behave = deaf
    for body in (b"1", b"2", b"3"):
        rig.outbox.add(body)
    async with Running(rig.link):
        await collector.until(lambda: len(collector.got("data")) == 3)
        await rig.until(lambda: set(rig.outbox.bodies) == {2, 3})
        await collector.stop()
        await rig.until(lambda: not rig.link.connected.is_set() and rig.link.state.last_error)
        collector.behave = None
        await collector.start()
        await rig.until(lambda: not rig.outbox.bodies)
    assert [stored.body for stored in collector.stored] == [b"1", b"2", b"3"]
    assert rig.slept and rig.link.state.failures >= 1


async def test_a_lost_ack_makes_a_harmless_duplicate(collector: FakeCollector, rig: Rig) -> None:
    """The collector stored it but died before its ack: the record comes again, the same."""

    async def dies_before_ack(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data") and len(collector.streams) == 1:
            await stream.abort(grpc.StatusCode.UNAVAILABLE, "killed")
            return True
        return False

    collector.behave = dies_before_ack
    rig.outbox.add(b"twice")
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    first, second = collector.got("data")
    assert first == second and len(collector.streams) == 2


async def test_an_ack_for_what_was_never_sent_deletes_nothing(collector: FakeCollector, rig: Rig) -> None:
    """A collector that acknowledges the future cannot make records vanish."""

    async def prophet(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("hello"):
            await stream.send(Response(welcome=link_pb2.Welcome(last_stored_sequence=99)))
            await stream.send(Response(ack=link_pb2.Ack(sequence=99)))
        return frame.HasField("hello")

    collector.behave = prophet
    async with Running(rig.link):
        await rig.link.connected.wait()
        rig.outbox.add(b"kept")
        rig.link.wake()
        await collector.until(lambda: collector.stored)
    assert [stored.body for stored in collector.stored] == [b"kept"]


async def test_a_refused_record_is_dropped_with_its_reason_and_the_next_goes_on(
    collector: FakeCollector, rig: Rig
) -> None:
    """One record that the collector will never take does not hold up the others."""

    async def picky(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data") and frame.data.sequence == 1:
            await stream.send(Response(refusal=link_pb2.Refusal(code="too_large", message="too large", sequence=1)))
            return True
        return False

    collector.behave = picky
    rig.outbox.add(b"refused")
    rig.outbox.add(b"taken")
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert rig.outbox.dropped == [(1, "refused: too_large")]
    assert [stored.body for stored in collector.stored] == [b"taken"]
    assert any(frame.HasField("refusal") for frame in rig.handled)


async def test_a_record_that_the_collector_cannot_take_now_is_not_covered_by_a_later_ack(
    collector: FakeCollector, rig: Rig
) -> None:
    """Full for one record, the collector stores and acks the next: the first comes again, after the delay."""
    kept: list[set[int]] = []

    async def full_for_one(stream: FakeStream, frame: Request) -> bool:
        if not frame.HasField("data") or len(collector.streams) > 1:
            return False
        if frame.data.sequence == 1:
            refusal = link_pb2.Refusal(code="storage_full", message="full", sequence=1, retry_after_seconds=3)
            await stream.send(Response(refusal=refusal))
        return frame.data.sequence == 1

    async def remember(seconds: float) -> None:
        kept.append(set(rig.outbox.bodies))
        await Rig.sleep(rig, seconds)

    rig.sleep = remember  # type: ignore[method-assign]
    collector.behave = full_for_one
    rig.outbox.add(b"1")
    rig.outbox.add(b"2")
    rig.__post_init__()
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert b"1" in [stored.body for stored in collector.stored]
    assert len(collector.streams) == 2 and rig.slept == [0.0, 3.0]
    assert all(1 in waiting for waiting in kept)


async def test_revoked_ends_the_link_for_good(collector: FakeCollector, rig: Rig) -> None:
    """A revoked machine does not come back."""
    async with Running(rig.link) as task:
        await rig.link.connected.wait()
        await collector.streams[0].send(Response(refusal=link_pb2.Refusal(code="revoked", message="removed")))
        await collector.streams[0].abort(grpc.StatusCode.OK, "")
        with pytest.raises(Revoked, match="removed"):
            await asyncio.wait_for(task, 60)
    assert rig.link.state.last_error == "removed"


async def test_a_refused_frame_is_not_the_end(collector: FakeCollector, rig: Rig) -> None:
    """What an older collector does not take costs that frame; the stream and its records go on."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        await collector.streams[0].send(Response(refusal=link_pb2.Refusal(code="unsupported", message="no such frame")))
        rig.outbox.add(b"after")
        rig.link.wake()
        await collector.until(lambda: collector.stored)
    assert len(collector.streams) == 1


async def test_a_refused_record_is_not_sent_to_its_end(collector: FakeCollector, rig: Rig) -> None:
    """Once refused, the rest of a large record stays here."""

    async def at_once(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data") and frame.data.sequence == 1:
            await stream.send(Response(refusal=link_pb2.Refusal(code="too_large", message="no", sequence=1)))
            return True
        return False

    collector.welcome.bulk_credit_bytes = 256 * 1024
    collector.behave = at_once
    rig.outbox.add(b"x" * 50_000_000)
    async with Running(rig.link):
        await rig.until(lambda: rig.outbox.dropped)
    assert sum(len(frame.data.payload) for frame in collector.got("data")) <= 512 * 1024


@pytest.mark.parametrize("bad", [b"\xff\xff\xff\xff", b"x" * (5 << 20)], ids=["garbled", "oversize"])
async def test_a_bad_frame_ends_one_stream_and_not_the_link(collector: FakeCollector, rig: Rig, bad: bytes) -> None:
    """What cannot be read or is too large costs the stream; the next one works."""
    async with Running(rig.link) as task:
        await rig.link.connected.wait()
        await collector.streams[0].send(bad)
        await collector.until(lambda: len(collector.streams) == 2)
        rig.outbox.add(b"after")
        rig.link.wake()
        await collector.until(lambda: collector.stored)
        assert not task.done()


async def test_a_frame_of_a_newer_collector_is_passed_over(collector: FakeCollector, rig: Rig) -> None:
    """An unknown frame changes nothing: the stream lives."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        await collector.streams[0].send(b"\xa2\x06\x03abc")  # field 100, a string
        await collector.streams[0].send(Response(command=link_pb2.Command(key_id="k")))
        await rig.until(lambda: len(rig.handled) == 2)
    assert rig.handled[1].command.key_id == "k" and len(collector.streams) == 1


async def test_a_failing_handler_does_not_end_the_stream(collector: FakeCollector, rig: Rig) -> None:
    """A defect in what a frame means stays with that frame."""
    rig.handler_error = ValueError("defect")
    async with Running(rig.link):
        await rig.link.connected.wait()
        for _ in range(3):
            await collector.streams[0].send(Response(schedules=link_pb2.Schedules()))
        await rig.until(lambda: len(rig.handled) == 4)
    assert len(collector.streams) == 1


async def test_no_welcome_is_no_stream(collector: FakeCollector, rig: Rig) -> None:
    """Another first frame than Welcome is not a collector."""

    async def rude(stream: FakeStream, frame: Request) -> bool:
        await stream.send(Response(drain=link_pb2.Drain()))
        return True

    collector.behave = rude
    with pytest.raises(Corrupt, match="not answer as a collector"):
        await rig.link.deliver_once(5)


async def test_heartbeats_come_at_the_collectors_pace(collector: FakeCollector, rig: Rig) -> None:
    """The period is the one of Welcome, and never shorter than a second."""
    collector.welcome.heartbeat_seconds = 0.001
    async with Running(rig.link):
        await collector.until(lambda: len(collector.got("heartbeat")) >= 3)
    assert set(rig.slept) == {1.0}


async def test_a_collector_whose_loop_stopped_is_left(collector: FakeCollector, rig: Rig) -> None:
    """Transport pings alone do not keep a stream whose heartbeats were answered and are no more."""
    collector.welcome.heartbeat_seconds = 10

    async def stops(stream: FakeStream, frame: Request) -> bool:
        beats = len(collector.got("heartbeat"))
        if beats >= 2:
            rig.now += 31
        return beats >= 2 and len(collector.streams) == 1

    collector.behave = stops
    async with Running(rig.link):
        await collector.until(lambda: len(collector.streams) >= 2)


async def test_an_agent_that_stood_still_does_not_blame_its_collector(collector: FakeCollector, rig: Rig) -> None:
    """Time that passed without heartbeats of its own says nothing of who would have answered them."""
    collector.welcome.heartbeat_seconds = 10
    made, last = [], asyncio.Event()

    async def heartbeat() -> link_pb2.Heartbeat:
        made.append(rig.now)
        if len(made) == 2:
            await collector.until(lambda: collector.got("heartbeat"))
            rig.now += 3600
        if len(made) == 3:
            last.set()
            await asyncio.Event().wait()
        return link_pb2.Heartbeat()

    link = Link(
        rig.credentials,
        rig.hello,
        rig.outbox,
        rig.handle,
        Random(7),
        heartbeat=heartbeat,
        sleep=rig.sleep,
        monotonic=rig.clock,
    )
    async with Running(link):
        await asyncio.wait_for(last.wait(), 10)
        assert len(collector.streams) == 1


async def test_drain_writes_what_waits_and_comes_back_after_the_delay(collector: FakeCollector, rig: Rig) -> None:
    """A deploy loses no control frame, and the return is spread."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        drain = link_pb2.Drain(reconnect_after_seconds=4, reason="deploy")
        await collector.streams[0].send(Response(drain=drain))
        await collector.until(lambda: collector.streams[0].over.is_set())
        rig.link.send(outcome(1), CONTROL)
        await collector.until(lambda: len(collector.streams) == 2 and collector.got("outcome"))
    assert len(rig.slept) == 1 and 4 <= rig.slept[0] <= 8


async def test_new_credentials_are_used_at_once(collector: FakeCollector, rig: Rig) -> None:
    """A renewed certificate changes the stream in order, without back-off."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        rig.link.renew(collector.credentials())
        await collector.until(lambda: len(collector.streams) == 2)
    assert rig.slept == [0.0]


async def test_a_spool_that_began_anew_gets_a_stream_of_its_own(collector: FakeCollector, rig: Rig) -> None:
    """Sequences of another spool are never sent under the old name."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        rig.outbox.spool_id = "spool_2"
        rig.outbox.add(b"new")
        rig.link.wake()
        await collector.until(lambda: collector.stored)
    assert [stream.hello.spool_id for stream in collector.streams] == ["spool_1", "spool_2"]
    assert not any(frame.HasField("data") for frame in collector.streams[0].frames)


async def test_live_frames_of_a_long_outage_are_bounded(collector: FakeCollector, rig: Rig) -> None:
    """While there is no stream the oldest make way, so that memory does not grow."""
    for number in range(3000):
        rig.link.send(a_round(number, f"sess_{number}"), LIVE)
    async with Running(rig.link):
        await collector.until(lambda: len(collector.got("rounds")) == 1024)
    assert collector.got("rounds")[0].rounds.session_id == "sess_1976"


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_cancel_at_any_time_leaves_no_task_behind(collector: FakeCollector, rig: Rig, turns: int) -> None:
    """Wherever the link is when it is cancelled, nothing of it goes on."""
    rig.outbox.add(b"x" * 2_000_000)
    before = asyncio.all_tasks()
    task = asyncio.create_task(rig.link.run())
    for _ in range(turns):
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await collector.until(lambda: all(stream.over.is_set() for stream in collector.streams))
    assert {left for left in asyncio.all_tasks() - before if "caseprobe_agent" in repr(left.get_coro())} == set()


async def test_the_kernel_watches_the_line(collector: FakeCollector, rig: Rig) -> None:
    """Without keepalive a silent drop is not noticed: the connection that stands has it, with less than 20 s in all."""
    async with Running(rig.link):
        await rig.link.connected.wait()
        found: list[int] = []

        def note(one: socket.socket) -> bool:
            if connected_to(collector.port)(one):
                found.append(one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            return False

        keep_alive(note)
    assert found and all(found)
    assert IDLE_SECONDS + INTERVAL_SECONDS * PROBES < 20


def test_the_channel_uses_no_proxy_by_itself_and_bounds_what_it_waits_for() -> None:
    """Both are gRPC options; without them a proxy of the environment is used, and a lost byte waited for by minutes."""
    options = dict((*OPTIONS, *DIRECT))
    assert options["grpc.keepalive_timeout_ms"] <= 8_000
    assert options["grpc.http2.ping_timeout_ms"] <= 8_000 or SUPPORTED
    assert options["grpc.keepalive_permit_without_calls"] == 1
    assert options["grpc.enable_http_proxy"] == 0
    assert options["grpc.max_receive_message_length"] == 4 << 20


@given(st.integers(0, 10_000), st.integers())
def test_back_off_is_within_its_bounds(failures: int, seed: int) -> None:
    """Never under 0.2 s, never over 30 s, and the first retry comes within 0.4 s."""
    seconds = back_off(failures, Random(seed))
    assert 0.2 <= seconds <= (0.4 if failures == 0 else 30.0)


async def test_importing_the_link_loads_nothing_heavy() -> None:
    """The resident process pays for neither cryptography nor a console library."""
    code = (
        "import sys, caseprobe_agent.link, caseprobe_agent.spool; "
        "print([m for m in ('cryptography', 'rich', 'pydantic', 'typer') if m in sys.modules])"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _err = await child.communicate()
    assert out.strip() == b"[]"
