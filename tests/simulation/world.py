"""One run: machines, what goes wrong with them, and the end at which everything must be where it belongs."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.errors import CaseprobeError
from caseprobe_agent.schedule.due import Moment
from caseprobe_collector.rpc.peer import peer_agent_id
from caseprobe_collector.storage import open_storage
from caseprobe_collector.storage.names import RESERVE
from tests.simulation.agent import Agent, Place, run_agent
from tests.simulation.collector import Collector, Room, furnish, run_collector
from tests.simulation.disk import FATES, STRICT, Disks, Volume, copy_folder, make_hole
from tests.simulation.loop import LIFE, Life, SimulatedLoop
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle, open_commands, read_spool

BEGIN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
AGENTS = 2
MEMORY = Path("/dev/shm")
# A process that ends by itself is started again after so long, as systemd does it.
RESTART_SECONDS = 5.0
# Without faults, so many failed starts in a row are a loop.
MOST_FAILED_STARTS = 10


@dataclass(frozen=True)
class Profile:
    """What goes wrong, how often in relation to each other, and for how long."""

    seconds: float = 60.0
    # Between two faults; on average.
    fault_seconds: float = 3.0
    weights: tuple[tuple[str, int], ...] = (
        ("kill", 3),
        ("power", 3),
        ("crash", 6),
        ("sync", 3),
        ("full", 2),
        ("part", 3),
        ("reset", 3),
        ("jump", 3),
        ("restart", 1),
    )
    quota_bytes: int = 2 << 20
    large_ratio: float = 0.03
    # Between two requests of the staff, and how long the network stays parted; on average.
    request_seconds: float = 12.0
    part_seconds: float = 15.0
    # Whether the collector's log rots at the end.
    log_rots: bool = False


# Bytes that rot; connections that break most of the time; disks that fail most of the time; syncs that fail; staff that
# asks all the time; a network that is away for longer than any deadline; a spool that overflows.
ROT = Profile(weights=(("alter", 4), ("kill", 1), ("power", 1), ("part", 3), ("reset", 1)), log_rots=True)
WIRES = Profile(weights=(("part", 4), ("reset", 6), ("kill", 2), ("restart", 1)))
DISKS = Profile(weights=(("sync", 8), ("crash", 4), ("power", 4), ("kill", 1), ("full", 1)))
SYNCS = Profile(weights=(("sync", 8), ("power", 1)), fault_seconds=2.0)
BUSY = Profile(weights=(("reset", 6), ("kill", 3), ("crash", 2), ("part", 1)), fault_seconds=2.0, request_seconds=2.0)
AWAY = Profile(200.0, 15.0, (("part", 1),), request_seconds=4.0, part_seconds=50.0)
TIGHT = Profile(weights=(("part", 6), ("kill", 1), ("power", 1)), quota_bytes=120_000, large_ratio=0.0)


PROFILES = {
    "all": Profile(),
    "rot": ROT,
    "wires": WIRES,
    "disks": DISKS,
    "syncs": SYNCS,
    "busy": BUSY,
    "away": AWAY,
    "tight": TIGHT,
}


@dataclass
class Machine:
    """A machine: its disk, its clocks, and the process on it, if one runs."""

    name: str
    volume: Volume
    life: Life
    root: asyncio.Task[None] | None = None
    process: Agent | Collector | None = None
    offset: timedelta = timedelta()
    jumped_at: float = -1000.0
    boots: int = 1
    booted_at: float = 0.0
    failed_starts: int = 0
    starts: int = 0


@dataclass
class Report:
    """What became of a run."""

    seed: int
    violations: list[str]
    trace: list[str]
    digest: str
    faults: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    acknowledged: int = 0
    commands_run: int = 0

    def text(self, lines: int = 60) -> str:
        """For a person: the seed, what was broken, and what came before."""
        head = [f"seed {self.seed}: {what}" for what in self.violations[:5]]
        return "\n".join([*head, *self.trace[-lines:]])


class World:
    """Everything of one run."""

    def __init__(self, seed: int, root: Path, profile: Profile) -> None:
        self.seed, self.profile = seed, profile
        self._random = Random(f"faults {seed}")
        self.loop = SimulatedLoop(Random(f"jobs {seed}"))
        self.disks = Disks(root)
        self.network = Network(self.loop, Random(f"network {seed}"))
        self.oracle = Oracle(Random(f"oracle {seed}"), self.loop.time, self.tell)
        self.oracle.look = self._look
        self.network.agent_wrote = self.oracle.agent_wrote
        self.network.collector_wrote = self.oracle.collector_wrote
        self.trace: list[str] = []
        self.faults: dict[str, int] = {}
        self._digest = hashlib.sha256()
        self._looks = 0
        self._parted_until = 0.0
        self._machines: dict[str, Machine] = {}
        self._names: list[tuple[str, str]] = []
        self._furnish()

    def tell(self, what: str) -> None:
        """A line of the trace."""
        for agent_id, name in self._names:
            what = what.replace(agent_id, name)
        line = f"{self.loop.time():10.4f} {what}"
        self._digest.update(line.encode())
        self.trace.append(line)

    def run(self) -> Report:
        """From the first start to the last look."""
        try:
            self.loop.run_until_complete(self._run())
        finally:
            self._shut()
        return Report(
            self.seed,
            self.oracle.violations + [f"unexpected: {one}" for one in self.loop.problems],
            self.trace,
            self._digest.hexdigest(),
            self.faults,
            len(self.trace),
            self.oracle.promised_total,
            self.oracle.run_total,
        )

    # --- machines ---

    def _furnish(self) -> None:
        folder, certificates = furnished()
        copy_folder(folder, self.disks.root / "collector.0")
        self._add("collector", "collector", self._collect)
        for number, (agent_id, pem) in enumerate(certificates):
            name = f"agent{number}"
            (self.disks.root / f"{name}.0").mkdir(mode=0o700)
            self._names.append((agent_id, name))
            self.network.certificates[name] = pem
            self._add(name, agent_id, functools.partial(self._serve_agent, agent_id=agent_id))
            self.oracle.moments[agent_id] = functools.partial(self._slot_of, name)

    def _add(self, name: str, key: str, main: Callable[..., Coroutine[Any, Any, None]]) -> None:
        life = Life(name, 0)
        volume = Volume(self.disks.root / f"{name}.0", lambda: None, self.oracle.violated)
        self.disks.volumes[volume.folder.name] = volume
        self._machines[name] = Machine(name, volume, life)
        self._mains: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            **getattr(self, "_mains", {}),
            name: main,
        }

    def _wall(self, machine: Machine) -> datetime:
        return BEGIN + machine.offset + timedelta(seconds=self.loop.time())

    def _moment(self, machine: Machine) -> Moment:
        return Moment(self._wall(machine), self.loop.time() - machine.booted_at, f"boot-{machine.boots}")

    def _slot_of(self, name: str, slot: datetime) -> tuple[str, float] | None:
        """The boot, and the slot on the clock that never jumps; None right after a jump."""
        machine = self._machines[name]
        if self.loop.time() - machine.jumped_at < 2:
            return None
        return f"boot-{machine.boots}", self.loop.time() - (self._wall(machine) - slot).total_seconds()

    def _start(self, machine: Machine) -> None:
        """A process begins on the disk as it is, unless one began meanwhile."""
        if machine.root is not None:
            return
        machine.starts += 1
        life = machine.life
        self.tell(f"{life} starts")
        context = copy_context()
        context.run(LIFE.set, life)
        machine.root = self.loop.create_task(self._live(machine, life), context=context)

    async def _live(self, machine: Machine, life: Life) -> None:
        try:
            await self._mains[machine.name](machine)
        except CaseprobeError as error:
            if not life.dead:
                self.tell(f"{life} gives up: {error}".replace(str(self.disks.root), ""))
                machine.failed_starts += 1
        except Exception as error:
            if not life.dead:
                self.oracle.violated(f"crash: {life} died of {error!r}")
        if not life.dead:
            self._end(machine, "exit")

    async def _serve_agent(self, machine: Machine, agent_id: str) -> None:
        place = Place(
            agent_id,
            machine.volume.folder,
            self.loop,
            Random(f"{machine.life} {self.seed}"),
            self.oracle,
            lambda: self._wall(machine),
            lambda: self._moment(machine),
            self.network.connect,
            self.profile.quota_bytes,
            self.profile.large_ratio,
        )
        await run_agent(place, functools.partial(self._started, machine))

    async def _collect(self, machine: Machine) -> None:
        room = Room(
            tuple(agent_id for agent_id, _ in self._names),
            machine.volume.folder,
            self.loop,
            Random(f"{machine.life} {self.seed}"),
            self.oracle,
            lambda: self._wall(machine),
            machine.starts == 1,
            self.profile.request_seconds,
        )
        life = machine.life

        def started(collector: Collector) -> None:
            if not life.dead:
                self.network.server = (life, collector.serve)
                self._started(machine, collector)

        await run_collector(room, started)

    def _started(self, machine: Machine, process: Agent | Collector) -> None:
        machine.process, machine.failed_starts = process, 0

    def _end(self, machine: Machine, how: str) -> None:
        """The process ends now: exit, kill, or with the power. What it still does reaches nobody."""
        life = machine.life
        if life.dead:
            return
        life.dead = True
        machine.process = None
        self.tell(f"{life} ends: {how}")
        self.network.gone(life)
        machine.life = Life(machine.name, life.number + 1)
        machine.volume = self._next_volume(machine, how)
        if machine.root is not None:
            # Its way out leads through the folder that nobody reads any more.
            self.loop.call_soon(machine.root.cancel)
            machine.root = None
        delay = RESTART_SECONDS if how == "exit" else self._random.uniform(0.1, 8.0)
        self.loop.call_later(delay, self._start, machine)

    def _next_volume(self, machine: Machine, how: str) -> Volume:
        old, folder = machine.volume, self.disks.root / str(machine.life)
        old.frozen = True
        crash = functools.partial(self._crash, machine, machine.life)
        if how.startswith("power"):
            machine.boots += 1
            machine.booted_at = self.loop.time()
            volume = old.after_cut(folder, crash, how.split()[1], self._random)
        else:
            volume = old.after_kill(folder, crash)
        self.disks.volumes[folder.name] = volume
        return volume

    def _crash(self, machine: Machine, life: Life) -> None:
        """In the middle of a call to the disk."""
        if machine.life is life:
            self._end(machine, self._ending())

    def _ending(self) -> str:
        return self._random.choice(("kill", *(f"power {fate}" for fate in FATES)))

    # --- what goes wrong ---

    async def _run(self) -> None:
        for machine in self._machines.values():
            machine.volume.frozen = True
            machine.life = Life(machine.name, 1)
            machine.volume = self._next_volume(machine, "kill")
            self._start(machine)
        course = asyncio.create_task(self._course())
        failed = asyncio.create_task(self.oracle.failed.wait())
        await asyncio.wait({course, failed}, return_when=asyncio.FIRST_COMPLETED)
        if course.done():
            course.result()
        if not self._broken:
            self.oracle.check_end()
            self._check_agents()
            await self._listen()
            if self.profile.log_rots:
                await self._rot_log()

    async def _listen(self) -> None:
        """What the next start of the collector would say of its store, on a copy of its disk."""
        copy = self.disks.root / "listening"
        shutil.copytree(self._machines["collector"].volume.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
        async with open_storage(copy) as storage:
            self.oracle.check_losses(await storage.losses.list_losses())

    async def _rot_log(self) -> None:
        """A last time, on a copy of the collector's disk: a bit flips in its log, or the log's end is gone."""
        copy = self.disks.root / "rotten"
        copy_folder(self._machines["collector"].volume.folder, copy)
        log = copy / "collector.sqlite3-wal"
        data = bytearray(log.read_bytes()) if log.exists() else bytearray()
        if not data:
            return
        # In what was written: what lies behind it is room ahead.
        place = self._random.randrange(len(data.rstrip(b"\0")))
        data[place] ^= 1 << self._random.randrange(8)
        log.write_bytes(data if self._random.random() < 0.8 else data[:place])
        async with open_storage(copy) as storage:
            told = await storage.losses.list_losses()
            self.oracle.check_rotten(copy, told=bool(told))

    async def _course(self) -> None:
        await self._fail()
        self._heal()
        await self._settle()

    @property
    def _broken(self) -> bool:
        return bool(self.oracle.violations or self.loop.problems)

    async def _fail(self) -> None:
        names, weights = zip(*self.profile.weights, strict=True)
        while self.loop.time() < self.profile.seconds and not self._broken:
            await asyncio.sleep(self._random.expovariate(1 / self.profile.fault_seconds))
            (name,) = self._random.choices(names, weights)
            machine = self._random.choice(list(self._machines.values()))
            self.faults[name] = self.faults.get(name, 0) + 1
            self.oracle.check_promises(self.oracle.image())
            getattr(self, f"_fault_{name}")(machine)

    def _heal(self) -> None:
        """Nothing goes wrong any more."""
        self.tell("healed")
        self.network.part(False)
        self.oracle.settling = True
        for machine in self._machines.values():
            machine.failed_starts = 0
            machine.volume.faults.crash_in = machine.volume.faults.failing_syncs = 0
            machine.volume.faults.capacity_bytes = None

    async def _settle(self) -> None:
        """Until nothing waits any more, ten minutes at most; then long enough for the last word to be heard."""
        until = self.loop.time() + 600
        while self.loop.time() < until and not self._broken:
            for machine in self._machines.values():
                if machine.failed_starts > MOST_FAILED_STARTS:
                    self.oracle.violated(f"I5: {machine.name} does not start any more")
            if not self.oracle.waiting() and all(self._idle(machine) for machine in self._machines.values()):
                break
            await asyncio.sleep(2)
        await asyncio.sleep(100)

    def _idle(self, machine: Machine) -> bool:
        if not isinstance(machine.process, Agent):
            return machine.process is not None
        return not machine.process.sessions.open_commands()

    def _fault_kill(self, machine: Machine) -> None:
        self._end(machine, "kill")

    def _fault_power(self, machine: Machine) -> None:
        self._end(machine, f"power {self._random.choice(FATES)}")

    def _fault_crash(self, machine: Machine) -> None:
        machine.volume.faults.crash_in = self._random.randint(1, 30)

    def _fault_sync(self, machine: Machine) -> None:
        self.tell(f"{machine.life} syncs will fail")
        machine.volume.faults.failing_syncs = self._random.choice((1, 1, 2, 3))

    def _fault_full(self, machine: Machine) -> None:
        volume = machine.volume
        volume.faults.capacity_bytes = volume.used_bytes() + self._random.choice((0, 5_000, 50_000))
        self.tell(f"{machine.life} disk is full")
        self.loop.call_later(self._random.expovariate(1 / 10), self._free, volume)

    def _free(self, volume: Volume) -> None:
        volume.faults.capacity_bytes = None

    def _fault_part(self, machine: Machine) -> None:
        self.tell("network parted")
        self.network.part(True)
        seconds = self._random.expovariate(1 / self.profile.part_seconds)
        self._parted_until = max(self._parted_until, self.loop.time() + seconds)
        self.loop.call_later(seconds, self._join)

    def _join(self) -> None:
        if not self.oracle.settling and self.loop.time() >= self._parted_until:
            self.tell("network whole")
            self.oracle.check_promises(self.oracle.image())
            self.network.part(False)

    def _fault_reset(self, machine: Machine) -> None:
        self.tell("connections reset")
        self.network.reset_all()

    def _fault_jump(self, machine: Machine) -> None:
        epoch = -(self._wall(machine) - datetime(1970, 1, 2, tzinfo=UTC))
        jumps = (timedelta(hours=1), timedelta(hours=-1), timedelta(days=400), epoch, -machine.offset)
        jump = self._random.choice(jumps)
        self.tell(f"{machine.life} clock jumps by {jump}")
        machine.offset += jump
        machine.jumped_at = self.loop.time()

    def _fault_alter(self, machine: Machine) -> None:
        """A bit flips in what rests on a disk, while its agent is down."""
        if isinstance(machine.process, Agent):
            self._end(machine, "kill")
            name = self._random.choice(("spool.db", "spool.db-wal"))
            if machine.volume.alter(machine.volume.folder / name, self._random):
                self.oracle.altered = True
                self.tell(f"{machine.name} a bit flips in {name}")

    def _fault_restart(self, machine: Machine) -> None:
        """Ended in order."""
        if machine.process is not None:
            self.tell(f"{machine.life} is stopped in order")
            machine.process.stopped.set()

    # --- looks ---

    def _look(self, key: str) -> Path:
        """What a machine's disk would hold after a power cut in which nothing unsynced survives."""
        name = dict(self._names).get(key, key)
        folder = self.disks.root / f"look-{self._looks}"
        self._looks += 1
        shutil.rmtree(self.disks.root / f"look-{self._looks - 2}", ignore_errors=True)
        self._machines[name].volume.image(folder, STRICT, self._random, ("collector.sqlite3", "objects", "spool.db"))
        return folder

    def _check_agents(self) -> None:
        """Nothing waits on an agent any more."""
        for agent_id, name in self._names:
            folder = self._machines[name].volume.folder
            held, gaps = read_spool(folder)
            if (waiting := open_commands(folder)) and not self.oracle.altered:
                self.oracle.violated(f"once: {name} still has no word for {len(waiting)} commands, as {waiting[0]}")
            left = held & set(self.oracle.accepted_by.get(agent_id, {}).values())
            if left or gaps:
                self.oracle.violated(f"I3: {name} still holds {len(left)} records and {len(gaps)} gaps")

    def _shut(self) -> None:
        """Let every process end, so that nothing stays open."""
        for machine in self._machines.values():
            machine.life.dead = machine.volume.frozen = True
            self.network.gone(machine.life)
            if machine.root is not None:
                machine.root.cancel()
        for _ in range(2):
            left = asyncio.all_tasks(self.loop)
            if left:
                self.loop.run_until_complete(asyncio.wait(left, timeout=60))
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
        self.loop.close()


@functools.cache
def furnished() -> tuple[Path, tuple[tuple[str, bytes], ...]]:
    """A collector's data folder to copy, and id and certificate of each agent; made once for a process."""
    pems = [certificate_of(number) for number in range(1, AGENTS + 1)]
    agents = tuple((peer_agent_id({"x509_pem_cert": [pem]}), pem) for pem in pems)
    folder = Path(tempfile.mkdtemp(prefix="caseprobe-furnished-", dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    asyncio.run(furnish(folder / "data", tuple(agent_id for agent_id, _ in agents)))
    make_hole(folder / "data" / RESERVE)
    return folder / "data", agents


def certificate_of(number: int) -> bytes:
    """A certificate (PEM) whose key, and so whose agent id, is the same in every run."""
    key = ec.derive_private_key(number, ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), number)
    dated = builder.not_valid_before(BEGIN).not_valid_after(BEGIN + timedelta(days=9))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@contextlib.contextmanager
def _logs_of(world: World) -> Iterator[None]:
    """The collector's log: what it calls a defect of its own is one."""

    def heard(record: logging.LogRecord) -> bool:
        life = LIFE.get()
        if record.exc_info and life is not None and not life.dead:
            world.oracle.violated(f"defect: {record.getMessage()}: {record.exc_info[1]!r}")
        return False

    log = logging.getLogger("caseprobe.collector")
    log.addFilter(heard)
    try:
        yield
    finally:
        log.removeFilter(heard)


def simulate(seed: int, profile: Profile | None = None) -> Report:
    """One run of this seed."""
    with tempfile.TemporaryDirectory(prefix="caseprobe-simulation-", dir=MEMORY if MEMORY.is_dir() else None) as root:
        world = World(seed, Path(root), profile or Profile())
        with world.disks.installed(), _logs_of(world):
            return world.run()
