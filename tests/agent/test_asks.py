"""Which probes of a snapshot run: packets and log lines only where policy lets them, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from caseprobe.errors import UsageError
from caseprobe.load_limits import WAY_BYTES, WHOLE_SECONDS
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import (
    POLICY_DECISION_ALLOW,
    POLICY_DECISION_ASK,
    POLICY_DECISION_DENY,
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PROCESS_ARGUMENTS,
    POLICY_KIND_SITE_PROBE,
)
from caseprobe_agent.consent import Basis, Decision, Origin
from caseprobe_agent.consent.policy import Choice as Said
from caseprobe_agent.consent.policy import Kind
from caseprobe_agent.probes import (
    NETWORKED,
    PACKAGES,
    PACKAGES_WITH_HISTORY,
    PROCESSES_WITH_ARGUMENTS,
    SERVICES,
    SERVICES_WITH_LINES,
)
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.session.asks import choose, command_ask, path_ask, snapshot_ask

ASKING = {networked for _, networked in NETWORKED}
RAID = Probe("site.raid", "tests:measure", 5.0)
ALLOW, ASK, DENY = POLICY_DECISION_ALLOW, POLICY_DECISION_ASK, POLICY_DECISION_DENY


def says(rules: Mapping[Kind, Said]) -> Callable[[Kind], Decision]:
    """A policy that says so of these kinds and denies all others."""
    return lambda kind: Decision(rules.get(kind, DENY), Basis.POLICY, "told")


def action(profile: str = "standard", *probes: str) -> link_pb2.SnapshotAction:
    """A snapshot that the collector asks for."""
    return link_pb2.SnapshotAction(profile=profile, probes=probes)


@pytest.mark.parametrize("near", [DENY, ASK])
def test_nothing_is_sent_where_policy_does_not_allow_it(near: Said) -> None:
    """Also where the owner would have to be asked: nobody is asked about a snapshot's own questions."""
    chosen = choose(action(), POLICY_KIND_HEALTH, says({POLICY_KIND_PATH_NEAR: near, POLICY_KIND_LOGS: ALLOW}))
    assert ASKING.isdisjoint(chosen.probes)
    assert "dns" in {probe.name for probe in chosen.probes}


def test_the_quick_profile_asks_no_server() -> None:
    """A server that does not answer would cost it seconds; a probe that is asked for by name is run whole."""
    policy = says({POLICY_KIND_PATH_NEAR: ALLOW})
    assert ASKING.isdisjoint(choose(action("quick"), POLICY_KIND_HEALTH, policy).probes)
    assert set(choose(action("standard"), POLICY_KIND_HEALTH, policy).probes) >= ASKING
    assert set(choose(action("", "dns"), POLICY_KIND_HEALTH, policy).probes) <= ASKING


@pytest.mark.parametrize(("logs", "shown"), [(ALLOW, True), (ASK, False), (DENY, False)])
def test_last_lines_of_services_are_logs(logs: Said, shown: bool) -> None:
    """Their states are health and always told."""
    chosen = choose(action(), POLICY_KIND_HEALTH, says({POLICY_KIND_LOGS: logs}))
    assert (SERVICES_WITH_LINES in chosen.probes, SERVICES in chosen.probes) == (shown, not shown)
    assert ("kernel_log" in dict(chosen.left_out)) != shown


@pytest.mark.parametrize(("logs", "shown"), [(ALLOW, True), (ASK, False), (DENY, False)])
def test_what_was_installed_last_is_a_log(logs: Said, shown: bool) -> None:
    """The full profile tells every package as health, the manager's log only where logs may leave."""
    chosen = choose(action("full"), POLICY_KIND_HEALTH, says({POLICY_KIND_LOGS: logs}))
    assert (PACKAGES_WITH_HISTORY in chosen.probes, PACKAGES in chosen.probes) == (shown, not shown)
    standard = choose(action("standard"), POLICY_KIND_HEALTH, says({POLICY_KIND_LOGS: logs}))
    assert PACKAGES in standard.probes


@pytest.mark.parametrize(("policy", "shown"), [(ALLOW, True), (ASK, False), (DENY, False)])
def test_arguments_of_processes_are_told_only_where_that_is_allowed(policy: Said, shown: bool) -> None:
    """What a grant for them allows counts as allowed; without it processes are listed by their names."""
    chosen = choose(action("quick"), POLICY_KIND_HEALTH, says({POLICY_KIND_PROCESS_ARGUMENTS: policy}))
    assert (PROCESSES_WITH_ARGUMENTS in chosen.probes) == shown
    assert "processes" in {probe.name for probe in chosen.probes}


@pytest.mark.parametrize(
    ("profile", "policy", "run"),
    [("standard", ALLOW, True), ("full", ALLOW, True), ("quick", ALLOW, False), ("standard", ASK, False)],
)
def test_the_operators_own_probes_belong_to_their_profile_and_those_above(
    profile: str, policy: Said, run: bool
) -> None:
    """As far as policy allows them without asking; what it does not allow is named with its reason."""
    chosen = choose(action(profile), POLICY_KIND_HEALTH, says({POLICY_KIND_SITE_PROBE: policy}), {RAID: "standard"})
    assert (RAID in chosen.probes) == run
    assert ("site.raid" in dict(chosen.left_out)) == (profile != "quick" and not run)


def test_an_own_probe_that_is_named_is_what_the_owner_is_asked_about() -> None:
    """By its name; then it runs alone. One that this machine does not have is said to be missing."""
    ask = snapshot_ask(action("", "site.raid"), Origin.COLLECTOR, 60.0)
    assert (ask.kind, ask.target, ask.logs) == (POLICY_KIND_SITE_PROBE, "site.raid", ())
    chosen = choose(action("", "site.raid", "site.x"), POLICY_KIND_SITE_PROBE, says({}), {RAID: "full"})
    assert chosen.probes == (RAID,)
    assert chosen.left_out == (("site.x", "this machine has no such probe"),)


@pytest.mark.parametrize("target", ["", "desk.example.net"])
def test_load_goes_to_the_own_collector_and_is_asked_for_whole(target: str) -> None:
    """Policy is asked about the collector, and about as many seconds, packets and bytes as a load takes."""
    path = link_pb2.PathAction(target=target, rounds=1, loaded=True)
    ask = command_ask(link_pb2.CommandRequest(path=path), lambda name: name == "desk.example.net", "desk.example.net")
    bare = path_ask(link_pb2.PathAction(target=ask.target, rounds=1), Origin.COLLECTOR, near=True)
    assert (ask.target, ask.kind, ask.load_bytes) == ("desk.example.net", POLICY_KIND_PATH_NEAR, 2 * WAY_BYTES)
    assert ask.duration_seconds >= bare.duration_seconds + WHOLE_SECONDS
    assert ask.packets > bare.packets and "under load" in ask.details


def test_load_goes_nowhere_else() -> None:
    """Whoever asks: a collector cannot have a machine fill the line to somebody else."""
    path = link_pb2.PathAction(target="victim.example.org", loaded=True)
    with pytest.raises(UsageError, match="own collector only"):
        command_ask(link_pb2.CommandRequest(path=path), lambda _: True, "desk.example.net")
