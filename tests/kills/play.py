"""One kill and what comes after it: what was finished is readable, and sending goes on with one command."""

from __future__ import annotations

import json
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from caseprobe.bundle import BundleReader
from caseprobe.bundle.layout import LOCAL_BYTES, LOCAL_MAGIC
from caseprobe.errors import Corrupt
from tests.stand import Customer, Stand, cpu_seconds, until

# What a moment is counted by: the program's own time, the bytes of its file, or the first that is on its way.
COUNTED = ("time", "file", "sending")
LONGEST_SECONDS = 1.5
LONGEST_FILE_BYTES = 60_000


@dataclass(frozen=True)
class Moment:
    """When to kill: at so much of what is counted."""

    counted: str
    amount: float


@dataclass(frozen=True)
class Killed:
    """What was left, and which command went on: "send", "bundle", or "" where all had arrived."""

    moment: Moment
    alive: bool
    members: int
    went_on_by: str


def draw(random: Random) -> Moment:
    """A moment anywhere between the first line and the last byte."""
    counted = random.choice(COUNTED)
    most = {"time": LONGEST_SECONDS, "file": LONGEST_FILE_BYTES, "sending": 0.03}[counted]
    return Moment(counted, random.uniform(0, most))


def play(stand: Stand, customer: Customer, moment: Moment) -> Killed:
    """Make a bundle for a case of its own, kill it there, and go on; an AssertionError says what was wrong."""
    case_id = stand.another_case()
    code, path = stand.bundle_code(case_id), customer.folder / f"{case_id}.zip"
    arguments = ("bundle", "--profile", "quick", "--to", "-", "--no-preview")
    with customer.start(*arguments, "--output", str(path), stdin=code) as child:
        until(lambda: child.poll() is not None or _reached(customer, path, child.pid, moment), "no such moment")
        alive = child.poll() is None
        child.kill()
        child.communicate()
    until(lambda: not customer.left_running(), f"still there: {customer.left_running()}")
    members = finished(path)
    went_on_by = ""
    if not stand.snapshots(case_id):
        went_on_by = _go_on(customer, path, arguments, code)
    assert len(stand.snapshots(case_id)) == 1, f"{len(stand.snapshots(case_id))} snapshots after {moment}"
    return Killed(moment, alive, members, went_on_by)


def finished(path: Path) -> int:
    """How many members of a bundle were finished, each of which must be readable by our reader."""
    if not path.exists():
        return 0
    names = _whole_members(path.read_bytes())
    with path.open("rb") as file:
        try:
            reader = BundleReader(file)
        except Corrupt:
            assert names == [], f"{names} were finished and cannot be read"
            return 0
        assert list(reader.names()) == names
        for name in names:
            reader.read(name)
    return len(names)


def _whole_members(data: bytes) -> list[str]:
    """The members whose last byte is there, by their local headers alone: not our reader's own view."""
    names, at = [], 0
    while data[at : at + 4] == LOCAL_MAGIC and len(data) >= at + LOCAL_BYTES:
        packed, _, name_length, extra_length = struct.unpack("<2L2H", data[at + 18 : at + LOCAL_BYTES])
        begin = at + LOCAL_BYTES
        at = begin + name_length + extra_length + packed
        if at <= len(data):
            names.append(data[begin : begin + name_length].decode())
    return names


def _go_on(customer: Customer, path: Path, arguments: tuple[str, ...], code: str) -> str:
    """One command without a new code: the kept file where it is whole, else a new bundle under the same code."""
    whole = path.exists() and customer.run("verify", str(path)).code == 0
    if whole:
        ended = customer.run("send", str(path), *(() if _tickets(customer) else ("--to", "-")), stdin=code)
    else:
        ended = customer.run(*arguments, "--output", f"{path}.second.zip", stdin=code)
    assert ended.code == 0, ended.stderr
    return "send" if whole else "bundle"


def _reached(customer: Customer, path: Path, pid: int, moment: Moment) -> bool:
    if moment.counted == "time":
        return cpu_seconds(pid) >= moment.amount
    if moment.counted == "file":
        return path.exists() and path.stat().st_size >= moment.amount
    if not any("file" in ticket for ticket in _tickets(customer)):
        return False
    time.sleep(moment.amount)
    return True


def _tickets(customer: Customer) -> list[dict[str, str]]:
    """What redeemed codes left on this machine."""
    found = []
    for path in (customer.folder / "state" / "one-shot").glob("ticket-*.json"):
        try:
            found.append(json.loads(path.read_bytes()))
        except (OSError, ValueError):
            continue
    return found
