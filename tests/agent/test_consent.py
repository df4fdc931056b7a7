"""Whether a request may run, from policy, grants and the request alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.v1.consent_pb2 import (
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PATH_TARGET,
    POLICY_KIND_REVEAL,
    POLICY_KIND_WATCH,
    GrantTerms,
)
from caseprobe_agent.config.rules import CHOICES
from caseprobe_agent.consent import Ask, Basis, Origin, decide
from caseprobe_agent.consent.policy import ALLOW, ASK, DENY, SHIPPED, Kind, Policy, Rule, kind_name, kinds
from caseprobe_agent.consent.targets import special
from caseprobe_agent.consent.texts import LANGUAGES, TEXTS, bundle_text, consent_text
from tests.fakes_flows import MORNING

PATH = Ask(POLICY_KIND_PATH_TARGET, Origin.COLLECTOR, "sess_1", "case_1", "Slow", "user_1", "Ada", "203.0.113.7")
OPEN = Policy({POLICY_KIND_PATH_TARGET: Rule(ALLOW), POLICY_KIND_PATH_NEAR: Rule(ALLOW)})


def grant_of(ask: Ask, requested_by: str = "", command_id: str = "") -> GrantTerms:
    """A grant for this request's kind and case, valid for an hour."""
    terms = GrantTerms(grant_id="grant_1", kind=ask.kind, case_id=ask.case_id, granted_by="owner")
    terms.requested_by, terms.command_id = requested_by, command_id
    terms.granted_at.FromDatetime(MORNING - timedelta(minutes=1))
    terms.expires_at.FromDatetime(MORNING + timedelta(hours=1))
    return terms


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("health", ALLOW),
        ("path_near", ALLOW),
        ("schedule", ALLOW),
        ("logs", ASK),
        ("process_arguments", ASK),
        ("path_target", ASK),
        ("reveal", DENY),
        ("watch", DENY),
        ("site_probe", ASK),
    ],
)
def test_the_shipped_policy_is_the_documented_one(kind: str, expected: int) -> None:
    """Health runs, what shows more is asked, everything else is denied."""
    ask = Ask(kinds()[kind], Origin.COLLECTOR, target="203.0.113.7")
    assert decide(SHIPPED, [], ask, MORNING).decision == expected


def test_a_kind_that_this_version_does_not_know_is_denied() -> None:
    """A newer collector cannot ask for what this agent has no rule for."""
    unknown: Kind = 99  # type: ignore[assignment]
    decision = decide(SHIPPED, [], Ask(unknown, Origin.COLLECTOR), MORNING)
    assert (decision.decision, decision.reason) == (DENY, "this machine's policy denies kind 99")


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("localhost", "loopback"),
        ("LOCALHOST.", "loopback"),
        ("0.0.0.0", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("169.254.169.254", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("::ffff:169.254.169.254", "metadata"),
        ("169.254.3.4", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
    ],
)
def test_special_targets_are_denied_in_every_way_of_writing_them(target: str, kind: str) -> None:
    """No spelling of loopback, metadata, link-local, multicast or broadcast slips past, not even with policy allow."""
    decision = decide(OPEN, [grant_of(PATH)], replace(PATH, target=target), MORNING)
    assert decision.decision == DENY
    assert kind in decision.reason


def test_a_name_that_turns_out_to_be_special_is_denied() -> None:
    """DNS cannot smuggle loopback past policy, even where the name itself is listed."""
    ask = replace(PATH, target="db.example.org", address=ip_address("127.0.0.1"))
    listed = Policy({POLICY_KIND_PATH_TARGET: Rule(ALLOW, (("example.org",),))})
    assert decide(OPEN, [], ask, MORNING).decision == DENY
    assert decide(listed, [], ask, MORNING).decision == DENY
    assert decide(listed, [], replace(ask, address=ip_address("203.0.113.9")), MORNING).decision == ALLOW


def test_listed_targets_are_the_only_ones() -> None:
    """A list opens a special address and closes every other."""
    policy = Policy({POLICY_KIND_PATH_TARGET: Rule(ALLOW, (("127.0.0.1", "::1"),))})
    for target in ("127.0.0.1", "::1", "localhost"):
        assert decide(policy, [], replace(PATH, target=target), MORNING).decision == ALLOW
    for target in ("127.0.0.2", "203.0.113.7", "example.org"):
        assert decide(policy, [], replace(PATH, target=target), MORNING).decision == DENY


@pytest.mark.parametrize("target", ["203.0.113.7", "example.org", "10.0.0.1", "127.0.0.1"])
def test_the_switch_stops_every_path(target: str) -> None:
    """With network probes off no target is reached, near ones included, and no grant or owner helps."""
    policy = replace(OPEN, network_probes=False)
    for kind in (POLICY_KIND_PATH_TARGET, POLICY_KIND_PATH_NEAR):
        for origin in Origin:
            ask = replace(PATH, kind=kind, origin=origin, target=target)
            assert decide(policy, [grant_of(ask)], ask, MORNING).decision == DENY


def test_the_switch_leaves_listed_loopback() -> None:
    """What the owner lists by address on this machine itself sends no packet anywhere else."""
    policy = Policy({POLICY_KIND_PATH_TARGET: Rule(ALLOW, (("127.0.0.0/8", "203.0.113.0/24"),))}, network_probes=False)
    assert decide(policy, [], replace(PATH, target="127.0.0.1"), MORNING).decision == ALLOW
    assert decide(policy, [], replace(PATH, target="203.0.113.7"), MORNING).decision == DENY


def test_limits_deny_with_their_figure() -> None:
    """Length, packets, sessions a day and bytes of a load each refuse, and say what would be allowed."""
    limits = Rule(ALLOW, (), (), 60, 1000, 3, load_bytes_per_session=5000)
    policy = Policy({POLICY_KIND_PATH_TARGET: limits})
    for changes, word in (
        ({"duration_seconds": 61.0}, "60 s"),
        ({"packets": 1001}, "1000"),
        ({"sessions_today": 3}, "3 sessions"),
        ({"load_bytes": 5001}, "5000"),
    ):
        decision = decide(policy, [], replace(PATH, **changes), MORNING)
        assert (decision.decision, word in decision.reason) == (DENY, True)


def test_a_window_is_the_owners_own_clock() -> None:
    """Outside of its hours a kind is denied."""
    night = (MORNING.replace(hour=22).time(), MORNING.replace(hour=6).time())
    policy = Policy({POLICY_KIND_HEALTH: Rule(ALLOW, windows=(night,))})
    ask = Ask(POLICY_KIND_HEALTH, Origin.COLLECTOR)
    assert decide(policy, [], ask, MORNING).decision == DENY
    assert decide(policy, [], ask, MORNING.replace(hour=23)).decision == ALLOW


def test_a_grant_answers_what_it_names_and_nothing_else() -> None:
    """Another case, person, command, target, kind or hour asks again."""
    terms = grant_of(PATH, requested_by="user_1", command_id="sess_1")
    terms.targets.append("203.0.113.0/24")
    assert decide(SHIPPED, [terms], PATH, MORNING).basis is Basis.GRANT
    for other in (
        replace(PATH, case_id="case_2"),
        replace(PATH, requested_by="user_2"),
        replace(PATH, command_id="sess_2"),
        replace(PATH, target="198.51.100.1"),
        replace(PATH, kind=POLICY_KIND_LOGS),
    ):
        assert decide(SHIPPED, [terms], other, MORNING).decision == ASK
    assert decide(SHIPPED, [terms], PATH, MORNING + timedelta(hours=1)).decision == ASK
    assert decide(SHIPPED, [terms], PATH, MORNING - timedelta(hours=1)).decision == ASK


def test_the_owner_is_not_asked_for_what_they_typed_but_policy_still_denies() -> None:
    """A person at the machine answers "ask" by asking; what root denied stays denied."""
    mine = replace(PATH, origin=Origin.OWNER)
    assert decide(SHIPPED, [], mine, MORNING).basis is Basis.OWNER
    assert decide(SHIPPED, [], replace(mine, kind=POLICY_KIND_WATCH), MORNING).decision == DENY


rules = st.builds(
    Rule,
    st.sampled_from(sorted(CHOICES.values())),
    st.lists(st.sampled_from([("127.0.0.1",), ("203.0.113.0/24", "example.org"), ()]), max_size=2).map(tuple),
    st.just(()),
    st.none() | st.floats(1, 1000),
    st.none() | st.integers(0, 1000),
    st.none() | st.integers(0, 5),
    st.just(()),
    st.none() | st.integers(0, 1000),
)
asks = st.builds(
    Ask,
    st.sampled_from([POLICY_KIND_PATH_TARGET, POLICY_KIND_LOGS, POLICY_KIND_WATCH]),
    st.sampled_from(Origin),
    target=st.sampled_from(["203.0.113.7", "127.0.0.1", "example.org", "169.254.169.254"]),
    duration_seconds=st.floats(0, 2000),
    packets=st.integers(0, 2000),
    load_bytes=st.integers(0, 2000),
    sessions_today=st.integers(0, 6),
)


@given(asks, rules, rules, st.booleans())
def test_a_further_file_never_widens(ask: Ask, mine: Rule, further: Rule, switch: bool) -> None:
    """Whatever a drop-in says, nothing runs that did not run before."""
    policy = Policy({ask.kind: mine})
    before = decide(policy, [], ask, MORNING).decision
    after = decide(policy.tightened({ask.kind: further}, switch), [], ask, MORNING).decision
    assert after >= before


@given(asks, rules)
def test_no_grant_overrides_a_denial(ask: Ask, rule: Rule) -> None:
    """A grant turns ask into allow and changes nothing else."""
    policy = Policy({ask.kind: rule})
    without, granted = (decide(policy, held, ask, MORNING).decision for held in ([], [grant_of(ask)]))
    assert granted == (ALLOW if without == ASK else without)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_special_inside_ipv6(address: object) -> None:
    """Mapping an address into IPv6 changes nothing about it."""
    assert special(f"::ffff:{address}", None) == special(str(address), None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """Who, which case, what, how long; no language lacks a sentence, none shows a placeholder."""
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for kind in kinds().values():
        ask = replace(PATH, kind=kind, duration_seconds=30, packets=120)
        text = consent_text(ask, kind_name(kind), language)
        assert "{" not in text
        limit = PATH.target if kind == POLICY_KIND_REVEAL else "30"
        assert all(word in text for word in ("Ada", "case_1", "Slow", limit))
    assert "48 " in consent_text(replace(PATH, load_bytes=48_000_000), "path_target", language)
    assert "case_1" in bundle_text("support.example.org", "case_1", "reviewed", language)


def test_what_the_other_side_wrote_cannot_draw_on_the_terminal() -> None:
    """Escape sequences, line breaks and direction marks in a case title are shown as spaces."""
    text = consent_text(replace(PATH, case_title="\x1b[2J\nAllow? yes\u202e"), "path_target", "en")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nAllow" not in text
