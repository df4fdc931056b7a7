"""Bytes that rot: one flipped, or the end cut off, in the spool, in the database, in an object.

In process by the thousands. Nothing that is not what was written may be shown as good, nothing may vanish without a
word, and a second start must work where the first did.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import shutil
import time
import urllib.error
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

from caseprobe.errors import CaseprobeError, NotFound
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent.spool import Spool
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.app.build import SystemClock
from caseprobe_collector.audit import AuditLog, verify
from caseprobe_collector.ingest import Evidence, Limits
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.names import NOTE
from tests.torture.agents import NOWHERE, Scene, staged
from tests.torture.agents import furnish as furnish_machines
from tests.torture.driver import Fleet
from tests.torture.ground import Collector, Ground
from tests.torture.held import DATABASE
from tests.torture.oracle import Oracle, Outcome, read_diary
from tests.torture.processes import apart

# Nothing is durable there, which costs nothing: no power is cut here.
MEMORY = Path("/dev/shm")
RECORDS = 12
RECORD_BYTES = 2000
ROWS = 24
CUT_SHARE = 0.2
SIDES = ("", "-wal")
DELIVERY_SECONDS = 15.0
MOST_ENTRIES = 10_000
NOT_FOUND = 404
STAFF = Principal("user", "user_1", "ada", Role.ADMIN, None)


@dataclass
class Fate:
    """What one damaged store gave when all of it was read."""

    # Ids whose bytes are as they were written.
    good: set[str] = field(default_factory=set)
    # Ids that are shown as good and are not.
    false: set[str] = field(default_factory=set)
    # Ids of which it is said that they are damaged.
    said: set[str] = field(default_factory=set)
    # Everything that said that something is damaged.
    reports: list[str] = field(default_factory=list)
    crash: str = ""


def damage(path: Path, random: Random) -> str:
    """Flip one byte of a file, or cut its end off; in words."""
    data = bytearray(path.read_bytes())
    # Behind what was written lies room ahead of the log, which means nothing.
    written = len(data.rstrip(b"\0")) if path.name.endswith("-wal") else len(data)
    place = random.randrange(written)
    if random.random() < CUT_SHARE:
        path.write_bytes(data[:place])
        return f"{path.name} cut at {place}"
    data[place] ^= 1 << random.randrange(8)
    path.write_bytes(data)
    return f"{path.name} byte {place} flipped"


def judge_fate(written: set[str], fate: Fate, what: str, outcome: Outcome) -> None:
    """Count it: untouched, reported, or silent."""
    outcome.runs += 1
    missing = written - fate.good - fate.false - fate.said
    outcome.acknowledged += len(written)
    if fate.crash:
        outcome.count("crashed")
        outcome.wrong.append(f"{what}: {fate.crash}")
    elif fate.false:
        outcome.count("silent")
        outcome.unreadable += len(fate.false)
        outcome.wrong.append(f"{what}: {len(fate.false)} shown as good that are not")
    elif missing and not fate.reports:
        outcome.count("silent")
        outcome.lost += len(missing)
        outcome.wrong.append(f"{what}: {len(missing)} gone without a word")
    else:
        outcome.count("reported" if fate.reports else "harmless")


# --- the spool ---


async def flip_spool(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Damage a spool with records in it, in process."""
    outcome = Outcome()
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        written = await _spool_template(folder / "template", random)
        while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
            broken = Path(shutil.copytree(folder / "template", folder / "broken"))
            target = random.choice([path for side in SIDES if (path := broken / f"spool.db{side}").stat().st_size])
            what = damage(target, random)
            fate = await _read_spool(broken, written)
            if not fate.crash and (second := (await _read_spool(broken, written)).crash):
                fate.crash = f"second start: {second}"
            judge_fate(set(written), fate, f"spool: {what}", outcome)
            shutil.rmtree(broken)
    return outcome


async def _spool_template(folder: Path, random: Random) -> dict[str, bytes]:
    """A spool as a kill leaves it: half of its records in the database, half in the log."""
    written: dict[str, bytes] = {}
    living = folder.with_name("living")
    for _ in range(2):
        async with await Spool.open(living) as spool:
            for _ in range(RECORDS // 2):
                name, body = f"snap_{random.getrandbits(128):032x}", random.randbytes(RECORD_BYTES)
                await spool.append(link_pb2.DATA_KIND_SNAPSHOT, name, name, "", body)
                written[name] = hashlib.sha256(body).digest()
            shutil.copytree(living, folder, dirs_exist_ok=True)
    return written


async def _read_spool(folder: Path, written: dict[str, bytes]) -> Fate:
    fate = Fate()
    try:
        async with await Spool.open(folder) as spool:
            after = 0
            while items := await spool.pending(after, 100):
                for item in items:
                    _take_item(item.kind, item.stream_id, item.body or b"", written, fate)
                after = items[-1].sequence
            files, lost = spool.damage
            fate.reports += [*files, *([f"{lost} lost"] if lost else [])]
    except CaseprobeError as error:
        fate.reports.append(str(error))
    except Exception as error:
        fate.crash = f"{type(error).__name__}: {error}"
    return fate


def _take_item(kind: int, name: str, body: bytes, written: dict[str, bytes], fate: Fate) -> None:
    if kind == link_pb2.DATA_KIND_UNSPECIFIED:
        gap = link_pb2.Gap.FromString(body)
        fate.reports.append(f"gap {gap.first_sequence}-{gap.last_sequence} {gap.reason}")
    elif written.get(name) == hashlib.sha256(body).digest():
        fate.good.add(name)
    else:
        fate.false.add(name)


# --- the collector's store ---


async def flip_store(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Damage a collector's database, its log or one of its objects, in process."""
    outcome = Outcome()
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        written = await _store_template(ground, folder / "template", random)
        content = await _content(folder, written)
        while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
            broken = Path(shutil.copytree(folder / "template", folder / "broken"))
            what = damage(_target(broken, random), random)
            fate = await _read_store(broken, written, content)
            if not fate.crash and (second := (await _read_store(broken, {}, {})).crash):
                fate.crash = f"second start: {second}"
            judge_fate(set(written), fate, f"store: {what}", outcome)
            shutil.rmtree(broken)
    return outcome


def _target(folder: Path, random: Random) -> Path:
    """Mostly the database and its log; the objects are few kinds of the same thing, and the note is one sector."""
    files = [path for side in SIDES if (path := folder / f"{DATABASE}{side}").exists() and path.stat().st_size]
    objects = [path for path in (folder / "objects").rglob("*") if path.is_file() and path.stat().st_size]
    sizes = [path.stat().st_size for path in files]
    return random.choices([*files, random.choice(objects), folder / NOTE], [*sizes, 1 << 18, 1 << 14])[0]


async def _store_template(ground: Ground, folder: Path, random: Random) -> dict[str, bytes]:
    """A store that was killed under way: some of it in the database, some in the log, bodies and bundles as objects."""
    with ground.room() as room:
        oracle = Oracle(room / "oracle")
        collector = Collector(ground, ground.furnish(room / "data"), log=room / "log")
        fleet = Fleet(ground.template.fleet[:2], oracle, random)
        try:
            for _ in range(2):
                await collector.start()
                async with fleet.running(lambda: collector.address):
                    for payload in ("snapshot", "bundle"):
                        await fleet.machines[0].offer(2 << 10, payload, ROWS // 4)
                    await fleet.machines[1].offer(400 << 10, "snapshot", 1)
                    await oracle.all_acked()
                await collector.kill()
            shutil.copytree(collector.data, folder, ignore=shutil.ignore_patterns("reserve"))
        finally:
            collector.stop()
            oracle.close()
    return dict(oracle.intents)


async def _content(folder: Path, written: Iterable[str]) -> dict[str, bytes]:
    """What an undamaged store shows of each: not the hash that it says it has, but what that is of."""
    async with open_storage(Path(shutil.copytree(folder / "template", folder / "whole"))) as storage:
        evidence = _evidence(storage)
        return {name: _said((await evidence.get(STAFF, name))[1]) for name in written}


def _said(snapshot: snapshot_pb2.Snapshot) -> bytes:
    return hashlib.sha256(snapshot.SerializeToString(deterministic=True)).digest()


async def _read_store(folder: Path, written: dict[str, bytes], content: dict[str, bytes]) -> Fate:
    """Everything that staff could be shown of the snapshots, and the audit's chain."""
    fate = Fate()
    try:
        async with open_storage(folder) as storage:
            evidence = _evidence(storage)
            for name, digest in written.items():
                await _read_one(evidence, name, digest, content[name], fate)
            if wrong := verify(await storage.audit.list_audit(limit=MOST_ENTRIES)):
                fate.reports.append(f"audit: {wrong}")
            fate.reports += [loss.what for loss in await storage.losses.list_losses()]
    except CaseprobeError as error:
        fate.reports.append(str(error))
    except Exception as error:
        fate.crash = f"{type(error).__name__}: {error}"
    return fate


def _evidence(storage: Storage) -> Evidence:
    """The use case that shows snapshots; of what only importing needs there is nothing."""
    clock, run, nothing = SystemClock(), storage.transactions, cast(Any, None)
    audit = AuditLog(storage.audit, clock)
    return Evidence(
        run, storage.snapshots, storage.cases, storage.fleet, storage.objects, nothing, audit, clock, Limits()
    )


async def _read_one(evidence: Evidence, name: str, digest: bytes, content: bytes, fate: Fate) -> None:
    """One snapshot as staff see it: its row, its body, and its bundle where it came as one."""
    try:
        row, snapshot = await evidence.get(STAFF, name)
        found = row.sha256
        if "bundle.zip" in row.objects:
            chunks = await evidence.object_chunks(STAFF, name, "bundle.zip")
            found = hashlib.sha256(b"".join([chunk async for chunk in chunks])).digest()
    except NotFound:
        return
    except CaseprobeError as error:
        fate.reports.append(str(error))
        fate.said.add(name)
        return
    whole = found == digest and _said(snapshot) == content and snapshot.agent_id == row.agent_id
    (fate.good if whole else fate.false).add(name)


# --- with real restarts ---


async def flip_and_start(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Damage a collector's store, start a real collector on it, and ask its API for everything."""
    outcome = Outcome()
    with ground.room() as folder:
        names = await _store_template(ground, folder / "template", random)
        written = await _shown(ground, folder, names)
        while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
            with ground.room() as room:
                broken = Path(shutil.copytree(folder / "template", room / "data"))
                what = damage(_target(broken, random), random)
                collector = Collector(ground, broken, log=room / "log")
                fate = await _ask(collector, written, outcome)
                judge_fate(set(written), fate, f"start: {what}", outcome)
    return outcome


async def _shown(ground: Ground, folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """What the API shows of an undamaged store, as a hash by id."""
    collector = Collector(ground, Path(shutil.copytree(folder / "template", folder / "whole")), log=folder / "log")
    try:
        await collector.start()
        return {name: await apart(_answer, collector, name) for name in names}
    finally:
        collector.stop()


def _answer(collector: Collector, name: str) -> bytes:
    """All that the API says of one snapshot, and its bundle, as a hash."""
    answer = collector.fetch(f"/snapshots/{name}")
    if "bundle.zip" in json.loads(answer)["snapshot"]["objects"]:
        answer += collector.fetch(f"/snapshots/{name}/objects/bundle.zip")
    return hashlib.sha256(answer).digest()


async def _ask(collector: Collector, written: dict[str, bytes], outcome: Outcome) -> Fate:
    fate = Fate()
    try:
        await collector.start()
        fate.reports += await apart(_warnings, collector)
        for name, digest in written.items():
            await apart(_ask_one, collector, name, digest, fate)
        if not collector.child.running:
            fate.crash = f"it ended: {collector.child.words()}"
    except RuntimeError as error:
        outcome.count("did not start, and said why")
        fate.reports.append(str(error))
        if "Traceback" in str(error):
            fate.crash = str(error)
    finally:
        collector.stop()
    return fate


def _warnings(collector: Collector) -> list[str]:
    """What readiness says of the store."""
    try:
        return list(collector.ready()["warnings"])
    except urllib.error.HTTPError as error:
        return [error.read().decode(errors="replace")]


def _ask_one(collector: Collector, name: str, digest: bytes, fate: Fate) -> None:
    """What the API says of one snapshot; an error in its own words is a report."""
    try:
        found = _answer(collector, name)
    except urllib.error.HTTPError as error:
        words = error.read().decode(errors="replace")
        if error.code != NOT_FOUND:
            fate.reports.append(words)
            fate.said.add(name)
        if "code" not in words:
            fate.crash = f"HTTP {error.code}: {words[:200]}"
        return
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        fate.crash = f"{type(error).__name__}: {error}"
        return
    (fate.good if found == digest else fate.false).add(name)


async def flip_and_deliver(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Damage an agent's spool, start the agent on it: the rest arrives, and a gap tells of what does not."""
    outcome = Outcome()
    with ground.room() as room:
        async with staged(ground, room, room / "unused") as scene:
            while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                with ground.room() as place:
                    folder = furnish_machines(ground, place / "machines", 1)
                    # What the last one kept in its last moment went with its folder.
                    scene.gone |= read_diary(scene.diary).acked - scene.store.read().hashes.keys()
                    station = await scene.start(folder, machines=1, pause=0.001, address=NOWHERE)
                    await asyncio.sleep(random.uniform(0.1, 0.3))
                    await apart(station.kill)
                    files = [path for side in SIDES if (path := folder / f"0/spool.db{side}").stat().st_size]
                    what = damage(random.choice(files), random)
                    await _deliver(scene, folder, what, outcome)
    return outcome


async def _deliver(scene: Scene, folder: Path, what: str, outcome: Outcome) -> None:
    known = set(scene.store.read().hashes)
    diary, before = read_diary(scene.diary), len(scene.store.gaps())
    written = diary.acked - known - scene.gone
    station, begin = await scene.start(folder, machines=1, pause=0.05), time.monotonic()
    later: set[str] = set()
    while time.monotonic() - begin < DELIVERY_SECONDS:
        later = (read_diary(scene.diary).acked - diary.acked) & scene.store.read().hashes.keys()
        # The gap of what is missing is a record too, and may come behind what was kept after the damage.
        if later and (written <= scene.store.read().hashes.keys() or len(scene.store.gaps()) > before):
            break
        await asyncio.sleep(0.03)
    if not later:
        outcome.wrong.append(f"spool: {what}: nothing arrives any more: {station.words()}")
    held = scene.store.read()
    fate = Fate(good=written & held.hashes.keys(), reports=[str(gap) for gap in scene.store.gaps()[before:]])
    fate.false = {name for name in fate.good if held.hashes[name] != diary.intents[name]}
    scene.gone |= written - fate.good
    judge_fate(written, fate, f"spool: {what}", outcome)
    await scene.delivered(outcome, counted=False, but=scene.gone)
    await apart(station.kill)
