"""Near misses of filesystems over time, volumes, boards, radio links and tunnels."""

from __future__ import annotations

from google.protobuf.message import Message

from caseprobe.v1 import section_net_pb2 as net
from caseprobe.v1 import section_pb2 as pb
from caseprobe.v1 import section_storage_pb2 as storage
from tests.fakes_faults_storage import btrfs, disk, nic, radio, root, routes, softnet
from tests.fakes_sections import GIB

# Check, facts, and the same two hours before.
NEAR_STORAGE: dict[str, tuple[str, Message, tuple[Message, ...]]] = {
    "a burst that has ended": ("disk.fill", root(85), (root(85), root(60))),
    "fast growth with room for days": ("disk.fill", root(10), (root(1),)),
    "little room and no growth": ("disk.fill", root(95), (root(95),)),
    "a filesystem that was enlarged": ("disk.fill", root(70), (root(10, total_gib=20),)),
    "a deleted file of a gigabyte on a big disk": (
        "disk.deleted",
        storage.DeletedFilesFacts(held=[storage.HeldSpace(mount_point="/", total_bytes=100 * GIB, held_bytes=9 * GIB)]),
        (),
    ),
    "everything in fstab is mounted": (
        "disk.missing",
        pb.FilesystemsFacts(expected=[storage.ExpectedMount(mount_point="/", device="UUID=1", mounted=True)]),
        (),
    ),
    "a disk that rests now and then": ("disk.util", disk("hdd", busy=7000), (disk("hdd"),)),
    "a busy queue that is not long": ("disk.queue", disk("ssd", weighted=70_000), (disk("ssd"),)),
    "many requests at once, and quick with each": (
        "disk.queue",
        disk("nvme", weighted=180_000, requests=90_000_000),
        (disk("nvme"),),
    ),
    "a mirror with swap on it": (
        "raid.mismatch",
        pb.DisksFacts(
            arrays=[
                pb.Array(name="md0", level="raid1", mismatches_total=9000),
                pb.Array(name="md1", level="raid5", mismatches_total=1024),
            ]
        ),
        (),
    ),
    "the container of a firmware array is never active": (
        "raid.md",
        pb.DisksFacts(arrays=[pb.Array(name="md127", state="inactive", metadata="external:imsm")]),
        (),
    ),
    "a pool at nine tenths less one": (
        "zfs.pool",
        storage.VolumesFacts(pools=[storage.Pool(name="a", state="ONLINE", size_bytes=100, allocated_bytes=89)]),
        (),
    ),
    "a device that counted nothing": ("btrfs.dev", btrfs(), ()),
    "full metadata while there is room to give out": (
        "btrfs.alloc",
        storage.VolumesFacts(
            btrfs=[
                storage.Btrfs(
                    name="d", size_bytes=100, allocated_bytes=50, metadata_total_bytes=100, metadata_used_bytes=99
                )
            ]
        ),
        (),
    ),
    "a thin pool that is well filled": (
        "lvm.thin",
        storage.VolumesFacts(thin_pools=[storage.ThinPool(name="v/p", data_ratio=0.89, metadata_ratio=0.89)]),
        (),
    ),
    "all paths carry": (
        "mpath",
        storage.VolumesFacts(multipaths=[storage.Multipath(name="m", paths_total=2, paths_active=2)]),
        (),
    ),
    "an alarm of a chip whose limits nobody set": (
        "hw.volt",
        pb.SensorsFacts(
            voltages=[
                storage.Voltage(chip="x", label="in1", volts=1.0, minimum_volts=0, maximum_volts=0, alarm=True),
                storage.Voltage(chip="x", label="in2", volts=1.0, minimum_volts=0.9, maximum_volts=1.2),
            ]
        ),
        (),
    ),
    "a slot without a fan": (
        "hw.ipmi",
        storage.IpmiFacts(sensors=[storage.IpmiSensor(name="FAN 9", state="ns")]),
        (),
    ),
    "an old error that does not come again": (
        "net.err",
        nic(received_packets_total=20_000, receive_errors_total=9000),
        (nic(received_packets_total=10_000, receive_errors_total=9000),),
    ),
    "a switch that was restarted": (
        "net.link",
        nic(speed_bits_per_second=1e9, carrier_changes_total=6),
        (nic(speed_bits_per_second=1e9, carrier_changes_total=2),),
    ),
    "a processor that ran out of time once in a while": ("net.softnet", softnet(9, 60_000), (softnet(0, 0),)),
    "many connections to many destinations": (
        "net.ports",
        pb.SocketsFacts(ephemeral_ports_total=1000, busiest_destination_connections_total=799),
        (),
    ),
    "a link across the room": ("wifi.signal", radio(signal_dbm=-74), ()),
    "a link that is not connected": (
        "wifi.rate",
        net.WirelessFacts(
            links=[
                net.RadioLink(name="wlan0", sent_bits_per_second=1e6),
                net.RadioLink(name="wlan1", connected=True, sent_bits_per_second=54e6),
            ]
        ),
        (),
    ),
    "one link over many snapshots": (
        "wifi.roam",
        radio(joined_seconds=2500),
        (radio(joined_seconds=1300), radio(joined_seconds=100), radio(joined_seconds=50)),
    ),
    "retries of the first frames": ("wifi.retry", radio(sent_packets_total=90, retries_total=60), ()),
    "a tunnel for one network": ("vpn.route", routes("wireguard", "unknown", 1420, "eth0"), ()),
    "a tunnel whose packets fit": ("vpn.mtu", routes("wireguard", "unknown", 1440, "eth0"), ()),
}
