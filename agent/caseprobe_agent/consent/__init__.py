"""The decision whether a request may run: pure, from the machine's policy, its grants and the request alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from enum import Enum

from caseprobe.v1.consent_pb2 import (
    POLICY_DECISION_ALLOW,
    POLICY_DECISION_ASK,
    POLICY_DECISION_DENY,
    POLICY_KIND_HEALTH,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PATH_TARGET,
    POLICY_KIND_WATCH,
    GrantTerms,
)
from caseprobe_agent.consent.policy import Choice, Kind, Policy, Rule, kind_name
from caseprobe_agent.consent.targets import Address, covers, special

PATH_KINDS = (POLICY_KIND_PATH_NEAR, POLICY_KIND_PATH_TARGET)


class Origin(Enum):
    """Who wants a measurement."""

    OWNER = "owner"  # typed on this machine by the person who owns it
    COLLECTOR = "collector"
    SCHEDULE = "schedule"


class Basis(Enum):
    """What an answer rests on."""

    OWNER = "owner"
    POLICY = "policy"
    GRANT = "grant"


@dataclass(frozen=True)
class Ask:
    """One request for one kind of measurement, in the words that decide about it.

    target is what was asked for, address what it is once known: a name is decided before it is looked up
    and again with its address. packets, duration_seconds and load_bytes (to fill a line) are the most that the
    request can take.
    """

    kind: Kind
    origin: Origin
    command_id: str = ""
    case_id: str = ""
    case_title: str = ""
    requested_by: str = ""
    requester_name: str = ""
    target: str = ""
    address: Address | None = None
    duration_seconds: float = 0.0
    packets: int = 0
    load_bytes: int = 0
    # The logs that it names.
    logs: tuple[str, ...] = ()
    # What is measured again and again: how often; and of a log that is followed, how many lines at first.
    every_seconds: float = 0.0
    lines: int = 0
    sessions_today: int = 0
    # What would be told, for the owner's eyes alone: it is in no decision and no audit entry.
    reveals: str = field(default="", repr=False)
    details: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Decision:
    """allow, ask or deny, in plain words why, and the grant that it rests on (empty without one)."""

    decision: Choice
    basis: Basis
    reason: str
    grant_id: str = ""


def decide(policy: Policy, grants: Sequence[GrantTerms], request: Ask, now: datetime) -> Decision:
    """Whether request may run now.

    now: aware, in the machine's time zone (a time window is the owner's wall clock).
    A denial is final: no grant and no owner's answer overrides it. A grant answers only "ask".

    >>> from caseprobe_agent.consent.policy import SHIPPED
    >>> from caseprobe.v1.consent_pb2 import POLICY_KIND_HEALTH
    >>> decide(SHIPPED, [], Ask(POLICY_KIND_HEALTH, Origin.COLLECTOR), datetime.now(UTC)).basis
    <Basis.POLICY: 'policy'>
    """
    rule = policy.rule(request.kind)
    denial = next(_denials(policy, rule, request, now), None)
    if denial:
        return Decision(POLICY_DECISION_DENY, Basis.POLICY, denial)
    if rule.decision == POLICY_DECISION_ALLOW:
        return Decision(POLICY_DECISION_ALLOW, Basis.POLICY, f"policy allows {kind_name(request.kind)}")
    if request.origin is Origin.OWNER:
        return Decision(POLICY_DECISION_ALLOW, Basis.OWNER, "asked for on this machine by its owner")
    for grant in grants:
        if grants_it(grant, request, now):
            return Decision(POLICY_DECISION_ALLOW, Basis.GRANT, f"granted by {grant.granted_by}", grant.grant_id)
    return Decision(POLICY_DECISION_ASK, Basis.POLICY, f"policy asks the owner about {kind_name(request.kind)}")


def grants_it(grant: GrantTerms, request: Ask, now: datetime) -> bool:
    """True where a grant answers this request: same kind, in time, and every limit that it names fits.

    An empty case, person, command or target list in the grant means any.
    """
    begins, ends = (stamp.ToDatetime(tzinfo=UTC) for stamp in (grant.granted_at, grant.expires_at))
    return (
        grant.kind == request.kind
        and begins <= now < ends
        and grant.case_id in ("", request.case_id)
        and grant.requested_by in ("", request.requested_by)
        and grant.command_id in ("", request.command_id)
        and (not grant.targets or covers(grant.targets, request.target, None))
    )


def in_window(window: tuple[time, time], clock: time) -> bool:
    """True inside the window; one that ends before it begins runs over midnight.

    >>> in_window((time(22), time(6)), time(23, 30))
    True
    >>> in_window((time(8), time(18)), time(18))
    False
    """
    begins, ends = window
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


def _denials(policy: Policy, rule: Rule, request: Ask, now: datetime) -> Iterator[str]:
    """Every reason against the request, worst first, each in plain words."""
    if rule.decision not in (POLICY_DECISION_ALLOW, POLICY_DECISION_ASK):
        yield f"this machine's policy denies {kind_name(request.kind)}"
    if request.kind == POLICY_KIND_WATCH and policy.rule(POLICY_KIND_HEALTH).decision == POLICY_DECISION_DENY:
        yield "this machine's policy denies health, which is what a watch measures"
    if any(not set(request.logs or ("",)) <= set(listed) for listed in rule.sources):
        names = sorted(set.intersection(*(set(listed) for listed in rule.sources)))
        yield f"policy lets only these logs be read, each by its name: {', '.join(names) or 'none'}"
    if request.kind in PATH_KINDS:
        yield from _target_denials(policy, rule, request)
    for begins, ends in rule.windows:
        if not in_window((begins, ends), now.time()):
            yield f"policy allows {kind_name(request.kind)} only from {begins:%H:%M} to {ends:%H:%M}"
    if rule.longest_session_seconds is not None and request.duration_seconds > rule.longest_session_seconds:
        yield f"it would take {request.duration_seconds:g} s; policy allows {rule.longest_session_seconds:g} s"
    if rule.packets_per_session is not None and request.packets > rule.packets_per_session:
        yield f"it would send up to {request.packets} packets; policy allows {rule.packets_per_session}"
    if rule.load_bytes_per_session is not None and request.load_bytes > rule.load_bytes_per_session:
        yield f"it would fill the line with {request.load_bytes} bytes; policy allows {rule.load_bytes_per_session}"
    if rule.sessions_per_day is not None and request.sessions_today >= rule.sessions_per_day:
        yield f"policy allows {rule.sessions_per_day} sessions of {kind_name(request.kind)} a day"


def _target_denials(policy: Policy, rule: Rule, request: Ask) -> Iterator[str]:
    """Reasons against probing this target; a list in the policy is complete where there is one.

    A special address must be listed as an address: a listed name may resolve to anything.
    """
    subject = str(request.address or request.target)
    named = bool(rule.targets) and all(covers(wanted, subject, request.address) for wanted in rule.targets)
    kind = special(request.target, request.address)
    if not policy.network_probes and not (named and kind == "loopback"):
        yield "network probes are switched off on this machine (network_probes = off)"
    if not all(covers(wanted, request.target, request.address) for wanted in rule.targets):
        yield f"{request.target} is not among the targets that policy lists"
    if kind and not named:
        yield f"{request.target} is a {kind} address, which policy does not list"
