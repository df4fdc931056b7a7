"""The probes of volumes, deleted files, the management controller, radio links and tunnels, over machines in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.v1 import section_net_pb2, section_pb2, section_storage_pb2
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.probes import deleted_files, filesystems, ipmi, routes, volumes, wireless
from caseprobe_agent.probes.probe import Measured
from tests.fakes_machine import FakeMachine, File

BTRFS = "/sys/fs/btrfs/11111111-2222-3333-4444-555555555555"


class Tools(FakeMachine):
    """A machine in memory with programs, by their name."""

    def __init__(self, files: Mapping[str, File], tools: Mapping[str, str | MeasurementError]) -> None:
        super().__init__({**files, **{f"/usr/sbin/{name.split()[0]}": "" for name in tools}})
        self.tools = tools
        self.asked: list[str] = []

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """What the program prints."""
        words = [Path(command[0]).name, *command[1:]]
        self.asked.append(" ".join(words))
        found = next(text for name, text in self.tools.items() if " ".join(words).startswith(name))
        if isinstance(found, MeasurementError):
            raise found
        return Completed(0, found.encode(), b"", False)


def shortfalls(measured: Measured) -> dict[str, str]:
    """Fact and outcome of what is missing."""
    name = section_pb2.ProbeOutcome.Name
    return {one.field: name(one.outcome).removeprefix("PROBE_OUTCOME_") for one in measured.shortfalls}


STORAGE: dict[str, File] = {
    "/proc/spl/kstat/zfs/tank/state": "DEGRADED\n",
    f"{BTRFS}/label": "data\n",
    f"{BTRFS}/devices/sdb1/size": "2097152\n",
    f"{BTRFS}/allocation/metadata/total_bytes": "1000\n",
    f"{BTRFS}/allocation/metadata/bytes_used": "400\n",
    f"{BTRFS}/allocation/metadata/disk_total": "2000\n",
    f"{BTRFS}/devinfo/1/error_stats": "write_errs 0\nread_errs 2\nflush_errs 0\ncorruption_errs 1\ngeneration_errs 0\n",
    f"{BTRFS}/devinfo/1/missing": "0\n",
    "/sys/fs/btrfs/features/raid56": "1\n",
    "/sys/block/dm-0/dm/uuid": "LVM-abc-tpool\n",
    "/sys/block/dm-1/dm/uuid": "mpath-3600\n",
    "/sys/block/dm-1/dm/name": "mpatha\n",
    "/sys/block/dm-1/slaves/sdc/x": "",
    "/sys/block/dm-1/slaves/sdd/x": "",
    "/sys/block/sdc/device/state": "running\n",
    "/sys/block/sdd/device/state": "offline\n",
}


def test_the_kernels_files_tell_what_volumes_there_are() -> None:
    """Without any program: states, errors and offline paths; what only programs tell is left out with its reason."""
    measured = volumes.measure(FakeMachine(STORAGE), None)
    facts = measured.facts
    assert isinstance(facts, section_storage_pb2.VolumesFacts)
    assert [(pool.name, pool.state) for pool in facts.pools] == [("tank", "DEGRADED")]
    [one] = facts.btrfs
    assert (one.name, one.size_bytes, one.allocated_bytes, one.metadata_used_bytes) == ("data", 1 << 30, 2000, 400)
    [device] = one.devices
    assert (device.name, device.read_errors_total, device.corruption_errors_total) == ("sdb1", 2, 1)
    [path] = facts.multipaths
    assert (path.name, path.paths_total, path.paths_active, list(path.failed_paths)) == ("mpatha", 2, 1, ["sdd"])
    assert shortfalls(measured) == {
        "volumes.size_bytes": "SKIPPED",
        "volumes.thin_pools": "SKIPPED",
        "volumes.failed_paths": "SKIPPED",
    }


def test_programs_tell_the_rest() -> None:
    """Each is asked only for what is there, and its lines can be quoted."""
    tools = {
        "zpool": "tank\t1000\t900\tDEGRADED\n",
        "lvs": "  vg0|p|twi-aotz--|1000|91.20|44.10\n",
        "multipath": "mpatha (3600) dm-1 A,B\n`- 2:0:0:0 sdc 8:32 failed faulty running\n",
    }
    machine = Tools(STORAGE, tools)
    measured = volumes.measure_with_tools(machine, None)
    facts = measured.facts
    assert isinstance(facts, section_storage_pb2.VolumesFacts)
    assert facts.pools[0].allocated_bytes == 900
    assert facts.thin_pools[0].data_ratio == 0.912
    assert list(facts.multipaths[0].failed_paths) == ["sdc"]
    assert shortfalls(measured) == {}
    assert any(line.source == "multipath -ll" and "sdc" in line.text for line in measured.lines)


def test_a_program_that_is_missing_or_not_allowed_is_named() -> None:
    """What is there and cannot be asked is unknown, with the program or right that it needs."""
    measured = volumes.measure_with_tools(Tools(STORAGE, {"lvs": MachineDenied("only root may")}), None)
    needs = {one.field: one.needs for one in measured.shortfalls}
    assert needs == {
        "volumes.size_bytes": "zpool",
        "volumes.thin_pools": "root",
        "volumes.failed_paths": "multipath",
    }


def test_a_machine_without_volumes_is_not_asked() -> None:
    """No program is started for what is not there."""
    with pytest.raises(MachineAbsent, match="no ZFS"):
        volumes.measure_with_tools(Tools({"/sys/block/sda/size": "1"}, {"zpool": "", "lvs": ""}), None)


def test_a_deleted_file_is_held_by_whom_has_it_open() -> None:
    """On this machine: a file without a name, its room and its holder."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"x" * 3_000_000)
        file.flush()
        Path(file.name).unlink()
        facts = deleted_files.measure(Machine(), None).facts
    assert isinstance(facts, section_storage_pb2.DeletedFilesFacts)
    held = [(one.path, held.total_bytes) for held in facts.held for one in held.files]
    found = [(path, total) for path, total in held if path == file.name]
    assert found, "among the ten largest of its filesystem"
    assert found[0][1] > 0


def test_the_controller_is_asked_only_where_there_is_one() -> None:
    """Without its device nothing is started; with it and without ipmitool that is what is needed."""
    with pytest.raises(MachineAbsent):
        ipmi.measure(Tools({}, {"ipmitool": ""}), None)
    with pytest.raises(MachineDenied) as refused:
        ipmi.measure(FakeMachine({"/dev/ipmi0": ""}), None)
    assert refused.value.needs == "ipmitool"
    facts = ipmi.measure(Tools({"/dev/ipmi0": ""}, {"ipmitool": "FAN 1,900,RPM,ok\n"}), None).facts
    assert isinstance(facts, section_storage_pb2.IpmiFacts)
    assert facts.sensors[0].state == "ok"


RADIO: dict[str, File] = {
    "/sys/class/net/wlan0/wireless/x": "",
    "/sys/class/net/wlan0/operstate": "up\n",
    "/sys/class/net/eth0/operstate": "up\n",
    "/proc/net/wireless": "h\nh\nwlan0: 0000 54. -56. -256 0 0 0 2 156 0\n",
}


def test_a_radio_link_is_measured_with_and_without_iw() -> None:
    """The kernel tells the strength; iw adds rate and retries."""
    quick = wireless.measure(FakeMachine(RADIO), None)
    assert isinstance(quick.facts, section_net_pb2.WirelessFacts)
    assert (quick.facts.links[0].signal_dbm, shortfalls(quick)) == (-56, {"wireless.retries_total": "SKIPPED"})
    tools = {
        "iw dev wlan0 link": "Connected to 02:00:00:00:00:01 (on wlan0)\n\tfreq: 2412\n",
        "iw dev wlan0 station": "Station 02:00:00:00:00:01 (on wlan0)\n\ttx packets:\t10\n\ttx retries:\t4\n",
    }
    full = wireless.measure_with_tools(Tools(RADIO, tools), None)
    assert isinstance(full.facts, section_net_pb2.WirelessFacts)
    link = full.facts.links[0]
    assert (link.signal_dbm, link.retries_total, link.frequency_hertz) == (-56, 4, 2.412e9)
    assert shortfalls(full) == {}


def test_tunnels_and_sizes_of_packets_stand_beside_the_routes() -> None:
    """The driver by what the kernel shows of it, the size of each route's interface."""
    files: dict[str, File] = {
        "/proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        "/sys/class/net/eth0/mtu": "1500\n",
        "/sys/class/net/wg0/mtu": "1420\n",
        "/sys/class/net/wg0/uevent": "INTERFACE=wg0\nDEVTYPE=wireguard\n",
        "/sys/class/net/tun0/tun_flags": "0x1001\n",
        "/sys/class/net/gre1/type": "778\n",
    }
    facts = routes.measure(FakeMachine(files), None).facts
    assert isinstance(facts, section_pb2.RoutesFacts)
    assert [(one.name, one.driver) for one in facts.tunnels] == [
        ("gre1", "gre"),
        ("tun0", "tun"),
        ("wg0", "wireguard"),
    ]
    assert list(facts.mtu_bytes) == [1500]


def test_what_fstab_mounts_at_start_is_compared_with_what_is_mounted() -> None:
    """Swap, what is mounted on demand and what may be absent are left out."""
    files: dict[str, File] = {
        "/proc/self/mountinfo": "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
        "/etc/fstab": "UUID=1 / ext4 defaults 0 1\nLABEL=data /srv/ xfs defaults 0 2\nnas:/x /mnt/x nfs defaults\n"
        "UUID=2 none swap sw\nUUID=3 /a ext4 noauto\nUUID=4 /b ext4 nofail\n/c /d none bind\n",
        "/dev/disk/by-label/data": "",
    }
    facts = filesystems.measure(FakeMachine(files), None).facts
    assert isinstance(facts, section_pb2.FilesystemsFacts)
    told = [
        (one.mount_point, one.mounted, one.device_present if one.HasField("device_present") else None)
        for one in facts.expected
    ]
    assert told == [("/", True, None), ("/srv", False, True), ("/mnt/x", False, None)]


def test_a_container_misses_no_device_of_its_image() -> None:
    """Its fstab was made for a machine: what lies on devices is nobody's to mount, a share of a server is."""
    files: dict[str, File] = {
        "/proc/self/mountinfo": "24 1 0:50 / / rw - overlay overlay rw\n",
        "/etc/fstab": "LABEL=cloudimg-rootfs / ext4\nLABEL=UEFI /boot/efi vfat\nnas:/x /mnt/x nfs\n",
        "/run/systemd/container": "lxc\n",
    }
    facts = filesystems.measure(FakeMachine(files), None).facts
    assert isinstance(facts, section_pb2.FilesystemsFacts)
    assert [(one.mount_point, one.mounted) for one in facts.expected] == [("/", True), ("/mnt/x", False)]
