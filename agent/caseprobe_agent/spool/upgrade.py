"""Brings a spool that version 0.1.0 wrote into the present form, in one transaction: all of it, or none."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from typing import Any

from caseprobe_agent.spool.record import HEADER, PLAIN, SCHEMA, rank_of, seal
from caseprobe_agent.spool.values import Values, quarantine

OLD = "sequence, kind, stream_id, snapshot_id, name, size, sha256, seal, body"


def is_old(connection: sqlite3.Connection) -> bool:
    """True where the file has the tables of 0.1.0."""
    columns = connection.execute("SELECT name FROM pragma_table_info('items')").fetchall()
    return ("bulk",) in columns


def upgrade(connection: sqlite3.Connection) -> None:
    """Copy every row under new seals; a record whose old seal does not fit is quarantined and leaves a hole."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP INDEX IF EXISTS bulk_items")
    connection.execute("DROP TABLE IF EXISTS quarantine")
    for table in ("meta", "items", "state", "commands"):
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    for row in connection.execute(f"SELECT {OLD} FROM old_items ORDER BY sequence").fetchall():
        _copy_item(connection, row)
    _copy_sequence(connection)
    for table in ("meta", "state"):
        values = Values(connection, table)
        for name, value in connection.execute(f"SELECT name, value FROM old_{table}").fetchall():
            values.put(name, value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape"))
    _copy_commands(connection)
    for table in ("meta", "items", "state", "commands"):
        connection.execute(f"DROP TABLE old_{table}")
    connection.execute("COMMIT")


def _copy_item(connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    *header, sealed, body = row
    if _old_seal(*header) != sealed:
        quarantine(connection, "items", row[0], header[4], body)
        return
    # Whether it shows a finding was not noted; it waits as what it may be at least.
    new = (*header, rank_of(header[1], False) or PLAIN, 0)
    connection.execute(
        f"INSERT INTO items ({HEADER}, seal, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*new, seal(*new), body)
    )


def _copy_sequence(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'items'")
    connection.execute("INSERT INTO sqlite_sequence SELECT 'items', seq FROM sqlite_sequence WHERE name = 'old_items'")


def _copy_commands(connection: sqlite3.Connection) -> None:
    query = "SELECT command_id, request, outcome, acked FROM old_commands ORDER BY number"
    for row in connection.execute(query).fetchall():
        new = (*row, 0)
        connection.execute(
            "INSERT INTO commands (command_id, request, outcome, acked, record, seal) VALUES (?,?,?,?,?,?)",
            (*new, seal(*new)),
        )


def _old_seal(
    sequence: int, kind: int, stream_id: str, snapshot_id: str, name: str, size: int, sha256: bytes
) -> int | None:
    """The checksum that 0.1.0 wrote beside a record's header; None where the header cannot have one."""
    try:
        texts = "\0".join((stream_id, snapshot_id, name)).encode("utf-8", "surrogateescape")
        return zlib.crc32(struct.pack(">QIQ", sequence, kind, size) + sha256 + texts)
    except (TypeError, ValueError, struct.error):
        return None
