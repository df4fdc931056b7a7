"""One flipped bit anywhere in the spool, and cuts of its file: opened at once, told, and nothing runs twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from caseprobe.ids import new_id
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool.file import SpoolFile
from caseprobe_agent.spool.record import Item
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.store import Store

SNAPSHOT = link_pb2.DATA_KIND_SNAPSHOT
RECORDS, ACKED = 12, 3
# Positions of one run of the suite; set it to 10000 for the long run.
FLIPS = int(os.environ.get("CASEPROBE_FLIPS", "600"))
ENDED, STARTED = new_id("sess", 1000.0, b"0123456789"), new_id("sess", 2000.0, b"0123456789")
LATER = new_id("sess", 9000.0, b"0123456789")
FILES = ("spool.db", "spool.db-wal", "spool.lock")


def body_of(sequence: int) -> bytes:
    """What was appended under a sequence."""
    return b"%d " % sequence * 120


@contextmanager
def opened(folder: Path) -> Iterator[tuple[SpoolFile, Store]]:
    """The spool's file without its thread, one transaction around what is done."""
    file = SpoolFile(folder, Quota(1 << 20, 1e9), lambda: 0.0, lambda: f"spool_{os.urandom(4).hex()}")
    file.lock.take()
    try:
        store = file.open()
        store.connection.execute("BEGIN IMMEDIATE")
        yield file, store
        store.stamp()
        store.connection.execute("COMMIT")
        file.committed(store)
        store.close()
    finally:
        file.lock.release()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of fsyncs to a disk prove nothing here."""
    folder = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else tmp_path_factory.getbasetemp()
    place = folder / f"caseprobe-flips-{os.getpid()}"
    place.mkdir(mode=0o700)
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def image(place: Path) -> dict[str, bytes]:
    """The files of a spool whose process was killed: some of it in the database, some in its log."""
    folder = place / "made"
    with opened(folder) as (_, store):
        for sequence in range(1, 9):
            store.rows.append(SNAPSHOT, f"snap_{sequence}", f"snap_{sequence}", "", body_of(sequence))
        store.ledger.start(ENDED, b"request")
        store.ledger.end(ENDED, b"outcome")
        store.state.put("schedules", b"the timetables")
    with opened(folder) as (file, store):
        for sequence in range(9, RECORDS + 1):
            store.rows.append(SNAPSHOT, f"snap_{sequence}", f"snap_{sequence}", "", body_of(sequence))
        store.rows.acknowledge(ACKED)
        store.ledger.start(STARTED, b"request")
        store.stamp()
        store.connection.execute("COMMIT")
        file.committed(store)
        files = {name: (folder / name).read_bytes() for name in FILES}
        store.connection.execute("BEGIN IMMEDIATE")
    return files


@dataclass(frozen=True)
class Seen:
    """What an agent finds in a spool, and what it would do."""

    good: dict[int, bytes | None]
    declared: set[int]
    again: tuple[bool, bool]
    outcome: bytes | None
    state: bytes | None
    told: bool


def look(folder: Path) -> Seen:
    """Open twice, as an agent that is restarted; give what it has then."""
    with opened(folder) as (file, store):
        list_all(store)
        told = bool(file.set_aside or file.lost_records)
    with opened(folder) as (_, store):
        items = list_all(store)
        gaps = [link_pb2.Gap.FromString(item.body or b"") for item in items if item.kind == 0]
        declared = {number for gap in gaps for number in range(gap.first_sequence, gap.last_sequence + 1)}
        outcome, state = store.ledger.outcome(ENDED), store.state.get("schedules")
        again = store.ledger.start(ENDED, b"request"), store.ledger.start(STARTED, b"request")
    good = {item.sequence: item.body for item in items if item.kind}
    return Seen(good, declared, again, outcome, state, told or 0 in declared)


def list_all(store: Store) -> list[Item]:
    """Every record that would be sent."""
    found: list[Item] = []
    while items := store.rows.pending(found[-1].sequence if found else 0, 500):
        found += items
    return found


def judge(seen: Seen, why: str) -> None:
    """The invariants: nothing wrong is shown, what is missing is declared, no command starts twice."""
    assert all(body == body_of(sequence) for sequence, body in seen.good.items()), why
    assert 0 in seen.declared or set(seen.good) | seen.declared >= set(range(ACKED + 1, RECORDS + 1)), why
    assert seen.again == (False, False), why
    assert seen.outcome in (None, b"outcome") and seen.state in (None, b"the timetables"), why
    if seen.outcome is None or seen.state is None:
        assert seen.told, why


def test_any_flipped_bit_is_harmless_or_told(place: Path, image: dict[str, bytes]) -> None:
    """Over all three files: sound records come, the rest is declared, the ledger never forgets a start."""
    random = Random(20261122)
    spots = [(name, number) for name in FILES for number in range(len(image[name]))]
    for name, number in random.sample(spots, min(FLIPS, len(spots))):
        flipped = bytearray(image[name])
        flipped[number] ^= 1 << random.randrange(8)
        seen = look(written(place / "flip", {**image, name: bytes(flipped)}))
        judge(seen, f"{name} {number}")


def test_any_cut_is_told(place: Path, image: dict[str, bytes]) -> None:
    """A file that ends early, or is gone, never passes for a spool that was always empty."""
    random = Random(7)
    for name in FILES[:2]:
        for size in [0, *random.sample(range(len(image[name])), 25)]:
            seen = look(written(place / "cut", {**image, name: image[name][:size]}))
            judge(seen, f"{name} cut to {size}")
            assert seen.told or len(seen.good) == RECORDS - ACKED, f"{name} {size}"


def test_after_damage_to_the_ledger_only_what_is_asked_later_runs(place: Path, image: dict[str, bytes]) -> None:
    """Until the collector's time is known nothing runs; after that, what it asks for from then on."""
    folder = written(place / "doubt", {**image, "spool.db-wal": b""})
    with opened(folder) as (_, store):
        assert not store.ledger.start(LATER, b"request")
        store.ledger.settle(5_000_000)
        assert not store.ledger.start(new_id("sess", 4999.0, bytes(10)), b"request")
        assert store.ledger.start(new_id("sess", 5001.0, bytes(10)), b"request")
        store.ledger.settle(99_000_000)
        assert store.ledger.start(new_id("sess", 5002.0, bytes(10)), b"request")


def test_an_undamaged_spool_is_told_nothing_of(place: Path, image: dict[str, bytes]) -> None:
    """What a kill leaves is whole: no gap, no doubt."""
    folder = written(place / "whole", image)
    seen = look(folder)
    judge(seen, "whole")
    assert not seen.told and not seen.declared and seen.outcome and seen.state
    with opened(folder) as (_, store):
        assert store.ledger.start(LATER, b"request")


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder that holds these files and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
