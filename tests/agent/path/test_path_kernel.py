"""The tiers on the real kernel in a namespace of their own, with no capability, against the scenario's truth."""

from __future__ import annotations

import base64
import ipaddress
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.paths.lab import Lab, lab

V4, V6 = "198.19.0.1", "2001:db8:ffff::1"


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Ten hops, of which the fifth and the sixth tell their labels."""
    with lab("mpls", tmp_path_factory.mktemp("mpls")) as namespace:
        yield namespace


def addresses(facts: dict[str, Any]) -> list[str]:
    """The first address of every hop, in order; empty where none answered."""
    packed = [base64.b64decode(hop["addresses"][0]) if "addresses" in hop else b"" for hop in facts["hops"]]
    return [str(ipaddress.ip_address(address)) if address else "" for address in packed]


@pytest.mark.parametrize("target", [V4, V6])
@pytest.mark.parametrize(
    ("protocol", "tier"),
    [("icmp", "ICMP_DATAGRAM"), ("udp", "UDP"), ("tcp", "TCP_CONNECT")],
    ids=["icmp", "udp", "tcp"],
)
def test_every_tier_sees_every_hop_its_labels_and_reply_ttl_without_any_right(
    labels: Lab, target: str, protocol: str, tier: str
) -> None:
    """One round names all ten hops, the MPLS stacks and the way back, at no capability."""
    answer = labels.probe(target, protocol, 1, 1.0)
    facts, v6 = answer["facts"], target == V6
    assert (answer["capabilities"], facts["tier"]) == (0, f"PATH_TIER_{tier}")
    routers = [f"2001:db8::{n}:1" if v6 else f"198.18.{n}.1" for n in range(1, 10)]
    assert addresses(facts) == [*routers, target]
    assert facts["hops"][9]["from_target"]
    assert {hop["ttl"]: hop["mpls_labels"] for hop in facts["hops"] if "mpls_labels" in hop} == {
        5: [24015],
        6: [24016, 300112],
    }
    assert [answer["reply_ttls"][str(ttl)] for ttl in range(1, 10)] == list(range(255, 246, -1))


def test_counts_are_what_truly_happened(tmp_path: Path) -> None:
    """On a path that loses 5 %, sent and received are the simulator's own counts at every hop."""
    with lab("lossy-link", tmp_path) as namespace:
        facts = namespace.probe(V4, "icmp", 25, 0.1)["facts"]
        truth = Counter((record["ttl"], record["verdict"] == "answered") for record in namespace.truth())
    for hop in facts["hops"]:
        ttl = hop["ttl"]
        assert (hop["sent"], hop.get("received", 0)) == (truth[ttl, True] + truth[ttl, False], truth[ttl, True])


def test_a_router_that_quotes_eight_bytes_is_seen_over_udp(tmp_path: Path) -> None:
    """Its errors name no echo, so from the second round on its hop is asked over a socket of its own."""
    with lab("short-quotes", tmp_path) as namespace:
        facts = namespace.probe(V4, "udp", 3, 1.0)["facts"]
    assert addresses(facts) == ["198.18.1.1", "198.18.2.1", "198.18.3.1", V4]
    assert facts["hops"][1]["received"] == 2


def test_without_the_right_to_icmp_udp_is_chosen(tmp_path: Path) -> None:
    """The automatic ladder ends at UDP where ping_group_range is closed, and the facts say so."""
    with lab("plain", tmp_path, icmp=False) as namespace:
        facts = namespace.probe(V4, "unspecified", 1, 1.0)["facts"]
    assert facts["tier"] == "PATH_TIER_UDP"
    assert len(facts["hops"]) == 16


@pytest.mark.parametrize("target", [V4, V6])
def test_where_icmp_datagrams_are_denied_a_raw_socket_serves_whoever_may(tmp_path: Path, target: str) -> None:
    """Asked for ICMP by name, with CAP_NET_RAW: every hop, its time and reply TTL; without, one line that says so."""
    with lab("plain", tmp_path, icmp=False) as namespace:
        words = (sys.executable, "-m", "tests.paths.probe", target, "icmp", "2", "1.0")
        answer = json.loads(namespace.run(*words, unprivileged=False))
        with pytest.raises(AssertionError, match="be root, or use --protocol udp"):
            namespace.run(*words)
    facts = answer["facts"]
    assert facts["tier"] == "PATH_TIER_RAW"
    assert [hop["received"] for hop in facts["hops"]] == [2] * 16
    assert addresses(facts)[-1] == target
    assert answer["reply_ttls"]["16"] == 49
    assert facts["hops"][-1]["best_seconds"] > 0.09


def test_an_address_family_without_a_route_is_one_clear_line(labels: Lab) -> None:
    """Where there is no way out, nothing is measured and the reason is said."""
    with pytest.raises(AssertionError, match="Network is unreachable"):
        labels.probe("203.0.113.1", "icmp", 1, 1.0)


def summary_of(namespace: Lab, target: str, switch: str) -> dict[str, Any]:
    """What `path --json` with one more switch says of a target, run without any capability."""
    words = ("-m", "caseprobe_agent", "path", target, switch, "--json")
    state = f"CASEPROBE_STATE_FOLDER={namespace.truth_file.parent / 'state'}"
    out = namespace.run("env", "CASEPROBE_NETWORK_PROBES=on", state, sys.executable, *words)
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])["summary"]
    return answer


def test_a_black_hole_is_found_on_the_kernel_over_both_families(tmp_path: Path) -> None:
    """More than 1400 bytes vanish between hops 5 and 6: exact, within five seconds, without any right."""
    with lab("mtu-blackhole", tmp_path) as namespace:
        found = [summary_of(namespace, target, "--mtu")["mtu"] for target in (V4, V6)]
    for mtu in found:
        assert (mtu["message_id"], mtu["size_bytes"], mtu["segment"]) == ("mtu.vanishes", 1400, [5, 6])
        assert mtu["duration_seconds"] <= 5


def test_all_ways_are_found_on_the_kernel(tmp_path: Path) -> None:
    """Hop 3 is one of four routers by flow, every other hop one: found without any right.

    Its confidence is 95 %, so one time in twenty a way may be missing; how often is counted in virtual time.
    """
    with lab("ecmp-diamond", tmp_path) as namespace:
        ways = summary_of(namespace, V4, "--multipath")["ways"]
    assert [len(hop["routers"]) for hop in ways["hops"]] in ([1, 1, 4, 1, 1, 1], [1, 1, 3, 1, 1, 1])
    assert [hop["balancing"] for hop in ways["hops"]] == ["none", "none", "flow", "none", "none", "none"]
    assert all(hop["complete"] for hop in ways["hops"])
    assert {tuple(router["next"]) for router in ways["hops"][2]["routers"]} == {(0,)}
