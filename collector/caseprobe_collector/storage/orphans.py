"""Objects that no row names: what was put for a commit that never came. Swept once after each start, beside the work.

Why nothing that counts is swept: an object is put before its row, so one that was put since the start is never touched
(`FileObjects.remove_orphan` knows them), and one from before belongs to a commit that came before this process or
never will. And because a damaged index could hide rows, the database must prove sound before the first file goes. Of
a store that lost commits nothing is swept until somebody settled that: what no row names may be what their rows named.
"""

from __future__ import annotations

import asyncio
import itertools
import logging

import sqlalchemy as sa

from caseprobe.errors import CaseprobeError
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.tables import BODIES, LOSSES, OBJECTS, SNAPSHOTS

AT_ONCE = 500
STANDING = sa.select(LOSSES.c.number).where(LOSSES.c.settled_at.is_(None)).limit(1)

log = logging.getLogger("caseprobe.collector")


async def sweep_orphans(database: Database, objects: FileObjects) -> int:
    """Remove them; gives how many. A store that cannot be read is left as it is."""
    try:
        return await _sweep(database, objects)
    except CaseprobeError as error:
        log.warning("orphans are not swept: %s", error)
        return 0
    finally:
        objects.end_sweep()


async def _sweep(database: Database, objects: FileObjects) -> int:
    removed, sound = 0, False
    if await database.rows(STANDING):
        raise CaseprobeError("the store lost commits, and their files may be all that is left of them")
    names = iter(objects.names())
    while batch := await asyncio.to_thread(lambda: list(itertools.islice(names, AT_ONCE))):
        orphans = set(batch) - await _named(database, batch)
        if orphans and not sound:
            await _prove(database)
            sound = True
        for name in sorted(orphans):
            removed += await asyncio.to_thread(objects.remove_orphan, name)
    if removed:
        log.info("%d orphans swept", removed)
    return removed


async def _named(database: Database, names: list[str]) -> set[str]:
    """Those that a row names; of what 0.1.0 stored a bundle is named by its snapshot's id alone."""
    ids = {name.split("/")[1]: name for name in names if name.endswith("/bundle.zip") and name.count("/") == 2}
    queries = (
        sa.select(BODIES.c.object).where(BODIES.c.object.in_(names)),
        sa.select(OBJECTS.c.object).where(OBJECTS.c.object.in_(names)),
    )
    found = {row[0] for query in queries for row in await database.rows(query)}
    # Of a snapshot whose file is recorded, only what the record names is kept.
    recorded = sa.select(OBJECTS.c.snapshot_id)
    mine = SNAPSHOTS.c.snapshot_id.in_(ids) & SNAPSHOTS.c.snapshot_id.not_in(recorded)
    kept = await database.rows(sa.select(SNAPSHOTS.c.snapshot_id).where(mine))
    return found | {ids[row[0]] for row in kept}


async def _prove(database: Database) -> None:
    rows = await database.rows(sa.text("PRAGMA quick_check(1)"))
    if [row[0] for row in rows] != ["ok"]:
        raise CaseprobeError(f"the database is not sound: {rows[0][0] if rows else 'no answer'}")
