"""What only the longer bundles have: network cards, containers, the packet filter, an operator's own probes."""

from __future__ import annotations

from caseprobe.report.facts.group import Gist, listed
from caseprobe.report.markup import dotted, element, facts_list, joined, unfold
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_items_pb2 as items
from caseprobe.v1 import section_pb2


def cards(section: section_pb2.Section, words: Words) -> Gist:
    """Each card with its driver and rings; its counters of faults behind its name."""

    def row(one: items.NetworkCard) -> tuple[str, ...]:
        driver = dotted(f"{one.driver} {one.driver_version}".strip(), one.firmware)
        told = one.HasField("pause_received") or one.HasField("pause_sent")
        pause = words("yes" if one.pause_received or one.pause_sent else "no") if told else NONE
        rings = (f"{one.receive_ring} / {one.receive_ring_limit}", f"{one.send_ring} / {one.send_ring_limit}")
        receive, send = rings if one.HasField("receive_ring") else (NONE, NONE)
        return element("b", one.name), driver or NONE, receive, send, pause

    def counter(one: items.CardCounter) -> tuple[str, ...]:
        return one.name, words.count(one.total)

    found = section.network_cards.cards
    head = [words(name) for name in ("interface", "driver", "receive_ring", "send_ring", "pause_frames")]
    counters = (
        unfold(element("b", one.name), listed((words("errors"), words("number")), one.counters, counter, words, (1,)))
        for one in found
        if one.counters
    )
    return Gist(", ".join(one.name for one in found[:4]), joined(listed(head, found, row, words), *counters))


def containers(section: section_pb2.Section, words: Words) -> Gist:
    """Each container with its state and what it uses of its limit."""

    def row(one: items.Container) -> tuple[str, ...]:
        name = joined(element("b", one.name or one.id), " ", element("small", dotted(one.runtime, one.image)))
        memory = words.value("_bytes", one.memory_bytes) if one.HasField("memory_bytes") else NONE
        limit = words.value("_bytes", one.memory_limit_bytes) if one.HasField("memory_limit_bytes") else NONE
        killed = words.count(one.oom_kills_total) if one.HasField("oom_kills_total") else NONE
        return name, one.status or one.state, memory, limit, killed

    facts = section.containers
    head = [words(name) for name in ("container", "state", "memory", "limit", "killed")]
    line = words.filled("containers_total", n=facts.running_total, ended=facts.ended_total)
    return Gist(line, listed(head, facts.containers, row, words, numbers=(2, 3, 4)))


def firewall(section: section_pb2.Section, words: Words) -> Gist:
    """Chains with what becomes of a packet that no rule decides."""

    def row(one: items.FirewallChain) -> tuple[str, ...]:
        chain = joined(element("b", one.name), " ", element("small", f"{one.family} {one.table}"))
        return chain, one.hook or NONE, one.policy or NONE, words.count(one.rules_total)

    facts = section.firewall
    head = [words(name) for name in ("chain", "hook", "policy", "rules")]
    line = dotted(words.filled("rules_total", n=facts.rules_total), facts.program)
    artifact = facts_list([(words("artifact"), facts.artifact)])
    return Gist(line, joined(listed(head, facts.chains, row, words, numbers=(3,)), artifact))


def site(section: section_pb2.Section, words: Words) -> Gist:
    """What a probe of the machine's operator read, by its own keys."""

    def row(one: str) -> tuple[str, ...]:
        key, _, value = one.partition(" = ")
        return key or NONE, value

    facts = section.site
    about = facts_list([(words("source"), facts.source), (words("artifact"), facts.artifact)])
    cut = element("p", words("cut"), class_="lack") if facts.truncated else ""
    body = joined(about, listed((words("key"), words("value")), facts.facts, row, words), cut)
    return Gist(dotted(facts.name, facts.why), body)
