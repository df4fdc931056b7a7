"""The system as a whole: shared limits, what the kernel remembers of its own faults, and the clock."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

FILES = Levels("open_files_ratio", warn=0.70, critical=0.90)
TASKS = Levels("tasks_ratio", warn=0.90, critical=0.95)
OFFSET = Levels("offset_seconds", warn=0.050, critical=0.500)
JUST_STARTED_SECONDS = 600.0
# An unclean end is news for a day; after that it is history.
UNCLEAN_SECONDS = 86_400.0
# Bits of /proc/sys/kernel/tainted that speak of a fault; the others tell which modules were loaded.
TAINTS = (
    (4, "M", CRITICAL, "machine_check"),
    (5, "B", CRITICAL, "bad_page"),
    (7, "D", CRITICAL, "died"),
    (14, "L", CRITICAL, "lockup"),
    (9, "W", INFO, "warned"),
)


def judge_files(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Open files of the whole machine against the kernel's limit.

    At the limit no process can open anything; usually one program forgets to close.
    """
    system = section.system
    if not system.HasField("open_files_total") or not system.open_files_limit:
        raise NotApplicable("this machine does not report the number of open files")
    ratio = system.open_files_total / system.open_files_limit
    if reached := context.levels(FILES).reached(ratio):
        counts = {"open_files_total": system.open_files_total, "open_files_limit": system.open_files_limit}
        evidence = prove(section, "/proc/sys/fs/file-nr", (), **counts)
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, {"open_files_ratio": ratio, **counts}, evidence)


def judge_tasks(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes and threads against the kernel's limit.

    At the limit nothing new starts, not even a login to look at it.
    """
    system = section.system
    if not system.HasField("tasks_total") or not system.tasks_limit:
        raise NotApplicable("this machine does not report the number of tasks")
    ratio = system.tasks_total / system.tasks_limit
    if reached := context.levels(TASKS).reached(ratio):
        counts = {"tasks_total": system.tasks_total, "tasks_limit": system.tasks_limit}
        evidence = prove(section, "/proc/loadavg", (), **counts)
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, {"tasks_ratio": ratio, **counts}, evidence)


def judge_taint(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Faults that the running kernel remembers of itself until the next boot.

    A kernel that died once or met a hardware error works on with damaged state: what follows may be nonsense. A
    warning of its own (W) is common on healthy machines and a remark. Modules from outside the kernel's own tree also
    set bits there; those say nothing about health.
    """
    for bit, letter, state, message_id in TAINTS:
        if section.system.kernel_taint >> bit & 1:
            evidence = prove(
                section, "/proc/sys/kernel/tainted", (), kernel_taint=section.system.kernel_taint, letter=letter
            )
            cause = finding_pb2.CAUSE_HOST if message_id == "machine_check" else finding_pb2.CAUSE_SOFTWARE
            reached = Reached(state, f"bit {bit} ({letter}) is set")
            yield fault(reached, cause, {"letter": letter}, evidence, message_id=message_id)


def judge_reboot(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether the machine has only just started, and whether it had been shut down before.

    A start that nobody ordered is itself the news: a power cut, a crash, a reset by the hypervisor or a watchdog.
    Averages since boot mean little after it.
    """
    system = section.system
    uptime = system.uptime_seconds
    if uptime <= 0:
        raise NotApplicable("this machine does not report the time since it started")
    if system.HasField("clean_shutdown") and not system.clean_shutdown and uptime < UNCLEAN_SECONDS:
        evidence = prove(section, "/var/log/wtmp", (), clean_shutdown="false", uptime_seconds=uptime)
        reached = Reached(WARN, f"no shutdown before this boot and uptime_seconds < {UNCLEAN_SECONDS:g}")
        yield fault(reached, finding_pb2.CAUSE_UNKNOWN, {"uptime_seconds": uptime}, evidence, message_id="unclean")
    elif uptime < JUST_STARTED_SECONDS:
        evidence = prove(section, "/proc/uptime", (), uptime_seconds=uptime)
        reached = Reached(INFO, f"uptime_seconds < {JUST_STARTED_SECONDS:g}")
        yield fault(reached, finding_pb2.CAUSE_UNKNOWN, {"uptime_seconds": uptime}, evidence)


def judge_clock(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The machine's clock against the collector's, beyond what the time of the exchange leaves open.

    Half a second confuses logs of several machines; from a minute on certificates and logins fail.
    """
    clock = section.clock
    certain = max(abs(clock.offset_seconds) - clock.round_trip_seconds / 2, 0.0)
    if reached := context.levels(OFFSET).reached(certain):
        times = {"offset_seconds": abs(clock.offset_seconds), "round_trip_seconds": clock.round_trip_seconds}
        evidence = [stated(section, offset_seconds=clock.offset_seconds, round_trip_seconds=clock.round_trip_seconds)]
        message_id = "ahead" if clock.offset_seconds > 0 else "behind"
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, times, evidence, message_id=message_id)


ALL = (
    Check(
        id="fd.system",
        judge=judge_files,
        reads="system",
        levels=(FILES,),
        fields=("open_files_total",),
        threshold=str(FILES),
        threshold_source="node-mixin NodeFileDescriptorLimit (70 and 90 %)",
    ),
    Check(
        id="pid.limit",
        judge=judge_tasks,
        reads="system",
        levels=(TASKS,),
        fields=("tasks_total",),
        threshold=str(TASKS),
        threshold_source="netdata processes.conf (90 and 95 %)",
    ),
    Check(
        id="sys.taint",
        judge=judge_taint,
        reads="system",
        fields=("kernel_taint",),
        threshold="critical: bits 4 (M), 5 (B), 7 (D), 14 (L); info: bit 9 (W)",
        threshold_source="docs.kernel.org admin-guide/tainted-kernels.rst for the bits; own levels",
    ),
    Check(
        id="sys.reboot",
        judge=judge_reboot,
        reads="system",
        elsewhere=(WINDOWS, DARWIN),
        fields=("uptime_seconds",),
        threshold=(
            f"info: uptime_seconds < {JUST_STARTED_SECONDS:g}; "
            f"warn: no shutdown on record before this boot and uptime_seconds < {UNCLEAN_SECONDS:g}"
        ),
        threshold_source="own levels; wtmp(5) for the record of boots and shutdowns",
    ),
    Check(
        id="time.offset",
        judge=judge_clock,
        reads="clock",
        levels=(OFFSET,),
        fields=("offset_seconds",),
        threshold=f"{OFFSET}, less half of round_trip_seconds",
        threshold_source="node-mixin NodeClockSkewDetected (0.05 s); Checkmk chrony (500 ms)",
    ),
)
