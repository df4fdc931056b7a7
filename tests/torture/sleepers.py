"""Processes that stand still (SIGSTOP): who is silent is called unresponsive; who slept too draws no conclusions."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from caseprobe_agent.demo import AGENT_SETTINGS
from caseprobe_collector.rpc.presence import HEARTBEAT_SECONDS, LOOK_SECONDS, RETURN_SECONDS, SILENT_SECONDS
from tests.torture.ground import Collector, Ground
from tests.torture.oracle import Outcome
from tests.torture.processes import Child, Forge, apart

ONLINE_SECONDS = 30.0
# Longer than a machine may be silent: whoever counted the time in which it stood still itself would be wrong now.
STOPPED_SECONDS = SILENT_SECONDS + 3.0
NOTICED_SECONDS = SILENT_SECONDS + 2 * LOOK_SECONDS
# Its next heartbeat says that it is back.
BACK_SECONDS = HEARTBEAT_SECONDS + 2.0
LONGER_SECONDS = 5.0
# A verdict that is only wrong for a moment is wrong: after a rest it is watched for two looks.
WATCHED_SECONDS = 2.5 * LOOK_SECONDS
# A machine that left a collector that stood still is called online until it is back, or this is over.
HEARD_SECONDS = RETURN_SECONDS + LOOK_SECONDS


@dataclass(frozen=True)
class Pair:
    """A collector, and the real agent that it shows."""

    collector: Collector
    agent: Child
    agent_id: str

    async def presence(self) -> str:
        """What the collector says of the agent now."""
        return (await self._shown())["presence"]

    async def _shown(self) -> dict[str, str]:
        return dict(await apart(self.collector.get, f"/agents/{self.agent_id}"))

    async def heard_after(self, moment: datetime) -> bool:
        """Whether the collector hears the agent itself, in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARD_SECONDS):
                while datetime.fromisoformat((await self._shown())["last_seen_at"]) <= moment:
                    await asyncio.sleep(0.1)
                return True
        return False

    async def words_until(self, word: str, seconds: float) -> tuple[list[str], float]:
        """What it said one after the other until that word, and how long that took; the last is another in vain."""
        begin, said = time.monotonic(), [await self.presence()]
        while said[-1] != word and time.monotonic() - begin < seconds:
            await asyncio.sleep(0.1)
            if (now := await self.presence()) != said[-1]:
                said.append(now)
        return said, time.monotonic() - begin


def start_agent(ground: Ground, forge: Forge, room: Path) -> Child:
    """An enrolled machine's `caseprobe run`."""
    shutil.copytree(ground.template.folder / "machines" / "0", room / "state")
    (room / "config").mkdir(mode=0o700)
    (room / "config" / "agent.toml").write_text(AGENT_SETTINGS)
    folders = {"CASEPROBE_CONFIG_FOLDER": str(room / "config"), "CASEPROBE_STATE_FOLDER": str(room / "state")}
    return forge.start(["run"], room / "agent.log", folders)


async def online(collector: Collector) -> str:
    """The id of the agent that comes online."""
    end = time.monotonic() + ONLINE_SECONDS
    while time.monotonic() < end:
        for agent in await apart(collector.get, "/agents"):
            if agent["presence"] == "online":
                return str(agent["agent_id"])
        await asyncio.sleep(0.1)
    raise RuntimeError("the agent does not come online")


async def stop_and_go(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """By turns: the agent stands still, both do, the collector does."""
    outcome = Outcome()
    with ground.room() as room:
        collector = Collector(ground, ground.furnish(room / "data"), log=room / "log")
        try:
            await collector.start()
            agent = start_agent(ground, ground.forge("caseprobe_agent"), room)
            try:
                pair = Pair(collector, agent, await online(collector))
                plays = [_agent_rests, _both_rest, _collector_rests]
                while outcome.runs < most and (not outcome.runs or time.monotonic() < end - STOPPED_SECONDS):
                    await plays[outcome.runs % len(plays)](pair, random, outcome)
                    outcome.runs += 1
            finally:
                agent.send(signal.SIGCONT)
                agent.kill()
        finally:
            collector.stop()
    return outcome


async def _agent_rests(pair: Pair, random: Random, outcome: Outcome) -> None:
    """Its kernel keeps the stream: not offline, but unresponsive, and online again once it goes on."""
    pair.agent.send(signal.SIGSTOP)
    said, seconds = await pair.words_until("unresponsive", NOTICED_SECONDS)
    outcome.took("called unresponsive", seconds)
    if said != ["online", "unresponsive"]:
        outcome.wrong.append(f"an agent that stands still was called {', '.join(said)}")
    await asyncio.sleep(random.uniform(0, LONGER_SECONDS))
    pair.agent.send(signal.SIGCONT)
    said, seconds = await pair.words_until("online", ONLINE_SECONDS)
    outcome.took("online again", seconds)
    if said[-1] != "online" or "offline" in said:
        outcome.wrong.append(f"an agent that goes on was called {', '.join(said)}")
    elif seconds > BACK_SECONDS:
        outcome.late.append(f"online only {seconds:.1f} s after it went on")


async def _both_rest(pair: Pair, random: Random, outcome: Outcome) -> None:
    """As one machine asleep, or two: nobody missed anything, so nothing is said."""
    pair.agent.send(signal.SIGSTOP)
    pair.collector.child.send(signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    pair.collector.child.send(signal.SIGCONT)
    await asyncio.sleep(random.uniform(0, 1))
    pair.agent.send(signal.SIGCONT)
    await _steady(pair, "both", outcome)


async def _collector_rests(pair: Pair, random: Random, outcome: Outcome) -> None:
    """What it did not read while it stood still was not missing."""
    pair.collector.child.send(signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    pair.collector.child.send(signal.SIGCONT)
    await _steady(pair, "the collector", outcome)


async def _steady(pair: Pair, who: str, outcome: Outcome) -> None:
    moment = datetime.now(UTC)
    said, _ = await pair.words_until("another word", WATCHED_SECONDS)
    outcome.count("rests without a flap", int(said == ["online"]))
    if said != ["online"]:
        outcome.wrong.append(f"after {who} stood still the agent was called {', '.join(said)}")
    # It may have left: the next play needs a machine that is there.
    if not await pair.heard_after(moment):
        outcome.wrong.append(f"after {who} stood still the agent did not come back")
