"""From what was given to a raw snapshot, in a child with limits: nobody knows who made what is read here."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from caseprobe.errors import Corrupt, UsageError
from caseprobe.imported import ImportLimits, Tree, read_archive
from caseprobe.imported.supplies import complete
from caseprobe.v1 import origin_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.identity.keys import pack, unpack
from caseprobe_agent.imports.folder import read_folder
from caseprobe_agent.imports.reports import report_snapshot, report_text
from caseprobe_agent.imports.sections import sections_of
from caseprobe_agent.machine.archived import ArchivedMachine
from caseprobe_agent.probes.probe import RawArtifact, timestamp
from caseprobe_agent.snapshot import Taken

CONVERT_SECONDS = 60.0
LIMITS = worker.Limits(memory_bytes=512 << 20)
HOST_NAME, PASSWD, HOSTS = "/proc/sys/kernel/hostname", "/etc/passwd", "/etc/hosts"
HASHED_BYTES = 1 << 20
MACHINE_ID, SYSTEM_UUID = "/etc/machine-id", "/sys/class/dmi/id/product_uuid"


@dataclass(frozen=True)
class Converted:
    """A raw snapshot without ids; the names of its machine, to hide them; what the machine and the input are known by.

    machine: empty where the input does not tell whose it is. digest: the same for the same input.
    """

    taken: Taken = field(repr=False)
    host_name: str
    passwd: str = field(repr=False)
    hosts: str = field(repr=False)
    machine: str
    digest: bytes


async def convert_apart(paths: Sequence[Path]) -> Converted:
    """What these files hold, read in a child: one archive, or reports of one program.

    Raises UsageError where they cannot be read, Corrupt where they are nothing that is known, MeasurementError where
    the child passed its limits.
    """
    request = json.dumps([str(path) for path in paths]).encode()
    snapshot, header, *data = unpack(await worker.call(convert, request, CONVERT_SECONDS, LIMITS))
    told = json.loads(header)
    rows = zip(told.pop("artifacts"), data, strict=True)
    artifacts = tuple(RawArtifact(name, source, body, cut) for (name, source, cut), body in rows)
    digest = bytes.fromhex(told.pop("digest"))
    return Converted(Taken(snapshot_pb2.Snapshot.FromString(snapshot), artifacts), digest=digest, **told)


def convert(request: bytes) -> bytes:
    """In the child: the snapshot of what lies at these paths, packed with its artifacts and names."""
    paths = [Path(path) for path in json.loads(request)]
    limits = ImportLimits()
    if len(paths) == 1 and paths[0].is_dir():
        return _of_tree(read_folder(paths[0], limits), paths[0].resolve(), b"")
    reports = [_report(path) for path in paths]
    if all(reports):
        snapshot = report_snapshot([(path.name, text) for path, text in zip(paths, reports, strict=True)])
        digest = hashlib.sha256(pack(*(text.encode() for text in reports))).digest()
        return _packed(snapshot, [], {"host_name": "", "passwd": "", "hosts": "", "machine": ""}, digest)
    if len(paths) > 1:
        raise UsageError("give one archive, or reports of one program only")
    with _opened(paths[0]) as file:
        try:
            tree = read_archive(file, limits)
        except Corrupt as error:
            raise Corrupt(f"{paths[0].name}: {error}") from None
        file.seek(0)
        return _of_tree(tree, paths[0], _digest(file))


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while part := file.read(HASHED_BYTES):
        digest.update(part)
    return digest.digest()


def _of_tree(tree: Tree, path: Path, digest: bytes) -> bytes:
    complete(tree)
    machine = ArchivedMachine(tree)
    snapshot = snapshot_pb2.Snapshot(profile=tree.kind, boottime_seconds=machine.boottime_seconds())
    snapshot.started_at.CopyFrom(timestamp(tree.collected_seconds))
    snapshot.boot_id = tree.text("/proc/sys/kernel/random/boot_id").strip()[:64]
    sections, artifacts = sections_of(machine)
    snapshot.sections.extend(sections)
    snapshot.origin.CopyFrom(_origin(tree, path.name))
    names = {
        "host_name": tree.text(HOST_NAME).strip(),
        "passwd": tree.text(PASSWD),
        "hosts": tree.text(HOSTS),
        "machine": next((t for p in (MACHINE_ID, SYSTEM_UUID, HOST_NAME) if (t := tree.text(p).strip())), ""),
    }
    return _packed(snapshot, artifacts, names, digest)


def _origin(tree: Tree, name: str) -> origin_pb2.Origin:
    origin = origin_pb2.Origin(kind=tree.kind, name=name, tool_version=tree.tool_version, damage=tree.damage)
    if tree.collected_seconds:
        origin.collected_at.CopyFrom(timestamp(tree.collected_seconds))
    origin.members_total = tree.members_total
    for reason, total in sorted(tree.skipped.items()):
        origin.skipped.add(reason=reason, total=total)
    return origin


def _packed(
    snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact], names: dict[str, str], digest: bytes
) -> bytes:
    """digest: of the input; empty: what was read of it stands for it."""
    serialized = snapshot.SerializeToString(deterministic=True)
    digest = digest or hashlib.sha256(pack(serialized, *(one.data for one in artifacts))).digest()
    rows = [[one.name, one.source, one.truncated] for one in artifacts]
    header = json.dumps({**names, "digest": digest.hex(), "artifacts": rows}).encode()
    return pack(serialized, header, *(one.data for one in artifacts))


def _report(path: Path) -> str:
    """The text of a report in JSON; empty where the file is something else."""
    with _opened(path) as file:
        return report_text(file)


def _opened(path: Path) -> BinaryIO:
    """A plain file, open; a pipe or a device would keep its reader waiting."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path} is neither a file nor a folder")
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
