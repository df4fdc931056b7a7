"""What keeps the host going: services, packages, time, name servers, certificates, the way out, limits, crashes."""

from __future__ import annotations

from collections.abc import Iterable

from caseprobe.report.facts.group import Gist, listed, plain_list
from caseprobe.report.markup import NOTHING, dotted, element, facts_list, joined, machine_words, table
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1.section_host_pb2 import Certificate, Cgroup, Dump, Resolver, Unit


def services(section: section_pb2.Section, words: Words) -> Gist:
    """Units that are not well, and how many there are."""

    def row(unit: Unit) -> tuple[str, ...]:
        last = element("pre", "\n".join(unit.last_lines), tabindex="0") if unit.last_lines else NOTHING
        name = joined(element("b", unit.name), last)
        return name, f"{unit.state} ({unit.sub_state})", unit.result or NONE, words.count(unit.restarts_total)

    units = section.services.units
    unwell = troubled(units)
    head = (words("unit"), words("state"), words("result"), words("restarts"))
    line = dotted(words.filled("units_total", n=len(units)), words.filled("failed_total", n=len(unwell)))
    every = plain_list(words("all_units"), (f"{one.name}  {one.sub_state}" for one in units), len(units), words)
    return Gist(line, joined(listed(head, unwell, row, words, numbers=(3,)), every))


def troubled(units: Iterable[Unit]) -> list[Unit]:
    """Units that failed or are started again and again."""
    return [unit for unit in units if unit.state == "failed" or unit.sub_state == "auto-restart"]


def packages(section: section_pb2.Section, words: Words) -> Gist:
    """How many, and which kernel runs beside which is installed."""
    facts = section.packages
    body = facts_list(
        [
            (words("running_kernel"), facts.running_kernel_release),
            (words("newest_kernel"), facts.newest_kernel_release),
            (words("reboot_due"), words("yes") if facts.reboot_required else ""),
            (words("broken_packages"), ", ".join(facts.broken_packages[:10])),
        ]
    )
    lines = (f"{one.name} {one.version}" for one in facts.packages)
    every = plain_list(words("all_packages"), lines, len(facts.packages), words)
    return Gist(dotted(words.filled("packages_total", n=facts.packages_total), facts.manager), joined(body, every))


def time_sync(section: section_pb2.Section, words: Words) -> Gist:
    """Who keeps the clock, and what its servers say."""
    facts = section.time_sync
    rows = [
        (
            one.name,
            words.value("_seconds", one.offset_seconds) if one.answered else NONE,
            words.count(one.stratum) if one.answered else NONE,
            machine_words(one.reason) or NONE,
        )
        for one in facts.servers
    ]
    head = (words("time_server"), words("clock_offset"), words("stratum"), words("remark"))
    kept = words("clock_kept") if facts.synchronized else words("clock_unkept")
    return Gist(dotted(kept, facts.daemon), table(head, rows, numbers=(1, 2)))


def dns(section: section_pb2.Section, words: Words) -> Gist:
    """What each name server answered, and how fast."""

    def row(one: Resolver) -> tuple[str, ...]:
        return one.address, one.rcode or NONE, _trip(one, words), machine_words(one.reason) or NONE

    found = section.dns.resolvers
    head = (words("name_servers"), words("answer"), words("clock_round_trip"), words("remark"))
    line = ", ".join(f"{one.address} {one.rcode}".strip() for one in found[:3])
    return Gist(line, listed(head, found, row, words, numbers=(2,)))


def _trip(server: Resolver, words: Words) -> str:
    told = server.HasField("round_trip_seconds")
    return words.value("_seconds", server.round_trip_seconds) if told else NONE


def certificates(section: section_pb2.Section, words: Words) -> Gist:
    """Each certificate with its end, the nearest first."""

    def row(one: Certificate) -> tuple[str, ...]:
        return one.source, one.subject or NONE, words.moment(one.not_after)

    found = sorted(section.certificates.certificates, key=lambda one: one.not_after.seconds)
    head = (words("source"), words("subject"), words("valid_until"))
    return Gist(words.filled("certificates_total", n=len(found)), listed(head, found, row, words))


def reachability(section: section_pb2.Section, words: Words) -> Gist:
    """Proxies, and the address that a portal would answer for."""
    facts = section.reachability
    rows = [(f"{one.host}:{one.port}", one.origin, machine_words(one.reason) or words("yes")) for one in facts.proxies]
    if facts.HasField("portal"):
        rows.append((facts.portal.url, NONE, facts.portal.reason or f"HTTP {facts.portal.status}"))
    body = table((words("destination"), words("set_in"), words("answer")), rows)
    return Gist(", ".join(row[0] for row in rows[:3]), body)


def cgroups(section: section_pb2.Section, words: Words) -> Gist:
    """Groups with a limit of memory, tasks or processor time."""

    def row(one: Cgroup) -> tuple[str, ...]:
        return element("b", one.path), _memory(one, words), _tasks(one, words), _processor(one, words)

    groups = section.cgroups.groups
    head = (words("control_group"), words("memory"), words("tasks"), words("processors"))
    return Gist(words.filled("limits_total", n=len(groups)), listed(head, groups, row, words))


def _memory(group: Cgroup, words: Words) -> str:
    if not group.HasField("memory_limit_bytes"):
        return NONE
    current, limit = (words.value("_bytes", size) for size in (group.memory_current_bytes, group.memory_limit_bytes))
    return f"{current} / {limit}"


def _tasks(group: Cgroup, words: Words) -> str:
    told = group.HasField("tasks_limit")
    return f"{words.count(group.tasks_total)} / {words.count(group.tasks_limit)}" if told else NONE


def _processor(group: Cgroup, words: Words) -> str:
    return words.count(group.cpu_limit_cores) if group.HasField("cpu_limit_cores") else NONE


def crashes(section: section_pb2.Section, words: Words) -> Gist:
    """What crashed when."""

    def row(one: Dump) -> tuple[str, ...]:
        return words.moment(one.at), one.program or one.kind, one.path

    dumps = section.crashes.dumps
    head = (words("moment"), words("program"), words("file"))
    return Gist(words.filled("dumps_total", n=len(dumps)), listed(head, dumps, row, words))
