"""How a bundle behaves on somebody's machine: without root, on a full disk, leaving nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader
from caseprobe.errors import StorageFull
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.manners import SESSION
from caseprobe_agent.oneshot.place import ROOM_BYTES, check_room
from caseprobe_agent.probes import PROFILES

ENDED = ("LANG", "PATH", "PYTHONPATH", "CASEPROBE_NETWORK_PROBES")


@dataclass(frozen=True)
class Stranger:
    """A run of `caseprobe bundle` by a user without any right: the snapshot, and what lies where afterwards."""

    snapshot: snapshot_pb2.Snapshot
    folder: Path

    def left_in(self, name: str) -> list[str]:
        """Every file below one of the run's folders."""
        return sorted(str(path.relative_to(self.folder)) for path in (self.folder / name).rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    """One run, in folders of its own under a temporary one that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="caseprobe-manners-"))
    try:
        yield Stranger(_run(folder), folder)
    finally:
        shutil.rmtree(folder)


def _run(folder: Path) -> snapshot_pb2.Snapshot:
    places = {name: folder / name for name in ("home", "state", "config", "tmp", "work")}
    for place in (folder, *places.values()):
        place.mkdir(mode=0o700, exist_ok=True)
    own = {
        "HOME": places["home"],
        "TMPDIR": places["tmp"],
        "CASEPROBE_STATE_FOLDER": places["state"],
        "CASEPROBE_CONFIG_FOLDER": places["config"],
    }
    environment = {name: value for name, value in os.environ.items() if name in ENDED}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path.startswith("/"))
    command = [sys.executable, "-B", "-m", "caseprobe_agent", "bundle", "--json", "--output", f"{places['work']}/x.zip"]
    done = subprocess.run(
        [*_without_rights(), *command],
        cwd="/",
        env=environment | {name: str(place) for name, place in own.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Path(json.loads(done.stdout)["file"]).open("rb") as file:
        return BundleReader(file).snapshot()


def _without_rights() -> list[str]:
    """What takes root's rights away: a user space in which this user is nobody."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "--user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("not run: needs unshare and user namespaces to give up root's rights")
    return [unshare, "--user"]


def test_without_root_each_refusal_names_the_right(stranger: Stranger) -> None:
    """Every item of the profile is there, most of them with facts; what was refused says what it would take."""
    sections = {section.probe: section for section in stranger.snapshot.sections}
    assert sections.keys() == {probe.name for probe in PROFILES["standard"]}
    told: list[section_pb2.Section | section_pb2.Shortfall] = [*sections.values()]
    told += [one for section in sections.values() for one in section.shortfalls]
    refused = [one for one in told if one.outcome == section_pb2.PROBE_OUTCOME_DENIED]
    assert refused
    assert all(one.needs and one.reason for one in refused), refused
    given = [section for section in sections.values() if section.outcome != section_pb2.PROBE_OUTCOME_DENIED]
    assert len(given) >= 0.6 * len(sections)


def test_nothing_is_written_beside_the_bundle_and_our_own_folder(stranger: Stranger) -> None:
    """No temporary file, nothing in the home folder, one file where the bundle was to go."""
    assert stranger.left_in("work") == ["work/x.zip"]
    assert [stranger.left_in(name) for name in ("home", "tmp", "config")] == [[], [], []]


def test_no_room_is_noticed_before_anything_is_measured(tmp_path: Path) -> None:
    """The room that a profile may need is tried, and given back; nothing stays of the try."""
    for profile in PROFILES:
        check_room(tmp_path / "x.zip", profile)
    assert list(tmp_path.iterdir()) == []
    assert list(ROOM_BYTES) == list(PROFILES) and sorted(ROOM_BYTES.values()) == list(ROOM_BYTES.values())


def test_a_full_disk_is_one_clear_error(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Where files may not grow so far, the reason and what to do; nothing stays of the try."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    request.addfinalizer(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES["quick"], hard))
    check_room(tmp_path / "x.zip", "quick")
    with pytest.raises(StorageFull, match="make room or choose another --output"):
        check_room(tmp_path / "x.zip", "full")
    assert list(tmp_path.iterdir()) == []


STANDING = """
import os, sys
from pathlib import Path
from caseprobe_agent import manners
def tell():
    session = manners.SESSION.read_text().split()[-1] if manners.SESSION.exists() else "0"
    print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), session)
manners.PRESSURE = Path(sys.argv[1])
tell()
with manners.modest():
    tell()
tell()
"""


def standing(pressure: Path, percent: float, without_rights: bool) -> list[list[int]]:
    """Class, niceness and the session's niceness before, during and after: of a process that leads its session."""
    pressure.write_text(f"some avg10={percent:.2f} avg60=0.00 avg300=0.00 total=1\n")
    command = [*(_without_rights() if without_rights else ()), sys.executable, "-c", STANDING, str(pressure)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True, start_new_session=True)
    return [[int(value) for value in line.split()] for line in done.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system knows no idle class")
def test_it_gives_way_where_it_can_return(tmp_path: Path) -> None:
    """Behind all others while it works, where it was before afterwards; where all fight already, only nicer."""
    usual, behind = os.SCHED_OTHER, 19 * SESSION.exists()
    quiet, crowd = (standing(tmp_path / "cpu", percent, without_rights=False) for percent in (3.0, 80.0))
    least = os.SCHED_IDLE if os.geteuid() == 0 and quiet[1][0] != usual else usual
    before = os.getpriority(os.PRIO_PROCESS, 0)
    nicer = max(5, before)
    assert quiet == [[usual, before, 0], [least, nicer, behind], [usual, nicer, 0]]
    assert crowd == [[usual, before, 0], [usual, nicer, 0], [usual, nicer, 0]]


def test_without_the_right_to_return_it_stays_in_its_class(tmp_path: Path) -> None:
    """A user of a container's own, who could not leave the idle class again, gives way with the session alone."""
    assert [row[0] for row in standing(tmp_path / "cpu", 3.0, without_rights=True)] == [os.SCHED_OTHER] * 3


def test_a_folder_of_ours_that_hangs_ends_the_run() -> None:
    """No bundle can be made without them: one line says which folders they are and what to do, with code 3."""
    code = "from caseprobe_agent.cli.one_shot import give_up_after; import time; give_up_after(0.05); time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("caseprobe: the folder of the settings") and done.stderr.count("\n") == 1
