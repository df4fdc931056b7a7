"""The journal's own files: what systemd wrote, forms that it no longer writes, and what nobody should have written."""

from __future__ import annotations

import contextlib
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.logs.journal_file import Damaged, JournalFile, newest_first
from caseprobe.parse.logs.journal_text import parse_export, parse_json_line
from caseprobe.parse.logs.unpack import LZ4, XZ, ZSTD, unpack
from tests.fakes_journal import SEQUENCE_ID, journal_bytes

RECORDED = Path(__file__).parent / "recorded"
ENTRIES = [
    {"MESSAGE": b"Linux version 6.1.0", "_TRANSPORT": b"kernel", "PRIORITY": b"5", "_HOSTNAME": b"db7"},
    *(
        {"MESSAGE": b"tick %d" % n, "_TRANSPORT": b"syslog", "_PID": b"7", "SYSLOG_IDENTIFIER": b"app"}
        for n in range(9)
    ),
    {"MESSAGE": b"x" * 3000 + b" the end", "_TRANSPORT": b"stdout", "_COMM": b"job", "_SYSTEMD_UNIT": b"job.service"},
    {"MESSAGE": b"ata1: COMRESET failed", "_TRANSPORT": b"kernel", "PRIORITY": b"3", "_HOSTNAME": b"db7"},
]


def reader(data: bytes) -> Callable[[int, int], bytes]:
    """As pread gives it."""
    return lambda offset, size: data[offset : offset + size]


@pytest.mark.parametrize("form", ["regular", "compact"])
def test_what_systemd_wrote_reads_as_journalctl_tells_it(form: str) -> None:
    """Files of systemd-journal-remote 252 with zstd; the newest twelve entries as `journalctl -o json` printed them."""
    file = JournalFile(reader(lzma.decompress((RECORDED / f"{form}.journal.xz").read_bytes())))
    entries = list(file.newest_first())
    told = [parse_json_line(line) for line in (RECORDED / "journalctl.json").read_text().splitlines()]
    newest = list(reversed(entries[: len(told)]))
    assert [(e.text, e.program, e.at, e.seconds, e.level, e.pid, e.unit, e.kernel) for e in newest] == [
        (e.text, e.program, e.at, e.seconds, e.level, e.pid, e.unit, e.kernel) for e in told if e is not None
    ]
    assert (len(entries), len(told), file.damaged_total) == (120, 12, 0)
    assert [entry.text for entry in file.newest_first(kernel_only=True)] == [e.text for e in entries if e.kernel]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("packed", ["", "xz", "lz4", "zstd"])
def test_every_form_and_compression_reads_the_same(compact: bool, packed: str) -> None:
    """Older files hold lz4 and xz."""
    file = JournalFile(reader(journal_bytes(ENTRIES, compact=compact, packed=packed)))
    entries = list(file.newest_first())
    assert [entry.text.encode() for entry in reversed(entries)] == [one["MESSAGE"] for one in ENTRIES]
    assert (file.sequence_id, entries[0].sequence, file.damaged_total) == (SEQUENCE_ID.hex(), 12, 0)
    assert (entries[0].kernel, entries[0].level, entries[0].host, entries[0].at) == (True, 3, "db7", 1763769611.0)
    assert (entries[1].program, entries[1].unit, entries[2].program, entries[2].pid) == ("job", "job.service", "app", 7)
    kernel = [entry.text for entry in file.newest_first(kernel_only=True)]
    assert kernel == ["ata1: COMRESET failed", "Linux version 6.1.0"]


def test_several_files_make_one_stream() -> None:
    """By time, whichever file an entry stands in; an empty file adds nothing."""
    files = [JournalFile(reader(journal_bytes(entries))) for entries in (ENTRIES[:3], ENTRIES, [])]
    moments = [entry.at for entry in newest_first(files)]
    assert len(moments) == 15 and moments == sorted(moments, key=lambda at: -(at or 0.0))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin"),
        (b"x" * 300, "does not begin"),
        (b"LPKSHHRH" + b"\0" * 100, "does not begin"),
        (b"LPKSHHRH" + b"\0\0\0\0\xff\0\0\0" + b"\0" * 300, "newer form"),
    ],
)
def test_what_is_no_journal_is_said_to_be_none(data: bytes, why: str) -> None:
    """Also one that a later systemd wrote."""
    with pytest.raises(Damaged, match=why):
        JournalFile(reader(data))


def test_a_cut_file_gives_what_is_left() -> None:
    """A machine that lost power in the middle of a write."""
    whole = journal_bytes(ENTRIES, per_array=100)
    file = JournalFile(reader(whole[: whole.index(b"ata1")]))
    assert list(file.newest_first()) == []
    assert file.damaged_total


@given(
    st.lists(st.tuples(st.integers(0, 6000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12), st.booleans()
)
def test_no_damage_breaks_the_reader(damage: list[tuple[int, bytes]], compact: bool) -> None:
    """Any bytes anywhere: fewer entries, or none, and it ends."""
    data = bytearray(journal_bytes(ENTRIES, compact=compact, packed="zstd"))
    for place, piece in damage:
        data[place : place + len(piece)] = piece
    try:
        file = JournalFile(reader(bytes(data)))
    except Damaged:
        return
    assert len(list(file.newest_first())) <= 4096
    list(file.newest_first(kernel_only=True))


def test_a_chain_that_runs_in_a_circle_ends() -> None:
    """Arrays only ever follow later in the file."""
    data = bytearray(journal_bytes(ENTRIES, per_array=2))
    first = int.from_bytes(data[176:184], "little")
    data[first + 16 : first + 24] = data[176:184]
    file = JournalFile(reader(bytes(data)))
    assert len(list(file.newest_first())) == 2 and file.damaged_total == 1


@given(st.binary(max_size=64), st.sampled_from([XZ, LZ4, ZSTD, 3]))
def test_packed_rubbish_is_a_value_error(data: bytes, kind: int) -> None:
    """Or some bytes, never more than asked for."""
    with contextlib.suppress(ValueError):
        assert len(unpack(kind, data, 100)) <= 100


def test_a_bomb_unpacks_no_further_than_asked() -> None:
    """A megabyte of one letter in each packing."""
    lz4 = bytes(8) + b"\x1fa\x01\x00" + b"\xff" * 4000 + b"\x00"
    for kind, data in ((XZ, lzma.compress(b"a" * 10**6)), (LZ4, lz4)):
        assert unpack(kind, data, 100) == b"a" * 100


EXPORT = (
    b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1763769600000000\n_TRANSPORT=kernel\nPRIORITY=3\nMESSAGE=one\n\n"
    b"MESSAGE\n\x05\0\0\0\0\0\0\0a\nb\nc\nSYSLOG_IDENTIFIER=app\n\n_TRANSPORT=kernel\n\nMESSAGE=last"
)


def test_the_export_format_is_read() -> None:
    """Values with line feeds have their size before them; what has no message is no entry."""
    first, second, third = parse_export(EXPORT)
    assert (first.text, first.kernel, first.level, first.at) == ("one", True, 3, 1763769600.0)
    assert (second.text, second.program, third.text) == ("a\nb\nc", "app", "last")


@given(st.binary(max_size=200))
def test_any_bytes_pass_the_readers_of_exports(data: bytes) -> None:
    """Entries or none."""
    list(parse_export(data))
    parse_json_line(data.decode("utf-8", "replace"))
