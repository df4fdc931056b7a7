"""Many targets at once: a line for each with what its path says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caseprobe import texts
from caseprobe.errors import CaseprobeError, MeasurementError, PolicyRefused, UsageError
from caseprobe.path_stats import PathTally, facts_of
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.cli.options import read_file
from caseprobe_agent.cli.path.measurement import Guard
from caseprobe_agent.cli.path.rows import aligned_rows, milliseconds
from caseprobe_agent.path import ResolvedTarget, resolve
from caseprobe_agent.path.icmp import TIER
from caseprobe_agent.path.many import trace_many

TARGETS_AT_MOST = 1000
LOOK_UPS_AT_ONCE = 32
HEADINGS = ("target", "address", "hops", "loss", "avg", "what its path says")


def targets_in(path: Path) -> list[str]:
    """The targets of a file: one a line, empty lines and what follows a # left out. Raises UsageError."""
    lines = (line.partition("#")[0].strip() for line in read_file(path).decode("utf-8", "replace").splitlines())
    return [line for line in lines if line]


@dataclass
class ManyPaths:
    """The paths to some targets, in their order; failures says of a target why it was not measured."""

    names: Sequence[str]
    action: link_pb2.PathAction
    family: int = 0
    failures: dict[str, CaseprobeError] = field(default_factory=dict)
    targets: list[ResolvedTarget] = field(default_factory=list)
    tallies: list[PathTally] = field(default_factory=list)

    async def run(self, guard: Guard) -> None:
        """Measure; what was measured before an interruption stays. Raises CaseprobeError."""
        if len(self.names) > TARGETS_AT_MOST:
            raise UsageError(f"{len(self.names)} targets are too many; at most {TARGETS_AT_MOST} at once")
        permitted = await guard.admit_all(self.names, self.failures)
        turns = asyncio.Semaphore(LOOK_UPS_AT_ONCE)
        found = await asyncio.gather(*(self._resolved(name, guard, turns) for name in permitted))
        self.targets = [target for target in found if target is not None]
        self.tallies = [PathTally() for _ in self.targets]
        async with contextlib.aclosing(trace_many(self.targets, self.action)) as rounds:
            async for index, round_ in rounds:
                self.tallies[index].add(round_)

    async def _resolved(self, name: str, guard: Guard, turns: asyncio.Semaphore) -> ResolvedTarget | None:
        async with turns:
            try:
                return await resolve(name, guard.permit(name), self.family)
            except (MeasurementError, PolicyRefused, UsageError) as error:
                self.failures[name] = error
                return None

    def facts(self) -> list[path_pb2.PathFacts]:
        """What each path says, as far as it was measured."""
        return [
            facts_of(
                tally,
                path_pb2.PathFacts(
                    target=target.name,
                    address=target.address.packed,
                    protocol=TIER.protocol,
                    tier=TIER.tier,
                    unseen=TIER.unseen,
                ),
            )
            for target, tally in zip(self.targets, self.tallies, strict=True)
        ]


def render_many(paths: Sequence[path_pb2.PathFacts], language: str) -> str:
    """A line for each path, times in milliseconds."""
    return "\n".join(aligned_rows([HEADINGS, *(_row(path, language) for path in paths)], (*HEADINGS[:2], HEADINGS[-1])))


def json_lines(paths: Sequence[path_pb2.PathFacts], failures: dict[str, CaseprobeError]) -> list[str]:
    """A document for each path, as the summary of one; then one for each target that was not measured."""
    documents: list[dict[str, object]] = [{"summary": texts.path_summary_json(path)} for path in paths]
    documents += [{"target": name, "error": str(error)} for name, error in failures.items()]
    return [json.dumps(document) for document in documents]


def _row(path: path_pb2.PathFacts, language: str) -> tuple[str, ...]:
    end = path.hops[-1] if path.hops else path_pb2.PathHop()
    return (
        texts.printable(path.target),
        texts.address_text(path.address) or "?",
        str(end.ttl) if end.from_target else "-",
        f"{end.loss_ratio:.1%}" if end.sent else "-",
        milliseconds(end.avg_seconds) if end.received and end.from_target else "-",
        texts.path_verdict(path, language),
    )
