"""Logs: lines of a known class of fault, by class and by what they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

MOST_LINES = 10
HOST, DISK, LINK, SOFTWARE, CONFIGURATION = (
    finding_pb2.CAUSE_HOST,
    finding_pb2.CAUSE_DISK,
    finding_pb2.CAUSE_LINK,
    finding_pb2.CAUSE_SOFTWARE,
    finding_pb2.CAUSE_CONFIGURATION,
)
# fault class -> how bad one line of it is, and where the fault lies.
CLASSES = {
    "oom_kill": (WARN, HOST),
    "cgroup_oom": (WARN, CONFIGURATION),
    "bad_page": (CRITICAL, HOST),
    "hung_task": (WARN, DISK),
    "soft_lockup": (CRITICAL, SOFTWARE),
    "hard_lockup": (CRITICAL, HOST),
    "rcu_stall": (WARN, HOST),
    "oops": (CRITICAL, SOFTWARE),
    "segfault": (INFO, SOFTWARE),
    "segfault_storm": (WARN, SOFTWARE),
    "mce_ce": (WARN, HOST),
    "mce_ue": (CRITICAL, HOST),
    "edac_ce": (WARN, HOST),
    "edac_ue": (CRITICAL, HOST),
    "pcie_aer": (WARN, HOST),
    "thermal_throttle": (WARN, HOST),
    # Resets are the cable's, the port's or the power supply's fault as often as the disk's.
    "ata_link_reset": (WARN, LINK),
    "ata_icrc": (WARN, LINK),
    "blk_io_error": (CRITICAL, DISK),
    "blk_medium_error": (CRITICAL, DISK),
    "blk_transport_error": (WARN, LINK),
    "scsi_timeout": (WARN, LINK),
    "nvme_reset": (WARN, DISK),
    "fs_error": (CRITICAL, DISK),
    "fs_remount_ro": (CRITICAL, DISK),
    "usb_disconnect_storage": (WARN, LINK),
    "nic_reset": (WARN, HOST),
    "link_flap": (WARN, LINK),
    "conntrack_full": (CRITICAL, CONFIGURATION),
}


def judge_log(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Lines of the log that belong to a known class of fault, one finding for each class and object.

    The newest lines are the evidence. Of a timetable's snapshots each judges what was written since the one before it,
    so that a fault is told once; whoever looks at a machine now is told all that its logs hold.
    A class that this version does not know is a warning of its own.
    """
    log = section.kernel_log if section.WhichOneof("facts") == "kernel_log" else section.system_log
    groups: dict[tuple[str, str], list[section_pb2.LogFault]] = {}
    for line in log.faults:
        groups.setdefault((line.fault_class, line.object), []).append(line)
    for (fault_class, subject), lines in groups.items():
        yield _fault(log, fault_class, subject, lines)


def _fault(
    log: section_pb2.LogFacts, fault_class: str, subject: str, lines: Sequence[section_pb2.LogFault]
) -> finding_pb2.Finding:
    state, cause = CLASSES.get(fault_class, (WARN, finding_pb2.CAUSE_UNKNOWN))
    evidence = [finding_pb2.Evidence(source=log.source, line=one.line, text=one.text) for one in lines[:MOST_LINES]]
    parameters: dict[str, float | str] = {"lines_total": len(lines), "fault_class": fault_class}
    message_id = fault_class if fault_class in CLASSES else ""
    return fault(Reached(state, "lines_total >= 1"), cause, parameters, evidence, subject, message_id)


_LEVELS = (("critical", CRITICAL), ("warn", WARN), ("info", INFO))
_THRESHOLD = "; ".join(
    f"{name}: " + ", ".join(sorted(one for one, (state, _) in CLASSES.items() if state == level))
    for name, level in _LEVELS
)
_SOURCE = "node-problem-detector kernel-monitor.json for twelve of the classes; own for the others"
ALL = (
    Check(
        id="log.kernel",
        judge=judge_log,
        reads="kernel_log",
        fields=("faults",),
        threshold=f"one line: {_THRESHOLD}",
        threshold_source=_SOURCE,
    ),
    Check(
        id="log.system",
        judge=judge_log,
        reads="system_log",
        elsewhere=(WINDOWS, DARWIN),
        fields=("faults",),
        threshold=f"one line: {_THRESHOLD}",
        threshold_source=_SOURCE,
    ),
)
