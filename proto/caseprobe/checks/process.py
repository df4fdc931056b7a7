"""Processes: stuck, dead and not buried, or nearly out of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from caseprobe.checks.check import Check, Context, NoPast, Past, Unknown
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import INFO, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

STUCK = Levels("stuck_total", warn=5)
ZOMBIES = Levels("zombies_total", warn=6, critical=51)
HUNG, HUNG_SECONDS = Levels("hung_total", warn=1, critical=5), 120.0
LEAK = Levels("left_seconds", warn=86_400, critical=14_400, below=True)
LEAK_SAMPLES, LEAK_BYTES, STRAIGHT = 6, 16 << 20, 0.9  # the square of the correlation
FILES = Levels("open_files_ratio", warn=0.85, critical=0.95)


def judge_stuck(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes that cannot be interrupted, by program and by what they wait for in the kernel.

    One that has not run for two minutes waits for a disk, a network filesystem or a driver that does not answer.
    Unless that wait can be killed (of NFS it can), not even kill -9 ends it. Those that only were so in both samples
    of this run are a remark while they are few, because a busy disk looks the same.
    """
    stuck = section.processes.uninterruptible
    hung = {process.pid for process in stuck if _waited(process, context) >= HUNG_SECONDS}
    groups: dict[tuple[str, str], list[section_pb2.Process]] = {}
    for process in stuck:
        groups.setdefault((process.name, process.wait_channel), []).append(process)
    for (name, channel), processes in groups.items():
        long = context.levels(HUNG).reached(len(hung)) if any(one.pid in hung for one in processes) else None
        reached = long or context.levels(STUCK).reached(len(stuck)) or Reached(INFO, "stuck_total >= 1 for a moment")
        counts: dict[str, float | str] = {"stuck_total": len(processes), "wait_channel": channel or "-"}
        counts["waited_seconds"] = max(_waited(one, context) for one in processes)
        evidence = [_stuck_evidence(section, one) for one in processes[:10]]
        yield fault(reached, finding_pb2.CAUSE_DISK, counts, evidence, subject=name, message_id="hung" if long else "")


def _waited(process: section_pb2.Process, context: Context) -> float:
    """Since it last ran, as the kernel tells it; else since the oldest snapshot in which it was stuck already."""
    waited = process.waited_seconds
    for past in context.history:
        before = past.section.processes.uninterruptible
        if past.same_boot and any((one.pid, one.started_at) == (process.pid, process.started_at) for one in before):
            waited = max(waited, past.elapsed_seconds)
    return waited


def _stuck_evidence(section: section_pb2.Section, process: section_pb2.Process) -> finding_pb2.Evidence:
    stack = " < ".join(process.kernel_stack[:6]) or "-"
    return stated(
        section, pid=process.pid, name=process.name, state="D", wait_channel=process.wait_channel or "-", stack=stack
    )


def judge_growth(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes whose memory grows along a straight line, and when there will be none left at that pace.

    Six snapshots or more must lie on the line: a program that fills a cache bends, a leak does not.
    """
    history = [past for past in context.history if past.same_boot]
    if len(history) + 1 < LEAK_SAMPLES:
        raise NoPast(f"needs {LEAK_SAMPLES} snapshots of this boot to tell growth from chance")
    processes = section.processes
    if not processes.available_memory_bytes:
        raise Unknown("how much memory is left could not be read")
    for process in processes.top_memory:
        points = [(0.0, float(process.resident_bytes)), *_earlier_sizes(process, history)]
        slope = _slope(points) if len(points) >= LEAK_SAMPLES else 0.0
        if slope <= 0 or points[0][1] - points[-1][1] < LEAK_BYTES:
            continue
        left = processes.available_memory_bytes / slope
        if reached := context.levels(LEAK, process.name).reached(left):
            facts = {"left_seconds": left, "resident_bytes": process.resident_bytes, "grown_bytes_per_second": slope}
            shown = [stated(section, pid=process.pid, seconds_ago=-at, resident_bytes=size) for at, size in points]
            yield fault(reached, finding_pb2.CAUSE_SOFTWARE, facts, shown[:10], subject=process.name)


def _earlier_sizes(process: section_pb2.Process, history: Sequence[Past]) -> list[tuple[float, float]]:
    """When (before now, in negative seconds) and how large the same process was."""
    found = []
    for past in history:
        for one in past.section.processes.top_memory:
            if (one.pid, one.started_at) == (process.pid, process.started_at):
                found.append((-past.elapsed_seconds, float(one.resident_bytes)))
    return found


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Bytes a second of the line through the points; 0 where they do not lie on one."""
    count = len(points)
    middle, level = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - middle) ** 2 for x, _ in points)
    rise = sum((y - level) ** 2 for _, y in points)
    common = sum((x - middle) * (y - level) for x, y in points)
    if spread <= 0 or rise <= 0 or common**2 / (spread * rise) <= STRAIGHT:
        return 0.0
    return common / spread


def judge_zombies(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes that ended and whose parent did not take note, by parent.

    They cost only a process number each, but a parent that collects none runs the machine out of numbers.
    """
    processes = section.processes
    parents = Counter((p.parent_name, p.parent_pid) for p in processes.zombies)
    several = context.levels(ZOMBIES)
    many = [
        (name, pid, count)
        for (name, pid), count in parents.most_common()
        if context.levels(ZOMBIES, name).reached(count)
    ]
    # The list of zombies may be cut short; their number is not.
    if not many and several.reached(processes.zombies_total):
        many = [("", 0, processes.zombies_total)]
    for name, pid, count in many:
        if reached := context.levels(ZOMBIES, name).reached(count):
            evidence = [stated(section, parent_name=name or "several", parent_pid=pid, zombies_total=count)]
            message_id = "parent" if name else "several"
            yield fault(reached, finding_pb2.CAUSE_SOFTWARE, {"zombies_total": count}, evidence, name, message_id)


def judge_files(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Open files of a process against its own limit.

    At the limit it can open no file and take no connection; most programs do not survive that well.
    """
    for process in section.processes.top_open_files:
        if not process.open_files_limit:
            continue
        ratio = process.open_files_total / process.open_files_limit
        if reached := context.levels(FILES, process.name).reached(ratio):
            counts = {"open_files_total": process.open_files_total, "open_files_limit": process.open_files_limit}
            evidence = [stated(section, pid=process.pid, name=process.name, **counts)]
            parameters = {"open_files_ratio": ratio, "pid": process.pid, **counts}
            yield fault(reached, finding_pb2.CAUSE_SOFTWARE, parameters, evidence, subject=process.name)


ALL = (
    Check(
        id="proc.dstate",
        judge=judge_stuck,
        reads="processes",
        levels=(HUNG, STUCK),
        fields=("uninterruptible",),
        threshold=f"{HUNG} for {HUNG_SECONDS:g} s; {STUCK} in both samples; info: stuck_total >= 1 for a moment",
        threshold_source="kernel.hung_task_timeout_secs (120 s), node-problem-detector TaskHung; own levels of one run",
    ),
    Check(
        id="mem.leak",
        judge=judge_growth,
        reads="processes",
        levels=(LEAK,),
        fields=("top_memory",),
        threshold=f"{LEAK} over {LEAK_SAMPLES} snapshots or more on one line (R² > {STRAIGHT:g})",
        threshold_source="own rule; horizons of node-mixin NodeFilesystemSpaceFillingUp (24 and 4 h)",
    ),
    Check(
        id="proc.zombie",
        judge=judge_zombies,
        reads="processes",
        levels=(ZOMBIES,),
        fields=("zombies",),
        threshold=str(ZOMBIES),
        threshold_source="warn: sample nrpe.cfg of Nagios' NRPE, check_zombie_procs (5); own critical level",
    ),
    Check(
        id="fd.process",
        judge=judge_files,
        reads="processes",
        levels=(FILES,),
        fields=("top_open_files",),
        threshold=str(FILES),
        threshold_source="critical: netdata apps_group_file_descriptors_utilization (95 %); own warn level",
    ),
)
