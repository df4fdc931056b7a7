"""From snapshot to snapshot of a timetable: where the logs were left is kept with the snapshot, and never leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caseprobe.errors import StorageFull
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import ConsentRecord
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import MEMORY, SYSTEM_LOG
from caseprobe_agent.seal import Parcel
from caseprobe_agent.session.asks import Choice
from caseprobe_agent.session.delivery import LOST, Delivery
from caseprobe_agent.session.measure import Measurements, Raw
from caseprobe_agent.spool import Spool

CHOICE = Choice((MEMORY, SYSTEM_LOG), ())


class Sealer:
    """Packs what it is handed; fails where it is told to."""

    def __init__(self) -> None:
        self.full = False
        self.handed: list[bytes] = []

    async def __call__(self, snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[Any], *_past: object) -> Parcel:
        """A parcel with one byte."""
        if self.full:
            raise StorageFull("no room")
        self.handed.append(snapshot.SerializeToString())
        return Parcel(link_pb2.DATA_KIND_SNAPSHOT, b"x", history=b"some")


class Rounds:
    """Snapshots of a timetable on a copied tree."""

    def __init__(self, root: Path, spool: Spool) -> None:
        self.log = root / "var/log/syslog"
        self.log.parent.mkdir(parents=True)
        (root / "psutil.json").write_text("{}")
        self.sealer = Sealer()
        self.spool = spool
        self.delivery = Delivery("agent_x", spool, self.sealer, lambda: None, lambda prefix: f"{prefix}_1")
        self.measurements = Measurements(Machine(root))

    def write(self, text: str) -> None:
        """One more line of the log, of this moment."""
        with self.log.open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat()} db7 kernel: {text}\n")

    async def run(self, *, scheduled: bool = True, keep: bool = True) -> list[str]:
        """What the faults of a snapshot name."""
        raw = Raw()
        if scheduled:
            raw.places_before = await self.delivery.places(probe.name for probe in CHOICE.probes if probe.resumes)
        await self.measurements.snapshot(CHOICE, "quick", 30.0, raw)
        found = [fault.object for section in raw.snapshot.sections for fault in section.system_log.faults]
        if keep:
            await self.delivery.keep(raw, ConsentRecord(), flow=snapshot_pb2.FLOW_SCHEDULED)
        return found


async def test_a_fault_is_told_by_one_snapshot_of_a_timetable(tmp_path: Path) -> None:
    """By the next one again only where the first was never kept; by a session always."""
    async with await Spool.open(tmp_path / "spool") as spool:
        rounds = Rounds(tmp_path / "root", spool)
        rounds.write("ata1: hard resetting link")
        assert await rounds.run() == ["ata1"]
        rounds.write("ata2: hard resetting link")
        rounds.sealer.full = True
        with pytest.raises(StorageFull):
            await rounds.run()
        rounds.sealer.full = False
        assert await rounds.run() == ["ata2"]
        assert await rounds.run() == []
        assert await rounds.run(scheduled=False) == ["ata2", "ata1"]
        place = await spool.get_state("log_place.system_log")
        assert place is not None
        assert not any(place in handed or b"log_place" in handed for handed in rounds.sealer.handed)


async def test_a_place_that_is_lost_is_told_apart_from_the_first_time(tmp_path: Path) -> None:
    """Before the first snapshot the log is read whole; later, by time."""
    async with await Spool.open(tmp_path / "spool") as spool:
        rounds = Rounds(tmp_path / "root", spool)
        assert await rounds.delivery.places(["system_log"]) == {"system_log": ""}
        rounds.write("ata1: hard resetting link")
        await rounds.run()
        await spool.put_state("log_place.system_log", b"\xff[garbled")
        assert await rounds.delivery.places(["kernel_log"]) == {"kernel_log": LOST}
        assert await rounds.run() == ["ata1"]
        assert await rounds.run() == []
