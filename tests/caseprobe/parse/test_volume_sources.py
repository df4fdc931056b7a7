"""What programs and the kernel print about pools, volumes, paths, sensors and radio links."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.ipmi_sdr import parse_ipmi_sdr
from caseprobe.parse.iw import add_iw_station, parse_iw_link
from caseprobe.parse.lvs import parse_thin_pools
from caseprobe.parse.mdstat import parse_mdstat
from caseprobe.parse.multipath import parse_multipath
from caseprobe.parse.proc_net_wireless import parse_proc_net_wireless
from caseprobe.parse.socket_table import parse_socket_table
from caseprobe.parse.softnet_stat import parse_softnet_stat
from caseprobe.parse.zpool import parse_zpool_list
from caseprobe.v1 import section_net_pb2

MULTIPATH = """mpatha (36001405a1b2c3d4e5f60718293a4b5c6) dm-2 LIO-ORG,disk0
size=10G features='1 queue_if_no_path' hwhandler='1 alua' wp=rw
|-+- policy='service-time 0' prio=50 status=active
| `- 2:0:0:0 sdb 8:16 active ready running
`-+- policy='service-time 0' prio=10 status=enabled
  |- 3:0:0:0 sdc 8:32 failed faulty offline
  `- 4:0:0:1 sdd 8:48 active ghost running
36001405ffff dm-3 IBM,2145
size=1.0T features='0' hwhandler='0' wp=rw
`-+- policy='round-robin 0' prio=0 status=active
  `- 5:0:0:0 sde 8:64 active ready running
"""
LINK = """Connected to 02:11:22:33:44:55 (on wlan0)
\tSSID: office: second floor
\tfreq: 5180
\tRX: 63612 bytes (321 packets)
\tsignal: -58 dBm
\ttx bitrate: 866.7 MBit/s VHT-MCS 9 80MHz short GI VHT-NSS 2
"""
STATION = """Station 02:11:22:33:44:55 (on wlan0)
\tinactive time:\t304 ms
\tconnected time:\t5400 seconds
\trx packets:\t321
\ttx packets:\t81023
\ttx retries:\t912
\ttx failed:\t3
\tbeacon loss:\t0
\tsignal:  \t-58 [-61, -60] dBm
\ttx bitrate:\t866.7 MBit/s VHT-MCS 9 80MHz short GI VHT-NSS 2
\trx bitrate:\t780.0 MBit/s VHT-MCS 8 80MHz short GI VHT-NSS 2
"""
WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
wlp2s0: 0000   54.  -56.  -256        0      0      0      2    156        7
 wlan1: 0000    0.    0.     0        0      0      0      0      0        0
"""


def test_pools_of_zfs_tell_state_and_room() -> None:
    """A pool that is not available has no sizes; one that is named oddly is kept whole."""
    pools = parse_zpool_list("tank\t3985729650688\t1992864825344\tONLINE\nmy pool\t-\t-\tUNAVAIL\n")
    assert [(p.name, p.state, p.HasField("size_bytes")) for p in pools] == [
        ("tank", "ONLINE", True),
        ("my pool", "UNAVAIL", False),
    ]
    assert pools[0].allocated_bytes == 1992864825344


def test_only_thin_pools_are_taken_of_all_volumes() -> None:
    """Plain volumes have no share in use; a pool that does not tell its own is no empty one."""
    text = "  vg0|pool0|twi-aotz--|107374182400|91.20|44.10\n  vg0|root|-wi-ao----|21474836480||\n"
    [pool] = parse_thin_pools(text)
    assert (pool.name, pool.size_bytes, pool.data_ratio, pool.metadata_ratio) == (
        "vg0/pool0",
        107374182400,
        0.912,
        0.441,
    )
    with pytest.raises(ValueError, match="not active"):
        parse_thin_pools("  vg0|pool0|twi---tz--|107374182400||\n")


def test_every_path_of_every_device_is_judged_by_its_checker() -> None:
    """A standby path (ghost) is well, a failed or offline one is not."""
    first, second = parse_multipath(MULTIPATH)
    assert (first.name, first.paths_total, first.paths_active, list(first.failed_paths)) == ("mpatha", 3, 2, ["sdc"])
    assert (second.name, second.paths_total, second.paths_active) == ("36001405ffff", 1, 1)
    assert parse_multipath("") == []


def test_sensors_of_the_controller_keep_their_states() -> None:
    """Readings with and without a unit; lines of another form are no sensors."""
    sensors = parse_ipmi_sdr("CPU Temp,45,degrees C,ok\nFAN 3,,,ns\nPS2 Status,0x03,discrete,cr\nrubbish\n")
    assert [(s.name, s.value, s.unit, s.state) for s in sensors] == [
        ("CPU Temp", "45", "degrees C", "ok"),
        ("FAN 3", "", "", "ns"),
        ("PS2 Status", "0x03", "discrete", "cr"),
    ]


def test_a_radio_link_is_told_by_iw() -> None:
    """Name of the network, place in the band, strength, rates and retries."""
    link = parse_iw_link("wlan0", LINK)
    add_iw_station(link, STATION)
    assert (link.connected, link.network, link.frequency_hertz) == (True, "office: second floor", 5.18e9)
    assert (link.signal_dbm, link.sent_bits_per_second, link.received_bits_per_second) == (-58, 866.7e6, 780e6)
    assert (link.sent_packets_total, link.retries_total, link.failed_total) == (81023, 912, 3)
    assert link.joined_seconds == 5400
    assert not parse_iw_link("wlan0", "Not connected.\n").connected


def test_a_radio_link_is_told_by_the_kernel() -> None:
    """A level of 0 is no strength, and -256 is no noise."""
    first, second = parse_proc_net_wireless(WIRELESS)
    assert (first.name, first.connected, first.signal_dbm, first.beacons_missed_total) == ("wlp2s0", True, -56, 7)
    assert not first.HasField("noise_dbm")
    assert (second.connected, second.HasField("signal_dbm")) == (False, False)


def test_connections_to_one_destination_are_counted() -> None:
    """Only from the ports that connections to others leave from; who listens or is called does not count."""
    rest = "00000000:00000000 00:00000000 00000000 0 0 49 1"
    rows = [f"{n}: 0100007F:{0x8000 + n:04X} 0200007F:1F90 06 {rest}" for n in range(3)]
    rows += [f"9: 0100007F:8009 0300007F:1F90 01 {rest}", f"10: 0100007F:0050 0200007F:1F90 01 {rest}"]
    rows += [f"11: 0100007F:8010 00000000:0000 0A {rest}"]
    assert parse_socket_table("\n".join(rows), connected=True, ports=range(0x8000, 0x9000)).busiest == 3
    assert parse_socket_table("\n".join(rows), connected=True).busiest == 0


ARRAYS = """Personalities : [raid1] [raid6] [raid5] [raid4] [linear] [multipath] [raid0] [raid10]
md0 : active (auto-read-only) raid1 sdb1[1] sda1[0]
      1046528 blocks super 1.2 [2/2] [UU]
      \tresync=PENDING

md1 : active raid6 sdf1[7](S) sde1[6](W) sdd1[3] sdc1[2](F) sdb1[1] sda1[0] sdg1[8](J)
      3906764800 blocks super 1.2 level 6, 512k chunk, algorithm 2 [5/4] [UU_UU]
      [==>..................]  reshape = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec
      bitmap: 1/8 pages [4KB], 65536KB chunk

md127 : inactive sdb[1](S) sda[0](S)
      6306 blocks super external:imsm

md2 : active raid10 sdd2[3] sdc2[2] sdb2[1] sda2[0]
      20953088 blocks super 1.2 512K chunks 2 near-copies [4/4] [UUUU]

md3 : active raid0 sdb3[1] sda3[0]
      20953088 blocks super 1.2 512k chunks

md4 : broken raid0 sdb4[1] sda4[0]
      20953088 blocks super 1.2 512k chunks

md5 : inactive sdc5(S)
      1048576 blocks

md_d6 : active linear sdb6[1] sda6[0]
      20953088 blocks 64k rounding

unused devices: <none>
"""


def test_every_form_of_an_array_is_told() -> None:
    """Read-only, reshaping, with journal and spare, of firmware, striped, broken, without a level."""
    told = {
        one.name: (one.state, one.level, one.members_active, one.members_total, list(one.failed_members))
        for one in parse_mdstat(ARRAYS)
    }
    assert told == {
        "md0": ("resyncing", "raid1", 2, 2, []),
        "md1": ("reshaping", "raid6", 4, 5, ["sdc1"]),
        "md127": ("inactive", "", 0, 0, []),
        "md2": ("active", "raid10", 4, 4, []),
        "md3": ("active", "raid0", 2, 2, []),
        "md4": ("broken", "raid0", 2, 2, []),
        "md5": ("inactive", "", 0, 0, []),
        "md_d6": ("active", "linear", 2, 2, []),
    }
    arrays = {one.name: one for one in parse_mdstat(ARRAYS)}
    assert list(arrays["md1"].spare_members) == ["sdf1"]
    assert list(arrays["md5"].spare_members) == ["sdc5"]
    assert (arrays["md127"].metadata, arrays["md0"].metadata, arrays["md5"].metadata) == ("external:imsm", "1.2", "")


def _station(text: str) -> object:
    link = section_net_pb2.RadioLink(name="wlan0")
    add_iw_station(link, text)
    return link


PARSERS: dict[str, Callable[[str], object]] = {
    "zpool": parse_zpool_list,
    "lvs": parse_thin_pools,
    "multipath": parse_multipath,
    "ipmi": parse_ipmi_sdr,
    "link": lambda text: parse_iw_link("wlan0", text),
    "station": _station,
    "wireless": parse_proc_net_wireless,
    "softnet": parse_softnet_stat,
    "mdstat": parse_mdstat,
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(text=st.one_of(st.text(max_size=300), st.text("0123456789abc:|,.-\t\n []()", max_size=300)))
def test_any_text_is_parsed_or_refused(parse: Callable[[str], object], text: str) -> None:
    """Rubbish gives facts or a ValueError, nothing else."""
    with contextlib.suppress(ValueError):
        parse(text)


@pytest.mark.parametrize("name", ["zpool", "lvs", "multipath", "ipmi", "link", "station", "softnet"])
def test_another_language_is_refused(name: str) -> None:
    """A message instead of a list is never a list of nothing."""
    with pytest.raises(ValueError):
        PARSERS[name]("Vorgang nicht zulässig\n")
