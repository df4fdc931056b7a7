"""The schema's number, and the way from each to the next."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from caseprobe.errors import ConfigurationError, Corrupt
from caseprobe_collector.storage.tables import METADATA, SCHEMA


def _first(connection: sa.Connection) -> None:
    METADATA.create_all(connection)


# One entry a version, in order; a released one never changes.
STEPS: tuple[Callable[[sa.Connection], None], ...] = (_first,)


def migrate(engine: sa.Engine) -> None:
    """Bring the database to this version's schema, in one transaction.

    Raises ConfigurationError where a newer caseprobe wrote it, Corrupt where it is another program's.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        found = version_of(connection)
        if found > len(STEPS):
            raise ConfigurationError(
                f"the database has schema {found}, this version knows schema {len(STEPS)}: "
                "install the newer caseprobe again, or restore the backup from before it"
            )
        for step in STEPS[found:]:
            step(connection)
        if found < len(STEPS):
            connection.execute(sa.delete(SCHEMA))
            connection.execute(sa.insert(SCHEMA).values(version=len(STEPS)))
        connection.commit()


def version_of(connection: sa.Connection) -> int:
    """The schema's number, 0 for an empty database; raises Corrupt for a database that is not ours."""
    names = set(sa.inspect(connection).get_table_names())
    if not names:
        return 0
    if SCHEMA.name not in names:
        raise Corrupt("the database file holds something else than a collector's data: choose another data_folder")
    return int(connection.execute(sa.select(SCHEMA.c.version)).scalar_one())
