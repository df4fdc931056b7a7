"""The schema's number, and the way from each to the next."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from caseprobe.errors import ConfigurationError, Corrupt
from caseprobe_collector.storage.rowform import COLUMNS, row_sha256
from caseprobe_collector.storage.sealed import (
    CASE_ROWS,
    CUSTOMER_ROWS,
    MACHINE_ROWS,
    SCHEDULE_ROWS,
    SEAL,
    SESSION_ROWS,
    TOKEN_ROWS,
    USER_ROWS,
    Sealed,
)
from caseprobe_collector.storage.tables import (
    BODIES,
    DAMAGES,
    LOSSES,
    METADATA,
    OBJECTS,
    PROGRESS,
    SCHEMA,
    SCRUB,
    WITNESSED,
)


def _hashes(connection: sa.Connection) -> None:
    """Give every snapshot's row a hash, and its files and what was found damaged a place."""
    connection.exec_driver_sql("ALTER TABLE snapshots ADD COLUMN row_sha256 BLOB")
    METADATA.create_all(connection, [OBJECTS, DAMAGES])
    for index in BODIES.indexes:
        index.create(connection)
    columns = ", ".join(COLUMNS)
    rows = connection.exec_driver_sql(f"SELECT number, {columns} FROM snapshots").all()
    for number, *values in rows:
        connection.exec_driver_sql("UPDATE snapshots SET row_sha256 = ? WHERE number = ?", (row_sha256(values), number))


def _progress(connection: sa.Connection) -> None:
    """Count commits from here on, and have a place for what is found missing."""
    METADATA.create_all(connection, [PROGRESS, LOSSES])


def _seals(connection: sa.Connection) -> None:
    """Give every case's and every machine's row a hash."""
    _seal(connection, CASE_ROWS, MACHINE_ROWS)


def _scrub(connection: sa.Connection) -> None:
    """Give the slow reading of everything a place, and take an index away that no query used."""
    METADATA.create_all(connection, [SCRUB])
    connection.exec_driver_sql("DROP INDEX IF EXISTS findings_of_check")


def _witnessed(connection: sa.Connection) -> None:
    """Have a place for what machines told of their own audit chains."""
    METADATA.create_all(connection, [WITNESSED])


def _more_seals(connection: sa.Connection) -> None:
    """Give the rows of customers, staff, tokens, sessions and timetables a hash."""
    _seal(connection, CUSTOMER_ROWS, USER_ROWS, TOKEN_ROWS, SESSION_ROWS, SCHEDULE_ROWS)


def _seal(connection: sa.Connection, *kinds: Sealed) -> None:
    for rows in kinds:
        name = rows.table.name
        connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {SEAL} BLOB")
        for row in [one._asdict() for one in connection.execute(rows.select())]:
            change = f"UPDATE {name} SET {SEAL} = ? WHERE {rows.key} = ?"
            connection.exec_driver_sql(change, (rows.hash_of(row), row[rows.key]))


# The way from each version to the next, in order; a released one never changes. An empty database needs none of them.
STEPS: tuple[Callable[[sa.Connection], None], ...] = (_hashes, _progress, _seals, _scrub, _witnessed, _more_seals)
NEWEST = 1 + len(STEPS)


def migrate(connection: sa.Connection) -> None:
    """Bring the database to this version's schema, in one transaction.

    Raises ConfigurationError where a newer caseprobe wrote it, Corrupt where it is another program's.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    found = version_of(connection)
    if found > NEWEST:
        raise ConfigurationError(
            f"the database has schema {found}, this version knows schema {NEWEST}: "
            "install the newer caseprobe again, or restore the backup from before it"
        )
    if found < NEWEST:
        _advance(connection, found)
    connection.commit()


def _advance(connection: sa.Connection, found: int) -> None:
    if found == 0:
        METADATA.create_all(connection)
    for step in STEPS[found - 1 :] if found else ():
        step(connection)
    connection.execute(sa.delete(SCHEMA))
    connection.execute(sa.insert(SCHEMA).values(version=NEWEST))
    # A commit as all others: `progress` says why each must be counted.
    connection.execute(sa.update(PROGRESS).values(commits=PROGRESS.c.commits + 1))


def version_of(connection: sa.Connection) -> int:
    """The schema's number, 0 for an empty database; raises Corrupt for a database that is not ours."""
    names = set(sa.inspect(connection).get_table_names())
    if not names:
        return 0
    if SCHEMA.name not in names:
        raise Corrupt("the database file holds something else than a collector's data: choose another data_folder")
    return int(connection.execute(sa.select(SCHEMA.c.version)).scalar_one())
