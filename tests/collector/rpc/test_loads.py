"""The collector's end of a test under load: who gets one, how much passes, and when it is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from caseprobe.errors import Busy, CaseprobeError
from caseprobe.load_limits import ECHOES, PIECE_BYTES, WAY_BYTES, WHOLE_SECONDS
from caseprobe.v1 import link_pb2, load_pb2, load_pb2_grpc
from caseprobe_agent.link import Credentials
from caseprobe_agent.link.load_wire import measure_load
from caseprobe_collector.rpc.loads import MOST_AT_ONCE, REST_SECONDS, Loads
from tests.desk import Machine, Rig

LIMIT_SECONDS = 20.0
NEVER = grpc.aio.EOF


class Clock:
    """Seconds that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def credentials(rig: Rig, machine: Machine) -> Credentials:
    """What a machine's agent would connect with."""
    address = f"127.0.0.1:{rig.port}"
    return Credentials(address, rig.storage.authority.ca_pem(), machine.certificate_pem, machine.key_pem)


@contextlib.asynccontextmanager
async def service(rig: Rig, machine: Machine) -> AsyncIterator[Any]:
    """The service as this machine reaches it."""
    ours = credentials(rig, machine)
    tls = grpc.ssl_channel_credentials(ours.ca_pem, ours.private_key_pem, ours.certificate_pem)
    async with grpc.aio.secure_channel(ours.address, tls) as channel:
        yield load_pb2_grpc.LoadServiceStub(channel)


async def first_echo(stub: Any) -> tuple[Any, load_pb2.EchoResponse]:
    """An Echo that was begun, and its first answer."""
    call = stub.Echo()
    await call.write(load_pb2.EchoRequest(number=7))
    return call, await asyncio.wait_for(call.read(), LIMIT_SECONDS)


async def test_an_agent_is_tested_both_ways_within_what_a_test_may_carry(rig: Rig) -> None:
    """From the agent's own end: three stretches with echoes, bytes both ways and never more than allowed, a verdict."""
    facts = await measure_load(credentials(rig, await rig.enrol()))
    assert facts.idle.HasField("median_seconds") and facts.verdict.grade
    assert 0 < facts.down.bytes_total <= WAY_BYTES and 0 < facts.up.bytes_total <= WAY_BYTES
    assert facts.down.bytes_per_second and facts.up.bytes_per_second and not facts.by_proxy


async def test_bytes_pass_only_beside_an_open_test(rig: Rig) -> None:
    """Source and sink end at once for a machine that has no test."""
    async with service(rig, await rig.enrol()) as stub:
        source, sink = stub.Source(load_pb2.SourceRequest()), stub.Sink()
        assert await source.read() is NEVER
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
            await sink.write(load_pb2.SinkRequest(payload=b"x"))
        assert await sink.read() is NEVER


async def test_a_source_gives_no_more_than_a_test_may_carry(rig: Rig) -> None:
    """Two calls of one test share what it may carry; whoever reads on finds an end."""
    machine = await rig.enrol()
    async with service(rig, machine) as stub:
        await first_echo(stub)
        test = rig.links.loads.of(machine.agent_id)
        assert test is not None
        test.down.take(WAY_BYTES - 40 * PIECE_BYTES, rig.clock.monotonic())
        rig.clock.shift += timedelta(seconds=3)  # as long as that would have taken

        async def drained() -> int:
            return sum([len(piece.payload) async for piece in stub.Source(load_pb2.SourceRequest())])

        both = await asyncio.wait_for(asyncio.gather(drained(), drained()), LIMIT_SECONDS)
    assert 38 * PIECE_BYTES < sum(both) <= 40 * PIECE_BYTES


async def test_a_sink_ends_with_what_it_never_takes(rig: Rig) -> None:
    """A piece larger than any of ours ends the upload; so does an empty one."""
    async with service(rig, await rig.enrol()) as stub:
        await first_echo(stub)
        for payload in (bytes(PIECE_BYTES + 1), b""):
            sink = stub.Sink()
            await sink.write(load_pb2.SinkRequest(payload=payload))
            assert await asyncio.wait_for(sink.read(), LIMIT_SECONDS) is NEVER


async def test_an_echo_ends_after_as_many_as_a_test_needs(rig: Rig) -> None:
    """A machine cannot hold the collector at it for ever."""
    async with service(rig, await rig.enrol()) as stub:
        call, _ = await first_echo(stub)
        answered = 1
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            for number in range(ECHOES + 5):
                await call.write(load_pb2.EchoRequest(number=number))
                if await asyncio.wait_for(call.read(), LIMIT_SECONDS) is NEVER:
                    break
                answered += 1
    assert answered == ECHOES


async def test_one_test_a_machine_and_a_rest_behind_it(rig: Rig) -> None:
    """A second one beside it, and one right after it, are refused with when to ask again."""
    machine = await rig.enrol()
    async with service(rig, machine) as stub:
        call, answer = await first_echo(stub)
        assert answer.number == 7
        _, second = await first_echo(stub)
        assert (second.refusal.code, second.refusal.retry_after_seconds) == (Busy.code, WHOLE_SECONDS)
        await call.done_writing()
        assert await asyncio.wait_for(call.read(), LIMIT_SECONDS) is NEVER
        _, third = await first_echo(stub)
        assert 0 < third.refusal.retry_after_seconds <= REST_SECONDS


async def drains(rig: Rig, machine: Machine) -> None:
    """The collector restarts."""
    rig.links.drain(1.0)


async def is_full(rig: Rig, machine: Machine) -> None:
    """The collector serves as many machines as it can."""
    rig.links.most = 0


async def is_revoked(rig: Rig, machine: Machine) -> None:
    """Staff ended the machine's enrolment."""
    gone = replace(await rig.agent(machine), revoked_at=rig.clock.now())
    await rig.storage.transactions.run(lambda tx: rig.storage.fleet.put_agent(tx, gone))


async def sends_bundles(rig: Rig, machine: Machine) -> None:
    """The key is one of a person who sends a bundle."""
    other = replace(await rig.agent(machine), kind="one-shot")
    await rig.storage.transactions.run(lambda tx: rig.storage.fleet.put_agent(tx, other))


@pytest.mark.parametrize(
    ("happens", "code"),
    [(drains, "busy"), (is_full, "busy"), (is_revoked, "revoked"), (sends_bundles, "not_allowed")],
)
async def test_who_gets_no_test_is_told_why(rig: Rig, happens: Callable[[Rig, Machine], Any], code: str) -> None:
    """The collector's own work goes first, and only enrolled machines are tested."""
    machine = await rig.enrol()
    await happens(rig, machine)
    with pytest.raises(CaseprobeError) as refused:
        await measure_load(credentials(rig, machine))
    assert refused.value.code == code


async def test_a_test_that_runs_ends_when_the_machine_is_put_out(rig: Rig) -> None:
    """Revoking and draining let nothing more of a test pass."""
    machine = await rig.enrol()
    async with service(rig, machine) as stub:
        await first_echo(stub)
        source = stub.Source(load_pb2.SourceRequest())
        size = 0
        async for piece in source:
            if not size:
                rig.links.close(machine.agent_id, link_pb2.LinkResponse())
            size += len(piece.payload)
    assert size < WAY_BYTES


def test_few_machines_test_at_once_and_time_ends_each() -> None:
    """One more than there is room for is told to come later; after its time nothing more of a test passes."""
    clock = Clock()
    loads = Loads(clock)
    tests = [loads.begin(f"agent_{number}") for number in range(MOST_AT_ONCE)]
    with pytest.raises(Busy, match=f"{MOST_AT_ONCE} machines test under load now"):
        loads.begin("agent_more")
    assert tests[0].wait(tests[0].down, PIECE_BYTES) == 0.0
    clock.now = WHOLE_SECONDS
    assert tests[0].wait(tests[0].down, PIECE_BYTES) is None
    loads.end("agent_0", tests[0])
    assert loads.of("agent_0") is None
    loads.begin("agent_more")
    clock.now += REST_SECONDS
    loads.end("agent_1", tests[1])
    loads.begin("agent_0")
