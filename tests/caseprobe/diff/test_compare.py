"""What changed between two snapshots: facts, objects that came and went, counters that grew; no noise."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.diff import Change, compare
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe.v1.section_host_pb2 import Package, PackagesFacts, ServicesFacts, Unit
from caseprobe.v1.section_settings_pb2 import Setting, SettingsFacts
from tests import fakes_sections as fakes
from tests.fakes_faults import WELL

Edit = Callable[[dict[str, section_pb2.Section]], None]


def machine() -> list[section_pb2.Section]:
    """A machine with a bit of everything."""
    packages = PackagesFacts(packages=[Package(name="openssl", version="3.0.1"), Package(name="vim", version="9")])
    units = ServicesFacts(units=[Unit(name="nginx.service", state="active", sub_state="running")])
    return [
        *(one for one in WELL if one.probe not in ("packages", "services", "settings")),
        fakes.section("packages", packages=packages),
        fakes.section("services", services=units),
        fakes.section("settings", settings=SettingsFacts(settings=[Setting(name="vm.swappiness", value="60")])),
    ]


def changes(edit: Edit) -> list[Change]:
    """What is told when a machine was edited."""
    before, after = fakes.snapshot(*machine()), fakes.snapshot(*machine())
    edit({section.probe: section for section in after.sections})
    return compare(before, after)


def _unmount(sections: dict[str, section_pb2.Section]) -> None:
    del sections["filesystems"].filesystems.filesystems[:]


def _upgrade(sections: dict[str, section_pb2.Section]) -> None:
    sections["packages"].packages.packages[0].version = "3.0.2"


def _install(sections: dict[str, section_pb2.Section]) -> None:
    sections["packages"].packages.packages.add(name="nmap", version="7")


def _fail(sections: dict[str, section_pb2.Section]) -> None:
    sections["services"].services.units[0].state = "failed"


def _slow(sections: dict[str, section_pb2.Section]) -> None:
    sections["interfaces"].interfaces.interfaces[1].speed_bits_per_second = 1e8


def _damage(sections: dict[str, section_pb2.Section]) -> None:
    sections["interfaces"].interfaces.interfaces[1].receive_errors_total = 12


def _disk(sections: dict[str, section_pb2.Section]) -> None:
    sections["disks"].disks.disks.add(name="sdz", kind="hdd")


def _route(sections: dict[str, section_pb2.Section]) -> None:
    sections["routes"].routes.routes[0].gateway = "192.0.2.254"


def _kernel(sections: dict[str, section_pb2.Section]) -> None:
    sections["system"].system.kernel_release = "6.1.0-99"


def _sysctl(sections: dict[str, section_pb2.Section]) -> None:
    sections["settings"].settings.settings[0].value = "10"


def _deny(sections: dict[str, section_pb2.Section]) -> None:
    sections["volumes"].Clear()
    sections["volumes"].probe, sections["volumes"].outcome = "volumes", section_pb2.PROBE_OUTCOME_DENIED


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_unmount, ["Filesystems /: is gone"]),
        (_upgrade, ["Packages openssl: version 3.0.1 → 3.0.2"]),
        (_install, ["Packages nmap: is new"]),
        (_fail, ["Services nginx.service: state active → failed"]),
        (_slow, ["Network eth0: speed 1 Gbit/s → 100 Mbit/s"]),
        (_damage, ["Network eth0: receive errors +12 (0 → 12)"]),
        (_disk, ["Disks sdz: is new"]),
        (_route, ["Routes default 192.0.2.1 eth0 4: is gone", "Routes default 192.0.2.254 eth0 4: is new"]),
        (_kernel, ["System: kernel release none → 6.1.0-99"]),
        (_sysctl, ["Kernel settings vm.swappiness: value 60 → 10"]),
        (_deny, ["Volumes: outcome ok → denied"]),
    ],
)
def test_each_kind_of_change_is_told_in_one_line(edit: Edit, told: list[str]) -> None:
    """Packages, kernel, settings, units, links, disks, routes, mounts, counters: exactly what was edited."""
    assert [texts.change_sentence(one).replace("\u00a0", " ") for one in changes(edit)] == told


def test_what_is_the_same_is_not_told() -> None:
    """Two snapshots of one state differ in nothing."""
    assert changes(lambda _sections: None) == []


def test_what_is_measured_anew_every_time_is_no_change() -> None:
    """Load, rates, shares and free room move all the time."""

    def edit(sections: dict[str, section_pb2.Section]) -> None:
        sections["cpu"].cpu.load1, sections["cpu"].cpu.idle_ratio = 3.0, 0.1
        sections["disks"].disks.disks[0].busy_ratio = 0.05
        sections["disks"].disks.disks[0].reads_per_second = 900
        sections["memory"].memory.available_bytes -= 1 << 20
        sections["filesystems"].filesystems.filesystems[0].inodes_available -= 9

    assert changes(edit) == []


def test_what_matters_comes_first() -> None:
    """A new kernel before a failed unit, that before errors on a link, those before mere traffic."""

    def edit(sections: dict[str, section_pb2.Section]) -> None:
        sections["interfaces"].interfaces.interfaces[1].received_packets_total += 9
        for one in (_damage, _upgrade, _fail, _kernel):
            one(sections)

    told = [(one.section, one.field) for one in changes(edit)]
    assert told == [
        ("system", "kernel_release"),
        ("services", "state"),
        ("interfaces", "receive_errors_total"),
        ("packages", "version"),
        ("interfaces", "received_packets_total"),
    ]


def test_a_restart_is_told() -> None:
    """Counters begin anew then, and much else may."""
    before, after = fakes.snapshot(*machine()), fakes.snapshot(*machine())
    after.boot_id = "another"
    assert [texts.change_sentence(one) for one in compare(before, after)] == ["System: was started anew"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=120), min_size=2, max_size=2), st.sampled_from([one.probe for one in WELL]))
def test_rubbish_is_compared_without_an_error(data: list[bytes], probe: str) -> None:
    """Whatever two machines sent: changes come out, and can be put in words and in JSON."""
    sides = []
    for raw in data:
        section = section_pb2.Section(probe=probe, outcome=section_pb2.PROBE_OUTCOME_OK)
        try:
            getattr(section, probe).MergeFromString(raw)
        except Exception:
            return
        sides.append(snapshot_pb2.Snapshot(sections=[section]))
    for change in compare(*sides):
        json.dumps(texts.change_json(change), allow_nan=False)
