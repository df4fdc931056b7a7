"""Memory: what is left, and who had to die for it."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Unknown
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import Levels, fault
from caseprobe.v1 import finding_pb2, section_pb2

AVAILABLE = Levels("available_ratio", warn=0.10, critical=0.05, below=True)


def judge_available(section: section_pb2.Section) -> Iterator[finding_pb2.Finding]:
    """Memory that programs can still get without swapping, as the kernel estimates it.

    When it runs out the kernel kills a process of its own choice. Free memory is not compared: caches fill it
    by design and are given back on demand.
    """
    memory = section.memory
    if memory.total_bytes == 0:
        raise Unknown("the size of the memory could not be read")
    ratio = memory.available_bytes / memory.total_bytes
    if reached := AVAILABLE.reached(ratio):
        facts = {"available_bytes": memory.available_bytes, "total_bytes": memory.total_bytes}
        evidence = prove(section, "/proc/meminfo", ("MemAvailable", "MemTotal"), **facts)
        yield fault(reached, finding_pb2.CAUSE_HOST, {"available_ratio": ratio, **facts}, evidence)


ALL = (
    Check(
        id="mem.avail",
        judge=judge_available,
        reads="memory",
        threshold=str(AVAILABLE),
        threshold_source="warn: netdata health.d/ram.conf (10 % available); critical: GitLab runbooks (5 % available)",
    ),
)
