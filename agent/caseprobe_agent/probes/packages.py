"""Installed packages as facts, what changed of them last, and whether the running kernel is the newest one installed.

Nothing is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.kernel_releases import newest_release
from caseprobe.parse.logs.package_history import parse_package_history
from caseprobe.parse.package_lists import PackageRow, parse_apk, parse_dpkg, parse_rpm
from caseprobe.v1.section_host_pb2 import PackagesFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, RawArtifact, names_in, timestamp, value_of

DPKG, APK = "/var/lib/dpkg/status", "/lib/apk/db/installed"
RPM_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
RPM = ("/usr/bin/rpm", "-qa", "--queryformat", "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\\n")
LIST_BYTES, PACKAGES_AT_MOST, RPM_SECONDS = 32 << 20, 10_000, 20.0
ARTIFACT, LOG_BYTES = "artifacts/packages.log", 1 << 20
LOGS = ("/var/log/dpkg.log", "/var/log/dnf.rpm.log", "/var/log/yum.log", "/var/log/zypp/history", "/var/log/pacman.log")
# A log that was turned over lately tells little: the one before it lies beside it, not yet packed.
EARLIER, HISTORY_BYTES, CHANGES_AT_MOST = ".1", 1 << 18, 300
REBOOT, REBOOT_PACKAGES = "/run/reboot-required", "/run/reboot-required.pkgs"
BOOT, MODULES, RELEASE = "/boot", "/lib/modules", "/proc/sys/kernel/osrelease"
IMAGES = ("vmlinuz-", "vmlinux-", "kernel-")


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Names and versions of every package; absent where none of the known package managers is at home."""
    notes = Notes()
    manager, rows = _listed(machine)
    rows = sorted(rows, key=lambda row: row.name)
    facts = PackagesFacts(
        manager=manager,
        packages_total=len(rows),
        running_kernel_release=value_of(machine, RELEASE) or "",
        newest_kernel_release=_newest_kernel(machine),
        reboot_required=machine.exists(REBOOT),
        reboot_packages=list(dict.fromkeys((value_of(machine, REBOOT_PACKAGES) or "").split())),
        broken_packages=[row.name for row in rows if not row.whole][:100],
    )
    for row in rows[:PACKAGES_AT_MOST]:
        facts.packages.add(name=row.name, version=row.version)
    add_changes(facts, machine, notes)
    return notes.measured(facts)


def add_changes(facts: PackagesFacts, machine: Machine, notes: Notes) -> None:
    """What came, went or changed last, as far as the package manager's log reaches."""
    log = _log(machine)
    if log is None:
        return
    paths = [path for path in (log + EARLIER, log) if machine.exists(path)]
    tails = (partial(machine.read_tail, path, HISTORY_BYTES) for path in paths)
    told = [tail for read in tails if (tail := notes.attempt("packages.changes", read))]
    text = b"".join(data for data, _ in told).decode("utf-8", "replace")
    changes = [*parse_package_history(text, machine.wall_seconds(), machine.utc_offset_seconds())]
    for one in changes[-CHANGES_AT_MOST:]:
        facts.changes.add(
            at=timestamp(one.at), action=one.action, name=one.name, version_before=one.before, version_after=one.after
        )


def measure_with_history(machine: Machine, earlier: object | None) -> Measured:
    """The same, and as an artifact what was installed, upgraded and removed last, as the package manager noted it."""
    measured = measure(machine, earlier)
    notes = Notes(list(measured.lines), list(measured.shortfalls))
    log = _log(machine)
    told = notes.attempt("packages.history", lambda: machine.read_tail(log, LOG_BYTES)) if log else None
    artifacts = [RawArtifact(ARTIFACT, log, *told)] if log and told else []
    return notes.measured(measured.facts, artifacts)


def _log(machine: Machine) -> str | None:
    """Where the package manager notes what it does."""
    return next((path for path in LOGS if machine.exists(path)), None)


def _listed(machine: Machine) -> tuple[str, Sequence[PackageRow]]:
    for manager, path, parse in FILES:
        if machine.exists(path):
            rows = parse(machine.read_text(path, LIST_BYTES))
            if not rows:
                raise MeasurementError(f"{path} names no package")
            return manager, rows
    if any(machine.exists(path) for path in RPM_DATABASES):
        completed = machine.run(RPM, RPM_SECONDS, LIST_BYTES)
        if completed.exit_code:
            raise MeasurementError(f"rpm ended with {completed.exit_code}")
        return "rpm", parse_rpm(completed.stdout.decode("utf-8", "replace"))
    raise MachineAbsent("this machine has no list of packages of dpkg, apk or rpm")


def _newest_kernel(machine: Machine) -> str:
    """Of the images in /boot, of the folders of modules where there are none; empty where no kernel is installed."""
    names = names_in(machine, BOOT)
    images = [name.removeprefix(image) for name in names for image in IMAGES if name.startswith(image)]
    return newest_release(images) or newest_release(names_in(machine, MODULES))


FILES: tuple[tuple[str, str, Callable[[str], list[PackageRow]]], ...] = (
    ("dpkg", DPKG, parse_dpkg),
    ("apk", APK, parse_apk),
)
