"""What each check is told of the past: this machine's earlier sections of its probe, and how it stood."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.checks.check import Check, Context, Past
from caseprobe.overrides import Overrides
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

# Counters that grow by chance within seconds say nothing: growth is measured over an hour where that much is kept.
GROWTH_SECONDS = 3600.0


def elapsed_seconds(snapshot: snapshot_pb2.Snapshot, before: snapshot_pb2.Snapshot) -> float:
    """The time between two snapshots of one machine, 0 where its clocks cannot tell.

    Within one boot by the clock that nobody sets; otherwise by the wall clock, which may have gone back.
    """
    if same_boot(snapshot, before) and snapshot.boottime_seconds >= before.boottime_seconds > 0:
        return snapshot.boottime_seconds - before.boottime_seconds
    passed = _wall_seconds(snapshot) - _wall_seconds(before)
    return passed if passed > 0 and before.HasField("started_at") else 0.0


def same_boot(snapshot: snapshot_pb2.Snapshot, before: snapshot_pb2.Snapshot) -> bool:
    """Whether both were taken without a restart between them; False where the machine does not tell."""
    return bool(snapshot.boot_id) and snapshot.boot_id == before.boot_id


def _wall_seconds(snapshot: snapshot_pb2.Snapshot) -> float:
    return snapshot.started_at.seconds + snapshot.started_at.nanos / 1e9


class Contexts:
    """The contexts of all checks of one snapshot."""

    def __init__(
        self, snapshot: snapshot_pb2.Snapshot, earlier: Sequence[snapshot_pb2.Snapshot], overrides: Overrides
    ) -> None:
        self._overrides = overrides
        self._before: dict[str, list[finding_pb2.Finding]] = {}
        self._past: dict[str, list[Past]] = {}
        for old in earlier:
            self._remember(old, elapsed_seconds(snapshot, old), same_boot(snapshot, old))

    def of(self, check: Check) -> Context:
        """What this check is told."""
        mine = tuple(one for one in self._overrides if one.check_id == check.id)
        past = tuple(self._past.get(check.reads, ()))
        if not past:
            return Context(overrides=mine, before=self._before.get(check.id, ()))
        chosen = next((one for one in past if one.elapsed_seconds >= GROWTH_SECONDS), past[-1])
        return Context(
            previous=chosen.section,
            elapsed_seconds=chosen.elapsed_seconds,
            same_boot=chosen.same_boot,
            history=past,
            overrides=mine,
            before=self._before.get(check.id, ()),
        )

    def _remember(self, old: snapshot_pb2.Snapshot, elapsed: float, booted_once: bool) -> None:
        """Its sections, and the findings of checks that no newer snapshot judged."""
        named = {one.check_id for one in old.coverage} | {one.check_id for one in old.findings}
        judged = named - self._before.keys()
        for check_id in judged:
            self._before[check_id] = []
        for finding in old.findings:
            if finding.check_id in judged:
                self._before[finding.check_id].append(finding)
        probes = [section.probe for section in old.sections]
        for section in old.sections:
            # Several sections of one probe (paths of a session) cannot be told apart: they have no past.
            if section.outcome == section_pb2.PROBE_OUTCOME_OK and probes.count(section.probe) == 1:
                self._past.setdefault(section.probe, []).append(Past(section, elapsed, booted_once))
