"""Processes: stuck, dead and not buried, or nearly out of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from caseprobe.checks.check import Check, Context
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import INFO, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

STUCK = Levels("stuck_total", warn=5)
ZOMBIES = Levels("zombies_total", warn=6, critical=51)
FILES = Levels("open_files_ratio", warn=0.85, critical=0.95)


def judge_stuck(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes that could not be interrupted in both samples of this run, by program and by what they wait for.

    A few at the moment of measuring are a remark, because a busy disk looks the same; many are a disk, a network
    filesystem or a driver that does not answer. They cannot be killed.
    """
    stuck = section.processes.uninterruptible
    reached = context.levels(STUCK).reached(len(stuck)) or Reached(INFO, "stuck_total >= 1 for a moment")
    groups: dict[tuple[str, str], list[section_pb2.Process]] = {}
    for process in stuck:
        groups.setdefault((process.name, process.wait_channel), []).append(process)
    for (name, channel), processes in groups.items():
        evidence = [stated(section, pid=p.pid, name=p.name, state="D", wait_channel=p.wait_channel) for p in processes]
        counts: dict[str, float | str] = {"stuck_total": len(processes), "wait_channel": channel or "?"}
        yield fault(reached, finding_pb2.CAUSE_DISK, counts, evidence[:10], subject=name)


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
        levels=(STUCK,),
        fields=("uninterruptible",),
        threshold=f"{STUCK}; info: stuck_total >= 1 for a moment",
        threshold_source="own levels for samples of one run; node-problem-detector TaskHung for the signal",
    ),
    Check(
        id="proc.zombie",
        judge=judge_zombies,
        reads="processes",
        levels=(ZOMBIES,),
        fields=("zombies",),
        threshold=str(ZOMBIES),
        threshold_source="warn: Icinga, as chef-icinga2 sets it (5); own critical level",
    ),
    Check(
        id="fd.process",
        judge=judge_files,
        reads="processes",
        levels=(FILES,),
        fields=("top_open_files",),
        threshold=str(FILES),
        threshold_source="critical: netdata (95 %); own warn level",
    ),
)
