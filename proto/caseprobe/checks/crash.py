"""Crashes of the last day: what the kernel and programs left behind."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import Dump

DAY, HOUR = 86_400.0, 3600.0
AGAIN = Levels("crashes_per_hour", critical=5)


def judge_crashes(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Dumps that crashes of the last 24 hours left behind, by program.

    The kernel's own is the reason for a restart that nobody ordered. A program that dies again and again is started
    anew each time, so that nobody sees it but its users.
    """
    now = section.crashes.measured_at.ToMicroseconds() / 1e6
    groups: dict[tuple[str, str], list[Dump]] = {}
    for dump in section.crashes.dumps:
        if now - DAY <= _at(dump) <= now + HOUR:
            groups.setdefault((dump.kind, dump.program), []).append(dump)
    for (kind, program), dumps in groups.items():
        lately = sum(_at(dump) > now - HOUR for dump in dumps)
        often = context.levels(AGAIN, program).reached(lately) if kind == "program" else None
        reached = often or Reached(CRITICAL if kind == "kernel" else WARN, "crashes_total > 0 in 24 h")
        evidence = [stated(section, path=dump.path, size_bytes=dump.size_bytes) for dump in dumps[:10]]
        parameters = {"crashes_total": len(dumps), "age_seconds": max(0.0, now - max(map(_at, dumps)))}
        cause = finding_pb2.CAUSE_HOST if kind == "kernel" else finding_pb2.CAUSE_SOFTWARE
        yield fault(reached, cause, parameters, evidence, program, "kernel" if kind == "kernel" else "")


def _at(dump: Dump) -> float:
    return dump.at.ToMicroseconds() / 1e6


ALL = (
    Check(
        id="sys.crash",
        judge=judge_crashes,
        reads="crashes",
        levels=(AGAIN,),
        fields=("dumps",),
        threshold=f"critical: a dump of the kernel; warn: a dump of a program, in 24 h; {AGAIN} of one program",
        threshold_source="own levels; docs.kernel.org ABI/testing/pstore and systemd-coredump(8) for the signals",
    ),
)
