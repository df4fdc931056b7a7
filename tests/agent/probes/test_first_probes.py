"""The probes system, memory, filesystems and interfaces over machines in memory."""

from __future__ import annotations

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Address, Space
from caseprobe_agent.probes import filesystems, interfaces, memory, system
from caseprobe_agent.probes.probe import Measured, Notes
from caseprobe_agent.probes.surroundings import container_of, virtualization_of
from tests.fakes_host import wtmp
from tests.fakes_machine import FakeClock, FakeMachine, File

MEMINFO = "MemTotal: 1000 kB\nMemAvailable: 400 kB\n  SwapTotal: 10 kB\n"
BOOTED = 1795310142
SYSTEM: dict[str, File] = {
    "/proc/sys/kernel/hostname": "db7\n",
    "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "/proc/sys/kernel/tainted": "4096\n",
    "/proc/sys/fs/file-nr": "645\t0\t1000\n",
    "/proc/sys/kernel/pid_max": "32768\n",
    "/proc/sys/kernel/threads-max": "192730\n",
    "/proc/loadavg": "0.15 0.14 0.08 1/96 12208\n",
    "/proc/uptime": "2354.99 4431.84\n",
    "/proc/stat": f"cpu 1 2 3\nbtime {BOOTED}\n",
    "/proc/1/comm": "systemd\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
    "/etc/timezone": "Europe/Berlin\n",
    "/var/log/wtmp": wtmp(("boot", 1), ("shutdown", 2), ("boot", BOOTED)),
}


def shortfalls(measured: Measured) -> list[tuple[str, str, str]]:
    """Field, outcome and need of everything that is missing."""
    name = section_pb2.ProbeOutcome.Name
    return [(s.field, name(s.outcome).removeprefix("PROBE_OUTCOME_"), s.needs) for s in measured.shortfalls]


def test_system_says_which_machine_this_is() -> None:
    """Names, versions, boot time, taint and shared limits, each from its file."""
    measured = system.measure(FakeMachine(SYSTEM), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.SystemFacts)
    assert (facts.host_name, facts.system, facts.os_name, facts.os_version) == (
        "db7",
        "linux",
        "Debian GNU/Linux",
        "12",
    )
    assert (facts.kernel_release, facts.init_system, facts.timezone) == ("6.1.0-18-amd64", "systemd", "Europe/Berlin")
    assert (facts.open_files_total, facts.open_files_limit) == (645, 1000)
    assert (facts.tasks_total, facts.tasks_limit) == (96, 32768)
    assert (facts.kernel_taint, facts.uptime_seconds, facts.booted_at.seconds) == (4096, 2354.99, BOOTED)
    assert (facts.virtualization, facts.container) == ("", "")
    assert measured.shortfalls == ()
    assert "4096" in [line.text for line in measured.lines if line.source == "/proc/sys/kernel/tainted"]


def test_system_says_what_it_could_not_read() -> None:
    """A denied and an odd file cost one fact each."""
    files: dict[str, File] = {
        **SYSTEM,
        "/proc/sys/kernel/tainted": MachineDenied("no", needs="root"),
        "/proc/sys/fs/file-nr": "645",
    }
    measured = system.measure(FakeMachine(files), None)
    assert shortfalls(measured) == [
        ("system.kernel_taint", "DENIED", "root"),
        ("system.open_files_total", "FAILED", ""),
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/sys/class/dmi/id/sys_vendor": "QEMU\n"}, "kvm"),
        ({"/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"}, "vmware"),
        (
            {"/sys/class/dmi/id/sys_vendor": "Microsoft Corporation", "/sys/class/dmi/id/product_name": "Virtual"},
            "hyper-v",
        ),
        ({"/sys/class/dmi/id/sys_vendor": "Microsoft Corporation", "/sys/class/dmi/id/product_name": "Surface"}, ""),
        ({"/sys/hypervisor/type": "xen\n"}, "xen"),
        ({"/proc/cpuinfo": "processor : 0\nflags\t\t: fpu hypervisor lm\n"}, "vm"),
        ({"/proc/cpuinfo": "processor : 0\nflags\t\t: fpu lm\n"}, ""),
    ],
)
def test_the_hypervisor_is_named(files: dict[str, File], expected: str) -> None:
    """By the maker in DMI, then by Xen's own file, then by the processor's flag."""
    assert virtualization_of(FakeMachine(files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
        ({"/.dockerenv": ""}, "docker"),
        ({"/run/.containerenv": ""}, "podman"),
        ({"/proc/1/environ": "PATH=/bin\0container=systemd-nspawn\0"}, "systemd-nspawn"),
        ({"/proc/1/environ": MachineDenied("no")}, ""),
    ],
)
def test_the_container_is_named(files: dict[str, File], expected: str) -> None:
    """By what container managers leave behind for this question."""
    assert container_of(FakeMachine(files)) == expected


def test_an_old_record_of_boots_tells_nothing_of_this_one() -> None:
    """Systems that write none any more keep the file of the system before them."""
    old = wtmp(("boot", BOOTED - 900_000), ("shutdown", BOOTED - 800_000), ("boot", BOOTED - 700_000))
    measured = system.measure(FakeMachine({**SYSTEM, "/var/log/wtmp": old}), None)
    assert shortfalls(measured) == [("system.clean_shutdown", "ABSENT", "")]


def test_the_time_zone_may_be_a_link() -> None:
    """Where there is no /etc/timezone, /etc/localtime points into the zone database."""
    files = {path: file for path, file in SYSTEM.items() if path != "/etc/timezone"}
    machine = FakeMachine(files, links={"/etc/localtime": "../usr/share/zoneinfo/Asia/Tokyo"})
    facts = system.measure(machine, None).facts
    assert isinstance(facts, section_pb2.SystemFacts) and facts.timezone == "Asia/Tokyo"


def memory_of(machine: FakeMachine, earlier: object | None = None) -> tuple[section_pb2.MemoryFacts, Measured]:
    """The probe's facts as their type, and the whole result."""
    measured = memory.measure(machine, earlier)
    assert isinstance(measured.facts, section_pb2.MemoryFacts)
    return measured.facts, measured


def test_memory_rates_are_over_the_sample() -> None:
    """Pages become bytes per second; counters since boot stay counters."""
    clock = FakeClock()
    machine = FakeMachine(
        {"/proc/meminfo": MEMINFO, "/proc/vmstat": "pgmajfault 10\npswpin 0\npswpout 100\noom_kill 3\n"}, clock=clock
    )
    earlier = memory.sample(machine)
    clock.advance(0.5)
    machine.files["/proc/vmstat"] = "pgmajfault 60\npswpin 1\npswpout 90\noom_kill 3\n"
    facts, measured = memory_of(machine, earlier)
    assert facts.sample_seconds == 0.5
    assert facts.major_faults_per_second == 100
    assert facts.swap_in_bytes_per_second == 8192
    assert facts.swap_out_bytes_per_second == 0
    assert facts.oom_kill_total == 3
    assert shortfalls(measured) == [
        ("memory.pressure", "ABSENT", ""),
        ("memory.large_free_blocks_total", "ABSENT", ""),
        ("memory.oom_victims", "ABSENT", ""),
    ]
    assert [(line.line, line.text) for line in measured.lines][:3] == [
        (1, "MemTotal: 1000 kB"),
        (2, "MemAvailable: 400 kB"),
        (3, "  SwapTotal: 10 kB"),
    ]


def test_memory_that_the_kernels_sums_leave_out_is_told() -> None:
    """The cache of ZFS above its floor, huge pages, and swap that is memory itself."""
    files: dict[str, File] = {
        "/proc/meminfo": f"{MEMINFO}SwapTotal: 10 kB\nHugePages_Total: 3\nHugepagesize: 2048 kB\n",
        "/proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 8 0 100\n/dev/sda2 partition 2 0 -2\n",
        "/proc/spl/kstat/zfs/arcstats": "13 1 0x01 147 39984 1 2\nname type data\nc_min 4 100\nsize 4 300\n",
    }
    facts, measured = memory_of(FakeMachine(files))
    assert (facts.huge_pages_bytes, facts.zfs_cache_bytes, facts.swap_in_memory_bytes) == (3 * 2048 << 10, 200, 8192)
    assert {"c_min 4 100", "size 4 300", "Hugepagesize: 2048 kB"} <= {line.text for line in measured.lines}
    files["/proc/meminfo"] = f"{MEMINFO}HugePages_Total: 3\nHugepagesize: 2048 kB\nHugetlb: 1048576 kB\n"
    files["/proc/spl/kstat/zfs/arcstats"] = "no table\n"
    facts, measured = memory_of(FakeMachine(files))
    assert (facts.huge_pages_bytes, facts.zfs_cache_bytes) == (1 << 30, 0)
    assert "memory.zfs_cache_bytes" in {field for field, _, _ in shortfalls(measured)}


def test_memory_without_a_sample_has_no_rates() -> None:
    """Unset is not zero."""
    facts, _ = memory_of(FakeMachine({"/proc/meminfo": MEMINFO, "/proc/vmstat": "oom_kill 0"}))
    assert facts.HasField("oom_kill_total") and not facts.HasField("major_faults_per_second")


def test_a_container_knows_its_own_limit() -> None:
    """Where the root of the cgroup tree has a limit below the machine's memory, it is told."""
    files = {
        "/proc/meminfo": MEMINFO,
        "/sys/fs/cgroup/memory.max": "102400\n",
        "/sys/fs/cgroup/memory.current": "92160\n",
        "/sys/fs/cgroup/memory.events": "low 0\noom_kill 2\n",
    }
    facts, _ = memory_of(FakeMachine(files))
    assert (facts.cgroup_limit_bytes, facts.cgroup_current_bytes, facts.cgroup_oom_kill_total) == (102400, 92160, 2)


@pytest.mark.parametrize("limit", ["max\n", "99999999999\n"])
def test_no_limit_is_no_limit(limit: str) -> None:
    """ "max", or more than the machine has, is not told."""
    files = {
        "/proc/meminfo": MEMINFO,
        "/sys/fs/cgroup/memory.max": limit,
        "/sys/fs/cgroup/memory.current": "92160\n",
    }
    facts, _ = memory_of(FakeMachine(files))
    assert not facts.HasField("cgroup_limit_bytes")


def test_memory_that_cannot_be_read_is_the_probes_end() -> None:
    """Without /proc/meminfo there are no facts."""
    with pytest.raises(MachineAbsent):
        memory.measure(FakeMachine({}), None)


MOUNTINFO = """\
22 27 0:21 / /proc rw - proc proc rw
23 27 0:22 / /run/user rw - autofs systemd-1 rw
27 1 254:1 /sub /srv/bind rw - ext4 /dev/vda1 rw
28 1 254:1 / / rw - ext4 /dev/vda1 rw
29 28 0:40 / /mnt/nfs rw - nfs4 server:/x rw
30 28 7:0 / /snap/core rw - squashfs /dev/loop0 ro
31 28 254:2 / /data ro - xfs /dev/vdb rw
32 28 254:3 / /data rw - ext4 /dev/vdc ro,errors=remount-ro
"""


def test_each_filesystem_is_told_once() -> None:
    """Kernel types, images, bind mounts and what is mounted over are left out; a hung mount is there, unmeasured."""
    machine = FakeMachine(
        {"/proc/self/mountinfo": MOUNTINFO, "/etc/fstab": "/dev/vdc /data ext4 defaults 0 2\n"},
        spaces={"/": Space(100, 30, 20, 10, 5), "/data": MachineDenied("/data cannot be read: Permission denied")},
    )
    measured = filesystems.measure(machine, None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.FilesystemsFacts)
    root, nfs, data = facts.filesystems
    assert (root.mount_point, root.total_bytes, root.used_bytes, root.available_bytes) == ("/", 100, 70, 20)
    assert (root.inodes_total, root.inodes_available, root.read_only, root.measured) == (10, 5, False, True)
    assert (nfs.mount_point, nfs.measured, nfs.reason) == ("/mnt/nfs", False, "did not answer within 0.5 s")
    assert (data.device, data.read_only, data.fstab_writable) == ("/dev/vdc", True, True)
    assert (data.measured, data.reason) == (False, "it cannot be read: Permission denied")
    assert [line.line for line in measured.lines] == [4, 5, 8]


def test_what_only_a_service_sees_as_read_only_is_writable() -> None:
    """A service manager shows its services everything read-only (ProtectSystem); the first process sees how it is."""
    inside, outside = (
        f"24 1 8:1 / / {how} - ext4 a rw\n25 24 8:2 / /b {how} - ext4 b ro\n26 24 8:3 / /c ro - ext4 c rw\n"
        for how in ("ro", "rw")
    )
    files = {"/proc/self/mountinfo": inside, "/etc/fstab": ""}

    def read_only(machine: FakeMachine) -> list[bool]:
        facts = filesystems.measure(machine, None).facts
        assert isinstance(facts, section_pb2.FilesystemsFacts)
        return [one.read_only for one in facts.filesystems]

    assert read_only(FakeMachine(files)) == [True, True, True]
    # The second one has an error in its filesystem, the third was mounted so by the machine's owner.
    assert read_only(FakeMachine({**files, "/proc/1/mountinfo": outside})) == [False, True, True]


def test_no_fstab_is_a_shortfall() -> None:
    """Whether a read-only filesystem should be writable is then not known."""
    machine = FakeMachine({"/proc/self/mountinfo": MOUNTINFO})
    assert shortfalls(filesystems.measure(machine, None)) == [("filesystems.fstab_writable", "ABSENT", "")]


def net_dev(received: int, sent: int) -> str:
    """Counters of one physical interface, a bond and the loopback."""
    return (
        f"  eth0: {received} 5 1 2 0 0 0 0 {sent} 4 3 4 0 0 0 0\n"
        "    lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n bond0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


def test_interfaces_have_state_addresses_counters_and_rates() -> None:
    """Rates are over the sample; what a driver does not tell stays unset; bond slaves are counted."""
    clock = FakeClock()
    net = "/sys/class/net"
    machine = FakeMachine(
        {
            "/proc/net/dev": net_dev(1000, 500),
            f"{net}/eth0/address": "02:fc:00:00:00:01\n",
            f"{net}/eth0/operstate": "up\n",
            f"{net}/eth0/mtu": "1500\n",
            f"{net}/eth0/speed": "1000\n",
            f"{net}/eth0/duplex": "full\n",
            f"{net}/eth0/carrier_changes": "2\n",
            f"{net}/eth0/type": "1\n",
            f"{net}/eth0/device/vendor": "0x8086\n",
            f"{net}/eth0/bonding_slave/mii_status": "up\n",
            f"{net}/lo/type": "772\n",
            f"{net}/lo/speed": MachineDenied("x"),
            f"{net}/bond0/bonding/slaves": "eth0 eth1\n",
        },
        addresses=[Address("eth0", "192.0.2.2", 24), Address("lo", "::1", 128)],
        clock=clock,
    )
    earlier = interfaces.sample(machine)
    clock.advance(0.25)
    machine.files["/proc/net/dev"] = net_dev(2000, 400)
    machine.files["/sys/class/net/eth0/bonding_slave/state"] = "backup\n"
    facts = interfaces.measure(machine, earlier).facts
    assert isinstance(facts, section_pb2.InterfacesFacts)
    eth0, loopback, bond = facts.interfaces
    assert (eth0.name, eth0.mac, eth0.state, eth0.mtu_bytes) == ("eth0", "02:fc:00:00:00:01", "up", 1500)
    assert (eth0.speed_bits_per_second, eth0.duplex, eth0.kind, eth0.carrier_changes_total) == (
        1e9,
        "full",
        "physical",
        2,
    )
    assert list(eth0.addresses) == ["192.0.2.2/24"]
    assert (eth0.standby, bond.standby) == (True, False)
    assert (eth0.received_bytes_per_second, eth0.sent_bytes_per_second) == (4000, 0)
    assert (loopback.kind, loopback.state, loopback.HasField("speed_bits_per_second")) == ("loopback", "unknown", False)
    assert (bond.kind, bond.bond_slaves_total, bond.bond_slaves_active) == ("bond", 2, 1)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/n/bridge/stp_state": "0"}, "bridge"),
        ({"/n/phy80211/index": "0", "/n/device/x": ""}, "wireless"),
        ({"/n/uevent": "DEVTYPE=vlan\nINTERFACE=eth0.7\n"}, "vlan"),
        ({"/n/tun_flags": "0x1001", "/n/type": "65534"}, "tunnel"),
        ({"/n/type": "776"}, "tunnel"),
        ({"/n/type": "1"}, "virtual"),
    ],
)
def test_the_kind_of_an_interface_is_what_its_driver_shows(files: dict[str, File], expected: str) -> None:
    """One word each."""
    assert interfaces.kind_of(FakeMachine(files), "/n", Notes()) == expected
