"""What package managers noted: the same few words for what dpkg, dnf, yum, zypper and pacman write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.logs.package_history import ACTIONS, FORMS, PackageChange, parse_package_history

AT = datetime(2026, 11, 20, 6, 25, 1, tzinfo=UTC).timestamp()
LATEST = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
DPKG = """\
2026-11-20 06:25:01 startup archives unpack
2026-11-20 06:25:01 upgrade libssl3:amd64 3.0.15-1~deb12u1 3.0.16-1~deb12u1
2026-11-20 06:25:01 status half-configured libssl3:amd64 3.0.15-1~deb12u1
2026-11-20 06:25:01 install nano:amd64 <none> 7.2-1+deb12u1
2026-11-20 06:25:01 remove vim-tiny:amd64 2:9.0.1378-2 <none>
2026-11-20 06:25:01 purge vim-tiny:amd64 2:9.0.1378-2 <none>
"""
DNF = """\
2026-11-20T06:25:01+0000 INFO --- logging initialized ---
2026-11-20T06:25:01+0000 SUBDEBUG Upgrade: openssl-1:3.0.7-27.el9.x86_64
2026-11-20T06:25:01+0000 SUBDEBUG Installed: python3-lxml-4.6.5-3.el9.x86_64
2026-11-20T06:25:01+0000 SUBDEBUG Upgraded: openssl-1:3.0.7-25.el9.x86_64
2026-11-20T07:25:01+0100 SUBDEBUG Erase: nano-5.6.1-5.el9.x86_64
"""
YUM = """\
Nov 20 06:25:01 Updated: 1:openssl-1.0.2k-26.el7_9.x86_64
Nov 20 06:25:01 Erased: nano-2.3.1-10.el7.x86_64
Nov 20 06:25:01 Erased: nano
"""
ZYPP = """\
# 2026-11-20 06:25:01 openssl-3-3.0.8-1.x86_64.rpm installed ok
2026-11-20 06:25:01|command|root@box|'zypper' 'up'|
2026-11-20 06:25:01|install|openssl-3|3.0.8-1|x86_64|root@box|main|0a1b|
2026-11-20 06:25:01|remove |nano|7.2-1|x86_64|root@box|
"""
PACMAN = """\
[2026-11-20T06:25:01+0000] [PACMAN] Running 'pacman -Syu'
[2026-11-20T06:25:01+0000] [ALPM] upgraded openssl (3.3.1-1 -> 3.3.2-1)
[2026-11-20T06:25:01+0000] [ALPM] installed nano (8.2-1)
[2026-11-20T06:25:01+0000] [ALPM] removed nano (8.2-1)
[2026-11-20T06:25:01+0000] [ALPM] running 'systemd-update.hook'...
"""
TOLD = {
    DPKG: [
        ("upgraded", "libssl3", "3.0.15-1~deb12u1", "3.0.16-1~deb12u1"),
        ("installed", "nano", "", "7.2-1+deb12u1"),
        ("removed", "vim-tiny", "2:9.0.1378-2", ""),
    ],
    DNF: [
        ("upgraded", "openssl", "", "1:3.0.7-27.el9.x86_64"),
        ("installed", "python3-lxml", "", "4.6.5-3.el9.x86_64"),
        ("removed", "nano", "5.6.1-5.el9.x86_64", ""),
    ],
    YUM: [
        ("upgraded", "openssl", "", "1.0.2k-26.el7_9.x86_64"),
        ("removed", "nano", "2.3.1-10.el7.x86_64", ""),
        ("removed", "nano", "", ""),
    ],
    ZYPP: [("installed", "openssl-3", "", "3.0.8-1"), ("removed", "nano", "7.2-1", "")],
    PACMAN: [
        ("upgraded", "openssl", "3.3.1-1", "3.3.2-1"),
        ("installed", "nano", "", "8.2-1"),
        ("removed", "nano", "8.2-1", ""),
    ],
}


@pytest.mark.parametrize("log", TOLD, ids=["dpkg", "dnf", "yum", "zypper", "pacman"])
def test_changes_are_told_alike(log: str) -> None:
    """Each with its moment, and what is no change of a package is passed over."""
    found = [*parse_package_history(log, LATEST, 0)]
    assert found == [PackageChange(AT, *told) for told in TOLD[log]]


def test_a_time_without_a_zone_is_the_machines() -> None:
    """dpkg writes the time of the wall: an hour ahead of UTC it was an hour earlier."""
    assert {one.at for one in parse_package_history(DPKG, LATEST, 3600)} == {AT - 3600}


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from([*"".join(TOLD).splitlines()])), max_size=20))
def test_any_log_gives_known_words(lines: list[str]) -> None:
    """Whatever stands in it, a change has a moment, a name without blanks and one of four actions."""
    for one in parse_package_history("\n".join(lines), LATEST, 0):
        assert one.action in ACTIONS.values() and one.name and not one.name.split()[1:]


def test_a_log_made_to_be_slow_is_read_in_its_length() -> None:
    """A line of nothing but what names and versions are made of is refused without trying every cut of it."""
    line = "Nov 20 06:25:01 Updated: " + "a-" * 5000
    assert [form.fullmatch(line) for form in FORMS] == [None] * len(FORMS)
