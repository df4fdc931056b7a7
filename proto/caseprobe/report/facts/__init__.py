"""What was measured, section by section: one line each, with the tables behind it."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.report.facts import activity, health, host, items, machine, network, storage
from caseprobe.report.facts.group import Gist, Render
from caseprobe.report.markup import NOTHING, Markup, element, joined, unfold
from caseprobe.report.words import Words
from caseprobe.v1 import section_pb2, snapshot_pb2

RENDERS: Mapping[str, Render] = {
    "reveal": machine.reveal,
    "system": machine.system,
    "hardware": machine.hardware,
    "cpu": machine.cpu,
    "memory": machine.memory,
    "filesystems": storage.filesystems,
    "volumes": storage.volumes,
    "deleted_files": storage.deleted_files,
    "disks": storage.disks,
    "smart": health.disks,
    "sensors": machine.sensors,
    "ipmi": machine.ipmi,
    "interfaces": network.interfaces,
    "network_cards": items.cards,
    "wireless": network.wireless,
    "routes": network.routes,
    "resolvers": network.resolvers,
    "dns": host.dns,
    "reachability": host.reachability,
    "sockets": network.sockets,
    "processes": activity.processes,
    "firewall": items.firewall,
    "containers": items.containers,
    "cgroups": host.cgroups,
    "services": host.services,
    "packages": host.packages,
    "kernel_log": activity.log,
    "system_log": activity.log,
    "log_tail": activity.tail,
    "crashes": host.crashes,
    "certificates": host.certificates,
    "time_sync": host.time_sync,
    "clock": activity.clock,
    "settings": machine.settings,
    "site": items.site,
}
# These have a part of the page of their own.
ELSEWHERE = ("path", "near_paths", "history")


def render_facts(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Every section that could be read, in the order in which a machine is looked at."""
    order = list(RENDERS)
    read = [one for one in snapshot.sections if one.WhichOneof("facts") and one.WhichOneof("facts") not in ELSEWHERE]
    read.sort(key=lambda one: order.index(kind) if (kind := str(one.WhichOneof("facts"))) in order else len(order))
    return joined(*(_row(section, words) for section in read))


def _row(section: section_pb2.Section, words: Words) -> Markup:
    gist = _gist(section, words)
    name = element("span", words.section(section), class_="name")
    line = joined(name, " ", element("span", gist.line, class_="gist"))
    by_reader = words.by_reader(section)
    body = joined(gist.body, element("p", by_reader)) if by_reader else gist.body
    return unfold(line, body, class_="row") if body else element("div", line, class_="row")


def _gist(section: section_pb2.Section, words: Words) -> Gist:
    render = RENDERS.get(str(section.WhichOneof("facts")))
    return render(section, words) if render else Gist("", NOTHING)
