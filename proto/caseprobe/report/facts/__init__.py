"""What was measured, section by section: one line each, with the tables behind it."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.report.facts import activity, health, host, machine, network, storage
from caseprobe.report.facts.group import Gist, Render
from caseprobe.report.markup import NOTHING, Markup, element, joined, unfold
from caseprobe.report.words import Words
from caseprobe.texts import printable
from caseprobe.v1 import section_pb2, snapshot_pb2

RENDERS: Mapping[str, Render] = {
    "path": network.path,
    "system": machine.system,
    "hardware": machine.hardware,
    "cpu": machine.cpu,
    "memory": machine.memory,
    "filesystems": storage.filesystems,
    "disks": storage.disks,
    "smart": health.disks,
    "sensors": machine.sensors,
    "interfaces": network.interfaces,
    "routes": network.routes,
    "resolvers": network.resolvers,
    "sockets": network.sockets,
    "processes": activity.processes,
    "kernel_log": activity.log,
    "system_log": activity.log,
    "services": host.services,
    "packages": host.packages,
    "certificates": host.certificates,
    "dns": host.dns,
    "reachability": host.reachability,
    "cgroups": host.cgroups,
    "crashes": host.crashes,
    "time_sync": host.time_sync,
    "clock": activity.clock,
}
_OUTCOMES = {
    section_pb2.PROBE_OUTCOME_ABSENT: "absent",
    section_pb2.PROBE_OUTCOME_DENIED: "denied",
    section_pb2.PROBE_OUTCOME_TIMEOUT: "timeout",
    section_pb2.PROBE_OUTCOME_FAILED: "failed",
    section_pb2.PROBE_OUTCOME_SKIPPED: "skipped",
}


def render_facts(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Every section of the snapshot, also those that could not be read."""
    order = list(RENDERS)
    sections = sorted(snapshot.sections, key=lambda one: order.index(one.probe) if one.probe in order else len(order))
    rows = [_row(section, words) for section in sections]
    return element("section", element("h2", words("facts")), *rows, id="facts") if rows else NOTHING


def _row(section: section_pb2.Section, words: Words) -> Markup:
    name = element("span", words(f"section_{section.probe}"), class_="name")
    if section.outcome in _OUTCOMES:
        why = dotted_reason(section, words)
        return element("div", name, element("span", why, class_="gist"), class_="row off")
    gist = _gist(section, words)
    line = joined(name, element("span", printable(gist.line), class_="gist"))
    body = joined(gist.body, _shortfalls(section, words))
    return unfold(line, body, class_="row") if body else element("div", line, class_="row")


def _gist(section: section_pb2.Section, words: Words) -> Gist:
    render = RENDERS.get(str(section.WhichOneof("facts")))
    return render(section, words) if render else Gist("", NOTHING)


def dotted_reason(section: section_pb2.Section, words: Words) -> str:
    """Why a section could not be read: in the reader's language, then in the machine's words."""
    outcome = words(f"outcome_{_OUTCOMES[section.outcome]}")
    needs = words.filled("needs", needs=section.needs) if section.needs else ""
    return " · ".join(part for part in (outcome, needs, printable(section.reason)) if part)


def _shortfalls(section: section_pb2.Section, words: Words) -> Markup:
    items = []
    for one in section.shortfalls:
        needs = words.filled("needs", needs=one.needs) if one.needs else ""
        items.append(element("li", element("code", one.field), " ", printable(one.reason), " ", needs))
    return element("div", element("h3", words("not_read")), element("ul", *items), class_="lack") if items else NOTHING
