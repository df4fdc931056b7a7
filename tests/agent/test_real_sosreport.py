"""A sosreport made in this run, of this machine: what is imported of it is what our own probes measure."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.cli import main
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import CPU, FILESYSTEMS, MEMORY, PACKAGES, SYSTEM
from caseprobe_agent.seal.form import hiding_of, load_key
from caseprobe_agent.seal.pipe import redactor_of
from caseprobe_agent.snapshot import take_snapshot

PLUGINS = f"kernel,memory,processor,filesys,host,date,process,{'dpkg' if shutil.which('dpkg') else 'rpm'}"
PROBES = (SYSTEM, CPU, MEMORY, FILESYSTEMS, PACKAGES)
SECONDS = 90


def made(folder: Path) -> Path:
    """The archive; the program runs without a network, so that no packet of its plugins leaves."""
    if shutil.which("sos") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("needs sos, which .ci/run installs")
        pytest.skip("NOT RUN: needs sos (Debian: apt install sosreport)")
    if os.geteuid():
        pytest.skip("not run: sos takes root")
    command = ("unshare", "-n", "sos", "report", "--batch", "--tmp-dir", str(folder), "-o", PLUGINS, "--threads", "2")
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    found = list(folder.glob("sosreport-*.tar.xz"))
    if not found:
        pytest.skip(f"not run: sos made no archive here: {done.stderr[-200:]}")
    return found[0]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[snapshot_pb2.Snapshot, snapshot_pb2.Snapshot]]:
    """What was imported of the archive, and what our probes measure, redacted with the same key."""
    folder = tmp_path_factory.mktemp("sos")
    archive = made(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEPROBE_CONFIG_FOLDER", str(folder / "config"))
        patch.setenv("CASEPROBE_STATE_FOLDER", str(folder / "state"))
        assert main(["import", str(archive), "--output", str(folder / "imported.zip"), "--json"]) == 0
    with (folder / "imported.zip").open("rb") as file:
        imported = BundleReader(file).snapshot()
    taken = asyncio.run(take_snapshot(PROBES, Machine(), 30.0, "quick"))
    yield imported, redactor_of(hiding_of(Machine(), load_key(folder / "state"), True)).snapshot(taken.snapshot)


def section(snapshot: snapshot_pb2.Snapshot, probe: str) -> section_pb2.Section:
    """The section of a probe."""
    return next(one for one in snapshot.sections if one.probe == probe)


def test_the_facts_are_those_of_our_own_probes(both: tuple[snapshot_pb2.Snapshot, snapshot_pb2.Snapshot]) -> None:
    """Kernel, start, memory, processors, mounts with their size, and the host's stand-in."""
    imported, measured = both
    theirs, ours = section(imported, "system").system, section(measured, "system").system
    assert theirs.kernel_release == ours.kernel_release and theirs.host_name == ours.host_name
    assert theirs.architecture == ours.architecture and theirs.booted_at == ours.booted_at
    assert section(imported, "memory").memory.total_bytes == section(measured, "memory").memory.total_bytes
    assert section(imported, "cpu").cpu.logical_total == section(measured, "cpu").cpu.logical_total
    mounts, known = (
        {one.mount_point: one for one in section(one, "filesystems").filesystems.filesystems}
        for one in (imported, measured)
    )
    lasting = [point for point in ("/", "/boot", "/dev/shm") if point in known]
    assert lasting
    for point in lasting:
        theirs_there, ours_there = mounts[point], known[point]
        assert (theirs_there.device, theirs_there.type) == (ours_there.device, ours_there.type)
        # df rounds to KiB.
        assert abs(theirs_there.total_bytes - ours_there.total_bytes) < 1024


def test_it_was_collected_now_and_says_where_it_comes_from(
    both: tuple[snapshot_pb2.Snapshot, snapshot_pb2.Snapshot],
) -> None:
    """The moment is that of the archive, its name and the host's are stand-ins, and checks have run."""
    imported, measured = both
    assert abs(imported.started_at.seconds - measured.started_at.seconds) < SECONDS
    assert imported.origin.kind == "sosreport" and imported.origin.tool_version and not imported.origin.damage
    assert imported.origin.members_total > 100 and "sosreport" not in imported.origin.name
    ran = [one.check_id for one in imported.coverage if 1 <= one.outcome <= 4]
    assert {"mem.avail", "disk.space", "disk.inodes", "cpu.load"} <= set(ran)


def test_what_changed_of_packages_is_told_alike(both: tuple[snapshot_pb2.Snapshot, snapshot_pb2.Snapshot]) -> None:
    """The package manager's own log is in the archive, and its newest changes are those that our probe reads."""
    imported, measured = (section(snapshot, "packages").packages for snapshot in both)
    assert imported.packages_total == measured.packages_total
    told, known = ([(one.action, one.name, one.version_after) for one in of.changes] for of in (imported, measured))
    assert told[-20:] == known[-20:]
