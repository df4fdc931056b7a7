"""What a measurement becomes on its way into the spool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import ConsentRecord
from caseprobe_agent.seal import Parcel
from caseprobe_agent.session.delivery import Delivery
from caseprobe_agent.session.measure import Raw
from caseprobe_agent.spool import Spool


@dataclass
class Sealer:
    """Packs nothing, and remembers what it was handed."""

    numbers: list[int] = field(default_factory=list)

    async def __call__(self, snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[Any], *_past: object) -> Parcel:
        """A parcel with one byte."""
        self.numbers.append(snapshot.sequence)
        return Parcel(link_pb2.DATA_KIND_SNAPSHOT, b"x")


async def test_measurements_that_end_at_once_have_different_numbers(tmp_path: Path) -> None:
    """Eight are kept together: each has the next number, and none has another's."""
    sealer = Sealer()
    async with await Spool.open(tmp_path) as spool:
        delivery = Delivery("agent_x", spool, sealer, lambda: None, lambda prefix: f"{prefix}_1")
        kept = [delivery.keep(Raw(), ConsentRecord(), flow=snapshot_pb2.FLOW_SCHEDULED) for _ in range(8)]
        await asyncio.gather(*kept)
    assert sorted(sealer.numbers) == list(range(1, 9))
