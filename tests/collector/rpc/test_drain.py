"""A collector that is ending: who is on the way in, who is sending, and what is not begun any more."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caseprobe.v1 import link_pb2
from caseprobe_collector.storage import open_storage
from tests.desk import ADMIN, Rig, running_desk, snapshot_of

WAIT_SECONDS = 10.0
BODY = bytes(range(256)) * 2000


@dataclass
class Held:
    """A store of which one read waits until it is let go; all else is the store's own."""

    store: Any
    method: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name: str) -> Any:
        """The store's, with a halt in front of one method."""
        found = getattr(self.store, name)
        return self._halt(found) if name == self.method else found

    def _halt(self, method: Any) -> Any:
        async def halted(*arguments: Any) -> Any:
            self.reached.set()
            await asyncio.wait_for(self.go_on.wait(), WAIT_SECONDS)
            return await method(*arguments)

        return halted


@asynccontextmanager
async def desk_with(folder: Path, name: str, method: str) -> AsyncIterator[tuple[Rig, Held]]:
    """A collector that halts in one read of one of its stores."""
    async with open_storage(folder) as storage:
        held = Held(getattr(storage, name), method)
        changed: dict[str, Any] = {name: held}
        async with running_desk(replace(storage, **changed)) as rig:
            yield rig, held


@asynccontextmanager
async def next_desk(folder: Path) -> AsyncIterator[Rig]:
    """The collector after one that ended."""
    async with open_storage(folder) as storage, running_desk(storage, again=True) as rig:
        yield rig


async def test_a_machine_that_was_let_in_before_comes_back_later(data_folder: Path) -> None:
    """It knocked, the collector began to end, and only then it was its turn: no stream begins any more."""
    async with desk_with(data_folder, "fleet", "get_agent") as (rig, held):
        machine = await rig.enrol()
        async with rig.stream(machine) as stream:
            await asyncio.wait_for(held.reached.wait(), WAIT_SECONDS)
            rig.links.drain(2.0)
            held.go_on.set()
            refusal = await stream.next("refusal")
        assert (refusal.code, refusal.retry_after_seconds) == ("busy", 15.0)
        assert rig.links.count() == 0


async def test_welcome_stays_the_first_word(data_folder: Path) -> None:
    """A machine that hears Drain first takes us for something else; so it hears it right behind its Welcome."""
    async with desk_with(data_folder, "snapshots", "last_sequence") as (rig, held):
        machine = await rig.enrol()
        async with rig.stream(machine) as stream:
            await asyncio.wait_for(held.reached.wait(), WAIT_SECONDS)
            rig.links.drain(2.0)
            held.go_on.set()
            assert await stream.kinds_until("welcome") == []
            assert (await stream.next("drain")).reconnect_after_seconds == 2.0


async def test_what_is_begun_while_it_ends_goes_on_at_the_next(data_folder: Path) -> None:
    """Pieces are taken to the last moment; how many came, the next collector says."""
    first = link_pb2.Data(
        kind=link_pb2.DATA_KIND_SNAPSHOT,
        sequence=1,
        stream_id="snap_1",
        total_bytes=len(BODY),
        sha256=hashlib.sha256(BODY).digest(),
        payload=BODY[:200_000],
    )
    async with open_storage(data_folder) as storage, running_desk(storage) as rig:
        machine = await rig.enrol()
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
            rig.links.drain(2.0)
            await stream.next("drain")
            await stream.send(data=first)
            assert (await stream.next("credit")).bytes == 200_000
    async with next_desk(data_folder) as rig, rig.stream(machine) as stream:
        [resume] = (await stream.next("welcome")).resume
    assert (resume.stream_id, resume.offset) == ("snap_1", 200_000)


async def test_a_request_waits_for_the_next_collector(data_folder: Path) -> None:
    """It is kept and not sent: whoever is leaving begins nothing; the next Welcome brings it."""
    request = link_pb2.CommandRequest(path=link_pb2.PathAction(target="192.0.2.1", rounds=3), deadline_seconds=60)
    async with open_storage(data_folder) as storage, running_desk(storage) as rig:
        machine = await rig.enrol()
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
            rig.links.drain(2.0)
            session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, request)
            await stream.deliver(snapshot_of(machine))
            kinds = await stream.kinds_until("ack")
    assert "command" not in kinds
    async with next_desk(data_folder) as rig, rig.stream(machine) as stream:
        sent = link_pb2.CommandRequest.FromString((await stream.next("command")).request)
    assert sent.command_id == session.session_id
