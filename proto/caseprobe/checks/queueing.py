"""Queues on the line to the collector, as a test under load shows them."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import Levels, fault
from caseprobe.checks.reasons import Unknown
from caseprobe.v1 import finding_pb2, section_pb2

ADDED = Levels("added_seconds", warn=0.2)


def judge_queues(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How much a filled line adds to round trips, for each way.

    A queue that is longer than the line needs delays whatever else passes: calls break up and pages wait for as long
    as one upload or backup runs, and no packet is lost that would show it.
    """
    if not section.path.HasField("loaded"):
        raise NotApplicable("no test under load was asked for")
    load = section.path.loaded
    if not load.verdict.grade:
        raise Unknown("too few echoes came back under load")
    ways = (("up", load.up, load.verdict.added_up_seconds), ("down", load.down, load.verdict.added_down_seconds))
    for way, phase, added in ways:
        if reached := context.levels(ADDED, way).reached(added):
            parameters = {
                "added_seconds": added,
                "idle_seconds": load.idle.median_seconds,
                "p95_seconds": phase.p95_seconds,
                "speed_bits_per_second": 8 * phase.bytes_per_second,
            }
            evidence = [stated(section, way=way, **parameters)]
            yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, way, way)


ALL = (
    Check(
        id="net.bufferbloat",
        judge=judge_queues,
        reads="path",
        fields=("loaded",),
        levels=(ADDED,),
        threshold=f"{ADDED}, by the median round trip, for each way",
        threshold_source="DSLReports' bufferbloat grades, D and worse (www.dslreports.com/faq/17930)",
    ),
)
