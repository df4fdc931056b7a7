"""Findings of one cascade under their root: what follows from another finding names it, and is folded under it.

Three things must agree before one is said to follow from another: that its kind can (chains.py), that both are about
one thing, or one rests on the other (topology.py), and that it did not come before. Where the last two cannot be told,
it stays a finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from caseprobe.checks.chains import CHAINS, DEVICE, INTERFACE, MACHINE, OBJECT, SERVICE, SINCE_BOOT, UNIT, WORDS, Chain
from caseprobe.checks.folding import Name, name_of
from caseprobe.checks.topology import Topology, is_disk
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

SERVICE_MESSAGES = ("failed", "looping", "timeout")
LOGS = ("log.kernel", "log.system")
# Lines of one moment come in any order.
SLACK_SECONDS = 5.0
# What is not tied by facts must be so near in time, and there must be no other that it could follow from.
NEAR_SECONDS = 60.0
# A task is called hung only after two minutes.
LATE, LATE_SECONDS = frozenset({"hung_task", "proc.dstate"}), 300.0
ON_INTERFACES = frozenset({"nic_reset", "link_flap", "net.link", "net.bond", "wifi.signal"})
ROOT_STATES = (finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)
# The worst come first; a machine with more findings has other needs.
ITEMS_AT_MOST, MOMENTS_AT_MOST = 300, 50
UNIT_ENDINGS = (".service", ".scope", ".socket", ".mount")


@dataclass
class Item:
    """One finding: what it is of, when it came (empty: it is a state that holds), and what it follows from."""

    finding: finding_pb2.Finding
    kind: str
    moments: Sequence[float] = ()
    cause: Item | None = None
    texts: str = field(default="", repr=False)

    @property
    def root(self) -> Item:
        """What stands at the end of its causes."""
        item = self
        while item.cause is not None:
            item = item.cause
        return item


def link_causes(findings: Sequence[finding_pb2.Finding], snapshot: snapshot_pb2.Snapshot) -> None:
    """Fill folded_under of every finding that follows from another one of the same snapshot."""
    items = _items(findings, snapshot)
    topology = Topology(snapshot, findings)
    now = snapshot.started_at.ToNanoseconds() / 1e9
    _same_in_both_logs(items)
    for chain in CHAINS:
        _follow(chain, items[:ITEMS_AT_MOST], topology, now)
    for item in items:
        root = item.root
        if root is not item:
            named = finding_pb2.FoldedUnder(
                check_id=root.finding.check_id, object=root.finding.object, message_id=root.finding.message_id
            )
            item.finding.folded_under.CopyFrom(named)


def _items(findings: Sequence[finding_pb2.Finding], snapshot: snapshot_pb2.Snapshot) -> list[Item]:
    moments = _moments(snapshot)
    return [
        Item(
            finding,
            kind_of(finding),
            sorted(moments.get(name_of(finding), ()))[:MOMENTS_AT_MOST],
            texts="\n".join(evidence.text for evidence in finding.evidence),
        )
        for finding in findings
    ]


def kind_of(finding: finding_pb2.Finding) -> str:
    """Its check, or the class of fault where a log check found it."""
    if finding.check_id not in LOGS:
        return finding.check_id
    told = (one.text for one in finding.parameters if one.name == "fault_class")
    return finding.message_id or next(told, "")


def _moments(snapshot: snapshot_pb2.Snapshot) -> dict[Name, list[float]]:
    """When the faults of the logs were written, and when units changed to what they are."""
    found: dict[Name, list[float]] = {}
    for section in snapshot.sections:
        kind = section.WhichOneof("facts")
        if kind == "services":
            told = _of_units(section)
        elif kind in ("kernel_log", "system_log"):
            told = _of_faults(section)
        else:
            continue
        for name, seconds in told:
            found.setdefault(name, []).append(seconds)
    return found


def _of_units(section: section_pb2.Section) -> Iterator[tuple[Name, float]]:
    for unit in section.services.units:
        if unit.HasField("changed_at"):
            changed = unit.changed_at.ToNanoseconds() / 1e9
            yield from (((SERVICE, unit.name, message_id), changed) for message_id in SERVICE_MESSAGES)


def _of_faults(section: section_pb2.Section) -> Iterator[tuple[Name, float]]:
    check_id = LOGS[0] if section.WhichOneof("facts") == "kernel_log" else LOGS[1]
    for fault in _log(section).faults:
        if fault.HasField("at"):
            yield (check_id, fault.object, fault.fault_class), fault.at.ToNanoseconds() / 1e9


def _log(section: section_pb2.Section) -> section_pb2.LogFacts:
    return section.kernel_log if section.WhichOneof("facts") == "kernel_log" else section.system_log


def _same_in_both_logs(items: Iterable[Item]) -> None:
    """What stands in the ring and in the system's log is one fault."""
    ring = {(item.kind, item.finding.object): item for item in items if item.finding.check_id == LOGS[0]}
    for item in items:
        if item.finding.check_id == LOGS[1]:
            item.cause = ring.get((item.kind, item.finding.object))


def _follow(chain: Chain, items: Sequence[Item], topology: Topology, now: float) -> None:
    """Give each finding of this chain its cause, where it has none yet."""
    places = chain.places
    here = [item for item in items if item.kind in places]
    # Of two names of one thing the disk's comes first: people know it.
    here.sort(key=lambda item: (places[item.kind], not is_disk(item.finding.object), item.moments[:1] or [0.0]))
    if chain.worst_first:
        here.sort(key=lambda item: -item.finding.state)
    for number, effect in enumerate(here):
        if effect.cause is not None:
            continue
        before = [one for one in here[:number] if _may_cause(one, effect, chain)]
        tied = [one for one in before if _in_time(one, effect, chain, now) and _related(one, effect, chain, topology)]
        causes = tied or _only_near(before, effect, chain, topology)
        effect.cause = next(iter(causes), None)


def _may_cause(one: Item, effect: Item, chain: Chain) -> bool:
    """Two of one kind are one fault only where they are on one device."""
    if one.kind == effect.kind and chain.relation != DEVICE:
        return False
    return one.root is not effect and one.root.finding.state in ROOT_STATES


def _in_time(cause: Item, effect: Item, chain: Chain, now: float) -> bool:
    """The effect came after the cause and soon enough; a state holds now, and so may what led to it."""
    if not cause.moments:
        return True
    if effect.moments:
        return any(
            -SLACK_SECONDS <= later - earlier <= chain.seconds for earlier in cause.moments for later in effect.moments
        )
    lasting = chain.relation in (DEVICE, OBJECT) or effect.kind in SINCE_BOOT or not now
    return lasting or now - cause.moments[-1] <= chain.seconds


def _related(cause: Item, effect: Item, chain: Chain, topology: Topology) -> bool:
    one, other = cause.finding.object, effect.finding.object
    if chain.relation == MACHINE:
        return _on_the_default_route(cause, topology)
    if chain.relation == OBJECT:
        return one == other
    if chain.relation == UNIT:
        return _says_so(cause, effect) or _same_program(one, other)
    if chain.relation in (DEVICE, INTERFACE):
        return topology.one_thing(one, other)
    return _says_so(cause, effect) or topology.one_thing(one, _mount_of(other))


def _on_the_default_route(cause: Item, topology: Topology) -> bool:
    """An interface that leads nowhere cuts nobody off."""
    if cause.kind not in ON_INTERFACES or not topology.default_interfaces:
        return True
    return cause.finding.object in topology.default_interfaces


def _says_so(cause: Item, effect: Item) -> bool:
    """The last lines of a service, or its result, name what stopped it."""
    if effect.kind != SERVICE or not any(word in effect.texts for word in WORDS.get(cause.kind, ())):
        return False
    return not (cause.kind in ("oom_kill", "cgroup_oom", "segfault", "segfault_storm") and not _close(cause, effect))


def _close(cause: Item, effect: Item) -> bool:
    if not cause.moments or not effect.moments:
        return _same_program(cause.finding.object, effect.finding.object)
    return any(abs(later - earlier) <= NEAR_SECONDS for earlier in cause.moments for later in effect.moments)


def _same_program(program: str, unit: str) -> bool:
    """mysqld and mysql.service; a unit's name often is its program's.

    >>> _same_program("mysqld", "mysql.service"), _same_program("java", "jenkins.service")
    (True, False)
    """
    stem = unit
    for ending in UNIT_ENDINGS:
        stem = stem.removesuffix(ending)
    stem = stem.partition("@")[0]
    return bool(stem and program) and (program.startswith(stem) or stem.startswith(program)) and len(program) > 2


def _mount_of(unit: str) -> str:
    """The mount point that a mount unit is named after.

    >>> _mount_of("srv-data.mount"), _mount_of("nginx.service")
    ('/srv/data', '')
    """
    return "/" + unit.removesuffix(".mount").replace("-", "/") if unit.endswith(".mount") else ""


def _only_near(before: Sequence[Item], effect: Item, chain: Chain, topology: Topology) -> list[Item]:
    """Where nothing tells on which disk it lies: the one cascade that began within a minute before it."""
    if not effect.moments or not (chain.relation == DEVICE or chain.on_disk):
        return []
    within = LATE_SECONDS if effect.kind in LATE else NEAR_SECONDS
    near = [
        one
        for one in before
        if one.kind != effect.kind
        and any(-SLACK_SECONDS <= later - earlier <= within for earlier in one.moments for later in effect.moments)
        and not (topology.disks(one.finding.object) and topology.disks(effect.finding.object))
    ]
    return near[:1] if len({id(one.root) for one in near}) == 1 else []
