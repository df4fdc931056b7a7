"""The log probes where the log is not a text file: in the journal, or with somebody else."""

from __future__ import annotations

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import journals
from caseprobe_agent.probes import MORE_SYSTEM_LOG, PROFILES, SYSTEM_LOG, kernel_log, system_log
from tests.fakes_journal import BEGIN_MICROSECONDS, journal_bytes
from tests.fakes_machine import FakeClock, FakeMachine, File

JOURNAL = "/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
BEGIN = BEGIN_MICROSECONDS / 1e6
DENIED = MachineDenied("no", needs="root")
FILE = journal_bytes(
    [
        {"MESSAGE": b"Linux version 6.1.0", "_TRANSPORT": b"kernel", "PRIORITY": b"5", "SYSLOG_IDENTIFIER": b"kernel"},
        {"MESSAGE": b"EXT4-fs error (device sda9): quoted", "_TRANSPORT": b"stdout", "PRIORITY": b"6", "_PID": b"7"},
        {"MESSAGE": b"ata9: hard resetting link", "_TRANSPORT": b"syslog", "SYSLOG_IDENTIFIER": b"kernel"},
        {
            "MESSAGE": b"ata1: hard resetting link",
            "_TRANSPORT": b"kernel",
            "PRIORITY": b"3",
            "SYSLOG_IDENTIFIER": b"kernel",
        },
    ]
)


def machine(files: dict[str, File], seconds_later: float = 60.0) -> FakeMachine:
    """A machine soon after the journal's first entry."""
    return FakeMachine(files, clock=FakeClock(wall_seconds=BEGIN + seconds_later, boottime_seconds=1000.0))


def facts_of(measured: object) -> section_pb2.LogFacts:
    """The facts of a log probe."""
    facts = getattr(measured, "facts", None)
    assert isinstance(facts, section_pb2.LogFacts)
    return facts


def faults(facts: section_pb2.LogFacts) -> list[tuple[str, str, int]]:
    """Class, object and line."""
    return [(fault.fault_class, fault.object, fault.line) for fault in facts.faults]


def test_the_journal_is_read_where_no_text_is_kept() -> None:
    """Levels are the journal's own; what programs wrote is no fault, by whatever name they go."""
    measured = system_log.measure(machine({JOURNAL: FILE}), None)
    facts = facts_of(measured)
    assert (facts.source, facts.lines_total, facts.errors_total, facts.truncated) == ("journal", 4, 1, False)
    assert (facts.first_at.seconds, facts.last_at.seconds) == (BEGIN, BEGIN + 3)
    assert faults(facts) == [("ata_link_reset", "ata1", 4)]
    data = measured.artifacts[0].data.decode()
    assert (
        data.split("\n")[3]
        == facts.faults[0].text
        == "<3>2025-11-22T00:00:03.000000+00:00 localhost kernel: ata1: hard resetting link"
    )


def test_a_text_log_of_an_earlier_system_does_not_hide_the_journal() -> None:
    """rsyslog was removed and its file stayed; a fresh file is preferred."""
    text = b"2025-11-01T00:00:00+00:00 db7 kernel: ata7: hard resetting link\n"
    assert facts_of(system_log.measure(machine({"/var/log/syslog": text, JOURNAL: FILE}), None)).source == "journal"
    fresh = text.replace(b"2025-11-01", b"2025-11-22")
    assert (
        facts_of(system_log.measure(machine({"/var/log/syslog": fresh, JOURNAL: FILE}), None)).source
        == "/var/log/syslog"
    )
    assert facts_of(system_log.measure(machine({"/var/log/syslog": text}), None)).source == "/var/log/syslog"


def test_a_denied_journal_names_the_groups() -> None:
    """One of its files, or its folder."""
    for files in ({JOURNAL: DENIED}, {"/var/log/journal/0": DENIED, JOURNAL: DENIED}):
        with pytest.raises(MachineDenied, match="adm or systemd-journal") as caught:
            system_log.measure(machine(dict(files)), None)
        assert caught.value.needs == "group adm or systemd-journal"
    with pytest.raises(MachineAbsent, match="nor a journal"):
        system_log.measure(machine({}), None)


def test_what_can_be_read_of_the_journal_is_read() -> None:
    """A user's own file may be open where the system's is not: that is said."""
    own = JOURNAL.replace("system", "user-1000")
    measured = system_log.measure(machine({JOURNAL: DENIED, own: FILE}), None)
    assert facts_of(measured).lines_total == 4
    assert [shortfall.needs for shortfall in measured.shortfalls] == [journals.NEEDS]


def test_other_journals_and_other_files_are_left_alone() -> None:
    """Namespaces have a dot in their folder's name."""
    other = JOURNAL.replace("/system.journal", ".app/system.journal")
    with pytest.raises(MachineAbsent):
        system_log.measure(machine({other: FILE, JOURNAL.replace(".journal", ".txt"): FILE}), None)


def test_the_newest_entries_are_kept_and_the_cut_is_said() -> None:
    """Quick reads fewer of them than the longer profiles."""
    entries = [{"MESSAGE": b"tick %d" % number, "_TRANSPORT": b"stdout"} for number in range(3500)]
    files: dict[str, File] = {JOURNAL: journal_bytes(entries, per_array=500)}
    quick, longer = (
        facts_of(measure(machine(dict(files)), None)) for measure in (system_log.measure, system_log.measure_more)
    )
    assert (quick.lines_total, quick.truncated) == (3000, True)
    assert (longer.lines_total, longer.truncated) == (3500, False)
    assert SYSTEM_LOG in PROFILES["quick"] and MORE_SYSTEM_LOG in PROFILES["standard"]


def test_what_others_keep_of_the_ring_stands_in_for_it() -> None:
    """/dev/kmsg takes a right that few have; kern.log and the journal take a group."""
    line = b"Nov 22 00:00:05 db7 kernel: [   12.5] ata3: hard resetting link\n"
    text = facts_of(kernel_log.measure(machine({"/dev/kmsg": DENIED, "/var/log/kern.log": line, JOURNAL: FILE}), None))
    assert (text.source, faults(text)) == ("/var/log/kern.log", [("ata_link_reset", "ata3", 1)])
    kept = facts_of(kernel_log.measure(machine({"/dev/kmsg": DENIED, JOURNAL: FILE}), None))
    assert (kept.source, kept.lines_total, faults(kept)) == ("journal (kernel)", 2, [("ata_link_reset", "ata1", 2)])
    with pytest.raises(MachineDenied, match="CAP_SYSLOG"):
        kernel_log.measure(machine({"/dev/kmsg": DENIED, JOURNAL: DENIED}), None)
