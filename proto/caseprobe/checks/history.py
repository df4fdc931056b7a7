"""What is kept of a machine's snapshots for later ones: facts without lines, thinner the older they are.

Of each probe the newest section is kept, and about two of those before it for every doubling of age:
enough for growth over an hour, a trend over six and a comparison with last week, in bounded space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caseprobe.checks.log_baseline import carry, without_lines
from caseprobe.checks.past import elapsed_seconds
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

YOUNGEST_SECONDS = 300.0
OLDEST_SECONDS = 30 * 86400.0
MOST_SECTION_BYTES = 64 << 10
MOST_BYTES = 1 << 20
# A session's path has a target and a moment of its own: there is nothing to compare it with. The agent's ring is a past
# of its own.
NOT_KEPT = ("path", "clock", "history")


def remembered(earlier: Sequence[snapshot_pb2.Snapshot], newest: snapshot_pb2.Snapshot) -> list[snapshot_pb2.Snapshot]:
    """What to keep after this snapshot was judged, newest first; earlier is what was kept before it."""
    candidates = [_slim(newest), *earlier]
    ages = [elapsed_seconds(newest, one) for one in candidates]
    chosen = set(_chosen(candidates, ages))
    kept, judged, size = [], set[str](), 0
    for number, candidate in enumerate(candidates):
        probes = {probe for at, probe in chosen if at == number}
        one = _only(candidate, probes, judged)
        judged |= {coverage.check_id for coverage in one.coverage}
        size += one.ByteSize()
        if (one.sections or one.coverage) and size <= MOST_BYTES:
            kept.append(one)
    carry(kept, candidates)
    return kept


def _chosen(candidates: Sequence[snapshot_pb2.Snapshot], ages: Sequence[float]) -> Iterator[tuple[int, str]]:
    """Which section of which snapshot is kept: of each probe the newest, and those before it that tell more."""
    numbers: dict[str, list[int]] = {}
    for number, candidate in enumerate(candidates):
        for section in candidate.sections:
            numbers.setdefault(section.probe, []).append(number)
    for probe, (newest, *older) in numbers.items():
        recent = [number for number in older if ages[number] <= OLDEST_SECONDS]
        yield from ((number, probe) for number in [newest, *_thinned(recent, ages)])


def _thinned(numbers: Sequence[int], ages: Sequence[float]) -> list[int]:
    """Newest first; one goes where the one before it is at most twice as old as the one after it.

    >>> _thinned([0, 1, 2, 3, 4], [300, 350, 700, 800, 1300])
    [1, 2, 4]
    """
    kept: list[int] = []
    for place, number in enumerate(numbers):
        newer = ages[kept[-1]] if kept else 0.0
        last = place == len(numbers) - 1
        if last or ages[numbers[place + 1]] > 2 * max(newer, YOUNGEST_SECONDS):
            kept.append(number)
    return kept


def _slim(snapshot: snapshot_pb2.Snapshot) -> snapshot_pb2.Snapshot:
    """The facts and the state of every check, without what proves them."""
    slim = snapshot_pb2.Snapshot(
        snapshot_id=snapshot.snapshot_id,
        agent_id=snapshot.agent_id,
        profile=snapshot.profile,
        boot_id=snapshot.boot_id,
        boottime_seconds=snapshot.boottime_seconds,
        sequence=snapshot.sequence,
    )
    slim.started_at.CopyFrom(snapshot.started_at)
    for section in snapshot.sections:
        if section.outcome == section_pb2.PROBE_OUTCOME_OK and section.probe not in NOT_KEPT:
            copy = section_pb2.Section()
            copy.CopyFrom(section)
            copy.ClearField("lines")
            without_lines(copy)
            if copy.ByteSize() <= MOST_SECTION_BYTES:
                slim.sections.append(copy)
    for coverage in snapshot.coverage:
        slim.coverage.add(check_id=coverage.check_id, outcome=coverage.outcome)
    for finding in snapshot.findings:
        slim.findings.append(_name(finding))
    return slim


def _name(finding: finding_pb2.Finding) -> finding_pb2.Finding:
    """What holds a level: which check, object and parameter, and how bad."""
    return finding_pb2.Finding(
        check_id=finding.check_id,
        object=finding.object,
        state=finding.state,
        threshold=finding.threshold,
        message_id=finding.message_id,
    )


def _only(snapshot: snapshot_pb2.Snapshot, probes: set[str], judged: set[str]) -> snapshot_pb2.Snapshot:
    """A snapshot with these sections, and with the states of checks that no newer one judged."""
    kept = snapshot_pb2.Snapshot()
    kept.CopyFrom(snapshot)
    for repeated in (kept.sections, kept.coverage, kept.findings):
        del repeated[:]
    kept.sections.extend(section for section in snapshot.sections if section.probe in probes)
    kept.coverage.extend(one for one in snapshot.coverage if one.check_id not in judged)
    kept.findings.extend(one for one in snapshot.findings if one.check_id not in judged)
    return kept
