"""Sections that an archive holds as commands' outputs, or that need a word more than its files say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.ip_route_show import parse_ip_route_show
from caseprobe.parse.logs.text import read_log
from caseprobe.parse.package_lists import PackageRow, parse_dpkg_list, parse_rpm_names
from caseprobe.parse.ps_aux import parse_ps_aux
from caseprobe.parse.smart import parse_report
from caseprobe.parse.systemctl import parse_units
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart_pb2
from caseprobe.v1.section_host_pb2 import PackagesFacts, ServicesFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.archived import ArchivedMachine
from caseprobe_agent.probes import kernel_log as kernel_log_probe
from caseprobe_agent.probes import packages as packages_probe
from caseprobe_agent.probes import routes as routes_probe
from caseprobe_agent.probes import system_log as system_log_probe
from caseprobe_agent.probes.log_reading import Reading, now_of
from caseprobe_agent.probes.probe import Measured, Notes, number_of, timestamp, value_of

Measure = Callable[[Machine, object | None], Measured]
DMESG = ("dmesg", "dmesg_-T", "dmesg_--decode")
NET, ROUTES = "/sys/class/net", ("ip_route_show_table_all", "ip_route")
PS = ("ps_auxwww", "ps_auxww", "ps_aux")
UNITS = ("systemctl_show_service_--all", "systemctl_show_.service", "systemctl_show_all")
JOURNAL = "journalctl_--no-pager"
# smartctl_-a_.dev.sda, smartctl_-x_.dev.sda, smartctl_--all_.dev.nvme0n1_-j: the fuller report is the better one.
DISK = re.compile(r"smartctl_--?(?:a|x|all|xall)_\.dev\.(?P<name>[\w-]+?)(?:_-.*)?")
PACKAGE_LISTS: tuple[tuple[str, str, Callable[[str], list[PackageRow]]], ...] = (
    ("dpkg", "dpkg_-l", parse_dpkg_list),
    ("rpm", "package-data", parse_rpm_names),
    ("rpm", "rpm_-qa", parse_rpm_names),
)
RPM_NAMES = "/installed-rpms"


def filesystems(measure: Measure, machine: ArchivedMachine) -> Measured:
    """As probed; whether the device of a mount is there, no archive tells."""
    measured = measure(machine, None)
    assert isinstance(measured.facts, section_pb2.FilesystemsFacts)
    for one in measured.facts.expected:
        one.ClearField("device_present")
    return measured


def interfaces(measure: Measure, machine: ArchivedMachine) -> Measured:
    """As probed; what kind an interface is of, only the kernel's links tell."""
    measured = measure(machine, None)
    assert isinstance(measured.facts, section_pb2.InterfacesFacts)
    for one in measured.facts.interfaces:
        if one.kind == "virtual" and f"{NET}/{one.name}" not in machine.tree.links:
            one.kind = ""
    return measured


def routes(measure: Measure, machine: ArchivedMachine) -> Measured:
    """As probed, else what `ip route` printed."""
    if machine.exists(routes_probe.ROUTE):
        return measure(machine, None)
    text, source = _output(machine, "ip route", *ROUTES)
    facts, notes = section_pb2.RoutesFacts(routes=parse_ip_route_show(text)[: routes_probe.ROUTES_AT_MOST]), Notes()
    facts.mtu_bytes.extend(number_of(machine, f"{NET}/{one.interface}/mtu") or 0 for one in facts.routes)
    notes.quote(source, text, ("default",))
    return notes.measured(facts)


def processes(machine: ArchivedMachine) -> Measured:
    """What ps printed."""
    text, source = _output(machine, "ps aux", *PS)
    facts, notes = parse_ps_aux(text), Notes()
    # Only lines of processes that are named, and no arguments: the fields say what the line said.
    for lacking in ("top_cpu", "uninterruptible", "top_open_files"):
        notes.lack(f"processes.{lacking}", MachineAbsent(f"the archive's {source} does not tell it"))
    return notes.measured(facts)


def kernel_log(machine: ArchivedMachine) -> Measured:
    """What dmesg printed, else what a syslog daemon kept of the kernel."""
    tree = machine.tree
    source = tree.output(*DMESG)[1] or ("/var/log/dmesg" if tree.text("/var/log/dmesg").strip() else "")
    if source:
        booted = machine.wall_seconds() - machine.monotonic_seconds()
        return _log(machine, source, kernel_log_probe.ARTIFACT, kernel_log_probe.LIMIT_BYTES, booted)
    if not machine.exists(kernel_log_probe.TEXT):
        raise MachineAbsent(f"the archive has no output of dmesg and no {kernel_log_probe.TEXT}")
    return kernel_log_probe.measure(machine, None)


def system_log(machine: ArchivedMachine) -> Measured:
    """The text log, else what journalctl printed."""
    if any(machine.exists(path) for path in system_log_probe.SOURCES):
        return system_log_probe.measure(machine, None)
    # The whole journal comes first, then that of this start, then that since a day.
    printed = sorted(name for name in machine.tree.outputs if name.startswith(JOURNAL))
    source = machine.tree.output(*printed)[1]
    if not source:
        raise MachineAbsent(f"the archive has neither {' nor '.join(system_log_probe.SOURCES)} nor a journal's text")
    return _log(machine, source, system_log_probe.ARTIFACT, system_log_probe.LIMIT_BYTES, None)


def _log(machine: ArchivedMachine, source: str, artifact: str, limit_bytes: int, booted_at: float | None) -> Measured:
    data, cut = machine.read_tail(source, limit_bytes)
    log = read_log(data, now_of(machine), machine.utc_offset_seconds())
    if log is None:
        raise MeasurementError(f"the archive's {source} is no log of a form that is known")
    return Reading(source, log, cut, data=data).measured(Notes(), artifact, booted_at)


def smart(machine: ArchivedMachine) -> Measured:
    """Every report of smartctl, one a disk."""
    notes, facts = Notes(), smart_pb2.SmartFacts()
    reports = dict(_reports(machine))
    if not reports:
        raise MachineAbsent("the archive has no report of smartctl")
    for name, (text, source) in sorted(reports.items()):
        try:
            disk = parse_report(text, name, source)
        except ValueError as error:
            notes.lack("smart.disks", MeasurementError(f"{name}: {error}"))
            continue
        disk.name = name
        facts.disks.append(disk)
    return notes.measured(facts)


def _reports(machine: ArchivedMachine) -> Iterator[tuple[str, tuple[str, str]]]:
    """By disk; of several the last is kept, so that -x comes after -a."""
    for command in sorted(machine.tree.outputs):
        match = DISK.fullmatch(command)
        text, source = machine.tree.output(command) if match else ("", "")
        if match and text:
            yield match["name"], (text, source)


def services(machine: ArchivedMachine) -> Measured:
    """What systemctl printed of every service."""
    text, source = _output(machine, "systemctl show", *UNITS)
    booted = machine.wall_seconds() - machine.monotonic_seconds()
    units = parse_units(text, 1000, booted)
    if not units:
        raise MachineAbsent(f"the archive's {source} names no unit")
    facts = ServicesFacts(manager="systemd", units=units, measured_at=timestamp(machine.wall_seconds()))
    status = re.search(r"^\s+State: ([a-z]+)$", machine.tree.output("systemctl_status_--all")[0][:2000], re.MULTILINE)
    facts.state = status[1] if status else ""
    return Notes().measured(facts)


def packages(machine: ArchivedMachine) -> Measured:
    """The list of dpkg or rpm, as a file or as printed."""
    if machine.exists(packages_probe.DPKG):
        return packages_probe.measure(machine, None)
    manager, rows = _listed(machine)
    facts = PackagesFacts(
        manager=manager,
        packages_total=len(rows),
        running_kernel_release=value_of(machine, packages_probe.RELEASE) or "",
        broken_packages=[row.name for row in rows if not row.whole][:100],
    )
    for row in sorted(rows, key=lambda row: row.name)[: packages_probe.PACKAGES_AT_MOST]:
        facts.packages.add(name=row.name, version=row.version)
    notes = Notes()
    packages_probe.add_changes(facts, machine, notes)
    return notes.measured(facts)


def _listed(machine: ArchivedMachine) -> tuple[str, list[PackageRow]]:
    tree = machine.tree
    for manager, command, parse in PACKAGE_LISTS:
        for name in sorted(name for name in tree.outputs if name.startswith(command)):
            if rows := parse(tree.output(name)[0]):
                return manager, rows
    if rows := parse_rpm_names(tree.text(RPM_NAMES)):
        return "rpm", rows
    raise MachineAbsent("the archive has no list of packages of dpkg or rpm")


def _output(machine: ArchivedMachine, command: str, *names: str) -> tuple[str, str]:
    text, source = machine.tree.output(*names)
    if not text:
        raise MachineAbsent(f"the archive has no output of {command}")
    return text, source
