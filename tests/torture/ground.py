"""What every run stands on: one collector's data folder with enrolled machines, made once and copied for each run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caseprobe_agent import identity
from caseprobe_agent.demo import Demo, free_ports
from caseprobe_agent.identity import Identity
from tests.torture.processes import Child, Forge, apart

PORT_NAMES = ("link_port", "https_port", "console_http_port", "metrics_port")
MACHINES = 50
# What most runs work with.
FLEET = 8


@dataclass(frozen=True)
class Template:
    """An enrolled fleet: the collector's folder, the machines' identities, a staff token."""

    folder: Path
    ports: tuple[int, ...]
    case_id: str
    token: str
    machines: list[Identity]

    @property
    def fleet(self) -> list[Identity]:
        """The few that load a collector well enough."""
        return self.machines[:FLEET]


@dataclass
class Ground:
    """One torture's working folder and what it started."""

    folder: Path
    template: Template
    mutant: str = ""
    _forges: dict[tuple[str, ...], Forge] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1 << 30)))

    def forge(self, module: str, entrance: Sequence[str] = ()) -> Forge:
        """The forge for this command behind this entrance."""
        key = (module, *entrance)
        if key not in self._forges:
            self._forges[key] = Forge(module, entrance, self.mutant)
        return self._forges[key]

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """A fresh folder for one run, gone afterwards."""
        path = self.folder / f"run-{next(self._numbers)}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def furnish(self, folder: Path) -> Path:
        """A copy of the collector's data folder there, without its reserve, which it makes anew."""
        without = shutil.ignore_patterns("reserve")
        return Path(shutil.copytree(self.template.folder / "collector", folder, dirs_exist_ok=True, ignore=without))

    def forget(self, *entrances: Sequence[str]) -> None:
        """End the forges behind these entrances, which lead nowhere any more."""
        for key in [key for key in self._forges if key[1:] in {tuple(one) for one in entrances}]:
            self._forges.pop(key).close()

    def close(self) -> None:
        """End the forges."""
        for forge in self._forges.values():
            forge.close()


class Collector:
    """`caseprobe-collector serve` over one data folder, started and killed as often as a run wants."""

    def __init__(
        self,
        ground: Ground,
        data: Path,
        *,
        log: Path,
        host: str = "127.0.0.1",
        entrance: Sequence[str] = (),
        ports: Sequence[int] = (),
        forge: Forge | None = None,
    ) -> None:
        self._ground = ground
        self._forge = forge or ground.forge("caseprobe_collector", entrance)
        self.data = data
        self._host = host
        self.ports = tuple(ports) or ground.template.ports
        self.log = log
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """host:port of the link."""
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def child(self) -> Child:
        """The process."""
        assert self._child is not None, "the collector was not started"
        return self._child

    async def start(self, file_bytes: int = 0) -> float:
        """Start it and wait until it serves; gives the seconds. RuntimeError with its words where it ends instead."""
        begin = time.monotonic()
        named = {name.upper(): str(port) for name, port in zip(PORT_NAMES, self.ports, strict=True)}
        settings = {f"CASEPROBE_COLLECTOR_{name}": port for name, port in named.items()}
        settings |= {
            "CASEPROBE_COLLECTOR_DATA_FOLDER": str(self.data),
            "CASEPROBE_COLLECTOR_LINK_HOST": self._host,
            "CASEPROBE_COLLECTOR_HTTPS_HOST": "127.0.0.1",
            "CASEPROBE_COLLECTOR_PUBLIC_NAMES": self._host,
        }
        child = self._forge.start(["serve", "--json"], self.log, settings, file_bytes)
        if not await apart(child.line):
            child.kill()
            raise RuntimeError(f"the collector does not start: {child.words()}")
        self._child = child
        return time.monotonic() - begin

    async def kill(self) -> None:
        """SIGKILL."""
        await apart(self.child.kill)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._child is not None:
            self._child.kill()

    def get(self, path: str) -> Any:
        """What the API answers."""
        return json.loads(self.fetch(path))

    def ready(self) -> Any:
        """What `/readyz` says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[2]}/readyz", timeout=30) as answer:
            return json.loads(answer.read())

    def fetch(self, path: str) -> bytes:
        """The bytes of an answer."""
        headers = {"Authorization": f"Bearer {self._ground.template.token}"}
        url = f"http://127.0.0.1:{self.ports[2]}/api/v1{path}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            body: bytes = answer.read()
            return body

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the API answers to a request that changes something."""
        headers = {"Authorization": f"Bearer {self._ground.template.token}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.ports[2]}/api/v1{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def broken_ground(mutant: str = "", machines: int = MACHINES, where: Path | None = None) -> Iterator[Ground]:
    """A collector made and machines enrolled by the public commands and the real enrolment; then only copies."""
    with TemporaryDirectory(prefix="caseprobe-torture-", dir=where, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        ground = Ground(folder, _template(folder / "template", machines), mutant)
        try:
            yield ground
        finally:
            ground.close()


def _template(folder: Path, machines: int) -> Template:
    folder.mkdir()
    stage = Demo(folder, lambda line: None)
    try:
        stage.open_collector()
        case_id = stage.open_case()
        customer_id = stage.call("GET", f"/cases/{case_id}")["case"]["customer_id"]
        body = {"customer_id": customer_id, "uses": machines}
        code = identity.parse_join_code(stage.call("POST", "/join-codes", body)["text"])
        enrolled = asyncio.run(_enrol(code, folder / "machines", machines))
        ports = _ports(folder / "collector.toml")
    finally:
        stage.stop()
    return Template(folder, ports, case_id, stage.token, enrolled)


async def _enrol(code: Any, folder: Path, machines: int) -> list[Identity]:
    """Machines with keys of their own, by the enrolment that `caseprobe enroll` makes."""
    folder.mkdir()

    async def prepare(function: Any, request: bytes, seconds: float) -> bytes:
        return bytes(function(request))

    return [
        (await identity.enrol(code, folder / str(number), f"machine {number}", "linux", run=prepare)).identity
        for number in range(machines)
    ]


def _ports(settings: Path) -> tuple[int, ...]:
    lines = dict(line.split(" = ", 1) for line in settings.read_text().splitlines())
    return tuple(int(lines[name]) for name in PORT_NAMES)


def more_ports() -> tuple[int, ...]:
    """Ports for a second collector beside the first."""
    return tuple(free_ports(len(PORT_NAMES)))


def commit() -> str:
    """The commit that runs, with a plus where the tree differs from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return done.stdout.strip() or "unknown"


def interpreter() -> list[str]:
    """How a command is started that must be executed, not forked."""
    return [sys.executable, "-m"]


def plain_environment() -> dict[str, str]:
    """Ours, without settings of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CASEPROBE_")}
