"""The probe that asks smartctl: which disks it asks and how, and every way in which one gives no report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from caseprobe.checks import check_snapshot
from caseprobe.checks.smart import ALL
from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from caseprobe_agent.machine import Completed
from caseprobe_agent.probes import smart as probe
from caseprobe_agent.probes.probe import needs_of
from tests import fakes_sections
from tests.fakes_machine import FakeMachine, File
from tests.fakes_smart_disks import HDD, NVME

SMARTCTL = "/usr/sbin/smartctl"
SLEEPS = '{"smartctl": {"messages": [{"string": "Device is in STANDBY mode, exit(2)"}], "exit_status": 2}}'
USB = '{"smartctl": {"messages": [{"string": "/dev/sda: Unknown USB bridge [0x1234:0x5678]"}], "exit_status": 1}}'
Answer = Completed | MeasurementError


def printed(text: str, exit_code: int = 0, truncated: bool = False) -> Completed:
    """What smartctl printed."""
    return Completed(exit_code, text.encode(), b"", truncated)


class WithSmartctl(FakeMachine):
    """A machine whose smartctl answers by device; old ones know no JSON."""

    def __init__(
        self, files: Mapping[str, File], answers: Mapping[str, Answer], as_root: bool = True, old: bool = False
    ):
        """What was asked is kept."""
        super().__init__(files)
        self.answers, self.as_root, self.old = answers, as_root, old
        self.asked: list[tuple[str, ...]] = []

    def privileged(self) -> bool:
        """Whether this is root."""
        return self.as_root

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """As Machine.run."""
        self.asked.append(tuple(command))
        if self.old and "--json" in command:
            return printed("smartctl 6.6 2017\n=======> UNRECOGNIZED OPTION: json\n", 1)
        answer = self.answers[command[-1]]
        if isinstance(answer, MeasurementError):
            raise answer
        return answer


def files(*names: str, installed: bool = True, **models: str) -> dict[str, File]:
    """Block devices by name, and smartctl."""
    found: dict[str, File] = {f"/sys/block/{name}/size": "1000\n" for name in names}
    found |= {f"/sys/block/{name}/device/model": model for name, model in models.items()}
    return found | ({SMARTCTL: ""} if installed else {})


def measured(machine: FakeMachine) -> section_pb2.Section:
    """The section that the probe gives."""
    told = probe.measure(machine, None)
    assert isinstance(told.facts, smart.SmartFacts)
    return fakes_sections.section("smart", smart=told.facts, shortfalls=told.shortfalls)


def test_every_disk_is_asked_without_waking_it() -> None:
    """The command is fixed: an absolute path, no disk is woken; one namespace a drive, partitions and arrays never."""
    machine = WithSmartctl(
        files("loop0", "md0", "nvme0n1", "nvme0n2", "sda", "sr0"),
        {"/dev/sda": printed(HDD, 4), "/dev/nvme0n1": printed(NVME)},
    )
    section = measured(machine)
    assert machine.asked == [
        (SMARTCTL, "-n", "standby", "-x", "--json", "/dev/nvme0n1"),
        (SMARTCTL, "-n", "standby", "-x", "--json", "/dev/sda"),
    ]
    assert [(disk.name, disk.model) for disk in section.smart.disks] == [
        ("nvme0n1", "Example NVMe"),
        ("sda", "WDC WD4000"),
    ]
    assert section.smart.disks[1].source == "smartctl -n standby -x --json /dev/sda"
    assert not section.shortfalls


def test_a_smartctl_without_json_is_asked_for_text() -> None:
    """Before 7.0 there is no JSON."""
    machine = WithSmartctl(files("sda"), {"/dev/sda": printed(HDD)}, old=True)
    assert measured(machine).smart.disks[0].source == "smartctl -n standby -x /dev/sda"


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (printed(SLEEPS, 2), "SKIPPED", "sda: sleeps (standby) and was not woken"),
        (MachineTimeout("smartctl did not end within 10 s and was killed"), "TIMEOUT", "sda: smartctl did not end"),
        (printed("Smartctl open device: /dev/sda failed: Permission denied", 2), "DENIED", "sda: smartctl may not"),
        (printed(USB, 1), "FAILED", "sda: /dev/sda: Unknown USB bridge"),
        (MachineAbsent("it is not run for a copied tree"), "FAILED", "sda: it is not run"),
        (printed("\0\1\2garbage"), "FAILED", "sda: this is no report"),
        (printed(HDD, truncated=True), "FAILED", "sda: smartctl printed more than"),
    ],
)
def test_a_disk_that_gives_no_report_is_named_and_is_not_well(answer: Answer, outcome: str, reason: str) -> None:
    """The others are measured; every check of disks is unknown for it, none says ok."""
    section = measured(WithSmartctl(files("sda", "sdb"), {"/dev/sda": answer, "/dev/sdb": printed(HDD)}))
    [shortfall] = section.shortfalls
    assert section_pb2.ProbeOutcome.Name(shortfall.outcome) == f"PROBE_OUTCOME_{outcome}"
    assert shortfall.reason.startswith(reason)
    assert [disk.name for disk in section.smart.disks] == ["sdb"]
    _, coverage = check_snapshot(fakes_sections.snapshot(section), ALL)
    assert finding_pb2.SEVERITY_OK not in {one.outcome for one in coverage}


def test_disks_that_are_not_asked_in_time_are_named() -> None:
    """One slow disk after another uses the time up; what was read is kept."""
    machine = WithSmartctl(files("sda", "sdb"), {"/dev/sda": printed(HDD)})
    moments = iter([0.0, 1.0, 99.0])
    machine.monotonic_seconds = lambda: next(moments)  # type: ignore[method-assign]
    section = measured(machine)
    assert [disk.name for disk in section.smart.disks] == ["sda"]
    assert section.shortfalls[0].reason.startswith("sdb: was not asked")


@pytest.mark.parametrize(
    ("machine", "error", "needs", "reason"),
    [
        (FakeMachine(files("vda", "vdb")), MachineAbsent, "", "virtual (vda, vdb)"),
        (FakeMachine(files("sda", sda="QEMU HARDDISK")), MachineAbsent, "", "virtual (sda)"),
        (FakeMachine(files("loop0", "md0")), MachineAbsent, "", "no SATA, SCSI or NVMe disk"),
        (FakeMachine(files("sda", installed=False)), MachineAbsent, "smartmontools", "not installed"),
        (WithSmartctl(files("sda"), {}, as_root=False), MachineDenied, "root", "root only"),
    ],
)
def test_a_machine_whose_disks_cannot_be_asked_says_why(
    machine: FakeMachine, error: type[MeasurementError], needs: str, reason: str
) -> None:
    """Virtual disks, no disk, no tool and no right are four things, each with what it would need."""
    with pytest.raises(error, match=reason.replace("(", r"\(").replace(")", r"\)")) as raised:
        probe.measure(machine, None)
    assert needs_of(raised.value) == needs


@pytest.mark.parametrize(("needs", "outcome"), [("", "NOT_APPLICABLE"), ("smartmontools", "UNKNOWN")])
def test_a_missing_tool_is_unknown_and_missing_hardware_is_not(needs: str, outcome: str) -> None:
    """Without smartctl nothing is known about disks that are there."""
    absent = section_pb2.PROBE_OUTCOME_ABSENT
    section = section_pb2.Section(probe="smart", outcome=absent, reason="because", needs=needs)
    _, coverage = check_snapshot(fakes_sections.snapshot(section), ALL)
    assert {finding_pb2.Severity.Name(one.outcome) for one in coverage} == {f"SEVERITY_{outcome}"}
    assert {one.needs for one in coverage} == {needs}


def test_a_disk_that_is_none_leaves_its_checks_unknown() -> None:
    """What smartctl 7.3 says of a loop device under a disk's name: every check says so, none is well."""
    recorded = Path(__file__).parents[2] / "caseprobe/parse/recorded/smartctl-7.3-no-disk.json"
    machine = WithSmartctl(files("sdz"), {"/dev/sdz": printed(recorded.read_text(), 2)})
    section = measured(machine)
    assert [one.reason for one in section.shortfalls] == ["sdz: Smartctl open device: /dev/sdz failed: INQUIRY failed"]
    findings, coverage = check_snapshot(fakes_sections.snapshot(section), ALL)
    assert findings == []
    assert {one.outcome for one in coverage} == {finding_pb2.SEVERITY_UNKNOWN}
