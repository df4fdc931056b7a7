"""The data folder: made once, opened by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import ConfigurationError
from caseprobe_collector.ports import Transactions
from caseprobe_collector.storage.audit import SqlAudit
from caseprobe_collector.storage.authority import CERTIFICATE, FileAuthority, create_authority
from caseprobe_collector.storage.cases import SqlCases
from caseprobe_collector.storage.customers import SqlCustomers
from caseprobe_collector.storage.database import Database, create_private, log_of
from caseprobe_collector.storage.deposits import SqlDeposits
from caseprobe_collector.storage.durable import make_folder
from caseprobe_collector.storage.fleet import SqlFleet
from caseprobe_collector.storage.join_codes import SqlJoinCodes
from caseprobe_collector.storage.losses import SqlLosses
from caseprobe_collector.storage.names import AUTHORITY, DATABASE, LOCK, NOTE, OBJECTS, RESERVE, UNFINISHED
from caseprobe_collector.storage.note import NoteFile
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.orphans import sweep_orphans
from caseprobe_collector.storage.progress import Progress
from caseprobe_collector.storage.reserve import Reserve
from caseprobe_collector.storage.schedules import SqlSchedules
from caseprobe_collector.storage.scrub import Scrub
from caseprobe_collector.storage.sessions import SqlSessions
from caseprobe_collector.storage.shelf import FileShelf
from caseprobe_collector.storage.snapshots import SqlSnapshots
from caseprobe_collector.storage.users import SqlUsers
from caseprobe_collector.storage.witnessed import SqlWitnessed


@dataclass(frozen=True)
class Storage:
    """The stores of one data folder, by the port that each implements."""

    transactions: Transactions
    cases: SqlCases
    customers: SqlCustomers
    fleet: SqlFleet
    join_codes: SqlJoinCodes
    users: SqlUsers
    deposits: SqlDeposits
    snapshots: SqlSnapshots
    sessions: SqlSessions
    schedules: SqlSchedules
    audit: SqlAudit
    losses: SqlLosses
    witnessed: SqlWitnessed
    scrub: Scrub
    objects: FileObjects
    authority: FileAuthority
    shelf: FileShelf


def ca_file(folder: Path) -> Path:
    """The certificate that staff and agents trust, in a data folder."""
    return folder / AUTHORITY / CERTIFICATE


def authority_of(folder: Path) -> FileAuthority:
    """The keys in a data folder, which may be in use; raises ConfigurationError where there are none."""
    return FileAuthority(folder / AUTHORITY)


def create_storage(folder: Path) -> None:
    """Make the folder and the CA in it; a folder that has them is left as it is. Raises ConfigurationError."""
    try:
        make_folder(folder)
        create_authority(folder / AUTHORITY)
    except OSError as error:
        raise ConfigurationError(f"data_folder: {folder} cannot be written ({error.strerror})") from None


@contextlib.asynccontextmanager
async def open_storage(
    folder: Path, damaged_too: bool = False, monotonic: Callable[[], float] = time.monotonic
) -> AsyncIterator[Storage]:
    """The stores of this folder; on the way out everything that waits is committed.

    Raises ConfigurationError where there is no CA yet, another process has it open, or the schema is newer, and
    StorageDamaged for a database that cannot be opened; damaged_too: then every use of it raises that instead, so that
    whoever runs the collector is told by it, and not by a process that starts and ends in a circle.
    """
    authority = FileAuthority(folder / AUTHORITY)
    with _locked(folder):
        create_private(folder / DATABASE)
        reserve = Reserve(folder / RESERVE, monotonic=monotonic)
        progress = Progress(log_of(folder / DATABASE), NoteFile(folder / NOTE), monotonic)
        database = Database(folder / DATABASE, reserve, progress)
        sweep: asyncio.Task[int] | None = None
        try:
            await database.open(damaged_too)
            objects = FileObjects(folder / OBJECTS, lambda: reserve.whole)
            sweep = asyncio.create_task(sweep_orphans(database, objects))
            shelf = FileShelf(folder / UNFINISHED, objects)
            yield _stores(database, objects, authority, shelf)
        finally:
            if sweep is not None:
                sweep.cancel()
                await asyncio.gather(sweep, return_exceptions=True)
            await database.close()


def _stores(database: Database, objects: FileObjects, authority: FileAuthority, shelf: FileShelf) -> Storage:
    return Storage(
        transactions=database,
        cases=SqlCases(database),
        customers=SqlCustomers(database),
        fleet=SqlFleet(database),
        join_codes=SqlJoinCodes(database),
        users=SqlUsers(database),
        deposits=SqlDeposits(database, objects),
        snapshots=SqlSnapshots(database, objects),
        sessions=SqlSessions(database),
        schedules=SqlSchedules(database),
        audit=SqlAudit(database),
        losses=SqlLosses(database),
        witnessed=SqlWitnessed(database),
        scrub=Scrub(database, objects, SqlSnapshots(database, objects)),
        objects=objects,
        authority=authority,
        shelf=shelf,
    )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes in one folder would break the audit's single chain and each other's acks."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigurationError(f"data_folder: {folder} cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigurationError(f"data_folder: another collector runs in {folder}: end it first") from None
    finally:
        os.close(descriptor)
