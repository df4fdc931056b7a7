"""Files, settings, ports, disks, rights and clocks that are not as they should be: one clear line, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import fakes_sos as sos
from tests.stand import Customer, SmallDisk, Stand, assert_one_line, run

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="NOT RUN: needs root, for a disk of its own and for dropping rights")
# Root without the right to pass by a file's mode: what every other user is.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all")
NOBODY = 65534


# --- bundle files that come by hand ---


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that was made without any network; a small one, of which only its bytes matter."""
    customer = Customer(tmp_path_factory.mktemp("carried"))
    path = customer.folder / "good.zip"
    done = customer.run("bundle", "--profile", "quick", "--exclude", "logs", "--output", str(path))
    assert done.code == 0, done.stderr
    return path


def test_a_carried_bundle_is_attached_once_however_often_it_is_imported(stand: Stand, carried: Path) -> None:
    """Twice is the same as once."""
    case_id = stand.another_case()
    answers = [stand.staff("import", "--case", case_id, str(carried)) for _ in range(2)]
    assert [one.code for one in answers] == [0, 0], answers
    assert answers[0].stdout == answers[1].stdout
    (only,) = stand.snapshots(case_id)
    assert only["snapshot_id"] in answers[0].stdout


def test_a_sosreport_is_attached_once_and_no_name_of_its_machine_is_stored(stand: Stand, tmp_path: Path) -> None:
    """Its findings stand in the case; in the whole folder of the collector there is no host, user or address of it."""
    case_id = stand.another_case()
    archive = sos.sosreport()
    (tmp_path / "sos.tar.xz").write_bytes(archive)
    answers = [stand.staff("import", "--case", case_id, str(tmp_path / "sos.tar.xz")) for _ in range(2)]
    assert [one.code for one in answers] == [0, 0] and answers[0].stdout == answers[1].stdout
    (only,) = stand.snapshots(case_id)
    assert only["worst"] == "critical"
    stored = b"".join(path.read_bytes() for path in stand.folder.rglob("*") if path.is_file() and not path.is_symlink())
    assert not [name for name in (sos.HOST, "miriam", "10.20.30.31") if name.encode() in stored]
    assert archive[1000:1100] not in stored


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("cut", "Incomplete and unsigned"),
        ("altered", "Do not rely on this file"),
        ("text", "not a caseprobe bundle"),
        ("empty", "not a caseprobe bundle"),
    ],
)
def test_a_damaged_bundle_is_not_attached(stand: Stand, carried: Path, tmp_path: Path, damage: str, words: str) -> None:
    """Exit 3 with what is wrong with it; the case has nothing of it."""
    data = carried.read_bytes()
    middle = len(data) // 2
    bad = {
        "cut": data[:middle],
        "altered": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
        "text": b"Dear support, here is what you asked for.\n",
        "empty": b"",
    }
    path = tmp_path / f"{damage}.zip"
    path.write_bytes(bad[damage])
    assert_one_line(stand.staff("import", "--case", stand.case_id, str(path)), 3, words)
    assert stand.snapshots() == []


def test_a_bundle_for_a_case_that_cannot_take_it(stand: Stand, carried: Path) -> None:
    """No such case, and a closed one: refused, and said why."""
    assert_one_line(stand.staff("import", "--case", "case_nowhere", str(carried)), 2, "case_nowhere")
    case_id = stand.another_case()
    stand.call("POST", f"/cases/{case_id}/close")
    assert_one_line(stand.staff("import", "--case", case_id, str(carried)), 4, case_id, "closed", "reopen")


# --- settings and ports ---


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('label = "a"\nlanguge = "en"\n', ("agent.toml, line 2", "languge", "unknown setting")),
        ('\n[policy.path_target]\ndecision = "yes"\n', ("agent.toml, line 3", "policy.path_target.decision")),
        ("label = \n", ("agent.toml", "line 1")),
    ],
)
def test_wrong_settings_of_the_agent(customer: Customer, text: str, words: tuple[str, ...]) -> None:
    """File, line and key are named before anything is measured."""
    customer.configure(text)
    assert_one_line(customer.run("bundle", "--output", str(customer.folder / "x.zip")), 2, *words)
    assert customer.kept() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('data_folder = "d"\nlink_prot = 7443\n', ("collector.toml", "line 2", "link_prot")),
        ("https_port = 99999\n", ("collector.toml", "line 1", "https_port", "99999")),
        ("public_names = [\n", ("collector.toml", "line")),
    ],
)
def test_wrong_settings_of_the_collector(stand: Stand, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    """The same for `caseprobe-collector`."""
    (tmp_path / "collector.toml").write_text(text)
    assert_one_line(stand.staff("serve", "--config", str(tmp_path / "collector.toml")), 2, *words)


@pytest.mark.parametrize("setting", ["link_port", "https_port"])
def test_a_port_that_is_in_use(stand: Stand, data_folder: Path, tmp_path: Path, setting: str) -> None:
    """The setting to change is named."""
    ports = dict.fromkeys(("link_port", "https_port", "metrics_port"), 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports[setting] = taken.getsockname()[1]
        lines = [f"{name} = {port}" for name, port in ports.items()]
        (tmp_path / "c.toml").write_text(
            "\n".join([f'data_folder = "{data_folder}"', 'link_host = "127.0.0.1"', 'https_host = "127.0.0.1"', *lines])
        )
        assert_one_line(stand.staff("serve", "--config", str(tmp_path / "c.toml")), 2, setting, str(ports[setting]))


def test_a_second_collector_in_the_same_folder(stand: Stand) -> None:
    """It does not start, and the first goes on."""
    stand_settings = str(stand.folder / "collector.toml")
    second = run([*stand.python, "caseprobe_collector", "serve", "--config", stand_settings], stand.environment)
    assert_one_line(second, 2, "another collector runs")
    assert stand.call("GET", "/cases")


# --- disks and rights ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 256 KiB over a folder."""
    (tmp_path / "small").mkdir()
    disk = SmallDisk(tmp_path / "small", 256 << 10)
    yield disk
    disk.close()


@needs_root
def test_no_room_for_the_bundle_costs_no_join_code(stand: Stand, customer: Customer, small_disk: SmallDisk) -> None:
    """Exit 4 before the collector is contacted; with room elsewhere the same code is good."""
    code = stand.bundle_code(stand.case_id)
    before = tuple(small_disk.entrance)
    full = customer.bundle(code, "--output", str(customer.folder / "small" / "x.zip"), before=before)
    assert_one_line(full, 4, "x.zip", "No space left", "make room")
    assert not small_disk.path("x.zip").exists()
    assert customer.bundle(code).code == 0


@needs_root
@pytest.mark.parametrize(
    ("command", "denied"), [("bundle", "output"), ("bundle", "state"), ("enroll", "state"), ("run", "state")]
)
def test_no_right_to_write(customer: Customer, stand: Stand, command: str, denied: str) -> None:
    """The folder is named, and what to do; a join code is not used up."""
    folder = customer.folder / denied
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    arguments = {"bundle": ("--output", f"{folder if denied == 'output' else customer.folder}/x.zip")}
    code = {"bundle": "", "enroll": stand.enrol_code(), "run": ""}[command]
    wanted = (command, *arguments.get(command, ()), *(("-",) if code else ()))
    assert_one_line(customer.run(*wanted, stdin=code, before=UNPRIVILEGED), 2, str(folder))
    if code:
        os.chown(folder, 0, 0)
        folder.chmod(0o700)
        assert customer.run(*wanted, stdin=code).code == 0


# --- what is not installed ---

BLOCKED = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == {missing!r} else PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
sys.argv[1:] = {arguments!r}
from {package}.__main__ import run
sys.exit(run())
"""


@pytest.mark.parametrize(
    ("package", "missing", "arguments"),
    [
        ("caseprobe_collector", "typer", ["init"]),
        ("caseprobe_collector", "fastapi", ["serve"]),
        ("caseprobe_agent", "fastapi", ["demo", "--once"]),
    ],
)
def test_without_the_collectors_extra(
    stand: Stand, data_folder: Path, package: str, missing: str, arguments: list[str]
) -> None:
    """What to install is said."""
    if package == "caseprobe_collector":
        arguments = [*arguments, "--data-folder", str(data_folder)]
    script = BLOCKED.format(missing=missing, package=package, arguments=arguments)
    ended = run([sys.executable, "-c", script], stand.environment)
    assert_one_line(ended, 2, "pip install 'caseprobe[collector]'")


# --- clocks ---


@pytest.mark.skipif(shutil.which("faketime") is None, reason="NOT RUN: needs faketime (Debian: apt install faketime)")
@pytest.mark.parametrize(("shift", "words"), [("-30y", "behind")])
def test_a_clock_that_is_wrong_by_years(stand: Stand, customer: Customer, shift: str, words: str) -> None:
    """The bundle arrives all the same, and the clock's offset is one of its worst findings."""
    case_id = stand.another_case()
    before = ("env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", shift)
    done = customer.bundle(stand.bundle_code(case_id), "--json", before=before)
    assert done.code == 0, done.stderr
    (snapshot,) = stand.snapshots(case_id)
    findings = stand.call("GET", f"/snapshots/{snapshot['snapshot_id']}")["findings"]
    (found,) = [one for one in findings if one["check_id"] == "time.offset"]
    years = abs(float(shift[:-1])) * 365 * 86400
    assert found["state"] == findings[0]["shown_state"]
    assert "time.offset" in [one["check_id"] for one in json.loads(done.stdout)["findings"]]
    assert found["parameters"]["offset_seconds"] == pytest.approx(years, rel=0.01)
    assert words in found["summary"]


def test_faketime_moves_this_machines_clock() -> None:
    """The tool that the test above rests on does what it says."""
    if shutil.which("faketime") is None:
        pytest.skip("NOT RUN: needs faketime (Debian: apt install faketime)")
    year = subprocess.run(["faketime", "-f", "-30y", "date", "+%Y"], capture_output=True, text=True, check=True).stdout
    assert int(year) < 2010
