"""A spool's store in memory, for what needs no disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from caseprobe_agent.spool.record import SCHEMA
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.store import Store


def memory_store(quota: Quota, elapsed: Callable[[], float]) -> Store:
    """An open store without a file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    return Store(connection, "spool_1", quota, elapsed)
