"""A backup of everything, taken while the collector runs, and the way back.

Why it is consistent: the database is copied first, as one reader sees it at one moment (VACUUM INTO, which holds no
writer up). Every object that this copy names was durable before its row, is never changed and not removed meanwhile,
so it can be copied afterwards. The manifest with every file's hash comes last: a backup without it is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caseprobe.errors import ConfigurationError, Corrupt, UsageError
from caseprobe_collector.storage.durable import durable_file, make_folder, sync_folder, write_whole
from caseprobe_collector.storage.failures import failure_of
from caseprobe_collector.storage.names import AUTHORITY, DATABASE, NOTE, OBJECT_NAME, OBJECTS
from caseprobe_collector.storage.note import NoteFile
from caseprobe_collector.storage.progress import found_in
from caseprobe_collector.storage.schema import NEWEST

MANIFEST = "manifest.json"
FORMAT, VERSION = "caseprobe-backup", 1
LONGEST_MANIFEST_BYTES = 1 << 30
CHUNK_BYTES = 1 << 20
# (where its bytes lie, what they must be); of what 0.1.0 stored the hash of a bundle is not known.
NAMED = """
SELECT object, sha256 FROM snapshot_objects
UNION SELECT b.object, s.sha256 FROM snapshot_bodies b JOIN snapshots s USING (snapshot_id) WHERE b.object IS NOT NULL
UNION SELECT agent_id || '/' || snapshot_id || '/bundle.zip', NULL FROM snapshots s WHERE objects LIKE '%bundle.zip%'
    AND NOT EXISTS (SELECT 1 FROM snapshot_objects o WHERE o.snapshot_id = s.snapshot_id)
"""


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds, and which objects were damaged already when it was taken."""

    created_at: str
    files_total: int
    size_bytes: int
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    name: str
    size_bytes: int
    sha256: str


def back_up(folder: Path, target: Path, now: datetime) -> BackupReport:
    """Copy a collector's folder into a new one; raises UsageError where the target exists, StorageFull, Corrupt."""
    if target.exists():
        raise UsageError(f"{target} exists already: a backup goes into a new folder")
    if not (folder / DATABASE).exists():
        raise ConfigurationError(f"data_folder: {folder} holds no collector's data")
    partial = target.with_name(f"{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        report = _fill(folder, partial, now)
        partial.rename(target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise failure_of(error) from error
    return report


def _fill(folder: Path, partial: Path, now: datetime) -> BackupReport:
    files = [_database(folder / DATABASE, partial / DATABASE)]
    files += [_copy(folder, partial, f"{AUTHORITY}/{path.name}") for path in sorted((folder / AUTHORITY).iterdir())]
    damaged = []
    for name, sha256 in _named(partial / DATABASE):
        try:
            files.append(_copy(folder, partial, f"{OBJECTS}/{name}"))
        except FileNotFoundError:
            damaged.append(name)
            continue
        if sha256 is not None and files[-1].sha256 != sha256.hex():
            damaged.append(name)
    _sync_folders(partial)
    _write_manifest(partial, files, damaged, now)
    return _report(now.isoformat(), files, damaged)


def restore(source: Path, folder: Path) -> BackupReport:
    """Make a collector's folder of a backup; raises Corrupt where one byte is not what the manifest says.

    The folder must not exist, or be empty: what is there is never replaced. It appears whole or not at all.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"data_folder: {folder} is not empty; move it away to restore a backup there")
    created_at, files, damaged = _read_manifest(source)
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        for file in files:
            _restore_one(source, partial, file)
        _prove(partial / DATABASE)
        _note(partial)
        _sync_folders(partial)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
        sync_folder(folder.parent)
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise failure_of(error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return _report(created_at, files, damaged)


def _database(source: Path, target: Path) -> _File:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    size, sha256 = _hash(target)
    return _File(target.name, size, sha256)


def _named(database: Path) -> Iterator[tuple[str, bytes | None]]:
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        for name, sha256 in connection.execute(NAMED):
            if isinstance(name, str) and OBJECT_NAME.fullmatch(name):
                yield name, sha256


def _copy(source: Path, target: Path, name: str) -> _File:
    """Copy one file durably; raises FileNotFoundError."""
    digest, size = hashlib.sha256(), 0
    with (source / name).open("rb") as file:
        make_folder((target / name).parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(target / name, flags, 0o600)
        try:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                write_whole(descriptor, chunk)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return _File(name, size, digest.hexdigest())


def _restore_one(source: Path, partial: Path, file: _File) -> None:
    if not OBJECT_NAME.fullmatch(file.name):
        raise Corrupt(f"the backup names {file.name[:80]!r}, which no collector writes; nothing was restored")
    try:
        found = _copy(source, partial, file.name)
    except FileNotFoundError:
        raise Corrupt(f"{file.name} is missing from the backup; nothing was restored") from None
    if found != file:
        raise Corrupt(f"{file.name} is not what the backup's manifest says; nothing was restored")


def _prove(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise Corrupt(f"the backup's database is damaged ({verdict}); nothing was restored")
        (schema,) = connection.execute("SELECT version FROM schema_version").fetchone()
    if schema > NEWEST:
        raise ConfigurationError(f"the backup has schema {schema}, this version knows {NEWEST}: install a newer one")


def _note(folder: Path) -> None:
    """What is here is what was backed up, and nothing is missing of it; of an older schema nothing was counted."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        try:
            found = found_in(connection)
        except sqlite3.OperationalError:
            return
    note = NoteFile(folder / NOTE)
    note.open()
    note.write(found)
    note.close()


def _hash(path: Path) -> tuple[int, str]:
    """(size, SHA-256) of a file, which is durable afterwards."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folders(top: Path) -> None:
    for folder, _, _ in os.walk(top):
        sync_folder(Path(folder))


def _write_manifest(partial: Path, files: list[_File], damaged: list[str], now: datetime) -> None:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "created_at": now.astimezone(UTC).isoformat(),
        "files": [vars(file) for file in files],
        "damaged": damaged,
    }
    with durable_file(partial / MANIFEST) as descriptor:
        write_whole(descriptor, json.dumps(content, indent=1).encode())


def _read_manifest(source: Path) -> tuple[str, list[_File], list[str]]:
    try:
        if (source / MANIFEST).stat().st_size > LONGEST_MANIFEST_BYTES:
            raise Corrupt(f"{source / MANIFEST} is larger than any manifest")
        found: dict[str, Any] = json.loads((source / MANIFEST).read_bytes())
        if (found["format"], found["version"]) != (FORMAT, VERSION):
            raise Corrupt(f"{source} is no backup that this version reads")
        files = [_File(str(one["name"]), int(one["size_bytes"]), str(one["sha256"])) for one in found["files"]]
        return str(found["created_at"]), files, [str(name) for name in found["damaged"]]
    except OSError as error:
        raise UsageError(f"{source} holds no finished backup ({error.strerror}: {MANIFEST})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Corrupt(f"{source / MANIFEST} cannot be read; nothing was restored") from None


def _report(created_at: str, files: list[_File], damaged: list[str]) -> BackupReport:
    return BackupReport(created_at, len(files), sum(file.size_bytes for file in files), tuple(damaged))
