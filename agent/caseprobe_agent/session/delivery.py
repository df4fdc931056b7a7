"""The last step of every session and scheduled run: seal in a child, keep in the spool, tell the link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from caseprobe import VERSION
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import ConsentRecord
from caseprobe_agent.seal import Parcel
from caseprobe_agent.session.measure import Raw

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact

SEQUENCE, HISTORY, PLACE = "snapshot_sequence", "snapshot_history", "log_place."
# What stands for a place that is lost: the reader then goes by time.
LOST = "lost"


class Store(Protocol):
    """The parts of the spool that a delivery needs."""

    async def append(
        self,
        kind: link_pb2.DataKind.ValueType,
        stream_id: str,
        snapshot_id: str,
        name: str,
        body: bytes,
        evidence: bool = False,
    ) -> int: ...

    async def get_state(self, name: str) -> bytes | None: ...

    async def put_state(self, name: str, value: bytes) -> None: ...


@dataclass(frozen=True)
class Delivered:
    """What was kept for the collector: the snapshot's id and sequence, and in numbers, for the machine's own audit."""

    snapshot_id: str
    body_bytes: int
    hidden_total: int
    # Its record in the spool.
    record: int = 0

    def __str__(self) -> str:
        """For the audit."""
        return f"{self.snapshot_id}, {self.body_bytes} bytes, {self.hidden_total} values hidden"


@dataclass(frozen=True)
class Delivery:
    """Seals and keeps. seal does it in a child; wake tells the link that there is something.

    seal is handed what was kept of earlier snapshots, redacted as they left, and a look of this session that is earlier
    still; its parcel says what to keep next.
    """

    agent_id: str
    store: Store
    seal: Callable[
        [snapshot_pb2.Snapshot, Sequence[RawArtifact], bytes, snapshot_pb2.Snapshot | None], Awaitable[Parcel]
    ]
    wake: Callable[[], None]
    new_id: Callable[[str], str]
    _numbering: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def places(self, probes: Iterable[str]) -> dict[str, str]:
        """By probe, where the last timetable's snapshot that was kept left its log; empty where there was none yet.

        A place that was lost, or that another kind of snapshot came before, is told as one that makes no sense.
        """
        kept = {probe: await self.store.get_state(PLACE + probe) for probe in probes}
        unknown = LOST if None in kept.values() and await self.store.get_state(HISTORY) else ""
        return {probe: unknown if place is None else place.decode("utf-8", "replace") for probe, place in kept.items()}

    async def keep(
        self,
        raw: Raw,
        consent: ConsentRecord,
        *,
        flow: snapshot_pb2.Flow.ValueType,
        case_id: str = "",
        session_id: str = "",
        schedule_id: str = "",
        still_allowed: Callable[[], bool] = lambda: True,
    ) -> Delivered | None:
        """Durable when it returns; None where the permission ended while it was sealed, and nothing was kept.

        Raises RedactionError where nothing may leave, StorageFull where it could not be kept.
        """
        snapshot = raw.whole()
        snapshot.snapshot_id, snapshot.agent_id, snapshot.agent_version = self.new_id("snap"), self.agent_id, VERSION
        snapshot.flow, snapshot.case_id = flow, case_id
        snapshot.session_id, snapshot.schedule_id = session_id, schedule_id
        snapshot.consent.CopyFrom(consent)
        snapshot.sequence = await self._next_sequence()
        if raw.first is not None:
            raw.first.agent_id = self.agent_id
        parcel = await self.seal(snapshot, raw.artifacts, await self.store.get_state(HISTORY) or b"", raw.first)
        if not still_allowed():
            return None
        snapshot_id = snapshot.snapshot_id
        # What shows a fault or was asked for goes last where there is no room for all.
        evidence = bool(parcel.fault_total or case_id)
        record = await self.store.append(parcel.kind, snapshot_id, snapshot_id, "", parcel.body, evidence)
        self.wake()
        await self.store.put_state(HISTORY, parcel.history)
        # Last: what was not kept is told again.
        for probe, place in raw.places.items():
            await self.store.put_state(PLACE + probe, place.encode())
        return Delivered(snapshot_id, len(parcel.body), parcel.hidden_total, record)

    async def _next_sequence(self) -> int:
        """The next number of this agent's snapshots; a number may be lost, none is given twice."""
        # Two measurements that end at once would read the same number between them.
        async with self._numbering:
            number = int(await self.store.get_state(SEQUENCE) or b"0") + 1
            await self.store.put_state(SEQUENCE, str(number).encode())
            return number
