"""`caseprobe import`: what another program recorded becomes a bundle like our own."""

from __future__ import annotations

import io
import json
import random
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson

from caseprobe.bundle import BundleReader
from caseprobe.errors import Corrupt
from caseprobe.imported import ImportLimits
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.cli import main
from caseprobe_agent.identity.keys import unpack
from caseprobe_agent.imports.convert import convert
from caseprobe_agent.imports.folder import read_folder
from tests import fakes_sos as sos
from tests.fakes_hostile import TAR_FAMILIES

MTR = {
    "report": {
        "mtr": {"src": "desk", "dst": "198.51.100.9", "tests": 10},
        "hubs": [
            {"count": 1, "host": "192.0.2.1", "Loss%": 0.0, "Snt": 10, "Avg": 1.1, "Best": 1.0, "Wrst": 1.4},
            {"count": "2", "host": "???", "Loss%": 100.0, "Snt": 10, "Avg": 0.0, "Best": 0.0, "Wrst": 0.0},
            {"count": 3, "host": "a (198.51.100.9)", "Loss%": 30.0, "Snt": 10, "Avg": 9.0, "Best": 8.0, "Wrst": 12.0},
        ],
    }
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sosreport and an insights archive of one machine, and the bundles made of them under one key."""
    folder = tmp_path_factory.mktemp("imports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEPROBE_CONFIG_FOLDER", str(folder / "config"))
        patch.setenv("CASEPROBE_STATE_FOLDER", str(folder / "state"))
        for kind, data in (("sosreport", sos.sosreport()), ("insights", sos.insights())):
            (folder / f"{kind}-{sos.HOST}.tar").write_bytes(data)
            given, made = str(folder / f"{kind}-{sos.HOST}.tar"), str(folder / f"{kind}.zip")
            assert main(["import", given, "--output", made, "--json"]) == 0
        yield folder


def read(*paths: Path) -> snapshot_pb2.Snapshot:
    """The raw snapshot of an input, read in this process."""
    snapshot, *_ = unpack(convert(json.dumps([str(path) for path in paths]).encode()))
    return snapshot_pb2.Snapshot.FromString(snapshot)


def opened(path: Path) -> snapshot_pb2.Snapshot:
    """The snapshot of a bundle that proves itself."""
    reader = BundleReader(io.BytesIO(path.read_bytes()))
    proof, snapshot = reader.verify(), reader.snapshot()
    assert proof.hashes_ok and proof.signed_by == "one-shot" and proof.key_id == snapshot.agent_id
    return snapshot


def section(snapshot: snapshot_pb2.Snapshot, probe: str) -> section_pb2.Section:
    """The section of a probe."""
    return next(one for one in snapshot.sections if one.probe == probe)


@pytest.mark.parametrize("kind", ["sosreport", "insights"])
def test_an_archive_gives_the_facts_of_its_machine(folder: Path, kind: str) -> None:
    """Memory, mounts, room, kernel, addresses, disks, services, packages and faults are those that were recorded."""
    snapshot = opened(folder / f"{kind}.zip")
    assert (snapshot.origin.kind, snapshot.profile) == (kind, kind)
    assert snapshot.started_at.ToJsonString() == "2026-11-22T11:17:49Z"
    system = section(snapshot, "system").system
    assert (system.kernel_release, system.os_version, system.architecture) == ("5.14.0-503.el9.x86_64", "9.5", "x86_64")
    assert system.uptime_seconds == snapshot.started_at.seconds - 1795137336
    assert section(snapshot, "memory").memory.total_bytes == 2_000_000 * 1024
    root, boot = section(snapshot, "filesystems").filesystems.filesystems
    assert (root.mount_point, root.available_bytes, root.inodes_available) == ("/", 100_000 * 1024, 95_000)
    assert (boot.mount_point, boot.used_bytes) == ("/boot", 200_000 * 1024)
    card = section(snapshot, "interfaces").interfaces.interfaces[1]
    assert (card.name, card.state, card.mtu_bytes, card.received_bytes_total) == ("ens192", "up", 9000, 9_000_000)
    processes = section(snapshot, "processes").processes
    assert (processes.processes_total, processes.zombies_total, processes.top_memory[0].name) == (3, 1, "postgres")
    services = section(snapshot, "services").services
    assert (services.state, services.units[0].name, services.units[0].exit_status) == ("degraded", "backup.service", 2)
    assert section(snapshot, "packages").packages.packages[0].version == "5.1.8-9.el9.x86_64"
    assert section(snapshot, "hardware").hardware.vendor == "VMware, Inc."
    route = section(snapshot, "routes").routes.routes[0]
    assert (route.destination, route.interface, route.metric, route.family) == ("default", "ens192", 100, 4)
    assert {"disk.space", "disk.missing", "svc.failed", "mem.avail"} <= {one.check_id for one in snapshot.findings}
    assert any(one.check_id.startswith("log.") or "sdb" in one.object for one in snapshot.findings)


def test_what_only_sosreport_has_is_there(folder: Path) -> None:
    """The kernel's links tell which interfaces have a device, its tables how large disks and partitions are."""
    snapshot = opened(folder / "sosreport.zip")
    assert [one.kind for one in section(snapshot, "interfaces").interfaces.interfaces] == ["loopback", "physical"]
    disk = section(snapshot, "disks").disks.disks[0]
    assert (disk.name, disk.size_bytes, disk.partitions[0].mount_point) == ("sda", 20 << 30, "/boot")
    assert snapshot.origin.tool_version == "4.8.2"
    (group,) = section(snapshot, "cgroups").cgroups.groups
    assert (group.memory_limit_bytes, group.memory_current_bytes) == (100_000_000, 99_000_000)


@pytest.mark.parametrize("kind", ["sosreport", "insights"])
def test_no_name_and_no_secret_of_the_machine_is_in_the_bundle(folder: Path, kind: str) -> None:
    """Host, user, address, serial, token and password go through the pipe with the archive's own names."""
    snapshot = opened(folder / f"{kind}.zip")
    reader = BundleReader(io.BytesIO((folder / f"{kind}.zip").read_bytes()))
    everything = b"\n".join(reader.read(name) for name in reader.names()) + MessageToJson(snapshot).encode()
    for secret in (
        sos.HOST,
        "miriam",
        "Adler",
        "10.20.30.31",
        "10.20.30.77",
        sos.SERIAL,
        "ghp_abc",
        "hunter2",
        "corp.example",
    ):
        assert secret.encode() not in everything, secret
    assert section(snapshot, "system").system.host_name.startswith("host-")
    assert "artifacts/system.log" in reader.names()


def test_the_same_file_gives_the_same_ids_and_another_archive_of_the_machine_the_same_agent(folder: Path) -> None:
    """A file that is imported twice is one snapshot; two archives of one machine can be compared."""
    copy = folder / "again.tar"
    copy.write_bytes(sos.sosreport())
    assert main(["import", str(copy), "--output", str(folder / "again.zip")]) == 0
    once, twice, other = (opened(folder / f"{name}.zip") for name in ("sosreport", "again", "insights"))
    assert (once.snapshot_id, once.agent_id) == (twice.snapshot_id, twice.agent_id)
    assert other.agent_id == once.agent_id and other.snapshot_id != once.snapshot_id
    assert section(other, "system").system.host_name == section(once, "system").system.host_name
    assert main(["diff", str(folder / "sosreport.zip"), str(folder / "insights.zip"), "--json"]) == 0


@pytest.mark.parametrize("mode", ["gz", "bz2", ""])
def test_however_it_is_packed_it_tells_the_same(tmp_path: Path, mode: str) -> None:
    """gzip, bzip2, nothing: the facts are those of the xz."""
    (tmp_path / "one").write_bytes(sos.sosreport())
    (tmp_path / "other").write_bytes(sos.sosreport(mode))
    assert list(read(tmp_path / "one").sections) == list(read(tmp_path / "other").sections)


def test_an_unpacked_archive_tells_the_same(tmp_path: Path) -> None:
    """A folder is read member by member, and links in it are not followed out."""
    with tarfile.open(fileobj=io.BytesIO(sos.sosreport())) as archive:
        archive.extractall(tmp_path / "there", filter="fully_trusted")  # noqa: S202 (our own)
    unpacked = next((tmp_path / "there").iterdir())
    (unpacked / "proc/vmstat").unlink()
    (unpacked / "proc/vmstat").symlink_to("/proc/vmstat")
    snapshot = read(unpacked)
    assert section(snapshot, "memory").memory.total_bytes == 2_000_000 * 1024
    assert "memory.oom_kill_total" in {one.field for one in section(snapshot, "memory").shortfalls}


def test_what_an_archive_does_not_tell_is_unknown_and_never_not_there(folder: Path) -> None:
    """A section without a source is skipped with what is missing; no check takes that for a machine without it."""
    snapshot = opened(folder / "sosreport.zip")
    for probe, why in (("sensors", "/sys/class/hwmon"), ("smart", "smartctl"), ("wireless", "no record")):
        one = section(snapshot, probe)
        assert (
            one.outcome == section_pb2.PROBE_OUTCOME_SKIPPED
            and why in one.reason
            and "the archive has no" in one.reason
        )
    outcomes = {shortfall.outcome for one in snapshot.sections for shortfall in one.shortfalls}
    assert section_pb2.PROBE_OUTCOME_ABSENT not in outcomes | {one.outcome for one in snapshot.sections}
    raid = next(one for one in snapshot.coverage if one.check_id == "raid.md")
    assert raid.reason == "the archive has no /proc/mdstat"


def test_lines_are_quoted_only_where_the_archive_has_them(folder: Path) -> None:
    """What was made of a command's output is no evidence; what stands in a file is."""
    sources = {line.source for one in opened(folder / "sosreport.zip").sections for line in one.lines}
    assert "/proc/meminfo" in sources
    assert not sources & {"/proc/uptime", "/proc/loadavg", "/proc/sys/vm/overcommit_memory"}


def test_show_says_which_program_recorded_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The program, its version, and how much was in its archive."""
    assert main(["show", str(folder / "sosreport.zip")]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"recorded by +sosreport 4\.8\.2; \d+ members\n", shown)
    # Who imported it sees the true names, as with a bundle of this machine.
    assert "Names above are the true ones" in shown


def test_mtr_becomes_a_path_with_its_verdict(tmp_path: Path) -> None:
    """Losses and times are those that mtr counted."""
    (tmp_path / "mtr.json").write_text(json.dumps(MTR))
    path = section(read(tmp_path / "mtr.json"), "path").path
    assert [(hop.sent, hop.received) for hop in path.hops] == [(10, 10), (10, 0), (10, 7)]
    assert (path.hops[2].best_seconds, path.hops[2].worst_seconds) == (0.008, 0.012)
    assert path.verdict.message_id and not path.hops[2].HasField("jitter_seconds")
    # A target is shown as it was typed; this one somebody else typed, and an address is told behind a stand-in.
    assert (path.target, path.address) == ("mtr", bytes((198, 51, 100, 9)))


def test_the_same_report_is_the_same_snapshot(tmp_path: Path) -> None:
    """Whatever its file is called, what it is known by follows from its text."""
    digests = []
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(MTR))
        _, header, *_ = unpack(convert(json.dumps([str(tmp_path / name)]).encode()))
        digests.append(json.loads(header)["digest"])
    assert digests[0] == digests[1]


def test_an_unpacked_archive_is_read_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As "..", it is named as the folder is; of a long log the newest part is read, of all no more than the limit."""
    inner = tmp_path / "sos" / "sos_commands" / "host"
    inner.mkdir(parents=True)
    (inner / "hostname").write_text("a\n")
    (tmp_path / "sos" / "proc").mkdir()
    (tmp_path / "sos" / "proc" / "meminfo").write_text("MemTotal: 1 kB\n")
    (tmp_path / "sos" / "var" / "log").mkdir(parents=True)
    (tmp_path / "sos" / "var" / "log" / "syslog").write_bytes(b"old line\n" * 1000 + b"new line\n")
    monkeypatch.chdir(inner.parent)
    assert read(Path("..")).origin.name == "sos"
    tree = read_folder(Path(".."), ImportLimits(log_bytes=20))
    assert tree.text("/var/log/syslog") == "old line\nnew line\n" and tree.output("hostname")[0] == "a\n"
    cut = read_folder(Path(".."), ImportLimits(log_bytes=20, unpacked_bytes=25))
    assert cut.damage == "only the first 0 MiB of its content were read"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no tar archive|cut before its first"),
        (b"just some text\n" * 100, "no tar archive"),
        (sos.packed([("a/b/c/d", "x")], "gz"), "no machine as sosreport or insights"),
        (b'{"report": {"mtr": {}, "hubs": []}}', "no report of mtr"),
        (b'{"a": 1}', "no report of mtr --json or smartctl --json"),
    ],
)
def test_what_is_no_archive_is_refused_in_one_line(tmp_path: Path, data: bytes, why: str) -> None:
    """What, why, what to do."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(Corrupt, match=why) as error:
        read(tmp_path / "x")
    assert "\n" not in str(error.value)


def test_a_refused_file_leaves_nothing(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 3, one line, and no bundle."""
    (tmp_path / "x").write_bytes(b"rubbish" * 1000)
    assert main(["import", str(tmp_path / "x"), "--output", str(tmp_path / "x.zip")]) == 3
    assert "no tar archive" in capsys.readouterr().err
    assert not (tmp_path / "x.zip").exists()


def test_files_that_hold_what_no_kernel_writes_end_their_sections_only(tmp_path: Path) -> None:
    """Numbers without end, bytes, braces: a section fails or is left out with its reason, and the others are there."""
    for seed in range(12):
        (tmp_path / "x").write_bytes(TAR_FAMILIES["odd texts"](random.Random(seed)))
        for one in read(tmp_path / "x").sections:
            assert one.outcome == section_pb2.PROBE_OUTCOME_OK or one.reason, one.probe


def test_several_reports_of_disks_are_one_snapshot(tmp_path: Path) -> None:
    """Each report of smartctl is a disk; one that is broken is a shortfall, and the rest is judged."""
    disk = {
        "json_format_version": [1, 0],
        "smartctl": {"version": [7, 3], "exit_status": 0},
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        "model_name": "Disk",
        "serial_number": "S1",
        "smart_status": {"passed": False},
    }
    (tmp_path / "a.json").write_text(json.dumps(disk))
    (tmp_path / "b.json").write_text('{"smartctl": {}}')
    smart = section(read(tmp_path / "a.json", tmp_path / "b.json"), "smart")
    assert [one.model for one in smart.smart.disks] == ["Disk"] and smart.shortfalls[0].reason.startswith("b.json")
