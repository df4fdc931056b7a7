"""The one seam: bounded reads that never wait, typed errors, and copied trees that nothing leads out of."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe_agent.machine import Address, Machine, Space, calls, files
from tests.fakes_machine import FakeClock

LIVE = Machine()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty copied tree."""
    (tmp_path / "proc").mkdir()
    return tmp_path


def test_a_file_is_read_up_to_its_limit(tree: Path) -> None:
    """A line of any length costs no more than asked for."""
    (tree / "proc/huge").write_bytes(b"x" * (3 << 20))
    assert Machine(tree).read_bytes("/proc/huge", 1000) == b"x" * 1000
    assert len(Machine(tree).read_bytes("/proc/huge")) == 1 << 20


def test_bytes_that_are_no_text_are_replaced(tree: Path) -> None:
    """Text is always valid, so that it fits into a message."""
    (tree / "proc/odd").write_bytes(b"a\xff\xfeb\n")
    assert Machine(tree).read_text("/proc/odd") == "a��b\n"


def test_a_pipe_is_no_file(tree: Path) -> None:
    """Nobody waits for its other end."""
    os.mkfifo(tree / "proc/fifo")
    with pytest.raises(MachineAbsent, match=r"^/proc/fifo is no file that can be read$"):
        Machine(tree).read_text("/proc/fifo")


def test_folders_and_sockets_are_no_files(tree: Path) -> None:
    """Both are absent as files."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "proc/socket"))
        for path in ("/proc", "/proc/socket"):
            with pytest.raises(MachineAbsent):
                Machine(tree).read_text(path)


def test_what_is_not_there_is_absent(tree: Path) -> None:
    """The path is named as on the machine, not where its copy lies."""
    with pytest.raises(MachineAbsent, match=r"^/proc/none does not exist on this machine$"):
        Machine(tree).read_text("/proc/none")
    assert not Machine(tree).exists("/proc/none")


def test_what_may_not_be_read_is_denied(tmp_path: Path) -> None:
    """Without the right, the error names root; run as nobody, because root may read everything."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    code = (
        "import os, sys; from caseprobe_agent.machine import Machine\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: Machine().read_text(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error.needs)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(secret)], capture_output=True, check=True)
    assert ended.stdout.split() == [b"MachineDenied", b"root"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, MachineDenied), (13, MachineDenied), (2, MachineAbsent), (6, MachineAbsent), (110, MachineTimeout)],
)
def test_foreign_errors_are_mapped(number: int, expected: type[MeasurementError]) -> None:
    """Absent, denied and timeout are told apart by the kernel's number."""
    assert type(files.error_from(OSError(number, "x"), "/a")) is expected


def test_any_other_foreign_error_is_a_measurement_error() -> None:
    """The kernel's words are kept."""
    assert str(files.error_from(OSError(5, "x"), "/a")) == "/a cannot be read: Input/output error"


def test_links_of_a_tree_stay_in_it(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Absolute links begin at the tree's root, and no number of ".." leads out."""
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("outside")
    (tree / "proc/inside").write_text("inside")
    (tree / "absolute").symlink_to("/proc/inside")
    (tree / "escape").symlink_to(str(outside))
    (tree / "climb").symlink_to("../" * 30 + str(outside).lstrip("/"))
    (tree / "proc/deep").symlink_to("/proc/inside")
    (tree / "proc/beside").symlink_to("inside")
    (tree / "folder").symlink_to("proc")
    machine = Machine(tree)
    assert machine.read_text("/absolute") == "inside"
    for path in ("/folder/inside", "/proc/deep", "/folder/beside"):
        assert machine.read_text(path) == "inside"
    assert machine.read_link("/absolute") == "/proc/inside"
    for path in ("/escape", "/climb", f"/proc/../../../..{outside}"):
        with pytest.raises(MachineAbsent):
            machine.read_text(path)


def test_links_in_a_circle_end(tree: Path) -> None:
    """A loop is an error, not a hang."""
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    with pytest.raises(MeasurementError, match="Too many levels"):
        Machine(tree).read_text("/a")


def test_what_is_no_link_has_no_target(tree: Path) -> None:
    """A folder is not a link."""
    with pytest.raises(MachineAbsent, match="is no link"):
        Machine(tree).read_link("/proc")


@given(
    lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30), limit=st.integers(1, 600)
)
def test_a_tail_is_the_newest_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], limit: int
) -> None:
    """It fits the limit, ends as the file ends, begins where a line begins, and says whether it was cut."""
    path = tmp_path_factory.getbasetemp() / "tail.log"
    whole = b"".join(line + b"\n" for line in lines)
    path.write_bytes(whole)
    data, truncated = LIVE.read_tail(str(path), limit)
    assert len(data) <= limit
    assert whole.endswith(data)
    assert truncated == (len(whole) > limit)
    begin = len(whole) - len(data)
    assert begin == 0 or not data or whole[begin - 1 : begin] == b"\n"


def test_a_tail_of_one_endless_line_is_empty(tmp_path: Path) -> None:
    """A line that does not fit is left out, not cut in its middle."""
    (tmp_path / "log").write_bytes(b"x" * 5000)
    assert LIVE.read_tail(str(tmp_path / "log"), 1000) == (b"", True)


def test_records_of_a_device_are_read_to_their_end() -> None:
    """The oldest are dropped whole; nobody waits for more."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        there.setblocking(False)
        for number in range(10):
            here.send(b"record %d\n" % number)
        assert files.newest_records(there.fileno(), 20) == (b"record 8\nrecord 9\n", True)
        here.send(b"one\n")
        assert files.newest_records(there.fileno(), 20) == (b"one\n", False)


def test_a_program_is_run_in_the_c_locale() -> None:
    """Absolute path, no shell, exit code and both outputs."""
    completed = LIVE.run(["/bin/sh", "-c", "echo $LC_ALL; echo bad >&2; exit 3"], 10.0)
    assert completed == calls.Completed(3, b"C\n", b"bad\n", truncated=False)


def test_a_program_is_killed_at_its_limits() -> None:
    """Too long is a timeout; too much is cut."""
    with pytest.raises(MachineTimeout, match=r"^/bin/sleep did not end within 0.2 s and was killed$"):
        LIVE.run(["/bin/sleep", "60"], 0.2)
    completed = LIVE.run(["/usr/bin/yes"], 10.0, 1000)
    assert completed.truncated
    assert len(completed.stdout) == 1000


def test_a_program_that_is_not_there_is_absent() -> None:
    """As is every program of a copied tree; a relative name is refused."""
    with pytest.raises(MachineAbsent):
        LIVE.run(["/nowhere/smartctl"], 1.0)
    with pytest.raises(MeasurementError, match="absolute path"):
        LIVE.run(["smartctl"], 1.0)


def test_a_copied_tree_runs_nothing(tree: Path) -> None:
    """Its programs are not this machine's."""
    with pytest.raises(MachineAbsent, match="copied tree"):
        Machine(tree).run(["/bin/true"], 1.0)


def test_a_hung_mount_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a timeout within the limit, the others have their room."""
    release = threading.Event()

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/hung":
            release.wait(30)
        return os.statvfs("/")

    monkeypatch.setattr(calls, "statvfs", statvfs)
    try:
        found = LIVE.spaces(["/", "/hung"], 0.3)
    finally:
        release.set()
    assert isinstance(found["/"], Space)
    assert isinstance(found["/hung"], MachineTimeout)


def test_this_machine_has_room_addresses_and_clocks() -> None:
    """The live calls give what the kernel gives."""
    space = LIVE.spaces(["/", "/nowhere"], 5.0)
    assert isinstance(space["/"], Space) and space["/"].total_bytes > 0
    assert isinstance(space["/nowhere"], MachineAbsent)
    assert Address("lo", "127.0.0.1", 8) in LIVE.addresses()
    assert LIVE.boottime_seconds() > 0
    assert LIVE.architecture() == os.uname().machine
    assert LIVE.privileged() == (os.geteuid() == 0)


def test_a_copied_tree_replays_what_no_file_tells(tree: Path) -> None:
    """Room, addresses, clocks and rights are those of the machine that it was copied from."""
    told = {
        "statvfs": {
            "/": {
                "total_bytes": 10,
                "free_bytes": 5,
                "available_bytes": 4,
                "inodes_total": 3,
                "inodes_available": 2,
            }
        },
        "addresses": [["eth0", "192.0.2.1", 24]],
        "wall_seconds": 5.5,
        "privileged": True,
    }
    (tree / "psutil.json").write_text(json.dumps(told))
    clock = FakeClock()
    machine = Machine(tree, clock.clock())
    assert machine.spaces(["/"], 1.0) == {"/": Space(10, 5, 4, 3, 2)}
    assert isinstance(machine.spaces(["/srv"], 1.0)["/srv"], MachineAbsent)
    assert machine.addresses() == [Address("eth0", "192.0.2.1", 24)]
    assert machine.wall_seconds() == 5.5
    assert machine.monotonic_seconds() == clock.boottime_seconds
    assert machine.privileged()


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_replay_is_one_clear_error(tree: Path, content: str) -> None:
    """The file is named."""
    (tree / "psutil.json").write_text(content)
    with pytest.raises(MeasurementError, match=r"psutil.json"):
        Machine(tree)


def test_what_comes_in_pages_ends_with_the_first_that_is_not_full() -> None:
    """The kernel is not asked once more after a part of a page; whole pages are followed up."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, kernels:
        for part in (b"a" * 4000, b"b" * 100, b"never"):
            kernels.send(part)
        assert files.read_up_to(ours.fileno(), 1 << 16, page_bytes=3072) == b"a" * 4000 + b"b" * 100
        assert ours.recv(100) == b"never"


def test_no_socket_is_missed_in_a_table_of_many_pages() -> None:
    """Every one of a hundred listening sockets stands in what is read of the kernel's table."""
    ports = set()
    with contextlib.ExitStack() as opened:
        for _ in range(100):
            listener = opened.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            ports.add(listener.getsockname()[1])
        table = Machine().read_text("/proc/net/tcp", 16 << 20)
    listed = {int(line.split()[1].partition(":")[2], 16) for line in table.splitlines()[1:]}
    assert ports <= listed


class Stuck:
    """A program that hangs in the kernel: no signal ends it."""

    def __init__(self) -> None:
        self.stdout: IO[bytes] | None = io.BytesIO()
        self.stderr: IO[bytes] | None = io.BytesIO()
        self.waits: list[float | None] = []

    def kill(self) -> None:
        """Take the signal later."""

    def wait(self, timeout: float | None = None) -> int:
        """As Popen.wait of what does not end."""
        self.waits.append(timeout)
        raise subprocess.TimeoutExpired("smartctl", timeout or 0.0)


def test_a_program_that_no_signal_ends_is_left_to_itself() -> None:
    """It is waited for once, for a limited time, and its pipes are closed."""
    stuck = Stuck()
    calls.finish(stuck, 0.5)
    assert stuck.waits == [0.5]
    assert all(pipe is not None and pipe.closed for pipe in (stuck.stdout, stuck.stderr))
