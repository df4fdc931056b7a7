"""What must hold whatever happens, checked as it happens.

The oracle stands outside of every machine: it hears what was accepted, acknowledged and run by processes that were
alive at that moment, and compares it with what a disk would show if the power went just now.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.records import Loss, SessionRecord
from caseprobe_collector.sessions import OUTCOMES
from tests.simulation.loop import LIFE
from tests.simulation.network import Wire

# How often the costly look at a disk follows an event.
LOOKS = 0.1
TERMINAL = frozenset(OUTCOMES.values()) | {"lost"}
Gap = tuple[str, int, int, str]
Look = Callable[[str], Path]


@dataclass
class Image:
    """What a collector's disk holds: bodies' hashes by snapshot, gaps, sessions' states, how often each was stored."""

    snapshots: dict[str, bytes] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    gaps: set[Gap] = field(default_factory=set)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    audited: set[str] = field(default_factory=set)

    def covered(self, agent_id: str, sequence: int, known: bool = True) -> bool:
        """True where a gap stands for this record; not known: or one that says that nobody knows which were lost."""
        return any(
            agent == agent_id and (first <= sequence <= last or (last == 0 and not known))
            for agent, first, last, _ in self.gaps
        )


class Oracle:
    """Collects what was promised and says where it was broken."""

    def __init__(self, random: Random, now: Callable[[], float], tell: Callable[[str], None]) -> None:
        self._random, self._now, self._tell = random, now, tell
        self.look: Look = lambda machine: Path()
        # Whether bytes at rest were altered: only then may a record be given up as corrupt.
        self.altered = False
        # Set at the end of the faults: nothing new is asked for, what is open comes to its end.
        self.settling = False
        self.violations: list[str] = []
        self.failed = asyncio.Event()
        self.accepted_by: dict[str, dict[int, str]] = {}
        self.sessions: dict[str, SessionRecord] = {}
        self._intended: dict[str, bytes] = {}
        self._sent: dict[Wire, dict[int, str | Gap]] = {}
        self._promised: set[str | Gap] = set()
        self._ended: set[str] = set()
        self._ends: dict[str, str] = {}
        self._runs: dict[str, int] = {}
        self._known: dict[str, bytes] = {}
        self._slots: dict[tuple[str, str, str], float] = {}
        self._names = 0
        self.moments: dict[str, Callable[[datetime], tuple[str, float] | None]] = {}

    def violated(self, what: str) -> None:
        """Note that a promise was broken."""
        self.violations.append(what)
        self.failed.set()
        self._tell(f"VIOLATED {what}")

    # --- what agents do ---

    def intended(self, agent_id: str, snapshot: snapshot_pb2.Snapshot, sha256: bytes) -> None:
        """An agent is about to keep a snapshot with these bytes."""
        self._intended[snapshot.snapshot_id] = sha256

    def accepted(self, agent_id: str, sequence: int, snapshot_id: str) -> None:
        """A spool said that it holds a record."""
        if _dead():
            return
        before = self.accepted_by.setdefault(agent_id, {}).setdefault(sequence, snapshot_id)
        if before != snapshot_id:
            self.violated(f"I2: {agent_id} gave sequence {sequence} to two records")
        self._tell(f"{agent_id} keeps {sequence}")
        if self._random.random() < LOOKS:
            self.check_spool(agent_id)

    def ran(self, agent_id: str, name: str) -> None:
        """A measurement began; its name is its command's, or a timetable's profile."""
        if _dead() or not name.startswith("command"):
            return
        self._runs[name] = self._runs.get(name, 0) + 1
        self._tell(f"{agent_id} runs {name}")
        if self._runs[name] > 1:
            self.violated(f"once: {name} ran {self._runs[name]} times")
        if name not in self.image().audited:
            self.violated(f"audit: {name} ran before its request was durably audited")

    def slot_began(self, agent_id: str, schedule: link_pb2.Schedule, slot: datetime) -> None:
        """A timetable's run begins; by the clock that never jumps, its slot lies a period after the one before."""
        place = None if _dead() else self.moments[agent_id](slot)
        if place is None:
            return
        boot_id, at = place
        key = (agent_id, schedule.schedule_id, boot_id)
        self._tell(f"{agent_id} slot at {at:.1f}")
        # Rot may take the newest commits of a spool, and with them what ran last; it is declared, not undone.
        if not self.altered and at < self._slots.get(key, float("-inf")) + schedule.every_seconds - 1:
            self.violated(f"slots: {agent_id} ran one period of {schedule.every_seconds:.0f} s twice, at {at:.1f}")
        self._slots[key] = at

    # --- what passes on the wires ---

    def agent_wrote(self, wire: Wire, frame: link_pb2.LinkRequest) -> None:
        """A frame leaves an agent."""
        kind = frame.WhichOneof("frame")
        if kind in ("data", "batch"):
            for data in frame.batch.records or (frame.data,):
                if data.offset + len(data.payload) >= data.total_bytes:
                    self._sent.setdefault(wire, {})[data.sequence] = data.snapshot_id
        elif kind == "gap":
            gap = frame.gap
            entry = (wire.hello.agent_id, gap.first_sequence, gap.last_sequence, gap.reason)
            self._sent.setdefault(wire, {})[gap.sequence] = entry
        if kind != "heartbeat":
            self._tell(f"{wire} > {kind} {_number(frame)}")

    def collector_wrote(self, wire: Wire, frame: link_pb2.LinkResponse) -> None:
        """A frame leaves the collector: an acknowledgement is a promise from now on."""
        kind = frame.WhichOneof("frame")
        if kind not in ("heartbeat_reply", "credit"):
            self._tell(f"{wire} < {kind} {_number(frame)}")
        if kind == "ack":
            sent = self._sent.get(wire, {})
            for sequence in [one for one in sent if one <= frame.ack.sequence]:
                self._promised.add(sent.pop(sequence))
        elif kind == "outcome_ack" and frame.outcome_ack.command_id in self.sessions:
            self._ended.add(frame.outcome_ack.command_id)
        elif kind == "refusal":
            self._sent.get(wire, {}).pop(frame.refusal.sequence, None)
        if kind in ("ack", "outcome_ack") and self._random.random() < LOOKS:
            self.check_promises(self.image())

    # --- what the staff asks ---

    def next_command(self) -> str:
        """A name that no command had before."""
        self._names += 1
        return f"command-{self._names}"

    def requested(self, name: str, session: SessionRecord) -> None:
        """The collector took a request."""
        if not _dead():
            self.sessions[session.session_id] = session
            self._tell(f"{name} asked of {session.agent_id}")

    # --- looks at the disks ---

    def image(self) -> Image:
        """What the collector's disk would hold after a power cut now; bodies that were read once are not read again."""
        image = Image()
        # What cannot be read holds nothing, and nothing of what was promised.
        with contextlib.suppress(sqlite3.DatabaseError):
            image = read_collector(self.look("collector"), self._known)
        self._known.update(image.snapshots)
        return image

    def check_promises(self, image: Image) -> None:
        """Everything that was acknowledged is there, as it was meant."""
        for promise in sorted(self._promised, key=str):
            there = promise in (image.snapshots if isinstance(promise, str) else image.gaps)
            if not there:
                self.violated(f"I1: {promise} was acknowledged, and a power cut would lose it")
        for session_id in sorted(self._ended):
            state = image.sessions.get(session_id, ("missing", ""))[0]
            if state not in TERMINAL:
                self.violated(f"I1: the outcome of {session_id} was acknowledged, and it would be {state} again")
        self.check_rows(image)

    def check_rows(self, image: Image) -> None:
        """Nothing is there that was not meant, or twice; what ended stays as it ended."""
        for session_id, (state, _) in image.sessions.items():
            ended = self._ends.setdefault(session_id, state) if state in TERMINAL else state
            if ended != state:
                self.violated(f"once: {session_id} ended as {ended} and then as {state}")
        for snapshot_id, sha256 in image.snapshots.items():
            if self._intended.get(snapshot_id) != sha256:
                self.violated(f"I5: {snapshot_id} is shown with bytes that nobody measured")
            if image.stored.get(snapshot_id) != 1:
                self.violated(f"I2: {snapshot_id} was recorded {image.stored.get(snapshot_id, 0)} times")
        for machine, first, last, reason in sorted(image.gaps):
            given_up = self.accepted_by.get(machine, {}).keys() & set(range(first, last + 1))
            if given_up and reason not in ("quota", "age") and not (self.altered and reason.startswith("corrupt")):
                self.violated(f"I3: {machine} gave up {first}-{last} as {reason!r} without a cause")

    def check_spool(self, agent_id: str) -> None:
        """Everything accepted would be there after a power cut: in the spool, at the collector, or as a gap."""
        image, (held, gaps) = self.image(), read_spool(self.look(agent_id))
        gaps = {(agent_id, first, last, reason) for _, first, last, reason in gaps}
        own = Image(gaps=image.gaps | gaps)
        for sequence, snapshot_id in self.accepted_by.get(agent_id, {}).items():
            if (
                snapshot_id not in held
                and snapshot_id not in image.snapshots
                and not own.covered(agent_id, sequence, not self.altered)
            ):
                self.violated(f"I3: record {sequence} of {agent_id} was accepted, and a power cut would lose it")

    def check_end(self) -> None:
        """At the end, after everything was healed: all is where it belongs."""
        self._known.clear()
        image = self.image()
        self.check_promises(image)
        for agent_id, accepted in sorted(self.accepted_by.items()):
            for sequence, snapshot_id in accepted.items():
                if snapshot_id not in image.snapshots and not image.covered(agent_id, sequence, not self.altered):
                    self.violated(f"I3: record {sequence} of {agent_id} never came, nor a gap for it")
        for session_id, session in sorted(self.sessions.items()):
            self._check_session(image, session_id, session)

    def check_losses(self, told: Sequence[Loss]) -> None:
        """Nothing rotted: whatever the store says that it lost was there."""
        if told:
            self.violated(f"I5: a loss is told that there is not: {told[0].what}")

    def check_rotten(self, folder: Path, *, told: bool) -> None:
        """After rot in the collector's log: what was acknowledged is there, or it is told that something is not."""
        image = read_collector(folder, {})
        gone = [one for one in self._promised if one not in (image.snapshots if isinstance(one, str) else image.gaps)]
        if gone and not told:
            self.violated(f"I5: rot took {len(gone)} that were acknowledged, and nobody says so")

    def _check_session(self, image: Image, session_id: str, session: SessionRecord) -> None:
        state, snapshot_id = image.sessions.get(session_id, ("missing", ""))
        name = command_name(session.request)
        if state not in TERMINAL:
            self.violated(f"once: {name} ({session_id}) never ended, it is {state}")
        if state == "ok" and self._runs.get(name, 0) != 1:
            self.violated(f"once: {name} is called ok and ran {self._runs.get(name, 0)} times")
        if snapshot_id in image.snapshots and image.cases[snapshot_id] != session.case_id:
            self.violated(f"I2: {snapshot_id} of {name} is not attached to its case")

    def waiting(self) -> bool:
        """Whether a record is on its way that nobody acknowledged."""
        gaps = Image(gaps={promise for promise in self._promised if isinstance(promise, tuple)})
        return any(
            snapshot_id not in self._promised and not gaps.covered(agent_id, sequence, not self.altered)
            for agent_id, accepted in self.accepted_by.items()
            for sequence, snapshot_id in accepted.items()
        )

    @property
    def run_total(self) -> int:
        """How many commands a machine began to measure."""
        return len(self._runs)

    @property
    def promised_total(self) -> int:
        """Acknowledgements that are held to."""
        return len(self._promised)


def command_name(request: bytes) -> str:
    """The name that the staff gave a request."""
    parsed = link_pb2.CommandRequest.FromString(request)
    return parsed.path.target or parsed.snapshot.profile


def read_collector(folder: Path, known: Mapping[str, bytes]) -> Image:
    """A collector's data folder as rows; the hash is of the bytes that are there, not the one beside them."""
    image = Image()
    with closing(sqlite3.connect(folder / "collector.sqlite3")) as database:
        for snapshot_id, case_id in database.execute("SELECT snapshot_id, case_id FROM snapshots").fetchall():
            image.cases[snapshot_id] = case_id or ""
            image.snapshots[snapshot_id] = known.get(snapshot_id) or _body_sha256(database, folder, snapshot_id)
        image.gaps = {
            (agent, first, last, reason)
            for agent, first, last, reason in database.execute("SELECT agent_id, first, last, reason FROM gaps")
        }
        names: dict[str, str] = {}
        for session_id, state, snapshot_id, ended_at, request in database.execute(
            "SELECT session_id, state, snapshot_id, ended_at, request FROM sessions"
        ):
            image.sessions[session_id] = (state if ended_at else f"{state}, not ended", snapshot_id)
            names[session_id] = command_name(request)
        asked = database.execute("SELECT object FROM audit WHERE action = 'session.request'")
        image.audited = {names.get(session_id, "") for (session_id,) in asked}
        for object_, count in database.execute(
            "SELECT object, count(*) FROM audit WHERE action = 'snapshot.store' GROUP BY object"
        ):
            image.stored[object_] = count
    return image


def read_spool(folder: Path) -> tuple[set[str], set[Gap]]:
    """Snapshot ids and gaps that wait in an agent's spool."""
    held: set[str] = set()
    gaps: set[Gap] = set()
    with contextlib.suppress(sqlite3.DatabaseError), _spool_of(folder) as database:
        for kind, snapshot_id, body in database.execute("SELECT kind, snapshot_id, body FROM items"):
            held.add(snapshot_id)
            if kind == 0:
                gap = link_pb2.Gap.FromString(body)
                gaps.add(("", gap.first_sequence, gap.last_sequence, gap.reason))
    return held, gaps


def open_commands(folder: Path) -> list[str]:
    """Commands in an agent's ledger that have no outcome, or one that the collector has not confirmed."""
    with _spool_of(folder) as database:
        rows = database.execute("SELECT command_id FROM commands WHERE outcome IS NULL OR acked = 0")
        return [command_id for (command_id,) in rows]


@contextlib.contextmanager
def _spool_of(folder: Path) -> Iterator[sqlite3.Connection]:
    """A copy of a spool as it lies there: a running agent lets nobody else open its own."""
    with TemporaryDirectory() as name:
        for side in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(folder / f"spool.db{side}", Path(name) / f"spool.db{side}")
        with closing(sqlite3.connect(Path(name) / "spool.db")) as database:
            yield database


def _body_sha256(database: sqlite3.Connection, folder: Path, snapshot_id: str) -> bytes:
    query = "SELECT body, object FROM snapshot_bodies WHERE snapshot_id = ?"
    body, name = database.execute(query, (snapshot_id,)).fetchone() or (b"", None)
    path = folder / "objects" / (name or "")
    if name is not None:
        body = path.read_bytes() if path.is_file() else b""
    return hashlib.sha256(body).digest()


def _dead() -> bool:
    life = LIFE.get()
    return life is not None and life.dead


def _number(frame: link_pb2.LinkRequest | link_pb2.LinkResponse) -> str:
    """The sequence or the command that a frame speaks of."""
    part = getattr(frame, frame.WhichOneof("frame") or "", None)
    for name in ("sequence", "command_id", "code"):
        if getattr(part, name, ""):
            return str(getattr(part, name))
    return ""
