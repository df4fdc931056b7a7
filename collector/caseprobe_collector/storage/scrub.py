"""Everything stored is read again and again, slowly, so that rot is found while its machine may still have the original
and before somebody needs it.

One snapshot at a time with pauses that keep it at a small share of the disk, the sealed rows at the end; a round is
begun at most once a day. Where it stands is kept, so that a collector that is started every hour still comes round.
What is damaged is told once: the mark that lists and pages show is also what remembers that it was told.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe.errors import Corrupt, NotFound
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Damage, ScrubState, StoredSnapshot
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from caseprobe_collector.storage.rows import first, values
from caseprobe_collector.storage.sealed import ALL, Sealed
from caseprobe_collector.storage.snapshots import MARK, SqlSnapshots
from caseprobe_collector.storage.tables import DAMAGES, OBJECTS, SCRUB, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of

ROUND_EVERY = timedelta(days=1)
PAUSE_SECONDS = 0.05
BYTES_PER_SECOND = 4 << 20
IDLE_SECONDS = 60.0
# Where it stands is kept after so many snapshots.
KEEP_EVERY = 100
# Sealed rows that are in memory at once.
AT_ONCE = 500
NEXT = (
    sa.select(SNAPSHOTS.c.number, SNAPSHOTS.c.snapshot_id)
    .where(SNAPSHOTS.c.number > sa.bindparam("after"))
    .order_by(SNAPSHOTS.c.number)
    .limit(1)
)

log = logging.getLogger("caseprobe.collector")


class Scrub:
    """Reads one snapshot after the other; call `step` for ever, with the pause that it asks for."""

    def __init__(
        self,
        database: Database,
        objects: FileObjects,
        snapshots: SqlSnapshots,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep_every: int = KEEP_EVERY,
    ) -> None:
        self._database = database
        self._objects = objects
        self._snapshots = snapshots
        self._now = now
        self._keep_every = keep_every
        self._state: ScrubState | None = None
        self._since_kept = 0

    async def step(self) -> float:
        """Read the next snapshot; gives how many seconds to wait before the one after it."""
        state = self._state = self._state or await self._load()
        if state.ended_at is not None:
            # A clock that was set back must not put the next round off for ever.
            if abs(self._now() - state.ended_at) < ROUND_EVERY:
                return IDLE_SECONDS
            state = self._state = ScrubState(0, self._now(), None)
        rows = await self._database.rows(NEXT, {"after": state.position})
        if not rows:
            for kind in ALL:
                await self._rows(kind)
            await self._keep(replace(state, position=0, ended_at=self._now()))
            return IDLE_SECONDS
        size = await self._look(rows[0].snapshot_id)
        self._state = replace(state, position=rows[0].number)
        self._since_kept += 1
        if self._since_kept >= self._keep_every:
            await self._keep(self._state)
        return PAUSE_SECONDS + size / BYTES_PER_SECOND

    async def count_damaged(self) -> int:
        """How many snapshots and sealed rows are known to be damaged and still there."""
        keys = (SNAPSHOTS.c.snapshot_id, *(kind.table.c[kind.key] for kind in ALL))
        there = sa.or_(*(sa.exists().where(key == DAMAGES.c.snapshot_id) for key in keys))
        known = sa.select(sa.func.count()).select_from(DAMAGES).where(there)
        return int((await self._database.rows(known))[0][0])

    async def _rows(self, kind: Sealed) -> None:
        """Read the sealed rows of one table."""
        query, done = kind.select().order_by(kind.table.c[kind.key]).limit(AT_ONCE), 0
        while page := await self._database.rows(query.offset(done)):
            for name in await asyncio.to_thread(_unsound, kind, page):
                await self._tell(Damage(name, ROW_DAMAGE, self._now()))
            done += len(page)

    async def _look(self, snapshot_id: str) -> int:
        """Read all of one; gives how many bytes that were."""
        try:
            stored = await self._snapshots.get_snapshot(snapshot_id, None)
            size, why = await self._files(stored) if stored else (0, "")
        except Corrupt as error:
            size, why = 0, str(error)
        if why and await self._snapshots.get_row(snapshot_id, None) is not None:
            await self._tell(Damage(snapshot_id, why, self._now()))
        return size

    async def _files(self, stored: StoredSnapshot) -> tuple[int, str]:
        size, why = len(stored.body), ""
        mine = OBJECTS.c.snapshot_id == stored.row.snapshot_id
        for record in await self._database.rows(
            sa.select(OBJECTS.c.name, OBJECTS.c.object, OBJECTS.c.sha256).where(mine)
        ):
            digest = hashlib.sha256()
            try:
                async for chunk in self._objects.get(record.object):
                    digest.update(chunk)
                    size += len(chunk)
            except (NotFound, ValueError):
                digest.update(b"gone")
            if digest.digest() != record.sha256:
                why = f"its file {record.name} is gone or no longer matches its SHA-256"
        return size, why

    async def _tell(self, damage: Damage) -> None:
        async def work(tx: Transaction) -> int:
            return await unit_of(tx).write(MARK, values(damage))

        if await self._database.run(work):
            log.error("%s is damaged on the disk: %s", damage.snapshot_id, damage.what)

    async def _load(self) -> ScrubState:
        query = sa.select(SCRUB.c.position, SCRUB.c.begun_at, SCRUB.c.ended_at)
        return first(ScrubState, await self._database.rows(query)) or ScrubState(0, self._now(), None)

    async def _keep(self, state: ScrubState) -> None:
        new = insert(SCRUB).values(number=1, **values(state))

        async def work(tx: Transaction) -> None:
            await unit_of(tx).write(new.on_conflict_do_update(["number"], set_=values(state)))

        await self._database.run(work, spare_room=False)
        self._state, self._since_kept = state, 0


def _unsound(kind: Sealed, rows: Sequence[sa.Row[Any]]) -> list[str]:
    """The ids of those of these rows that do not match their hash."""
    found = (row._asdict() for row in rows)
    return [str(row[kind.key])[:200] for row in found if not kind.sound(row)]
