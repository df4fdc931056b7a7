"""The privileged reader: real processes of root's, asked over real sockets by processes without any right."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import MachineDenied, MeasurementError
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.machine.parts import HEADER, LAST, Part, decoded, encoded
from caseprobe_agent.machine.reads import FIRMWARE, Read, read_of
from caseprobe_agent.machine.with_reader import ask
from caseprobe_agent.reader import confinement, readings
from tests.fakes_reader import LONGEST_SECONDS, as_nobody, listening, started
from tests.faults.room import missing

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv"))), reason="NOT RUN: needs root and util-linux"
)
DENIED, OK = section_pb2.PROBE_OUTCOME_DENIED, section_pb2.PROBE_OUTCOME_OK
# Disks, firmware and smartctl of a machine that has them, in a world of its own: this one may have none.
WORLD = """
mount -t tmpfs tmpfs /sys/class; mkdir -p /sys/class/dmi/id
for name in sys_vendor product_name; do echo Example > /sys/class/dmi/id/$name; done
for name in product_serial product_uuid; do
    echo SN-4711 > /sys/class/dmi/id/$name; chmod 400 /sys/class/dmi/id/$name
done
mount -t tmpfs tmpfs /sys/block; for name in sda sdb; do mkdir /sys/block/$name; echo 1000 > /sys/block/$name/size; done
mount -t tmpfs -o mode=755 tmpfs /sys/fs; mkdir -m 750 /sys/fs/pstore; touch /sys/fs/pstore/dmesg-efi-1
mount -t tmpfs tmpfs /srv; echo held > /srv/held; exec 9< /srv/held; rm /srv/held
mkdir /srv/upper /srv/work; cp "$0" /srv/upper/smartctl; chmod 755 /srv/upper/smartctl
mount -t overlay -o lowerdir=/usr/sbin,upperdir=/srv/upper,workdir=/srv/work overlay /usr/sbin
echo ready; exec sleep 1000
"""
# What it was called with and may do is in its answer; a disk's report is what the parser knows.
SMARTCTL = """#!/bin/sh
printf '{"smartctl": {"exit_status": 0}, "model_name": "%s", "serial_number": "%s", "smart_status": {"passed": true}}' \
    "$*" "$(grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -d '\\n\\t')"
"""
TAKE = """
import asyncio, sys
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import CRASHES, DELETED_FILES, HARDWARE, KERNEL_LOG, PROCESSES, SMART, SOCKETS_WITH_PROGRAMS
from caseprobe_agent.snapshot import take_snapshot
probes = (CRASHES, DELETED_FILES, HARDWARE, KERNEL_LOG, PROCESSES, SMART, SOCKETS_WITH_PROGRAMS)
taken = asyncio.run(take_snapshot(probes, Machine(reader_socket=sys.argv[1]), 60.0, "standard"))
sys.stdout.buffer.write(taken.snapshot.SerializeToString())
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """What puts a command into that world."""
    if why := missing():
        pytest.skip(f"NOT RUN: {why}")
    program = tmp_path_factory.mktemp("world") / "smartctl"
    program.write_text(SMARTCTL)
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", WORLD, str(program)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as keeper:
        try:
            assert keeper.stdout is not None and keeper.stdout.readline() == "ready\n"
            yield ("nsenter", "-t", str(keeper.pid), "--mount")
        finally:
            keeper.kill()


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody reaches."""
    path = Path("/dev/shm") / f"caseprobe-reader-{os.getpid()}"
    path.mkdir(mode=0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def taken(world: tuple[str, ...], reader_socket: str) -> dict[str, section_pb2.Section]:
    """What a process without any right measures in that world, by probe."""
    command = [*world, *as_nobody(sys.executable, "-c", TAKE, reader_socket)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LONGEST_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return {section.probe: section for section in snapshot_pb2.Snapshot.FromString(done.stdout).sections}


def denied(section: section_pb2.Section) -> set[str]:
    """The facts that a right keeps from a probe."""
    return {one.field for one in section.shortfalls if one.outcome == DENIED}


@needs_root
def test_without_the_reader_what_only_root_may_read_is_denied_by_name(world: tuple[str, ...]) -> None:
    """Each fact says what it takes, and what to set up."""
    sections = taken(world, "/nowhere")
    assert denied(sections["hardware"]) == {"hardware.serial", "hardware.uuid"}
    assert denied(sections["processes"]) == {"processes.top_open_files"}
    assert denied(sections["sockets"]) >= {"sockets.programs"}
    assert denied(sections["crashes"]) == {"crashes.dumps"}
    assert denied(sections["deleted_files"]) == {"deleted_files.held"}
    assert sections["smart"].outcome == DENIED
    said = [sections["smart"].reason, *(one.reason for one in sections["hardware"].shortfalls if one.outcome == DENIED)]
    assert all("set up the reader (`caseprobe service`)" in reason for reason in said)
    assert not any(section.reads_by_reader for section in sections.values())


@needs_root
def test_with_the_reader_a_process_without_rights_measures_them(world: tuple[str, ...], folder: Path) -> None:
    """The facts are there, each section names the reads that it owes to the reader, and the journal who asked."""
    with listening(folder, world=world) as told:
        sections = taken(world, told.path)
    hardware, smart = sections["hardware"].hardware, sections["smart"]
    assert (hardware.serial, hardware.uuid) == ("SN-4711", "SN-4711")
    assert sections["kernel_log"].outcome == OK and sections["kernel_log"].kernel_log.source == "/dev/kmsg"
    assert [disk.name for disk in smart.smart.disks] == ["sda", "sdb"]
    assert [one.path for one in sections["crashes"].crashes.dumps] == ["/sys/fs/pstore/dmesg-efi-1"]
    assert "/srv/held" in {file.path for one in sections["deleted_files"].deleted_files.held for file in one.files}
    assert not any(denied(section) for section in sections.values())
    words = {name: list(section.reads_by_reader) for name, section in sections.items()}
    assert (words["hardware"], words["kernel_log"], words["smart"]) == (["firmware"], ["kernel_log"], ["disks"])
    assert words["processes"] == words["sockets"] == words["deleted_files"] == ["open_files"]
    assert words["crashes"] == ["crash_records"]
    lines = told.journal()
    assert all(" of user 65534: " in line for line in lines)
    # A child that takes long is given up, perhaps in the middle of an answer; the next one asks anew.
    asked = {line.split(": ")[2] for line in lines} - {"not answered"}
    assert asked == {"firmware", "kernel_log", "disks", "open_files", "crash_records"}
    assert any("disks: 2 parts" in line for line in lines)


@needs_root
def test_a_disk_is_asked_without_waking_it_and_with_two_capabilities(world: tuple[str, ...], folder: Path) -> None:
    """The command is the probe's own; whatever it starts could not get further rights."""
    with listening(folder, world=world) as told:
        parts = ask(told.path, Read.DISKS)
    assert sorted(parts) == [f"/usr/sbin/smartctl -n standby -x --json /dev/{name}" for name in ("sda", "sdb")]
    report = json.loads(parts["/usr/sbin/smartctl -n standby -x --json /dev/sda"].data)
    held = 1 << confinement.Capability.SYS_RAWIO | 1 << confinement.Capability.SYS_ADMIN
    assert report["serial_number"] == f"CapEff:{held & confinement.permitted():016x}NoNewPrivs:1"


@needs_root
def test_who_may_not_ask_is_told_so(folder: Path) -> None:
    """Neither root nor the agent's user: the kernel says who it is, and nothing is read."""
    asking = "import sys; from caseprobe_agent.machine.with_reader import ask; ask(sys.argv[1], 1)"
    with listening(folder, user="daemon") as told:
        command = as_nobody(sys.executable, "-c", asking, told.path)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert "MachineDenied: the reader does not answer user 65534" in done.stderr
    assert told.journal()[0].endswith("of user 65534: not answered: not a user that may ask")


@needs_root
@pytest.mark.parametrize(
    ("said", "answer"),
    [(b"", "nothing was asked"), (b"\0", "0 is no read"), (b"\xff/etc/shadow", "255 is no read")],
)
def test_what_is_no_question_is_not_answered(said: bytes, answer: str) -> None:
    """Nothing, an unknown number, a path: one line in the journal, and the process ends well."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = started(theirs)
        theirs.close()
        ours.sendall(said)
        ours.shutdown(socket.SHUT_WR)
        # What was not read of it resets the connection.
        with contextlib.suppress(ConnectionResetError):
            assert ours.recv(1) == b""
    assert answer in process.communicate(timeout=LONGEST_SECONDS)[1] and process.returncode == 0


@needs_root
def test_what_follows_a_question_is_not_read() -> None:
    """A path behind the number changes nothing: one byte is all that is taken from a caller."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = started(theirs)
        theirs.close()
        ours.sendall(bytes([Read.FIRMWARE]) + b"/etc/shadow\n" * 100)
        with ours.makefile("rb") as answer, contextlib.suppress(ConnectionResetError):
            assert {part.name for part in decoded(answer.read)} == set(FIRMWARE)
    assert process.communicate(timeout=LONGEST_SECONDS)[1].count("\n") == 1


@needs_root
def test_who_asks_nothing_or_takes_nothing_is_left() -> None:
    """A caller that holds the connection, before its question or in the middle of the answer, costs seconds at most."""
    silent, theirs = socket.socketpair()
    waiting = started(theirs)
    deaf, others = socket.socketpair()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    others.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sending = started(others)
    with silent, theirs, deaf, others:
        deaf.sendall(bytes([Read.OPEN_FILES]))
        for process in (waiting, sending):
            assert "not answered: timed out" in process.communicate(timeout=LONGEST_SECONDS)[1]


def test_who_holds_too_much_hides_no_more_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with more open files than may be told is denied by name; all others are told."""
    monkeypatch.setattr(readings, "TARGETS_CHARACTERS", 30)
    with (tmp_path / "held").open("w") as held:
        Path(held.name).unlink()
        parts = {part.name: part for part in readings.ALL[Read.OPEN_FILES].parts()}
    with pytest.raises(MachineDenied, match="more is open than is looked at"):
        parts[f"/proc/{os.getpid()}/fd"].told()
    if os.geteuid() == 0:
        assert any(not part.code for part in parts.values())


def test_it_is_not_started_by_hand() -> None:
    """Without a connection handed over there is nothing to answer."""
    command = [sys.executable, "-m", "caseprobe_agent", "reader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert done.returncode == 2 and "started by systemd" in done.stderr


def test_every_read_has_its_reading_and_its_words() -> None:
    """A number without one could not be answered; one read needs the right to look at others' open files."""
    assert set(readings.ALL) == set(Read)
    for language in LANGUAGES:
        assert all(catalogue.label(f"read_{read.word}", language) != f"read_{read.word}" for read in Read)
    assert [read for read in Read if confinement.Capability.SYS_PTRACE in readings.ALL[read].capabilities] == [
        Read.OPEN_FILES
    ]


@pytest.mark.parametrize(
    "path", ["/proc/1/fd/../environ", "/proc/self/fd", "/proc/1/fdinfo", "/etc/shadow", "/proc/01/fd"]
)
def test_what_no_read_gives_is_denied_as_before(path: str) -> None:
    """Only what stands in the list is looked for at the reader."""
    assert read_of(path) is None


@given(st.builds(Part, st.text(max_size=99), st.binary(max_size=999), number=st.integers(), cut=st.booleans()))
def test_a_part_arrives_as_it_was_sent(part: Part) -> None:
    """Whatever its name and bytes are."""
    data = encoded(part) + encoded(LAST)
    assert list(decoded(io.BytesIO(data).read)) == [part]


@given(st.binary(max_size=200))
def test_any_other_answer_is_an_error(data: bytes) -> None:
    """Whatever listens in the reader's place: a named error, and bounded."""
    with pytest.raises(MeasurementError):
        list(decoded(io.BytesIO(data).read))


@pytest.mark.parametrize("head", [b"[]", b"{}x", b'{"name": 1}', b'{"cut": 1}', b'{"shell": "x"}', b"[" * 9000])
def test_a_part_of_another_form_is_an_error(head: bytes) -> None:
    """Nothing of it is believed."""
    with pytest.raises(MeasurementError, match="not of its form"):
        list(decoded(io.BytesIO(HEADER.pack(len(head), 0) + head).read))
