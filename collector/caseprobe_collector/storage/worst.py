"""The worst severity that the newest snapshots say."""

from __future__ import annotations

import sqlalchemy as sa

from caseprobe_collector.storage.tables import SNAPSHOTS


def worst_of(mine: sa.ColumnElement[bool], within: str, outer: sa.Table) -> sa.ColumnElement[int]:
    """The worst of the newest snapshots that are mine, 0 where there is none; for use as a column of outer.

    Newest per machine and profile: a path that was measured later says nothing about the disks of an hour ago.
    within: the column that both the snapshots that count and the newer ones that would replace them share.
    """
    newer = SNAPSHOTS.alias()
    same = [newer.c[name] == SNAPSHOTS.c[name] for name in (within, "agent_id", "profile")]
    replaced = sa.exists().where(*same, newer.c.number > SNAPSHOTS.c.number).correlate(SNAPSHOTS)
    worst = sa.select(sa.func.max(SNAPSHOTS.c.worst)).where(mine, ~replaced).correlate(outer)
    return sa.func.coalesce(worst.scalar_subquery(), 0)
