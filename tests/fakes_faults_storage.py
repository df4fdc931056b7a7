"""Faults of filesystems over time, volumes, boards, radio links and tunnels, and of counters that grow."""

from __future__ import annotations

from functools import partial

from caseprobe.v1 import section_net_pb2 as net
from caseprobe.v1 import section_pb2 as pb
from caseprobe.v1 import section_storage_pb2 as storage
from tests.fakes_faults import fault as any_fault
from tests.fakes_sections import GIB

# Whatever was before was two hours before.
fault = partial(any_fault, step_seconds=7200.0)


def root(used_gib: float, total_gib: int = 100) -> pb.FilesystemsFacts:
    """One filesystem with so much in use."""
    one = pb.Filesystem(mount_point="/srv", device="/dev/sdb1", type="ext4", measured=True)
    one.total_bytes, one.used_bytes = total_gib * GIB, round(used_gib * GIB)
    one.available_bytes = one.total_bytes - one.used_bytes
    return pb.FilesystemsFacts(filesystems=[one])


def disk(kind: str, busy: float = 0.0, weighted: float = 0.0, requests: int = 0) -> pb.DisksFacts:
    """One disk with these times since boot."""
    one = pb.Disk(name="sda", kind=kind, busy_seconds_total=busy, weighted_seconds_total=weighted, reads_total=requests)
    return pb.DisksFacts(disks=[one])


def nic(**given: float) -> pb.InterfacesFacts:
    """One interface that is up."""
    one = pb.Interface(name="eth0", kind="physical", state="up", duplex="full")
    for name, value in given.items():
        setattr(one, name, value if name.endswith("per_second") else int(value))
    return pb.InterfacesFacts(interfaces=[one])


def card(correctable: int, uncorrectable: int = 0) -> pb.HardwareFacts:
    """One device with these errors."""
    one = pb.PciDevice(slot="0000:01:00.0", driver="nvme", aer_correctable_total=correctable)
    one.aer_uncorrectable_total = uncorrectable
    return pb.HardwareFacts(pci_devices=[one])


def segments(sent: int, again: int) -> pb.SocketsFacts:
    """TCP segments since boot."""
    return pb.SocketsFacts(segments_sent_total=sent, segments_retransmitted_total=again)


def softnet(dropped: int, squeezed: int) -> pb.SocketsFacts:
    """What processors did with packets since boot."""
    return pb.SocketsFacts(softnet_dropped_total=dropped, softnet_squeezed_total=squeezed)


def radio(**given: float) -> net.WirelessFacts:
    """One connected radio link."""
    return net.WirelessFacts(links=[net.RadioLink(name="wlan0", connected=True, **given)])  # type: ignore[arg-type]


def routes(driver: str, state: str, mtu: int, default: str) -> pb.RoutesFacts:
    """A tunnel beside a line, and where the default route leads."""
    return pb.RoutesFacts(
        routes=[
            pb.Route(destination="default", interface=default, family=4),
            pb.Route(destination="default", interface="eth0", family=4, metric=900),
        ],
        tunnels=[net.Tunnel(name="tun9", driver=driver, state=state, mtu_bytes=mtu)],
        mtu_bytes=[1500 if default == "eth0" else mtu, 1500],
    )


def btrfs(**errors: int) -> storage.VolumesFacts:
    """A filesystem with one device that counted these."""
    device = storage.BtrfsDevice(name="sdb1", **errors)  # type: ignore[arg-type]
    return storage.VolumesFacts(btrfs=[storage.Btrfs(name="data", devices=[device])])


FULL_METADATA = storage.Btrfs(
    name="data",
    size_bytes=100 * GIB,
    allocated_bytes=99 * GIB,
    metadata_total_bytes=GIB,
    metadata_used_bytes=round(0.96 * GIB),
)
STORAGE_FAULTS = (
    fault(
        "disk.fill",
        root(70),
        ("warn", "/srv", "/srv will be full in 20 h if it goes on like this, 30 GiB of 100 GiB left"),
        earlier=(root(67), root(64)),
    ),
    fault(
        "disk.fill",
        root(85),
        ("critical", "/srv", "/srv will be full in 3 h if it goes on like this, 15 GiB of 100 GiB left"),
        earlier=(root(75),),
    ),
    fault(
        "disk.deleted",
        storage.DeletedFilesFacts(
            held=[
                storage.HeldSpace(
                    mount_point="/var",
                    total_bytes=100 * GIB,
                    held_bytes=25 * GIB,
                    files=[storage.HeldFile(pid=7, process="rsyslogd", path="/var/log/big", size_bytes=25 * GIB)],
                )
            ]
        ),
        ("warn", "/var", "Deleted files still hold 25 GiB on /var (25%), most of it open in rsyslogd"),
    ),
    fault(
        "disk.missing",
        pb.FilesystemsFacts(
            expected=[
                storage.ExpectedMount(mount_point="/srv", device="UUID=1", device_present=False),
                storage.ExpectedMount(mount_point="/mnt/share", device="nas:/share"),
            ]
        ),
        ("critical", "/srv", "/srv is not mounted: its device UUID=1 is not there"),
        ("critical", "/mnt/share", "/mnt/share is in fstab and not mounted"),
    ),
    fault(
        "disk.util",
        disk("hdd", busy=17_150),
        ("warn", "sda", "sda was busy 99.3% of the last 2 h"),
        earlier=(disk("hdd", busy=10_000),),
    ),
    fault(
        "disk.queue",
        disk("ssd", weighted=90_000, requests=3_000_000),
        ("warn", "sda", "12.5 requests waited for sda on average over the last 2 h"),
        earlier=(disk("ssd"),),
    ),
    fault(
        "raid.mismatch",
        pb.DisksFacts(arrays=[pb.Array(name="md1", level="raid6", mismatches_total=4096)]),
        ("warn", "md1", "4,096 sectors differed when md1 (raid6) was last compared"),
    ),
    fault(
        "raid.md",
        pb.DisksFacts(arrays=[pb.Array(name="md7", level="raid5", state="inactive", metadata="1.2")]),
        ("critical", "md7", "md7 (raid5) is not running: its data cannot be reached"),
    ),
    fault(
        "zfs.pool",
        storage.VolumesFacts(
            pools=[
                storage.Pool(name="a", state="DEGRADED"),
                storage.Pool(name="b", state="SUSPENDED"),
                storage.Pool(name="c", state="ONLINE", size_bytes=100, allocated_bytes=92),
            ]
        ),
        ("critical", "b", "ZFS pool b does not work: SUSPENDED"),
        ("warn", "a", "ZFS pool a is degraded"),
        ("warn", "c", "ZFS pool c is 92% full"),
    ),
    fault("btrfs.dev", btrfs(missing=1), ("critical", "data sdb1", "A device of btrfs data sdb1 is missing")),
    fault(
        "btrfs.dev", btrfs(write_errors_total=2), ("critical", "data sdb1", "btrfs data sdb1 failed to write 2 times")
    ),
    fault("btrfs.dev", btrfs(corruption_errors_total=1), ("warn", "data sdb1", "btrfs data sdb1 read 1 damaged block")),
    fault(
        "btrfs.alloc",
        storage.VolumesFacts(btrfs=[FULL_METADATA]),
        ("warn", "data", "btrfs data has given out all of its disk, and its metadata is 96% full"),
    ),
    fault(
        "lvm.thin",
        storage.VolumesFacts(thin_pools=[storage.ThinPool(name="vg0/p", data_ratio=0.99, metadata_ratio=0.91)]),
        ("critical", "vg0/p", "Thin pool vg0/p is 99.0% full"),
        ("warn", "vg0/p", "The bookkeeping of thin pool vg0/p is 91% full"),
    ),
    fault(
        "mpath",
        storage.VolumesFacts(
            multipaths=[
                storage.Multipath(name="m1", paths_total=4, paths_active=3, failed_paths=["sdc"]),
                storage.Multipath(name="m2", paths_total=2, paths_active=1, failed_paths=["sde"]),
            ]
        ),
        ("critical", "m2", "m2 hangs on its last path: 1 of 2 paths work"),
        ("warn", "m1", "m1 has lost sdc: 3 of 4 paths work"),
    ),
    fault(
        "hw.volt",
        pb.SensorsFacts(
            voltages=[storage.Voltage(chip="x", label="+12V", volts=10.8, minimum_volts=11.4, maximum_volts=12.6)]
        ),
        ("warn", "x +12V", "x +12V is at 10.8 V, outside of 11.4 to 12.6 V"),
    ),
    fault(
        "hw.ipmi",
        storage.IpmiFacts(
            sensors=[
                storage.IpmiSensor(name="FAN 3", value="200", unit="RPM", state="lnc"),
                storage.IpmiSensor(name="PS2", value="0x03", unit="discrete", state="cr"),
            ]
        ),
        ("critical", "PS2", "The management controller reports PS2 out of bounds: 0x03 discrete"),
        ("warn", "FAN 3", "The management controller reports FAN 3 out of bounds: 200 RPM"),
    ),
    fault(
        "hw.pcie_aer",
        card(2, 3),
        (
            "critical",
            "0000:01:00.0",
            "PCI device 0000:01:00.0 (nvme) goes on reporting errors: 3 uncorrectable, 2 corrected",
        ),
        earlier=(card(2, 2),),
    ),
    fault(
        "net.err",
        nic(received_packets_total=2_000_000, receive_errors_total=300),
        ("warn", "eth0", "eth0: 2.9% of packets were damaged over the last 2 h (300 errors)"),
        earlier=(nic(received_packets_total=1_990_000),),
    ),
    fault(
        "net.drop",
        nic(received_packets_total=2_000_000, receive_drops_total=3000),
        ("warn", "eth0", "eth0 dropped 2.9% of its packets over the last 2 h (3,000)"),
        earlier=(nic(received_packets_total=1_900_000),),
    ),
    fault(
        "net.link",
        nic(speed_bits_per_second=1e8, carrier_changes_total=26),
        ("critical", "eth0", "eth0 goes up or down 12 times an hour (24 since the earlier snapshot)"),
        ("warn", "eth0", "eth0 runs at 100 Mbit/s, before it was 1 Gbit/s"),
        earlier=(nic(speed_bits_per_second=1e9, carrier_changes_total=2),),
    ),
    fault(
        "net.retrans",
        segments(2_000_000, 4000),
        ("warn", "", "4.0% of TCP segments had to be sent again over the last 2 h (4,000 of 100,000)"),
        earlier=(segments(1_900_000, 0),),
    ),
    fault(
        "net.tcpmem",
        pb.SocketsFacts(tcp_memory_pages=1, tcp_memory_limit_pages=100, tcp_orphans=300, tcp_orphans_limit=1000),
        ("warn", "", "300 connections without a program wait to end, 30% of the limit"),
    ),
    fault(
        "net.softnet",
        softnet(144_000, 360_000),
        ("warn", "", "Processors drop 20 packets a second before anybody sees them"),
        ("warn", "", "Processors run out of their share of time for packets 50 times a second"),
        earlier=(softnet(0, 0),),
    ),
    fault(
        "net.ports",
        pb.SocketsFacts(ephemeral_ports_total=1000, busiest_destination_connections_total=960),
        ("critical", "", "96% of the ports for one destination are used (960 of 1,000)"),
    ),
    fault("wifi.signal", radio(signal_dbm=-79), ("warn", "wlan0", "wlan0 receives its access point at only -79 dBm")),
    fault(
        "wifi.rate",
        radio(sent_bits_per_second=6e6, signal_dbm=-80),
        ("warn", "wlan0", "wlan0 sends at only 6 Mbit/s"),
    ),
    fault(
        "wifi.retry",
        radio(sent_packets_total=1000, retries_total=450),
        ("warn", "wlan0", "wlan0 sends again 45% of its frames (450 of 1,000)"),
    ),
    any_fault(
        "wifi.roam",
        radio(joined_seconds=90),
        ("warn", "wlan0", "wlan0 joined its wireless network anew at least 6 times within the hour"),
        earlier=[radio(joined_seconds=90)] * 6,
        step_seconds=600,
    ),
    any_fault(
        "wifi.roam",
        radio(joined_seconds=90),
        ("info", "wlan0", "wlan0 joined its wireless network anew at least 3 times within the hour"),
        earlier=[radio(joined_seconds=90), radio(joined_seconds=60), radio(joined_seconds=660)],
        step_seconds=600,
    ),
    fault(
        "vpn.route",
        routes("wireguard", "unknown", 1420, "tun9"),
        ("info", "tun9", "Everything leaves this machine through the tunnel tun9 (wireguard)"),
    ),
    fault(
        "vpn.route",
        routes("tun", "down", 1500, "tun9"),
        ("critical", "tun9", "The default route leads into the tunnel tun9 (tun), which is down"),
    ),
    fault(
        "vpn.mtu",
        routes("wireguard", "unknown", 1500, "eth0"),
        ("warn", "tun9", "tun9 takes packets of 1,500 bytes, but only 1,440 fit into the line below (1,500)"),
    ),
)
