"""The customer's side of one-shot flows: a support desk on loopback, a person in front of the machine."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caseprobe.bundle import write_bundle
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, ConsentMode, ConsentStatement
from caseprobe_agent.app import one_shot
from caseprobe_agent.app.sending import own_key_of
from caseprobe_agent.audit import parse, verify
from caseprobe_agent.config import Settings, load
from caseprobe_agent.oneshot import Order, Result
from caseprobe_agent.oneshot.again import Kept, Sent, key_named_in
from caseprobe_agent.oneshot.preview import Preview
from caseprobe_agent.seal.pipe import signer_of
from tests.fakes_collector import FakeCollector, running
from tests.fakes_link import EnrolmentServer, TestAuthority, enrolling, join_code, run_here

AUTHORITY = TestAuthority()


@dataclass
class FakePerson:
    """Somebody who answers what a test wants, or who is not there (answer None)."""

    answer: bool | None
    name: str = "anna"
    told: list[str] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    kept: list[tuple[Kept, ConsentStatement]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    @property
    def present(self) -> bool:
        """Whether there is anybody to ask."""
        return self.answer is not None

    def tell(self, line: str) -> None:
        """Remember what was told."""
        self.told.append(line)

    def agree(self, preview: Preview) -> bool:
        """Remember what was shown."""
        self.previews.append(preview)
        self.meanwhile()
        return bool(self.answer)

    def agree_to_kept(self, kept: Kept, statement: ConsentStatement, case_title: str) -> bool:
        """Remember what was asked about a file that was there already."""
        self.kept.append((kept, statement))
        self.meanwhile()
        return bool(self.answer)


@dataclass(frozen=True)
class Held:
    """A profile `slow` in a folder of settings, one item of which does not end before it is let go."""

    pipe: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Held:
        """Declare it."""
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        command = json.dumps(["/usr/bin/head", "-c", "1", str(pipe)])
        (folder / "bundle.toml").write_text(
            f'[profiles.slow]\nbase = "quick"\ninclude = ["site.slow"]\n'
            f'[site_probes.slow]\ncommand = {command}\nwhy = "It waits."\ntimeout_seconds = 20\n'
        )
        return cls(pipe)

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """From now on it ends, whichever child runs it."""
        end = os.open(self.pipe, os.O_RDWR)
        try:
            os.write(end, b"x" * 100)
            yield
        finally:
            os.close(end)


@dataclass
class Desk:
    """A support desk on loopback: enrolment over HTTPS, link over gRPC; and the customer's folders."""

    enrolment: EnrolmentServer
    collector: FakeCollector
    folder: Path

    @property
    def settings(self) -> Settings:
        """The customer's, with all folders in the test's."""
        return load({"CASEPROBE_CONFIG_FOLDER": str(self.folder), "CASEPROBE_STATE_FOLDER": str(self.folder / "s")}, {})

    async def run(self, person: FakePerson, **order: object) -> Result:
        """One run of the customer's flow; without logs, which are most of the work, unless these are asked for."""
        usual = {"profile": "quick", "deadline_seconds": 60.0, "output": self.folder / "out.zip", "exclude": ("logs",)}
        wanted = {**usual, **order}
        return await (await one_shot.build(self.settings, person, run=run_here)).run(Order(**wanted))  # type: ignore[arg-type]

    async def send(
        self, person: FakePerson, path: Path, code: enrolment_pb2.JoinCode | None = None, encrypt: bool = False
    ) -> Sent:
        """Send a bundle that was kept."""
        again = await one_shot.build_again(self.settings, person, key_named_in(path), run_here)
        return await again.run(await again.errand(path, code, encrypt))

    async def kept(
        self, case_id: str = "case_1", mode: ConsentMode.ValueType = CONSENT_MODE_REVIEWED, grant: str = ""
    ) -> Path:
        """A small bundle of this user's key that nobody sent."""
        private, agent_id = await own_key_of(self.settings)()
        snapshot = snapshot_pb2.Snapshot(snapshot_id=f"snap_{1:032x}", agent_id=agent_id, case_id=case_id)
        snapshot.consent.mode = mode
        if grant:
            snapshot.consent.grant.terms = grant.encode()
        path = self.folder / "kept.zip"
        with path.open("wb") as file:
            write_bundle(file, snapshot, {}, "<!doctype html>", signer_of(private, "one-shot"))
        return path

    def answers_also(self, **fields: object) -> None:
        """From now on the answer to a join code says this, too."""
        usual = self.enrolment.answers

        def answers(line: str, body: bytes) -> tuple[int, bytes]:
            status, answer = usual(line, body)
            if not line.startswith("POST"):
                return status, answer
            response = enrolment_pb2.EnrolResponse.FromString(answer)
            for name, value in fields.items():
                setattr(response, name, value)
            return status, response.SerializeToString()

        self.enrolment.answers = answers

    def code(self, **change: object) -> enrolment_pb2.JoinCode:
        """A join code for one bundle."""
        return join_code(self.enrolment, purpose=enrolment_pb2.JOIN_PURPOSE_BUNDLE, **change)

    def tickets(self) -> list[Path]:
        """What redeemed codes left on the machine."""
        return sorted((self.folder / "s" / "one-shot").glob("ticket-*.json"))

    def actions(self) -> list[str]:
        """What the machine's own audit says, whole."""
        lines = (self.folder / "s" / "audit.jsonl").read_text().splitlines()
        assert verify(lines) is None
        return [parse(line).action for line in lines]


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """A desk that takes everything."""
    async with running(FakeCollector(AUTHORITY)) as collector:
        answers = enrolling(AUTHORITY, time.time(), f"127.0.0.1:{collector.port}")
        async with EnrolmentServer(AUTHORITY, answers).running(folder) as enrolment:
            yield Desk(enrolment, collector, folder)
