"""What looks like a fault and is none: each of these machines is well in the check's eyes."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from caseprobe.checks import ALL, check_snapshot
from caseprobe.v1 import section_pb2 as pb
from tests import fakes_sections
from tests.fakes_faults import fault

CHECKS = {check.id: check for check in ALL}
NEAR = {
    "a few slow requests are chance": (
        "disk.await",
        pb.DisksFacts(
            disks=[pb.Disk(name="sda", kind="ssd", reads_per_second=40, await_seconds=0.3, reads_total=9)],
            sample_seconds=0.25,
        ),
    ),
    "one processor is judged as two": ("cpu.load", pb.CpuFacts(logical_total=1, load15=3.9)),
    "many faults with memory to spare are a program that starts": (
        "mem.majflt",
        pb.MemoryFacts(total_bytes=100, available_bytes=50, major_faults_per_second=5000),
    ),
    "a header without a fan": ("hw.fan", pb.SensorsFacts(fans=[pb.Fan(chip="x", label="fan3")])),
    "an input with nothing behind it": (
        "hw.temp",
        pb.SensorsFacts(temperatures=[pb.Temperature(chip="x", current_celsius=127)]),
    ),
    "a low battery that is being charged": (
        "hw.power",
        pb.SensorsFacts(power_supplies=[pb.PowerSupply(type="Battery", charge_ratio=0.03, status="Charging")]),
    ),
    "drops on a quiet line are the switch's chatter": (
        "net.drop",
        pb.InterfacesFacts(
            interfaces=[pb.Interface(name="eth0", kind="physical", received_packets_total=900, receive_drops_total=300)]
        ),
    ),
    "half duplex of a link that is down": (
        "net.link",
        pb.InterfacesFacts(interfaces=[pb.Interface(name="eth0", kind="physical", state="down", duplex="half")]),
    ),
    "retransmissions of a young machine": (
        "net.retrans",
        pb.SocketsFacts(segments_sent_total=200, segments_retransmitted_total=40),
    ),
    "an unlimited process": (
        "fd.process",
        pb.ProcessesFacts(top_open_files=[pb.Process(name="x", open_files_total=50_000)]),
    ),
    "modules from outside the kernel's tree": ("sys.taint", pb.SystemFacts(kernel_taint=1 << 12 | 1 << 13 | 1)),
    "an offset within the time of the exchange": (
        "time.offset",
        pb.ClockFacts(offset_seconds=0.4, round_trip_seconds=0.9),
    ),
    "one burst of interrupts on a machine that is all interrupts": (
        "cpu.softirq",
        pb.CpuFacts(logical_total=4, softirq_ratio=0.7, busiest_core_softirq_ratio=0.9),
    ),
}


@pytest.mark.parametrize(("check_id", "facts"), NEAR.values(), ids=NEAR)
def test_a_near_miss_is_no_finding(check_id: str, facts: Message) -> None:
    """The check ran and said nothing."""
    section = fault(check_id, facts, ("", "", "")).section
    findings, [coverage] = check_snapshot(fakes_sections.snapshot(section), [CHECKS[check_id]])
    assert findings == []
    assert coverage.message_id == ""
