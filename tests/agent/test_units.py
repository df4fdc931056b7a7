"""The units that make services of agent, reader and collector: as systemd reads them, and what they start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from caseprobe import installed
from caseprobe.errors import UsageError
from caseprobe_agent import cli
from caseprobe_agent.cli import service
from caseprobe_agent.machine.reads import SOCKET
from caseprobe_agent.reader.confinement import Capability
from caseprobe_agent.reader.readings import ALL
from caseprobe_collector.cli import service as collector_service

NAMES = [
    *((service.PACKAGE, name) for name in service.FILES),
    *((collector_service.PACKAGE, name) for name in collector_service.FILES),
]
UNITS = [(package, name) for package, name in NAMES if not name.endswith(".conf")]
SERVICES = [(package, name) for package, name in UNITS if name.endswith(".service")]
# Of 10; 0 is a service that can do nothing.
EXPOSURE_AT_MOST = 3.0
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="NOT RUN: needs systemd-analyze (Debian: apt install systemd)"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root, to make what belongs to it")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with every unit, for a program that is there."""
    for package, name in UNITS:
        (tmp_path / name).write_text(installed.unit(package, name, Path("/bin/true")))
    return tmp_path


def analyzed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of units in a folder."""
    command = ["systemd-analyze", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
def test_systemd_understands_every_line(written: Path) -> None:
    """No key that it does not know, no value that it does not take, no unit that is missing."""
    done = analyzed(written, "verify", *(f"./{name}" for _, name in UNITS))
    assert (done.returncode, done.stderr.strip()) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", [name for _, name in SERVICES])
def test_a_service_can_do_little_besides_its_work(name: str, written: Path) -> None:
    """By systemd's own count of what is left open."""
    done = analyzed(written, "security", "--offline=true", "--no-pager", f"./{name}")
    found = re.search(r"exposure level for \S+ (\d+\.\d)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) < EXPOSURE_AT_MOST


@pytest.mark.parametrize(("package", "name"), SERVICES)
def test_what_is_started_is_a_command(package: Path, name: str) -> None:
    """With arguments that the command takes."""
    [line] = re.findall(r"^ExecStart=(.*)$", installed.unit(package, name, Path("/opt/x/caseprobe")), re.M)
    program, command, *arguments = line.split()
    assert program == "/opt/x/caseprobe"
    module = "caseprobe_agent" if command in cli.COMMANDS else "caseprobe_collector"
    done = subprocess.run(
        [sys.executable, "-m", module, command, *arguments, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and command in done.stdout


def test_the_readers_unit_allows_what_its_reads_need_and_no_more() -> None:
    """Its capabilities are those of all reads together, its socket the one that the agent asks."""
    text = installed.unit(service.PACKAGE, "caseprobe-reader@.service", Path("/x"))
    [line] = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.M)
    needed = {one for reading in ALL.values() for one in reading.capabilities}
    assert set(line.split()) == {f"CAP_{one.name}" for one in needed} == {f"CAP_{one.name}" for one in Capability}
    assert f"ListenStream={SOCKET}\n" in installed.unit(service.PACKAGE, "caseprobe-reader.socket", Path("/x"))


def test_the_agents_unit_has_no_right_at_all() -> None:
    """No capability, nothing gained by a program, nothing written outside its own folder."""
    lines = installed.unit(service.PACKAGE, "caseprobe.service", Path("/x")).splitlines()
    for line in ("User=caseprobe", "CapabilityBoundingSet=", "AmbientCapabilities=", "NoNewPrivileges=yes"):
        assert line in lines
    assert "ProtectSystem=strict" in lines and not any(line.startswith("ReadWritePaths") for line in lines)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A folder of root's that everybody reaches, with a command in it."""
    folder = Path("/dev/shm") / f"caseprobe-units-{os.getpid()}"
    (folder / "bin").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "bin/caseprobe").touch(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@needs_root
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({}, ""),
        ({"bin": 0o777}, "others than root may change {}/bin, "),
        ({"bin/caseprobe": 0o775}, "others than root may change {}/bin/caseprobe, "),
        ({"bin": 0o700}, "{}/bin is closed to the user of a service"),
    ],
)
def test_what_others_may_change_is_no_service(
    spoil: Mapping[str, int], said: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service of root's would run what they put there; one of another user would not get there."""
    monkeypatch.setattr("sys.argv", [str(own / "bin/caseprobe"), "service"])
    monkeypatch.setattr("sys.executable", "/bin/sh")
    for name, mode in spoil.items():
        (own / name).chmod(mode)
    if not said:
        assert installed.command("caseprobe", own) == own / "bin/caseprobe"
        return
    with pytest.raises(UsageError) as refused:
        installed.command("caseprobe", own)
    assert said.format(own) in str(refused.value)


@needs_root
def test_a_link_is_followed_to_what_it_leads_to(own: Path) -> None:
    """Of a link that is root's, too, what matters is who may change the file that is run."""
    (own / "theirs").touch()
    os.chown(own / "theirs", 65534, 65534)
    (own / "link").symlink_to("theirs")
    assert installed.changeable(own / "link") == own / "theirs"
    assert installed.changeable(own / "bin/caseprobe") is None
    assert installed.changeable(own / "gone") == own / "gone"


@needs_root
def test_what_is_printed_installs_it(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file has its line with the place of this installation, and is printed by its name."""
    monkeypatch.setattr("sys.argv", [str(own / "bin/caseprobe"), "service"])
    monkeypatch.setattr("sys.executable", "/bin/sh")
    monkeypatch.setattr(installed, "closed", lambda _path: None)
    monkeypatch.setattr(installed, "changeable", lambda _path: None)
    assert cli.main(["service"]) == 0
    lines = capsys.readouterr().out
    for name, folder in service.FILES.items():
        assert f"{own}/bin/caseprobe service {name} | sudo tee {folder}/{name}" in lines
        assert cli.main(["service", name]) == 0
        assert capsys.readouterr().out == installed.unit(service.PACKAGE, name, own / "bin/caseprobe")
