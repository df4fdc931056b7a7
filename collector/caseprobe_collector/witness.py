"""The audit chains of the machines and of the collector bear witness to each other.

A chain proves that nothing in its middle was changed, not that its end is still there, nor that it was not written anew
from the start. So each side notes the other's newest entry where the other cannot reach it, and asks for it at the next
connect: neither can write its history anew unseen, nor go back to an old copy of it. What is noted is believed once it
follows from what was noted before; what contradicts it is in the collector's audit, once, and then noted in its place.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from caseprobe.errors import Corrupt
from caseprobe.v1 import link_pb2
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import AuditStore, Transaction, Transactions, WitnessStore
from caseprobe_collector.records import Agent, Checkpoint

MOST_ENTRIES = 1000
LARGEST_NUMBER = (1 << 63) - 1
HASH_BYTES = 32
# What a machine without any entry tells, and what is known of one that told none.
NOTHING = Checkpoint(0, bytes(HASH_BYTES))
# A machine that contradicts itself again and again does not fill the log of everybody.
MOST_CONTRADICTIONS = 3

log = logging.getLogger("caseprobe.collector")


class Witness:
    """Notes the machines' newest entries, and answers for the collector's own."""

    def __init__(self, run: Transactions, noted: WitnessStore, chain: AuditStore, audit: AuditLog) -> None:
        self._run = run
        self._noted = noted
        self._chain = chain
        self._audit = audit
        # By machine and whose chain is contradicted: one that fills its three silences nothing of the other.
        self._contradictions: Counter[tuple[str, str]] = Counter()

    async def greet(self, agent: Agent, hello: link_pb2.Hello, welcome: link_pb2.Welcome) -> None:
        """Answer for the entry of ours that a machine remembers; tell it our newest, and its newest that was noted."""
        if hello.HasField("witnessed"):
            await self._answer(agent, checkpoint_of(hello.witnessed))
        newest = await self._chain.newest_audit()
        if newest is not None:
            welcome.audit_head.number, welcome.audit_head.sha256 = newest.number, newest.sha256
        noted = await self._noted.get_witnessed(agent.agent_id)
        welcome.audit_number = noted.number if noted is not None else 0

    async def hear(self, agent: Agent, entries: Sequence[link_pb2.AuditEntry]) -> None:
        """Note the newest of a machine's entries; raises Corrupt where they are none."""
        if len(entries) > MOST_ENTRIES:
            raise Corrupt(f"more than {MOST_ENTRIES} audit entries in one frame")
        told = [(checkpoint_of(entry), bytes(entry.previous_sha256)) for entry in entries]
        noted = await self._noted.get_witnessed(agent.agent_id)
        wrong = contradiction(noted, told)
        newest = told[-1][0] if told else NOTHING
        if not wrong and newest == (noted or NOTHING):
            return

        async def work(tx: Transaction) -> None:
            if wrong:
                await self._record(tx, agent, "agent.audit_contradicted", wrong)
            await self._noted.put_witnessed(tx, agent.agent_id, newest)

        await self._run.run(work)

    async def _record(self, tx: Transaction, agent: Agent, action: str, wrong: str) -> None:
        self._contradictions[agent.agent_id, action] += 1
        if self._contradictions[agent.agent_id, action] <= MOST_CONTRADICTIONS:
            log.warning("%s: %s: %s", action, agent.agent_id, wrong)
            await self._audit.record(tx, agent.agent_id, action, agent.customer_id, agent.agent_id, wrong)

    async def _answer(self, agent: Agent, seen: Checkpoint) -> None:
        rows = await self._chain.list_audit(seen.number, 1)
        if rows and (rows[0].number, rows[0].sha256) == (seen.number, seen.sha256):
            return
        wrong = (
            f"it remembers another entry {seen.number} than this log has, which was cut, written anew or is an old copy"
        )
        await self._run.run(lambda tx: self._record(tx, agent, "audit.contradicted", wrong))


def checkpoint_of(entry: link_pb2.AuditEntry) -> Checkpoint:
    """What a frame says; raises Corrupt where it cannot be an entry of a chain."""
    if not 1 <= entry.number <= LARGEST_NUMBER or len(entry.sha256) != HASH_BYTES:
        raise Corrupt("that is no entry of an audit chain")
    return Checkpoint(entry.number, bytes(entry.sha256))


def contradiction(noted: Checkpoint | None, told: Sequence[tuple[Checkpoint, bytes]]) -> str:
    """What is wrong with the entries that are told beside the one that was noted; empty where they follow from it.

    told: each entry and the hash of the one before it.

    >>> contradiction(Checkpoint(2, b"b"), [(Checkpoint(2, b"b"), b"a"), (Checkpoint(3, b"c"), b"b")])
    ''
    >>> contradiction(Checkpoint(2, b"b"), [(Checkpoint(1, b"a"), b"")])
    'it ends at entry 1, and entry 2 was told before'
    """
    previous = noted
    if noted is not None and (not told or told[-1][0].number < noted.number):
        return f"it ends at entry {told[-1][0].number if told else 0}, and entry {noted.number} was told before"
    for entry, before in told:
        if previous is not None and entry != previous:
            follows = entry.number == previous.number + 1 and before == previous.sha256
            if not follows:
                return f"entry {entry.number} does not follow from entry {previous.number} as it was told before"
        previous = entry
    return ""
