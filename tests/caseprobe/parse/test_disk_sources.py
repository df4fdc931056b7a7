"""Parsers of block device counters and software RAID."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.diskstats import parse_diskstats
from caseprobe.parse.mdstat import parse_mdstat
from caseprobe.v1 import section_pb2

DISKSTATS = """\
   8       0 sda 100 5 2048 500 50 3 4096 250 0 700 750 1 2 3 4 5 6
   8       1 sda1 short
 259       0 nvme0n1 1 0 8 1 0 0 0 0 0 1 1
"""
MDSTAT = """\
Personalities : [raid1] [raid6] [raid5] [raid4] [raid0]
md0 : active raid1 sdb1[1] sda1[0]
      1046528 blocks super 1.2 [2/2] [UU]
      bitmap: 0/1 pages [0KB], 65536KB chunk

md1 : active raid5 sdd1[3] sdc1[1](F) sda2[0]
      2095104 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [U_U]

md2 : active raid1 sdb3[2] sda3[0]
      292945152 blocks super 1.2 [2/1] [U_]
      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec

md3 : active (auto-read-only) raid1 sdb4[1] sda4[0]
      1046528 blocks super 1.2 [2/2] [UU]
      \tresync=PENDING

md4 : active raid0 sdf1[1] sde1[0]
      2093056 blocks super 1.2 512k chunks

md5 : active raid6 sdg1[0] sdh1[1] sdi1[2] sdj1[3](S)
      2095104 blocks super 1.2 level 6, 512k chunk, algorithm 2 [3/3] [UUU]
      [=====>...............]  check = 28.4% (298/1046) finish=0.1min speed=9K/sec

md127 : inactive sdk1[0](S)
      1048576 blocks super 1.2

unused devices: <none>
"""


def test_counters_of_disks_are_in_bytes_and_seconds() -> None:
    """A sector is 512 bytes whatever the disk's own; short lines are passed over."""
    counters = parse_diskstats(DISKSTATS)
    assert list(counters) == ["sda", "nvme0n1"]
    sda = counters["sda"]
    assert (sda.line, sda.reads, sda.read_bytes, sda.read_seconds) == (1, 100, 1 << 20, 0.5)
    assert (sda.writes, sda.written_bytes, sda.write_seconds) == (50, 2 << 20, 0.25)
    assert (sda.busy_seconds, sda.weighted_seconds) == (0.7, 0.75)
    assert counters["nvme0n1"].line == 3


def states(arrays: list[section_pb2.Array]) -> list[tuple[str, str, str, int, int]]:
    """What matters of each array."""
    return [(a.name, a.level, a.state, a.members_active, a.members_total) for a in arrays]


def test_every_array_has_its_state() -> None:
    """Whole, degraded, rebuilding, waiting, without counts, being checked, inactive."""
    assert states(parse_mdstat(MDSTAT)) == [
        ("md0", "raid1", "active", 2, 2),
        ("md1", "raid5", "degraded", 2, 3),
        ("md2", "raid1", "recovering", 1, 2),
        ("md3", "raid1", "resyncing", 2, 2),
        ("md4", "raid0", "active", 2, 2),
        ("md5", "raid6", "checking", 3, 3),
        ("md127", "", "inactive", 0, 0),
    ]


def test_failed_members_are_named() -> None:
    """A spare is not failed."""
    assert [list(array.failed_members) for array in parse_mdstat(MDSTAT)] == [[], ["sdc1"], [], [], [], [], []]


def test_progress_is_a_ratio() -> None:
    """Set where something is under way, 0 where it waits, unset where nothing is to be done."""
    arrays = {array.name: array for array in parse_mdstat(MDSTAT)}
    assert arrays["md2"].recovery_ratio == pytest.approx(0.126)
    assert arrays["md3"].HasField("recovery_ratio") and arrays["md3"].recovery_ratio == 0
    assert not arrays["md0"].HasField("recovery_ratio")


def test_no_arrays_is_no_array() -> None:
    """The file of a machine that has the driver but no array."""
    assert parse_mdstat("Personalities : \nunused devices: <none>\n") == []


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes these parsers fail."""
    parse_diskstats(text)
    parse_mdstat(text)


@given(st.text(alphabet="md0123 :activeraid[]/_U(F)\n\t=%.recovery"))
def test_nearly_right_text_is_read(text: str) -> None:
    """Nor does text of the right letters."""
    parse_mdstat("md0 : active " + text)
