"""What SQLite and the file system raise, in the words of `caseprobe.errors`."""

from __future__ import annotations

import errno
import sqlite3

import sqlalchemy as sa

from caseprobe.errors import Busy, CaseprobeError, StorageDamaged, StorageFull, UsageError

FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def failure_of(error: BaseException) -> BaseException:
    """The error that callers see for one of the database's or a file's own; others come back as they are.

    Each call makes a new one, because one failed commit fails many callers.
    """
    if isinstance(error, sa.exc.IntegrityError):
        return UsageError("the record exists already, or names one that does not exist")
    if isinstance(error, UnicodeEncodeError):
        return UsageError("a text holds half a character, which is not Unicode: send it again without it")
    if isinstance(error, UnicodeDecodeError):
        # SQLite quotes its own schema in what it complains of, and the driver cannot read that.
        return StorageDamaged(
            "the database is damaged, its words cannot be read: stop the collector and restore a backup"
        )
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        return failure_of(error.orig)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if isinstance(error, OSError):
        return _of_file(error)
    return error


def _of_sqlite(error: sqlite3.Error) -> CaseprobeError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return full()
    if code in DAMAGED:
        # Never "refused": whoever sends keeps what it has until the database takes it again.
        return StorageDamaged(f"the database is damaged ({error}): stop the collector and restore a backup")
    if isinstance(error, sqlite3.IntegrityError):
        return UsageError("the record exists already, or names one that does not exist")
    # Nothing of it was acknowledged; whoever sends it again is answered as the first time.
    return Busy(f"the database did not take it ({error}); nothing was stored, try again")


def _of_file(error: OSError) -> CaseprobeError:
    if error.errno in FULL_ERRNOS:
        return full()
    return Busy(f"a file could not be written or read ({error.strerror}); nothing was stored, try again")


def full() -> StorageFull:
    """No room; the sender keeps what it has and tries again."""
    return StorageFull(
        "the collector's disk is full: nothing was stored; free some room, senders try again by themselves"
    )
