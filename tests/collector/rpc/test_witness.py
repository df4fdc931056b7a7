"""A machine's audit chain and the collector's bear witness to each other: the agent's part and the real collector."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caseprobe.v1 import link_pb2
from caseprobe_agent.app.witness import NAME, Witness
from caseprobe_agent.audit import Audit
from tests.desk import Machine, Rig, Stream

MORNING = datetime(2026, 11, 22, 8, tzinfo=UTC)
HASH = bytes(32)


@dataclass
class Owner:
    """A machine with an audit chain in a folder, which meets its collector now and then."""

    rig: Rig
    machine: Machine
    folder: Path
    sent: list[link_pb2.LinkRequest] = field(default_factory=list)

    @property
    def chain(self) -> Path:
        """The file of its chain."""
        return self.folder / "audit.jsonl"

    async def does(self, *things: str) -> None:
        """Each is an entry of its chain."""
        audit = Audit(self.chain, lambda: MORNING)
        for thing in things:
            await audit.record("admitted", thing, "user_1")

    async def meets(self, *later: str) -> None:
        """A process of its agent opens a stream, says what it has to say, and what happens later over the same one."""
        audit, hello = Audit(self.chain, lambda: MORNING), link_pb2.Hello()
        witness = Witness(audit, self.folder, lambda frame, _lane: self.sent.append(frame))
        witness.hello(hello)
        more = {"witnessed": hello.witnessed} if hello.HasField("witnessed") else {}
        async with self.rig.stream(self.machine, **more) as stream:
            await witness.welcomed(await stream.next("welcome"))
            await self._deliver(stream)
            for thing in later:
                await audit.record("admitted", thing, "user_1")
            await witness.tell()
            await self._deliver(stream)

    async def _deliver(self, stream: Stream) -> None:
        for frame in self.sent:
            await stream.send(audit_entries=frame.audit_entries)
        self.sent.clear()
        await stream.send(heartbeat=link_pb2.Heartbeat())
        await stream.next("heartbeat_reply")

    async def noted(self) -> int:
        """The number of its newest entry that the collector noted."""
        found = await self.rig.storage.witnessed.get_witnessed(self.machine.agent_id)
        return found.number if found else 0

    async def contradictions(self) -> list[tuple[str, str]]:
        """What the collector's audit says of it."""
        rows = await self.rig.storage.audit.list_audit()
        return [(row.action, row.detail) for row in rows if row.action.endswith("contradicted")]


@pytest.fixture
async def owner(rig: Rig, tmp_path: Path) -> Owner:
    """A machine that was enrolled and did two things."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    owner = Owner(rig, await rig.enrol(), folder)
    await owner.does("sess_1", "sess_2")
    return owner


async def test_what_is_added_follows_from_what_was_noted(owner: Owner) -> None:
    """At a connect, over the open stream and at the next connect; nothing is wrong with it."""
    await owner.meets("sess_3")
    assert await owner.noted() == 3
    await owner.does("sess_4", "sess_5")
    await owner.meets()
    assert (await owner.noted(), await owner.contradictions()) == (5, [])


async def test_a_chain_without_its_end_is_seen(owner: Owner) -> None:
    """The collector's audit says so, once; what is left is noted from then on."""
    await owner.meets()
    owner.chain.write_text(owner.chain.read_text().splitlines(keepends=True)[0])
    await owner.meets()
    await owner.meets()
    wrong = "it ends at entry 1, and entry 2 was told before"
    assert (await owner.contradictions(), await owner.noted()) == ([("agent.audit_contradicted", wrong)], 1)


async def test_a_chain_that_was_removed_is_seen(owner: Owner) -> None:
    """Nothing at all is less than what was told."""
    await owner.meets()
    owner.chain.unlink()
    await owner.meets()
    wrong = "it ends at entry 0, and entry 2 was told before"
    assert await owner.contradictions() == [("agent.audit_contradicted", wrong)]


async def test_a_chain_that_was_written_anew_is_seen(owner: Owner) -> None:
    """However long it is, and though it fits in itself."""
    await owner.meets()
    owner.chain.unlink()
    await owner.does("sess_1", "something else", "sess_3")
    await owner.meets()
    wrong = "entry 2 does not follow from entry 2 as it was told before"
    assert await owner.contradictions() == [("agent.audit_contradicted", wrong)]


async def test_a_machine_asks_for_the_collectors_entry_that_it_noted(owner: Owner) -> None:
    """One that is not there any more stands in both chains from then on."""
    await owner.rig.storage.transactions.run(
        lambda tx: owner.rig.audit.record(tx, "system", "case.create", "", "case_1")
    )
    await owner.meets()
    await owner.meets()
    assert await owner.contradictions() == []
    noted = owner.folder / NAME
    noted.write_text(json.dumps({**json.loads(noted.read_text()), "number": 7}))
    await owner.meets()
    wrong = "it remembers another entry 7 than this log has, which was cut, written anew or is an old copy"
    assert await owner.contradictions() == [("audit.contradicted", wrong)]
    (own,) = [entry for entry in Audit(owner.chain, lambda: MORNING).entries() if entry.action.startswith("collector.")]
    assert own.action == "collector.audit_contradicted" and "ends at 2 now" in own.detail


async def test_what_is_no_entry_ends_the_stream(rig: Rig) -> None:
    """A number or hash that no chain has, or more entries than a frame takes."""
    entry = link_pb2.AuditEntry
    for entries in ([entry(number=0, sha256=HASH)], [entry(number=1, sha256=b"x")], [entry(number=1)] * 1001):
        async with rig.stream(await rig.enrol()) as stream:
            await stream.send(audit_entries=link_pb2.AuditEntries(entries=entries))
            assert (await stream.next("refusal")).code == "corrupt"


async def test_a_run_of_one_person_has_no_chain_to_tell_of(rig: Rig) -> None:
    """Only a machine that was enrolled has one."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.stream(machine) as stream:
        entry = link_pb2.AuditEntry(number=1, sha256=HASH)
        await stream.send(audit_entries=link_pb2.AuditEntries(entries=[entry]))
        assert (await stream.next("refusal")).code == "unsupported"
    assert await rig.storage.witnessed.get_witnessed(machine.agent_id) is None


async def test_who_contradicts_itself_for_ever_does_not_fill_the_log(rig: Rig) -> None:
    """Three times are enough to know it."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        for number in range(20):
            entry = link_pb2.AuditEntry(number=1, sha256=number.to_bytes(32, "big"))
            await stream.send(audit_entries=link_pb2.AuditEntries(entries=[entry]))
        await stream.send(heartbeat=link_pb2.Heartbeat())
        await stream.next("heartbeat_reply")
    rows = await rig.storage.audit.list_audit()
    assert [row.action for row in rows].count("agent.audit_contradicted") == 3
    # What it says of the collector's own chain is told all the same.
    async with rig.stream(machine, witnessed=link_pb2.AuditEntry(number=7, sha256=HASH)) as stream:
        await stream.next("welcome")
    rows = await rig.storage.audit.list_audit()
    assert [row.action for row in rows].count("audit.contradicted") == 1
