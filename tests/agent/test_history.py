"""The ring of samples: what is kept, what a power cut or a clock does to it, and what is read back."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.logs.window import Window
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe.v1.section_history_pb2 import HistoryFacts, Series
from caseprobe_agent.app.noted_paths import noted
from caseprobe_agent.history.figures import Key
from caseprobe_agent.history.recorder import Recorder
from caseprobe_agent.history.ring import (
    BEGIN,
    COLUMNS,
    HEADER_BYTES,
    LEAST_BYTES,
    NAME,
    RECORD_BYTES,
    Ring,
    capacity_of,
)
from caseprobe_agent.history.sampling import Sampler
from caseprobe_agent.history.series import facts_of
from caseprobe_agent.machine import Machine
from caseprobe_agent.path import Permit
from caseprobe_agent.probes import history
from caseprobe_agent.session.measure import Opened
from tests.fakes_machine import FakeClock, FakeMachine

LOAD = ("cpu.load1", "")
ACTION = link_pb2.PathAction(target="192.0.2.7")
DAY = 86_400.0
STAT = "cpu  {} 0 10 {} 0 0 0 0\nctxt 500\nprocs_running 2\nprocs_blocked 1\n"
FILES = {
    "/proc/stat": STAT.format(10, 80),
    "/proc/vmstat": "nr_free 1\npgmajfault 10\noom_kill 0\n",
    "/proc/pressure/io": "some avg10=0.00 total=1000000\nfull avg10=0.00 total=0\n",
    "/proc/diskstats": "8 0 sda 10 0 4 500 1 0 2 30 0 400 530\n8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n",
    "/proc/net/dev": "eth0: 10 2 1 1 0 0 0 0 20 3 1 0 0 0 0 0\nveth0: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n",
    "/proc/net/snmp": "Tcp: a b\nTcp: 1 2 3 4 5 6 7 8 9 10 11 12 13\n",
    "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 4 kB\nDirty: 1 kB\nSwapTotal: 3 kB\nSwapFree: 1 kB\n",
    "/proc/loadavg": "1.25 0 0 1/2 3",
    "/sys/block/sda/size": "1",
    "/sys/block/loop0/size": "1",
    "/sys/class/net/eth0/device/vendor": "1",
    "/sys/class/net/veth0/mtu": "1500",
    "/sys/class/hwmon/hwmon0/name": "coretemp\n",
    "/sys/class/hwmon/hwmon0/temp1_input": "41000\n",
    "/sys/class/hwmon/hwmon1/name": "drivetemp\n",
    "/sys/class/hwmon/hwmon1/temp1_input": "30000\n",
}


def read_back(path: Path, most_seconds: float = DAY, since: float = 0.0) -> HistoryFacts:
    """What a ring's file tells."""
    data = path.read_bytes()
    return facts_of(lambda offset, size: data[offset : offset + size], most_seconds, since)


def series_of(facts: HistoryFacts, key: Key, step_seconds: float) -> Series:
    """One figure's values."""
    return next(one for one in facts.series if (one.name, one.object) == key and one.step_seconds == step_seconds)


def filled(path: Path, samples: int, size_bytes: int = LEAST_BYTES, boot: bytes = b"boot") -> Ring:
    """A ring with samples ten seconds apart, whose load counts up; close it."""
    ring = Ring(path, size_bytes, 10.0)
    for number in range(samples):
        ring.append(1_700_000_000 + 10 * number, 100 + 10 * number, boot, {LOAD: number})
    return ring


def test_the_newest_samples_are_kept_and_thinned(tmp_path: Path) -> None:
    """Seventy samples in room for sixty-four: the first six are gone, and steps of five minutes tell least and most."""
    filled(tmp_path / NAME, 70).close()
    facts = read_back(tmp_path / NAME)
    assert (facts.samples_total, facts.damaged_total, facts.boots_total, facts.clock_steps_total) == (64, 0, 1, 0)
    fine = series_of(facts, LOAD, 10.0)
    assert list(fine.avg) == list(range(6, 70)) and not fine.min
    assert fine.start_at.seconds == 1_700_000_060
    coarse = series_of(facts, LOAD, 300.0)
    # 1700000060 lies 260 seconds into its step of five minutes.
    assert list(coarse.min) == [6, 10, 40] and list(coarse.max) == [9, 39, 69] and list(coarse.avg) == [7.5, 24.5, 54.5]
    assert coarse.start_at.seconds == 1_699_999_800


def test_a_restart_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """What was kept stays, a boot's own clock tells its samples apart, and a figure keeps its column."""
    filled(tmp_path / NAME, 3).close()
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    ring.append(1_700_000_100, 5, b"next", {LOAD: 9})
    ring.close()
    facts = read_back(tmp_path / NAME)
    assert facts.boots_total == 2
    told = series_of(facts, LOAD, 10.0).avg
    assert [value for value in told if not math.isnan(value)] == [0, 1, 2, 9] and len(told) == 11


def test_another_size_begins_anew(tmp_path: Path) -> None:
    """An owner who changes the setting gets a ring of the new size at once."""
    filled(tmp_path / NAME, 3).close()
    Ring(tmp_path / NAME, LEAST_BYTES + RECORD_BYTES, 10.0).close()
    assert (tmp_path / NAME).stat().st_size == LEAST_BYTES + RECORD_BYTES
    assert read_back(tmp_path / NAME).samples_total == 0


def test_a_torn_record_is_passed_over(tmp_path: Path) -> None:
    """A power cut in the middle of a write costs that sample, is counted, and the next writer goes on behind it."""
    filled(tmp_path / NAME, 4).close()
    data = bytearray((tmp_path / NAME).read_bytes())
    data[BEGIN + 4 * RECORD_BYTES - 100 : BEGIN + 4 * RECORD_BYTES] = bytes(100)
    data[BEGIN + 4 * RECORD_BYTES - 8] = 1
    (tmp_path / NAME).write_bytes(data)
    facts = read_back(tmp_path / NAME)
    assert (facts.samples_total, facts.damaged_total) == (3, 1)
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    ring.append(1_700_000_040, 140, b"boot", {LOAD: 7})
    ring.close()
    assert list(series_of(read_back(tmp_path / NAME), LOAD, 300.0).max)[-1] == 7


def test_a_clock_that_is_set_puts_no_sample_elsewhere(tmp_path: Path) -> None:
    """What the clock said before it was put right is read by what it says now; that it was set is told."""
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    for number, wall in enumerate((100, 110, 1_700_000_020, 1_700_000_030)):
        ring.append(wall, 500 + 10 * number, b"boot", {LOAD: number})
    ring.close()
    facts = read_back(tmp_path / NAME)
    assert facts.clock_steps_total == 1 and facts.first_at.seconds == 1_700_000_000
    assert list(series_of(facts, LOAD, 10.0).avg) == [0, 1, 2, 3]


def test_since_a_moment_only_what_is_newer_is_told(tmp_path: Path) -> None:
    """A timetable's run goes on behind the last one; a moment of the future is not believed."""
    filled(tmp_path / NAME, 10).close()
    assert list(series_of(read_back(tmp_path / NAME, DAY, 1_700_000_070), LOAD, 10.0).avg) == [8, 9]
    assert read_back(tmp_path / NAME, DAY, 1_700_000_090).samples_total == 0
    assert read_back(tmp_path / NAME, DAY, 1_800_000_000).samples_total == 10
    assert read_back(tmp_path / NAME, 30.0).samples_total == 3


def test_columns_that_nothing_tells_any_more_are_given_anew(tmp_path: Path) -> None:
    """A figure finds no column while all are in use, and one as soon as a figure has left the ring."""
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    many = {("x", str(number)): 1.0 for number in range(COLUMNS)}
    ring.append(1_700_000_000, 0, b"boot", {**many, ("late", ""): 1.0})
    for number in range(1, capacity_of(LEAST_BYTES) + 2):
        ring.append(1_700_000_000 + 10 * number, 10 * number, b"boot", {("late", ""): 1.0})
    ring.close()
    names = {(one.name, one.object) for one in read_back(tmp_path / NAME).series}
    assert names == {("late", "")}


@given(
    st.lists(st.tuples(st.integers(0, LEAST_BYTES - 1), st.integers(0, 255)), max_size=30), st.integers(0, LEAST_BYTES)
)
def test_any_damage_gives_facts_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, spots: list[tuple[int, int]], size: int
) -> None:
    """Bytes changed anywhere and a file cut anywhere never crash a reader, and it never tells a value that was not."""
    path = tmp_path_factory.getbasetemp() / "damaged.ring"
    path.unlink(missing_ok=True)
    filled(path, 12).close()
    data = bytearray(path.read_bytes())
    for place, value in spots:
        data[place] = value
    path.write_bytes(data[:size])
    try:
        facts = read_back(path)
    except ValueError:
        return
    values = [value for one in facts.series for value in one.avg if not math.isnan(value) and one.step_seconds == 10.0]
    assert set(values) <= set(range(12))


def test_a_long_name_keeps_its_column_over_a_restart(tmp_path: Path) -> None:
    """It is cut, also within a letter, and stays one figure."""
    key = ("path.rtt_seconds", "ho\u00e4st." * 30)
    for number in range(2):
        ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
        ring.append(1_700_000_000 + 10 * number, 10 * number, b"boot", {key: 1.0})
        ring.close()
    fine = [one for one in read_back(tmp_path / NAME).series if one.step_seconds == 10.0]
    assert [len(one.avg) for one in fine] == [2] and key[1].startswith(fine[0].object)


def test_a_column_whose_name_is_lost_is_given_to_no_other_figure(tmp_path: Path) -> None:
    """Its old values would be taken for the new figure's."""
    filled(tmp_path / NAME, 3).close()
    data = bytearray((tmp_path / NAME).read_bytes())
    data[HEADER_BYTES + 6] ^= 0xFF
    (tmp_path / NAME).write_bytes(data)
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    ring.append(1_700_000_030, 130, b"boot", {("cpu.busy_ratio", ""): 0.5})
    ring.close()
    facts = read_back(tmp_path / NAME)
    assert {one.name for one in facts.series} == {"cpu.busy_ratio"}
    assert list(series_of(facts, ("cpu.busy_ratio", ""), 300.0).avg) == [0.5]


def test_a_sample_tells_rates_and_levels() -> None:
    """Shares of the processors, of the disk's time, bytes a second, only of real disks, interfaces and sensors."""
    clock = FakeClock()
    machine = FakeMachine(FILES, clock=clock)
    sampler = Sampler(machine)
    first = sampler.take()
    assert first[LOAD] == 1.25 and first["swap.used_bytes", ""] == 2048
    assert {key for key in first if key[0].startswith("sensor")} == {
        ("sensor.temperature_celsius", "coretemp hwmon0 temp1")
    }
    assert not {key for key in first if key[0].endswith("per_second")}
    clock.advance(10)
    machine.files |= {
        "/proc/stat": STAT.format(40, 150),
        "/proc/diskstats": "8 0 sda 10 0 24 500 1 0 2 30 0 5400 530\n",
        "/proc/net/dev": "eth0: 110 2 11 1 0 0 0 0 20 3 1 0 0 0 0 0\n",
        "/proc/pressure/io": "some avg10=0.00 total=3000000\nfull avg10=0.00 total=0\n",
    }
    second = sampler.take()
    told = {key: second[key] for key in second if key in EXPECTED}
    assert told == EXPECTED
    assert not {obj for _, obj in second} - {"", "sda", "eth0"}


EXPECTED: Mapping[Key, float] = {
    ("cpu.busy_ratio", ""): 0.3,
    ("disk.read_bytes_per_second", "sda"): 1024.0,
    ("disk.busy_ratio", "sda"): 0.5,
    ("net.received_bytes_per_second", "eth0"): 10.0,
    ("net.errors_per_second", "eth0"): 1.0,
    ("pressure.io_some_ratio", ""): 0.2,
    ("tasks.blocked", ""): 1.0,
}


def test_the_kernels_messages_are_counted_from_the_first_sample_on() -> None:
    """Errors and warnings of the kernel itself, not those of programs, nor what was told before."""
    records = [b"3,1,10,-;old\n"]

    def read(_offset: int, _size: int) -> bytes:
        if not records:
            raise MeasurementError("no more")
        return records.pop(0)

    sampler = Sampler(FakeMachine(FILES), read)
    assert ("kernel.errors", "") not in sampler.take()
    records += [b"3,2,10,-;bad\n", b"4,3,11,-;odd\n", b"11,4,12,-;a program's\n", b"6,5,13,-;fine\n", b"\xff"]
    second = sampler.take()
    assert (second["kernel.errors", ""], second["kernel.warnings", ""]) == (1, 1)


def test_faults_that_the_kernel_tells_are_kept_by_class_and_object() -> None:
    """What a disk said before a crash outlives the ring of the kernel; a flood of objects takes few columns."""
    records: list[bytes] = []

    def read(_offset: int, _size: int) -> bytes:
        if not records:
            raise MeasurementError("no more")
        return records.pop(0)

    sampler = Sampler(FakeMachine(FILES), read)
    sampler.take()
    failing = "3,{},1,-;blk_update_request: I/O error, dev {}, sector 2048 op 0x0:(READ) flags 0x0\n"
    records += [failing.format(number, "sda").encode() for number in range(3)]
    assert sampler.take()["kernel.fault.blk_io_error", "sda"] == 3
    assert not [key for key in sampler.take() if key[0].startswith("kernel.fault")]
    records += [
        failing.format(number, f"sd{chr(97 + number // 26)}{chr(97 + number % 26)}").encode() for number in range(90)
    ]
    flood = {key: value for key, value in sampler.take().items() if key[0].startswith("kernel.fault")}
    assert len(flood) == 50 and flood["kernel.fault.blk_io_error", ""] == 41


@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=200)))
def test_a_kernel_that_tells_anything_breaks_no_sample(files: dict[str, bytes]) -> None:
    """Any bytes in place of the tables give a sample of finite figures."""
    clock = FakeClock()
    sampler = Sampler(FakeMachine({**FILES, **files}, clock=clock))
    sampler.take()
    clock.advance(10)
    assert all(math.isfinite(value) for value in sampler.take().values())


def test_the_recorder_keeps_samples_until_it_is_left(tmp_path: Path) -> None:
    """A real machine's samples stand in the file, and leaving it waits for no sample."""
    with Recorder(Machine(), tmp_path, LEAST_BYTES, "boot", sample_seconds=0.02):
        end, pause = time.monotonic() + 10, threading.Event()
        while time.monotonic() < end and _samples(tmp_path) < 3:
            pause.wait(0.01)
    assert _samples(tmp_path) >= 3
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def _samples(folder: Path) -> int:
    try:
        return read_back(folder / NAME).samples_total
    except (ValueError, FileNotFoundError):
        return 0


def test_a_sample_that_cannot_be_understood_ends_nothing(tmp_path: Path) -> None:
    """A number that no figure can hold costs its sample; the next one is kept."""
    machine = FakeMachine({**FILES, "/proc/loadavg": "9" * 50})
    with Recorder(machine, tmp_path, LEAST_BYTES, "boot", sample_seconds=0.01):
        end, pause = time.monotonic() + 10, threading.Event()
        while time.monotonic() < end and not (tmp_path / NAME).exists():
            pause.wait(0.01)
        pause.wait(0.05)
        assert _samples(tmp_path) == 0
        machine.files["/proc/loadavg"] = FILES["/proc/loadavg"]
        while time.monotonic() < end and not _samples(tmp_path):
            pause.wait(0.01)
    assert _samples(tmp_path) > 0


async def test_rounds_of_a_path_reach_the_next_sample(tmp_path: Path) -> None:
    """Every round passes on as it is; how long the target took, and that it did not answer, is noted."""
    told: list[tuple[Key, float]] = []
    asked: list[object] = []
    answer = path_pb2.HopReply(ttl=3, rtt_seconds=0.25, from_target=True)
    rounds = [path_pb2.PathRound(number=1, sent=[1, 2, 3], replies=[answer]), path_pb2.PathRound(number=2, sent=[3])]

    @contextlib.asynccontextmanager
    async def open_path(action: link_pb2.PathAction, permit: Permit, ask_servers: bool) -> AsyncIterator[Opened]:
        permit(ip_address(action.target))

        async def given() -> AsyncGenerator[path_pb2.PathRound, None]:
            for one in rounds:
                yield one

        yield path_pb2.PathFacts(target="db7"), given()

    async with noted(open_path, lambda key, value: told.append((key, value)))(ACTION, asked.append, False) as opened:
        assert [one async for one in opened[1]] == rounds and asked == [ip_address("192.0.2.7")]
    loss, rtt = ("path.loss_ratio", "db7"), ("path.rtt_seconds", "db7")
    assert told == [(loss, 0.0), (rtt, 0.25), (loss, 1.0)]
    with Recorder(Machine(), tmp_path, LEAST_BYTES, "boot", sample_seconds=0.02) as recorder:
        recorder.note(rtt, 0.25)
        recorder.note(rtt, 0.75)
        end, pause = time.monotonic() + 10, threading.Event()
        while time.monotonic() < end and not _samples(tmp_path):
            pause.wait(0.01)
    assert series_of(read_back(tmp_path / NAME), rtt, 300.0).avg[0] == 0.5


def test_a_window_is_told_sample_by_sample(tmp_path: Path) -> None:
    """Of a window long ago its last hour is told in full, and the thinned series begin no later than it."""
    size_bytes = LEAST_BYTES + 10_000 * RECORD_BYTES
    filled(tmp_path / NAME, 9000, size_bytes).close()
    data = (tmp_path / NAME).read_bytes()
    window = Window(1_700_000_000, 1_700_010_000)
    facts = facts_of(lambda offset, size: data[offset : offset + size], 3600.0, window=window)
    fine = series_of(facts, LOAD, 10.0)
    assert list(fine.avg) == list(range(641, 1001))
    assert series_of(facts, LOAD, 300.0).start_at.seconds <= 1_700_000_010
    machine = FakeMachine({f"/var/lib/caseprobe/{NAME}": data})
    measured = history.measure(machine, window.written())
    assert measured.facts == facts_of(lambda offset, size: data[offset : offset + size], 10_800.0, window=window)
    assert measured.place == ""


def test_a_clock_that_was_never_set_makes_no_endless_series(tmp_path: Path) -> None:
    """Samples of a boot that thought it was 1970 are older than any ring: half a century has no steps of its own."""
    ring = filled(tmp_path / NAME, 3)
    ring.close()
    ring = Ring(tmp_path / NAME, LEAST_BYTES, 10.0)
    ring.append(30, 30, b"never set", {LOAD: 9})
    ring.append(1_700_000_060, 160, b"boot", {LOAD: 4})
    ring.close()
    data = (tmp_path / NAME).read_bytes()
    facts = facts_of(lambda offset, size: data[offset : offset + size], DAY, window=Window(0, 1_800_000_000))
    assert facts.first_at.seconds == 1_700_000_000
    assert len(series_of(facts, LOAD, 300.0).avg) == 1


def test_a_disk_without_room_keeps_no_part_of_a_ring(tmp_path: Path) -> None:
    """Its file stays empty, and the reason is the disk's."""
    with pytest.raises(OSError, match=r"File too large|No space left|Invalid|large"):
        Ring(tmp_path / NAME, 1 << 62, 10.0)
    assert (tmp_path / NAME).stat().st_size == 0


def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    """The recorder says so and waits; the agent goes on."""
    with Recorder(Machine(), tmp_path / "missing", LEAST_BYTES, "boot", sample_seconds=0.001):
        pass
    assert not list(tmp_path.iterdir())


def test_the_probe_reads_the_agents_ring(tmp_path: Path) -> None:
    """From the service's folder of a copied tree; its place lets the next run of a timetable go on there."""
    filled(tmp_path / NAME, 5).close()
    machine = FakeMachine({f"/var/lib/caseprobe/{NAME}": (tmp_path / NAME).read_bytes()})
    measured = history.measure(machine, "")
    assert isinstance(measured.facts, HistoryFacts) and measured.facts.samples_total == 5
    again = history.measure(machine, measured.place)
    assert isinstance(again.facts, HistoryFacts) and again.facts.samples_total == 0
    assert again.place == measured.place
    assert history.measure(machine, None).place == ""


def test_a_machine_without_an_agent_has_no_history() -> None:
    """Absent says what would record one; a file that is no ring is a failure that names it."""
    with pytest.raises(MachineAbsent, match="caseprobe run"):
        history.measure(FakeMachine({}), None)
    with pytest.raises(MeasurementError, match=NAME):
        history.measure(FakeMachine({f"/var/lib/caseprobe/{NAME}": b"x" * 99}), None)
