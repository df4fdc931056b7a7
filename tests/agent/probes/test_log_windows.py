"""Logs of a stretch of time: over rotation, packed files, the journal and the kernel's ring, and what hinders it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.logs.window import Window
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import FileFacts, Machine, journals, log_windows
from caseprobe_agent.probes import kernel_log, system_log
from caseprobe_agent.probes.probe import Measured
from tests.caseprobe.parse.test_timed_text import iso
from tests.fakes_journal import BEGIN_MICROSECONDS, journal_bytes
from tests.fakes_machine import FakeClock, FakeMachine, File

NOW = 1_763_800_000.0
HOUR = 3600.0
SYSLOG = "/var/log/syslog"
JOURNAL = "/var/log/journal/0a/system.journal"


def machine(root: Path, files: dict[str, tuple[bytes, float]]) -> Machine:
    """A tree whose files were last written at these moments."""
    for path, (data, modified) in files.items():
        place = root / path.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        os.utime(place, (modified, modified))
    return Machine(root, FakeClock(NOW).clock())


def lines(begin: float, count: int) -> bytes:
    """One a minute."""
    return b"".join(iso(begin + 60 * number) for number in range(count))


def facts_of(measured: Measured) -> section_pb2.LogFacts:
    """Of a log's probe."""
    assert isinstance(measured.facts, section_pb2.LogFacts)
    return measured.facts


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize(("ending", "pack"), PACKERS.items())
def test_a_window_goes_over_rotation(tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
    """Plain and packed: a file that ends before the window is not opened, and no line is told twice."""
    oldest, older, newest = (lines(NOW - 3 * HOUR + at * HOUR, 60) for at in range(3))
    root = machine(
        tmp_path,
        {
            SYSLOG: (newest, NOW),
            f"{SYSLOG}.1": (older, NOW - HOUR),
            f"{SYSLOG}.2{ending}": (pack(oldest), NOW - 2 * HOUR),
            f"{SYSLOG}.3{ending}": (b"damaged", NOW - 72 * HOUR),
        },
    )
    window = Window(NOW - 2.5 * HOUR, NOW - 0.5 * HOUR)
    found = log_windows.read_window(root, SYSLOG, window, 1 << 20)
    assert found.data == lines(NOW - 2.5 * HOUR, 121) and not found.truncated and not found.errors


def test_the_newest_part_of_a_window_is_kept(tmp_path: Path) -> None:
    """Where there is no room for all, whole lines of its end stay, and the cut is told."""
    root = machine(
        tmp_path, {SYSLOG: (lines(NOW - 3 * HOUR, 180), NOW), f"{SYSLOG}.1": (lines(NOW - 9 * HOUR, 360), NOW)}
    )
    found = log_windows.read_window(root, SYSLOG, Window(NOW - 8 * HOUR, NOW), 1000)
    assert found.truncated and found.data == lines(NOW - 3 * HOUR, 180)[-len(found.data) :]
    assert 900 < len(found.data) <= 1000


def test_records_go_over_the_parts_of_a_packed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further lines that begin the next part come along with the record that they belong to."""
    monkeypatch.setattr("caseprobe_agent.machine.unpacking.PART_BYTES", 500)
    record = iso(NOW - 100, "db7 app: trace") + b"    at Main.java:7\n" * 200
    data = lines(NOW - HOUR, 30) + record + iso(NOW - 50)
    root = machine(tmp_path, {f"{SYSLOG}.1.gz": (gzip.compress(data), NOW)})
    assert log_windows.read_window(root, SYSLOG, Window(NOW - 110, NOW - 60), 1 << 20).data == record


def test_a_log_that_was_rotated_meanwhile_is_told_once(tmp_path: Path) -> None:
    """It is there under two names, with the same beginning."""
    data = lines(NOW - HOUR, 60)
    root = machine(tmp_path, {SYSLOG: (data, NOW), f"{SYSLOG}.1": (data, NOW)})
    assert log_windows.read_window(root, SYSLOG, Window(NOW - HOUR, NOW), 1 << 20).data == data


def test_a_packing_that_is_not_known_and_a_bomb_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is packed otherwise is named, and of what grows without end only the beginning is unpacked."""
    monkeypatch.setattr(log_windows, "UNPACKED_AT_MOST", 4 << 20)
    bomb = gzip.compress(lines(NOW - HOUR, 10) + bytes(64 << 20))
    root = machine(tmp_path, {SYSLOG: (b"", NOW), f"{SYSLOG}.1.gz": (bomb, NOW), f"{SYSLOG}.2.lz4": (b"x", NOW)})
    found = log_windows.read_window(root, SYSLOG, Window(NOW - HOUR, NOW), 1 << 20)
    assert found.data.startswith(lines(NOW - HOUR, 10))
    told = [str(error).partition(" ")[0].rstrip(":") for error in found.errors]
    assert {f"{SYSLOG}.1.gz", f"{SYSLOG}.2.lz4"} <= set(told)


@pytest.mark.parametrize("ending", PACKERS)
def test_any_bytes_that_call_themselves_packed_give_a_reason(tmp_path: Path, ending: str) -> None:
    """Damaged from the first byte, in the middle or at the end: what came out before that is kept."""
    whole = PACKERS[ending](lines(NOW - HOUR, 60))
    for number, data in enumerate((b"", b"x", whole[: len(whole) // 2], whole[:-3], whole[:9] + b"\xff" + whole[10:])):
        root = machine(tmp_path / str(number), {SYSLOG: (lines(NOW - 60, 1), NOW), f"{SYSLOG}.1{ending}": (data, NOW)})
        found = log_windows.read_window(root, SYSLOG, Window(NOW - HOUR, NOW), 1 << 20)
        assert found.data.endswith(lines(NOW - 60, 1)) and set(found.data.splitlines()) <= set(
            lines(NOW - HOUR, 60).splitlines()
        )


class Rotating(Machine):
    """A machine whose log is rotated, or removed, when it is looked for a second time."""

    keep = True

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir, just after a rotation."""
        log = self.root / SYSLOG.removeprefix("/")
        if self.keep:
            log.rename(f"{log}.1")
        log.write_bytes(iso(NOW + 60))
        return super().list_dir(path)


@pytest.mark.parametrize("keep", [True, False])
def test_a_rotation_in_the_middle_of_reading_loses_and_doubles_nothing(tmp_path: Path, keep: bool) -> None:
    """What was read before its name changed is told once, and a file that vanished was read as it was opened."""
    older = lines(NOW - 3 * HOUR, 60)
    machine(tmp_path, {SYSLOG: (lines(NOW - HOUR, 60), NOW), f"{SYSLOG}.2": (older, NOW - 2 * HOUR)})
    rotating = Rotating(tmp_path, FakeClock(NOW).clock())
    rotating.keep = keep
    found = log_windows.read_window(rotating, SYSLOG, Window(NOW - 3 * HOUR, NOW), 1 << 20)
    assert found.data == older + lines(NOW - HOUR, 60) and not found.errors


@pytest.mark.parametrize(("data", "told"), [(b"no line tells when\n" * 9, 1), (b"", 0)])
def test_a_packed_log_without_times_gives_a_reason(tmp_path: Path, data: bytes, told: int) -> None:
    """As a plain one does; one that is empty lacks nothing."""
    root = machine(tmp_path, {SYSLOG: (b"", NOW), f"{SYSLOG}.1.gz": (gzip.compress(data), NOW)})
    found = log_windows.read_window(root, SYSLOG, Window(NOW - HOUR, NOW), 1 << 20)
    reason = f"{SYSLOG}.1.gz holds no window: its lines tell no time of a form that is known"
    assert (found.data, [str(error) for error in found.errors]) == (b"", [reason] * told)


def test_what_could_not_be_read_is_told(tmp_path: Path) -> None:
    """A packed file that was cut gives what came out of it; one without moments gives nothing and a reason."""
    packed = gzip.compress(os.urandom(3000) + b"\n" + lines(NOW - 2 * HOUR, 60))
    files = {
        SYSLOG: (lines(NOW - HOUR, 60), NOW),
        f"{SYSLOG}.1.gz": (packed[:-9], NOW),
        f"{SYSLOG}.2": (b"no time\n", NOW),
    }
    root = machine(tmp_path, files)
    found = log_windows.read_window(root, SYSLOG, Window(NOW - 3 * HOUR, NOW), 1 << 20)
    assert found.data.endswith(files[SYSLOG][0])
    assert sorted(str(error).partition(":")[0] for error in found.errors) == [
        f"{SYSLOG}.1.gz is damaged or was cut",
        f"{SYSLOG}.2 holds no window",
    ]
    with pytest.raises(MeasurementError, match="holds no window"):
        log_windows.read_window(machine(tmp_path / "b", {SYSLOG: (b"no time\n", NOW)}), SYSLOG, Window(0, NOW), 99)
    with pytest.raises(MachineAbsent):
        log_windows.read_window(machine(tmp_path, {}), "/var/log/messages", Window(0, NOW), 99)


def test_the_probe_tells_the_window_and_what_stood_in_the_way(tmp_path: Path) -> None:
    """Facts, artifact and shortfalls are of the window alone."""
    root = machine(tmp_path, {SYSLOG: (lines(NOW - HOUR, 60), NOW), f"{SYSLOG}.1": (b"no time\n", NOW)})
    measured = system_log.measure(root, Window(NOW - HOUR, NOW - HOUR + 120).written())
    facts = facts_of(measured)
    assert facts.lines_total == 3 and facts.source == SYSLOG and not facts.truncated and not measured.place
    assert measured.artifacts[0].data == lines(NOW - HOUR, 3)
    assert [one.field for one in measured.shortfalls] == ["system_log.lines_total"]


def test_a_window_in_which_nothing_was_written_is_empty(tmp_path: Path) -> None:
    """The log was looked through, and holds nothing of that time: no line of another time stands in for it."""
    root = machine(tmp_path, {SYSLOG: (lines(NOW - HOUR, 60), NOW)})
    assert facts_of(system_log.measure(root, Window(NOW - 9 * HOUR, NOW - 8 * HOUR).written())).lines_total == 0


def entries(count: int, kernel_each: int = 5) -> list[dict[str, bytes]]:
    """Messages one second apart; each so manieth is the kernel's."""
    kernel = {"_TRANSPORT": b"kernel", "SYSLOG_IDENTIFIER": b"kernel"}
    plain = {"_TRANSPORT": b"syslog", "SYSLOG_IDENTIFIER": b"app"}
    return [{"MESSAGE": b"m%d" % n, **(plain if n % kernel_each else kernel)} for n in range(count)]


@pytest.mark.parametrize("compact", [False, True])
def test_a_window_of_the_journal_is_found_by_its_index(compact: bool) -> None:
    """Of all entries, and of the kernel's alone; the last entries of the window where not all fit."""
    begin = BEGIN_MICROSECONDS / 1e6
    files: dict[str, File] = {JOURNAL: journal_bytes(entries(100), compact=compact)}
    fake = FakeMachine(files)
    window = Window(begin + 40, begin + 50)
    found = journals.read_window(fake, window, 1000, 1 << 20)
    assert [entry.text for entry in found.entries] == [f"m{number}" for number in range(40, 51)]
    kernel = journals.read_window(fake, window, 1000, 1 << 20, kernel_only=True)
    assert [entry.text for entry in kernel.entries] == ["m40", "m45", "m50"]
    cut = journals.read_window(fake, window, 3, 1 << 20)
    assert cut.truncated and [entry.text for entry in cut.entries] == ["m48", "m49", "m50"]
    assert not journals.read_window(fake, Window(begin - 50, begin - 40), 10, 1 << 20).entries


def test_entries_that_are_damaged_end_no_search() -> None:
    """Bytes changed anywhere in the journal give entries of the window or none, and never one of another time."""
    begin = BEGIN_MICROSECONDS / 1e6
    whole = journal_bytes(entries(60))
    for place in range(208, len(whole), 61):
        data = bytearray(whole)
        data[place] ^= 0xFF
        try:
            found = journals.read_window(
                FakeMachine({JOURNAL: bytes(data)}), Window(begin + 20, begin + 30), 99, 1 << 20
            )
        except MeasurementError:
            continue
        assert all(begin + 20 <= (entry.at or 0) <= begin + 30 for entry in found.entries)


def ring(seconds: range, first: int = 0) -> str:
    """Records of the kernel's log, one a second."""
    return "".join(f"4,{first + n},{at * 1_000_000},-;message {at}\n" for n, at in enumerate(seconds))


def test_a_window_of_the_kernels_ring_goes_by_the_clock_of_the_boot() -> None:
    """The ring tells seconds since the boot, which was a thousand seconds ago."""
    fake = FakeMachine({kernel_log.RING: ring(range(100, 200))}, clock=FakeClock(NOW, 1000.0))
    facts = facts_of(kernel_log.measure(fake, Window(NOW - 890, NOW - 881).written()))
    before = facts_of(kernel_log.measure(fake, Window(NOW - 9000, NOW - 8000).written()))
    assert (before.lines_total, before.truncated) == (0, True)
    assert (facts.lines_total, facts.source, facts.truncated) == (10, kernel_log.RING, False)


def test_where_the_ring_forgot_the_window_what_was_written_down_of_it_is_read() -> None:
    """The longer of the two tells more; with none the ring says that it is not all."""
    ring_alone: dict[str, File] = {kernel_log.RING: ring(range(150, 200), first=7)}
    window = Window(NOW - 900, NOW - 845).written()
    alone = facts_of(kernel_log.measure(Written(ring_alone, clock=FakeClock(NOW, 1000.0)), window))
    assert (alone.lines_total, alone.truncated) == (6, True)
    kept = b"".join(iso(NOW - 900 + number, f"db7 kernel: message {number}") for number in range(60))
    fake = Written({**ring_alone, kernel_log.TEXT: kept}, clock=FakeClock(NOW, 1000.0))
    both = facts_of(kernel_log.measure(fake, window))
    assert (both.lines_total, both.source) == (56, kernel_log.TEXT)


@pytest.mark.parametrize("name", ["regular", "compact"])
def test_a_window_of_a_recorded_journal_holds_what_reading_all_of_it_gives(name: str) -> None:
    """Journals that systemd wrote, and every stretch of their time."""
    packed = Path(__file__).parents[2] / f"caseprobe/parse/recorded/{name}.journal.xz"
    fake = FakeMachine({JOURNAL: lzma.decompress(packed.read_bytes())})
    whole = journals.read_newest(fake, 10_000, 64 << 20).entries
    moments = sorted({entry.at or 0.0 for entry in whole})
    for begin, end in ((0, -1), (len(moments) // 3, len(moments) // 2), (1, 1), (-2, -1)):
        window = Window(moments[begin], moments[end])
        expected = [entry.sequence for entry in whole if window.holds(entry.at)]
        found = journals.read_window(fake, window, 10_000, 64 << 20).entries
        assert [entry.sequence for entry in found] == expected and expected


class Written(FakeMachine):
    """A machine in memory whose files were written just now."""

    def file_facts(self, path: str) -> FileFacts:
        """As FakeMachine.file_facts, but for the moment."""
        return FileFacts(super().file_facts(path).size_bytes, NOW)
