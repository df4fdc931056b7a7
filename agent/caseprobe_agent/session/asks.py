"""What a request asks of this machine, in the words that policy decides in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from caseprobe.errors import UsageError
from caseprobe.load_limits import WAY_BYTES, WHOLE_SECONDS
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import (
    POLICY_DECISION_ALLOW,
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PATH_TARGET,
    POLICY_KIND_PROCESS_ARGUMENTS,
    POLICY_KIND_REVEAL,
    POLICY_KIND_SITE_PROBE,
)
from caseprobe_agent.consent import Ask, Decision, Origin
from caseprobe_agent.consent.policy import Kind, probe_kind
from caseprobe_agent.consent.targets import special
from caseprobe_agent.session.spans import tail_ask, watch_ask

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import Probe

# What this version can do, as said in Hello: the actions of a command by their names in the contract.
CAPABILITIES = ("path", "snapshot", "reveal", "watch", "log_tail")
MOST_HOPS = 30
DEADLINE_SECONDS, LONGEST_SECONDS = 60.0, 24 * 3600.0
# After its last round a trace waits this long for replies that are still on their way.
LAST_REPLY_SECONDS = 5.0
# Of a test under load, with its connections; packets are its own and the answers to those that come.
LOADED_SECONDS, LOADED_PACKETS = WHOLE_SECONDS + 10.0, 2 * WAY_BYTES // 1000


@dataclass(frozen=True)
class Choice:
    """Which probes of a snapshot run, and why the others do not (by name)."""

    probes: tuple[Probe, ...]
    left_out: tuple[tuple[str, str], ...]


def command_ask(request: link_pb2.CommandRequest, near: Callable[[str], bool], collector: str) -> Ask:
    """A command in the words of policy, with who asks for which case; near knows gateway, resolvers and collector.

    collector: its host, as this machine knows it.
    """
    if request.HasField("path"):
        action = aimed(request.path, collector)
        bare = path_ask(action, Origin.COLLECTOR, near(host_of(action.target)))
    elif request.HasField("reveal"):
        bare = Ask(POLICY_KIND_REVEAL, Origin.COLLECTOR, target=request.reveal.token.strip())
    elif request.HasField("watch"):
        bare = watch_ask(request.watch)
    elif request.HasField("log_tail"):
        bare = tail_ask(request.log_tail)
    else:
        bare = snapshot_ask(request.snapshot, Origin.COLLECTOR, deadline_seconds(request))
    return replace(
        bare,
        command_id=request.command_id,
        case_id=request.case_id,
        case_title=request.case_title,
        requested_by=request.requested_by.user_id,
        requester_name=request.requested_by.name,
    )


def deadline_seconds(request: link_pb2.CommandRequest) -> float:
    """How long a command may take, within bounds."""
    return min(request.deadline_seconds if request.deadline_seconds > 0 else DEADLINE_SECONDS, LONGEST_SECONDS)


def aimed(action: link_pb2.PathAction, collector: str) -> link_pb2.PathAction:
    """The action with the target that it means: under load always this machine's own collector.

    Raises UsageError where a load would go anywhere else.
    """
    target = action.target.strip() or (collector if action.loaded else "")
    if action.loaded and target != collector:
        raise UsageError(f"a test under load goes to this machine's own collector only; leave out {target}")
    meant = link_pb2.PathAction()
    meant.CopyFrom(action)
    meant.target = target
    return meant


def host_of(target: str) -> str:
    """The host that a target names, alone or with a service of it. Raises UsageError for an address of no service."""
    from caseprobe_agent.path.service.goal import service_of

    service = service_of(target)
    return service.host if service else target.strip()


def path_ask(action: link_pb2.PathAction, origin: Origin, near: bool) -> Ask:
    """What a path probe asks: its target, and the most that it can take and send."""
    from caseprobe_agent.path.trace import DEFAULT_INTERVAL_SECONDS, DEFAULT_ROUNDS  # not for an agent that idles

    rounds = action.rounds or DEFAULT_ROUNDS
    interval = action.interval_seconds or DEFAULT_INTERVAL_SECONDS
    target = host_of(action.target)
    # Loopback, link-local and the like are never "near", whatever a resolver file says.
    kind = POLICY_KIND_PATH_NEAR if near and not special(target, None) else POLICY_KIND_PATH_TARGET
    seconds = rounds * interval + LAST_REPLY_SECONDS
    # Each hop is asked once a second at most; only the target in every round.
    packets = int(rounds + MOST_HOPS * min(rounds, seconds))
    details = (f"{rounds} rounds", *(("names of hops",) if action.names else ()))
    ask = Ask(kind, origin, target=target, duration_seconds=seconds, packets=packets, details=details)
    return _under_load(ask) if action.loaded else ask


def _under_load(ask: Ask) -> Ask:
    """With what the load adds."""
    return replace(
        ask,
        duration_seconds=ask.duration_seconds + LOADED_SECONDS,
        packets=ask.packets + LOADED_PACKETS,
        load_bytes=2 * WAY_BYTES,
        details=(*ask.details, "under load"),
    )


def snapshot_ask(action: link_pb2.SnapshotAction, origin: Origin, deadline_seconds: float) -> Ask:
    """What a snapshot asks: logs where it names a log, the operator's own probes where it names some, else health."""
    logs, own = (_of_kind(action.probes, kind) for kind in (POLICY_KIND_LOGS, POLICY_KIND_SITE_PROBE))
    kind = POLICY_KIND_LOGS if logs else POLICY_KIND_SITE_PROBE if own else POLICY_KIND_HEALTH
    target = ", ".join(own) if kind == POLICY_KIND_SITE_PROBE else ""
    details = (action.profile or "quick", *(name for name in action.probes if name in known_probes()))
    return Ask(kind, origin, target=target, duration_seconds=deadline_seconds, logs=logs, details=details)


def _of_kind(names: Iterable[str], kind: Kind) -> tuple[str, ...]:
    return tuple(name for name in names if probe_kind(name) == kind)


def _profile(name: str) -> Sequence[Probe]:
    """The probes of a profile; quick for a name that this version does not know."""
    from caseprobe_agent.probes import PROFILES  # here and below: not for an agent that idles

    return PROFILES.get(name, PROFILES["quick"])


def known_probes(own: Iterable[Probe] = ()) -> dict[str, Probe]:
    """Every probe by its name, the operator's own last."""
    from caseprobe_agent.probes import PROFILES

    # As standard has them; of what only full has there is one form.
    ours = (probe for profile in ("full", "standard") for probe in PROFILES[profile])
    return {probe.name: probe for probe in (*ours, *own)}


def _has(profile: str, least: str) -> bool:
    """Whether a profile has what this and larger ones have."""
    from caseprobe_agent.probes import PROFILES

    names = tuple(PROFILES)
    return profile in names and names.index(profile) >= names.index(least)


def _allowed(decision: Decision) -> bool:
    return decision.decision == POLICY_DECISION_ALLOW


def choose(
    action: link_pb2.SnapshotAction,
    admitted: Kind,
    foresee: Callable[[Kind], Decision],
    own: Mapping[Probe, str] = MappingProxyType({}),
) -> Choice:
    """The probes of an admitted snapshot; one of another kind runs only where that kind is allowed as it is.

    own: the operator's probes, each with the smallest profile that has it.
    """
    from caseprobe_agent.probes import with_arguments, with_log_lines, with_network

    known = known_probes(own)
    wanted = [known[name] for name in dict.fromkeys(action.probes) if name in known]
    if not action.probes:
        wanted = [*_profile(action.profile), *(one for one, least in own.items() if _has(action.profile, least))]
    run: list[Probe] = []
    left_out = []
    for probe in wanted:
        kind = probe_kind(probe.name)
        decision = foresee(kind) if kind != admitted else None
        if decision is None or decision.decision == POLICY_DECISION_ALLOW:
            run.append(probe)
        else:
            left_out.append((probe.name, f"left out: {decision.reason}"))
    # Who names probes wants them whole; the quick profile stays quick.
    if (action.profile not in ("", "quick") or action.probes) and _allowed(foresee(POLICY_KIND_PATH_NEAR)):
        run = list(with_network(run))
    if admitted == POLICY_KIND_LOGS or _allowed(foresee(POLICY_KIND_LOGS)):
        run = list(with_log_lines(run, action.profile == "full"))
    if _allowed(foresee(POLICY_KIND_PROCESS_ARGUMENTS)):
        run = list(with_arguments(run))
    missing = ((name, "this machine has no such probe") for name in action.probes if name not in known)
    return Choice(tuple(run), (*left_out, *missing))
