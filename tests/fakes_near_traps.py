"""Near misses that alarm other monitors: caches, containers, idle spares, sensors without limits, choices of owners."""

from __future__ import annotations

from google.protobuf.message import Message

from caseprobe.v1 import section_pb2 as pb
from tests.fakes_sections import GIB

MIB = 1 << 20


def _policies(*shares: float) -> list[pb.FrequencyPolicy]:
    """One clock for each share of 4 GHz at which it runs now."""
    return [
        pb.FrequencyPolicy(name=f"policy{number}", current_hertz=share * 4e9, limit_hertz=4e9, hardware_hertz=4e9)
        for number, share in enumerate(shares)
    ]


def _full(mount_point: str, kind: str, device: str) -> pb.Filesystem:
    return pb.Filesystem(
        mount_point=mount_point,
        device=device,
        type=kind,
        measured=True,
        total_bytes=10 * GIB,
        used_bytes=10 * GIB,
        available_bytes=0,
    )


def _nic(**given: object) -> pb.InterfacesFacts:
    facts: dict[str, object] = {"name": "eth1", "kind": "physical", "state": "up", **given}
    return pb.InterfacesFacts(interfaces=[pb.Interface(**facts)])  # type: ignore[arg-type]


def _sensor(celsius: float, **given: object) -> pb.SensorsFacts:
    facts: dict[str, object] = {"chip": "x", "label": "temp1", "current_celsius": celsius, **given}
    return pb.SensorsFacts(temperatures=[pb.Temperature(**facts)])  # type: ignore[arg-type]


NEAR_TRAPS: dict[str, tuple[str, Message]] = {
    "memory that the cache of ZFS holds": (
        "mem.avail",
        pb.MemoryFacts(total_bytes=64 * GIB, available_bytes=2 * GIB, zfs_cache_bytes=30 * GIB),
    ),
    "memory that a database set aside as huge pages": (
        "mem.avail",
        pb.MemoryFacts(total_bytes=64 * GIB, available_bytes=4 * GIB, huge_pages_bytes=56 * GIB),
    ),
    "a program that starts beside huge pages": (
        "mem.majflt",
        pb.MemoryFacts(total_bytes=100, available_bytes=4, huge_pages_bytes=90, major_faults_per_second=5000),
    ),
    "work at low priority": (
        "cpu.busy",
        pb.CpuFacts(
            user_ratio=0.99, nice_ratio=0.95, busy_seconds_total=99, nice_seconds_total=95, all_seconds_total=100
        ),
    ),
    "all processors at their base clock": (
        "cpu.freqcap",
        pb.CpuFacts(user_ratio=0.95, frequency_policies=_policies(0.4, 0.4, 0.4, 0.4)),
    ),
    "a processor that rests while the others work": (
        "cpu.freqcap",
        pb.CpuFacts(user_ratio=0.85, frequency_policies=_policies(0.2, 0.9, 0.9, 0.2)),
    ),
    "the layers of a container on a disk with room": (
        "disk.space",
        pb.FilesystemsFacts(filesystems=[_full("/var/lib/docker/overlay2/ab/merged", "overlay", "overlay")]),
    ),
    "the spare line of a bond": (
        "net.drop",
        _nic(standby=True, received_packets_total=970_000, receive_drops_total=900_000),
    ),
    "a bond, whose members are judged": (
        "net.drop",
        _nic(kind="bond", received_packets_total=970_000, receive_drops_total=900_000),
    ),
    "a tunnel whose other end is away": (
        "net.err",
        _nic(name="wg0", kind="tunnel", sent_packets_total=100, send_errors_total=900),
    ),
    "the second sensor of an NVMe drive": ("hw.temp", _sensor(79, chip="nvme nvme0", high_celsius=65261.85)),
    "a chipset, or a processor that is made for 95 degrees": ("hw.temp", _sensor(95)),
    "the alarm of a limit that nobody set": ("hw.temp", _sensor(34, high_celsius=0, alarm=True)),
    "the alarm of a header without a fan": ("hw.fan", pb.SensorsFacts(fans=[pb.Fan(chip="x", label="f", alarm=True)])),
}
