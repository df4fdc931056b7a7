"""What this machine's owner lets be measured, per kind; merged so that the stricter wins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from caseprobe.v1 import consent_pb2
from caseprobe.v1.consent_pb2 import PolicyDecision, PolicyKind

Kind: TypeAlias = "PolicyKind.ValueType"
# Probes that show text that programs wrote: they are asked about apart from figures.
LOG_PROBES = ("kernel_log", "system_log")
# A probe that an operator declares; the rest of its name is theirs.
SITE_PROBES = "site."
# Kinds of the contract that decide about nothing of their own: a snapshot is judged where it is measured, by health.
COVERED = ("unspecified", "checks")
Choice: TypeAlias = "PolicyDecision.ValueType"

_Number = TypeVar("_Number", int, float)

ALLOW, ASK, DENY = (
    consent_pb2.POLICY_DECISION_ALLOW,
    consent_pb2.POLICY_DECISION_ASK,
    consent_pb2.POLICY_DECISION_DENY,
)


@dataclass(frozen=True)
class Rule:
    """What policy says about one kind; None is no limit.

    targets: every list must cover a target (one list per file that names any); a list is complete where there is one.
    sources: so must these the logs that are asked for, by name.
    windows: begin and end on the machine's own wall clock; now must be in each.
    load_bytes_per_session: of a test that fills a line; 0 allows none.
    """

    decision: Choice
    targets: tuple[tuple[str, ...], ...] = ()
    windows: tuple[tuple[time, time], ...] = ()
    longest_session_seconds: float | None = None
    packets_per_session: int | None = None
    sessions_per_day: int | None = None
    sources: tuple[tuple[str, ...], ...] = ()
    load_bytes_per_session: int | None = None

    def stricter(self, other: Rule) -> Rule:
        """The rule that lets through only what both let through."""
        return Rule(
            max(self.decision, other.decision),
            self.targets + other.targets,
            self.windows + other.windows,
            _least(self.longest_session_seconds, other.longest_session_seconds),
            _least(self.packets_per_session, other.packets_per_session),
            _least(self.sessions_per_day, other.sessions_per_day),
            self.sources + other.sources,
            _least(self.load_bytes_per_session, other.load_bytes_per_session),
        )


DENIED = Rule(DENY)


@dataclass(frozen=True)
class Policy:
    """The rules by kind; a kind without one is denied.

    network_probes False stops every path probe but one to a listed loopback address.
    """

    rules: Mapping[Kind, Rule] = field(default_factory=dict)
    network_probes: bool = True

    def rule(self, kind: Kind) -> Rule:
        """The rule for a kind."""
        return self.rules.get(kind, DENIED)

    def entries(self) -> list[tuple[Kind, Choice]]:
        """Every kind with its decision, so that staff see before they ask."""
        return [(kind, self.rule(kind).decision) for kind in kinds().values()]

    def with_rules(self, rules: Mapping[Kind, Rule]) -> Policy:
        """The owner's own rules in place of the shipped ones."""
        return replace(self, rules={**self.rules, **rules})

    def tightened(self, rules: Mapping[Kind, Rule], network_probes: bool = True) -> Policy:
        """The policy after one more file: for each kind the stricter wins."""
        merged = {kind: self.rule(kind).stricter(rule) for kind, rule in rules.items()}
        return Policy({**self.rules, **merged}, self.network_probes and network_probes)


def kinds() -> dict[str, Kind]:
    """Every kind by the name that stands in a policy file.

    >>> "path_target" in kinds()
    True
    """
    named = {name.removeprefix("POLICY_KIND_").lower(): value for name, value in PolicyKind.items()}
    return {name: value for name, value in named.items() if name not in COVERED}


def kind_name(kind: Kind) -> str:
    """The name of a kind as a policy file writes it."""
    return next((name for name, value in kinds().items() if value == kind), f"kind {int(kind)}")


def probe_kind(name: str) -> Kind:
    """What a probe of this name asks for: logs where it shows text that programs wrote, else health."""
    if name.startswith(SITE_PROBES):
        return consent_pb2.POLICY_KIND_SITE_PROBE
    return consent_pb2.POLICY_KIND_LOGS if name in LOG_PROBES else consent_pb2.POLICY_KIND_HEALTH


def _least(one: _Number | None, other: _Number | None) -> _Number | None:
    """The smaller of two limits, of which either may be missing."""
    given = [limit for limit in (one, other) if limit is not None]
    return min(given) if given else None


# Health metrics, near paths and timetables of these run; what shows more is asked; the rest is denied.
SHIPPED = Policy(
    MappingProxyType(
        {
            consent_pb2.POLICY_KIND_HEALTH: Rule(ALLOW),
            consent_pb2.POLICY_KIND_PATH_NEAR: Rule(ALLOW),
            consent_pb2.POLICY_KIND_SCHEDULE: Rule(ALLOW),
            consent_pb2.POLICY_KIND_LOGS: Rule(ASK),
            consent_pb2.POLICY_KIND_PROCESS_ARGUMENTS: Rule(ASK),
            consent_pb2.POLICY_KIND_SITE_PROBE: Rule(ASK),
            consent_pb2.POLICY_KIND_PATH_TARGET: Rule(ASK, longest_session_seconds=3600, packets_per_session=200_000),
            # Machines are watched, and true names told, where the owner has said beforehand that they may be asked.
            consent_pb2.POLICY_KIND_WATCH: Rule(DENY),
            consent_pb2.POLICY_KIND_REVEAL: Rule(DENY),
        }
    )
)
