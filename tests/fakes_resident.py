"""A collector on loopback, an enrolled machine, and its resident agent, as the tests of sessions use them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from caseprobe.bundle import BundleReader
from caseprobe.redaction import Redactor, known_names
from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkResponse
from caseprobe.v1.snapshot_pb2 import Snapshot
from caseprobe_agent.app.control import Document, call
from caseprobe_agent.app.resident import Resident, resident
from caseprobe_agent.audit import parse, verify
from caseprobe_agent.config import Settings, load
from caseprobe_agent.identity import enrol
from caseprobe_agent.machine import Machine
from caseprobe_agent.seal import Run, hiding_of, load_key
from tests.fakes_collector import FakeCollector, Stored, running
from tests.fakes_link import EnrolmentServer, TestAuthority, enrolling, join_code, run_here

AUTHORITY = TestAuthority()
POLICY = '[policy]\nlogs = "ask"\n[policy.path_target]\ndecision = "allow"\ntargets = ["127.0.0.1"]\n'


def path_command(name: str = "sess_1", target: str = "127.0.0.1", rounds: int = 3, **change: object) -> LinkResponse:
    """A path session as the collector asks for it."""
    request = link_pb2.CommandRequest(command_id=name, case_id="case_1", case_title="Slow", deadline_seconds=30.0)
    request.requested_by.user_id, request.requested_by.name = "user_1", "Ada"
    request.path.target, request.path.rounds, request.path.interval_seconds = target, rounds, 0.1
    request.path.protocol = 2  # type: ignore[assignment]
    return framed(request, **change)


def snapshot_command(name: str = "sess_1", *probes: str, **change: object) -> LinkResponse:
    """A snapshot session."""
    request = link_pb2.CommandRequest(command_id=name, case_id="case_1", deadline_seconds=30.0)
    request.requested_by.user_id = "user_1"
    request.snapshot.profile = "quick"
    request.snapshot.probes.extend(probes)
    return framed(request, **change)


def framed(request: link_pb2.CommandRequest, **change: object) -> LinkResponse:
    """The frame of a request, with fields changed."""
    for field_name, value in change.items():
        setattr(request, field_name, value)
    return LinkResponse(command=link_pb2.Command(request=request.SerializeToString()))


def snapshot_in(stored: Stored) -> Snapshot:
    """What a stored record holds."""
    if stored.kind == link_pb2.DATA_KIND_BUNDLE:
        return BundleReader(io.BytesIO(stored.body)).snapshot()
    return Snapshot.FromString(zstandard.ZstdDecompressor().decompress(stored.body, max_output_size=1 << 26))


def load_again(settings: Settings) -> Settings:
    """The settings after their file was changed."""
    folders = {"CASEPROBE_CONFIG_FOLDER": str(settings.config_folder)}
    return load(
        {**folders, "CASEPROBE_STATE_FOLDER": str(settings.state_folder), "CASEPROBE_NETWORK_PROBES": "off"}, {}
    )


def stand_in_of(settings: Settings, user: str) -> str:
    """What this machine calls a user in what leaves; the names that every machine has stay."""
    hiding = hiding_of(Machine(), load_key(settings.state_folder), asset_masked=False)
    known = known_names(hiding.host_name, hiding.passwd, hiding.hosts)
    return Redactor(hiding.key, asset_masked=False, known=known).text(user)


@dataclass
class Rig:
    """A collector, an enrolled machine, and its agent while it runs."""

    collector: FakeCollector
    settings: Settings
    said: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, text: str) -> None:
        """What the agent says to whoever watches it."""
        self.said.append(text)
        self.asked.set()

    @contextlib.asynccontextmanager
    async def agent(self, online: bool = True, run: Run = run_here) -> AsyncIterator[Resident]:
        """The agent from start to orderly end."""
        async with resident(self.settings, self.tell, run) as agent:
            served = asyncio.create_task(agent.run())
            await agent.ready.wait()
            if online:
                streams = len(self.collector.streams)
                await self.collector.until(lambda: len(self.collector.streams) > streams)
                await agent.link.connected.wait()
            yield agent
            agent.stopped.set()
            await served

    async def send(self, frame: LinkResponse) -> None:
        """A frame to the agent that is connected now."""
        await self.collector.streams[-1].send(frame)

    async def outcome(self, name: str = "sess_1") -> link_pb2.Outcome:
        """How a session ended."""
        await self.collector.until(lambda: self.outcomes(name))
        return self.outcomes(name)[0]

    def outcomes(self, name: str) -> list[link_pb2.Outcome]:
        """Every outcome that came for a session."""
        return [one.outcome for one in self.collector.got("outcome") if one.outcome.command_id == name]

    async def ask(self, do: str, **request: object) -> Document:
        """Something of the agent, as its owner."""
        return await call(self.settings.socket_path, {"do": do, **request})

    async def question(self) -> str:
        """The number of the open question, once there is one."""
        async with asyncio.timeout(60):
            await self.asked.wait()
        return str((await self.ask("list"))["questions"][0]["id"])

    def actions(self) -> list[str]:
        """What the machine's own audit says, whole."""
        lines = (self.settings.state_folder / "audit.jsonl").read_text().splitlines()
        assert verify(lines) is None
        return [parse(line).action for line in lines]


@contextlib.asynccontextmanager
async def enrolled(tmp_path: Path) -> AsyncIterator[Rig]:
    """An enrolled machine whose policy lets paths to 127.0.0.1 through and asks about logs."""
    (tmp_path / "agent.toml").write_text(POLICY)
    folders = {"CASEPROBE_CONFIG_FOLDER": str(tmp_path), "CASEPROBE_STATE_FOLDER": str(tmp_path / "state")}
    settings = load({**folders, "CASEPROBE_NETWORK_PROBES": "off"}, {})
    async with running(FakeCollector(AUTHORITY)) as collector:
        answers = enrolling(AUTHORITY, time.time(), f"127.0.0.1:{collector.port}")
        async with EnrolmentServer(AUTHORITY, answers).running(tmp_path) as server:
            await enrol(join_code(server), settings.state_folder, "web-1", "Debian", run=run_here)
        yield Rig(collector, settings)
