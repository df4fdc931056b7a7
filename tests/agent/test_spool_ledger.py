"""A command starts at most once and keeps its first outcome, whatever comes twice, late, or after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Spool
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.store import Store
from tests.fakes_spool import memory_store

SNAPSHOT = link_pb2.DATA_KIND_SNAPSHOT
IDS = st.sampled_from([f"sess_{number:032x}" for number in range(1 << 80, (1 << 80) * 6, 1 << 80)])


@dataclass
class Told:
    """What a ledger said of one command."""

    starts: int = 0
    outcomes: list[bytes] = field(default_factory=list)
    confirmed: bool = False
    record: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """The ledger against a plain account of what it answered; a rollback undoes a whole commit on both sides."""

    @initialize()
    def begin(self) -> None:
        """An empty ledger."""
        self.store: Store = memory_store(Quota(1 << 20, 1e9), lambda: 0.0)
        self.told: dict[str, Told] = {}

    def of(self, command_id: str) -> Told:
        """The account of one command."""
        return self.told.setdefault(command_id, Told())

    @rule(command_id=IDS)
    def start(self, command_id: str) -> None:
        """A command comes, perhaps again."""
        told = self.of(command_id)
        if self.store.ledger.start(command_id, b"request"):
            told.starts += 1

    @rule(command_id=IDS, outcome=st.sampled_from([b"ok", b"failed"]), names=st.booleans())
    def end(self, command_id: str, outcome: bytes, names: bool) -> None:
        """It ends, perhaps a second time, with a snapshot that waits or without one."""
        record = self.store.rows.append(SNAPSHOT, "s", "s", "", b"x") if names else 0
        if self.store.ledger.end(command_id, outcome, record):
            told = self.of(command_id)
            told.outcomes.append(outcome)
            told.record = record

    @rule(command_id=IDS)
    def confirm(self, command_id: str) -> None:
        """The collector says that it holds the outcome."""
        self.store.ledger.forget(command_id)
        self.of(command_id).confirmed |= bool(self.of(command_id).outcomes)

    @rule()
    def acknowledge(self) -> None:
        """The collector holds all records."""
        self.store.rows.acknowledge(self.store.rows.last_sequence())

    @rule(command_id=IDS)
    def crash(self, command_id: str) -> None:
        """A commit that did not happen leaves nothing."""
        self.store.connection.execute("BEGIN")
        self.store.ledger.start(command_id, b"request")
        self.store.ledger.end(command_id, b"never", 0)
        self.store.connection.execute("ROLLBACK")
        self.store.forget()

    @invariant()
    def at_most_once(self) -> None:
        """One start, one outcome, and it is the first."""
        for command_id, told in getattr(self, "told", {}).items():
            assert told.starts <= 1 and len(told.outcomes) <= told.starts
            assert self.store.ledger.outcome(command_id) == (told.outcomes[0] if told.outcomes else None)

    @invariant()
    def what_is_due(self) -> None:
        """Said again: what ended, is not confirmed, and names no snapshot that still waits."""
        told = getattr(self, "told", {})
        waiting = {item.sequence for item in self.store.rows.pending(0, 10_000)} if told else set()
        due = {name for name, one in told.items() if one.outcomes and not one.confirmed and one.record not in waiting}
        assert not told or {name for name, _ in self.store.ledger.unacked()} == due

    def teardown(self) -> None:
        """Close the database."""
        if hasattr(self, "store"):
            self.store.close()


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


async def test_an_outcome_is_due_once_its_snapshot_left(tmp_path: Path) -> None:
    """Acknowledged or given up: then the collector can be told of the snapshot; the ledger remembers over a restart."""
    async with await Spool.open(tmp_path) as spool:
        for number, name in enumerate(["sess_a", "sess_b", "sess_c"], start=1):
            assert await spool.start_command(name, b"r")
            record = await spool.append(SNAPSHOT, name, name, "", b"x") if number < 3 else 0
            assert await spool.end_command(name, b"ok", record)
        assert [name for name, _ in await spool.unacked_outcomes()] == ["sess_c"]
        await spool.acknowledge(1)
        assert [name for name, _ in await spool.unacked_outcomes()] == ["sess_a", "sess_c"]
    async with await Spool.open(tmp_path) as spool:
        await spool.drop(2, "refused: too_large")
        assert [name for name, _ in await spool.unacked_outcomes()] == ["sess_a", "sess_b", "sess_c"]
