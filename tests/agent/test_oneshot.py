"""The customer's flow against a real enrolment server and a real link on loopback: what is sent is what was shown."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader, consent_fault, statement_of
from caseprobe.errors import CaseClosed, PolicyRefused, Unreachable, UsageError
from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, CONSENT_MODE_STREAMING
from caseprobe.v1.section_pb2 import PROBE_OUTCOME_SKIPPED
from caseprobe_agent.app import one_shot
from caseprobe_agent.config import load
from caseprobe_agent.oneshot import Order
from caseprobe_agent.oneshot.choice import LEFT_OUT, NO_LOGS
from tests.fakes_collector import FakeStream
from tests.fakes_oneshot import Desk, FakePerson, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that takes everything."""
    async with open_desk(tmp_path) as desk:
        yield desk


async def test_what_is_sent_is_what_was_shown(desk: Desk) -> None:
    """The bytes that arrive are the file's, as it was when the person looked at it, and it proves itself."""
    person = FakePerson(True)
    shown: list[bytes] = []
    person.meanwhile = lambda: shown.append((desk.folder / "out.zip").read_bytes())
    result = await desk.run(person, code=desk.code())
    (stored,) = desk.collector.stored
    assert (stored.kind, stored.body) == (link_pb2.DATA_KIND_BUNDLE, shown[0])
    assert result.delivered
    assert sha256(stored.body).digest() == result.sha256
    verdict = BundleReader(io.BytesIO(stored.body)).verify()
    assert (verdict.complete, verdict.hashes_ok, verdict.signed_by) == (True, True, "one-shot")
    assert desk.actions() == ["admitted:health", "sending", "sent"]


async def test_the_snapshot_says_whose_it_is_and_who_agreed(desk: Desk) -> None:
    """Case, agent, consent text and the clock's offset travel along; the person's name is masked."""
    result = await desk.run(FakePerson(True), code=desk.code())
    snapshot = BundleReader(io.BytesIO(desk.collector.stored[0].body)).snapshot()
    assert snapshot.case_id == "case_1"
    assert snapshot.agent_id == desk.collector.streams[0].hello.agent_id == result.snapshot.agent_id
    assert snapshot.consent.mode == CONSENT_MODE_REVIEWED
    assert "case_1" in snapshot.consent.text_shown
    assert snapshot.consent.shown_sha256
    assert "anna" not in str(snapshot)
    clock = next(section.clock for section in snapshot.sections if section.probe == "clock")
    assert abs(clock.offset_seconds) < 60
    assert {"system", "memory"} <= {section.probe for section in snapshot.sections}


async def test_a_time_window_is_stated_wherever_the_bundle_is_read(desk: Desk) -> None:
    """In the snapshot and on its page, with the owner's words behind stand-ins; logs of another time stay out."""
    window = snapshot_pb2.TimeWindow(origin="marks", from_text="login of bert@example.com")
    window.from_at.FromSeconds(1000)
    window.to_at.FromSeconds(2000)
    result = await desk.run(FakePerson(None), window=window, exclude=())
    reader = BundleReader(io.BytesIO(result.path.read_bytes()))
    snapshot = reader.snapshot()
    assert (snapshot.window.from_at.seconds, snapshot.window.to_at.seconds, snapshot.window.origin) == (
        1000,
        2000,
        "marks",
    )
    assert "bert" not in snapshot.window.from_text
    assert "1970-01-01 00:16:40" in reader.read("report.html").decode()
    logs = [section.kernel_log.lines_total for section in snapshot.sections if section.HasField("kernel_log")]
    assert sum(logs) == 0


async def test_the_consent_is_signed_for_exactly_the_file_that_was_sent(desk: Desk) -> None:
    """Who, when, on which text, what was left out, and the hash of the bytes: by the key that signed the bundle."""
    person = FakePerson(True)
    person.meanwhile = lambda: person.previews[0].drop(["memory"])
    result = await desk.run(person, code=desk.code())
    (stored,) = desk.collector.stored
    signed = next(one.data.consent for one in desk.collector.got("data"))
    assert (
        consent_fault(signed, result.snapshot.agent_id, result.snapshot.snapshot_id, sha256(stored.body).digest()) == ""
    )
    said = statement_of(signed)
    assert (said.mode, said.case_id, list(said.left_out)) == (CONSENT_MODE_REVIEWED, "case_1", ["memory"])
    assert said.text_shown == person.previews[0].addressee.consent_text
    assert said.granted_by.startswith("user-")
    assert said.bundle_bytes == len(stored.body)
    assert "memory" not in {
        one.WhichOneof("facts") for one in BundleReader(io.BytesIO(stored.body)).snapshot().sections
    }


async def test_a_file_that_somebody_changes_while_it_is_looked_at_is_not_sent(desk: Desk) -> None:
    """The yes was to other bytes: nothing leaves, and the reason is told and written down."""
    person = FakePerson(True)
    person.meanwhile = lambda: (desk.folder / "out.zip").write_bytes(b"something else")
    result = await desk.run(person, code=desk.code())
    assert "changed after you saw it" in str(result.failure)
    assert desk.collector.stored == []
    assert desk.actions()[-1] == "not sent"


@pytest.mark.parametrize(("answer", "why"), [(False, "you chose not to"), (None, "no terminal to ask on and no grant")])
async def test_without_a_yes_nothing_is_sent(desk: Desk, answer: bool | None, why: str) -> None:
    """A no, or nobody there: the file is kept, not a byte of it left, and the reason is said."""
    result = await desk.run(FakePerson(answer), code=desk.code())
    assert isinstance(result.failure, PolicyRefused)
    assert why in str(result.failure)
    assert BundleReader(io.BytesIO(result.path.read_bytes())).complete
    assert desk.collector.streams == []
    assert desk.actions()[-1] == "kept"
    # A join code is good once: where nobody can agree it is not even shown to the collector.
    assert bool(desk.enrolment.requests) == (answer is not None)


async def test_no_preview_is_recorded_as_such(desk: Desk) -> None:
    """Sent unseen because the caller said so, and the consent record says so too."""
    result = await desk.run(FakePerson(None), code=desk.code(), no_preview=True)
    assert result.delivered
    assert result.snapshot.consent.mode == CONSENT_MODE_STREAMING


async def test_without_a_join_code_it_is_a_file_and_no_connection(desk: Desk) -> None:
    """Nothing is contacted, and the file proves itself with the caller's own key."""
    result = await desk.run(FakePerson(None))
    assert result.failure is None
    assert desk.enrolment.requests == []
    with result.path.open("rb") as file:
        assert BundleReader(file).verify().signed_by == "one-shot"
    assert result.path.stat().st_mode & 0o777 == 0o600


async def test_a_collector_that_is_away_does_not_cost_the_measurement(desk: Desk) -> None:
    """Enrolment fails, the bundle is made and kept."""
    code = desk.code()
    code.address = "127.0.0.1:1"
    result = await desk.run(FakePerson(True), code=code)
    assert isinstance(result.failure, Unreachable)
    assert result.measured
    assert result.path.exists()


async def test_a_refusal_by_the_collector_names_its_reason_and_keeps_the_file(desk: Desk) -> None:
    """A closed case: one error with the collector's own code."""

    async def refuse(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        if frame.HasField("data"):
            refusal = link_pb2.Refusal(code="case_closed", message="case_1 is closed", sequence=frame.data.sequence)
            await stream.send(link_pb2.LinkResponse(refusal=refusal))
            return True
        return False

    desk.collector.behave = refuse
    result = await desk.run(FakePerson(True), code=desk.code())
    assert isinstance(result.failure, CaseClosed)
    assert result.path.exists()
    assert desk.actions()[-1] == "not sent"


async def test_the_join_code_is_nowhere_in_what_leaves(desk: Desk) -> None:
    """The secret of this run is not in its own evidence."""
    secret = "CP1-AAAAA-BBBBB"
    await desk.run(FakePerson(True), code=desk.code(), join_text=secret)
    reader = BundleReader(io.BytesIO(desk.collector.stored[0].body))
    assert all(secret.encode() not in reader.read(name) for name in reader.names())


async def test_the_machines_name_is_not_told(desk: Desk) -> None:
    """A one-shot run says its name neither on enrolment nor on the link."""
    await desk.run(FakePerson(True), code=desk.code())
    asked = enrolment_pb2.EnrolRequest.FromString(desk.enrolment.requests[-1][1])
    assert asked.machine_label == "one-shot"
    sent = BundleReader(io.BytesIO(desk.collector.stored[0].body)).snapshot()
    called = desk.collector.streams[0].hello.machine_label
    assert called == next(section.system.host_name for section in sent.sections if section.HasField("system"))
    assert called.startswith("host-") and platform.node() not in called


async def test_a_file_that_is_there_is_not_replaced(desk: Desk) -> None:
    """The owner's files are safe from us."""
    (desk.folder / "out.zip").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        await desk.run(FakePerson(True))
    assert (desk.folder / "out.zip").read_text() == "mine"


async def test_what_policy_denies_is_not_measured(desk: Desk) -> None:
    """Root's policy binds a one-shot run too."""
    (desk.folder / "agent.toml").write_text('[policy]\nhealth = "deny"\n')
    with pytest.raises(PolicyRefused, match="policy denies health"):
        await desk.run(FakePerson(True))
    assert not (desk.folder / "out.zip").exists()


async def test_the_notices_of_the_collector_reach_the_person(desk: Desk) -> None:
    """Stored but not attached is said, with the reason."""

    async def notice(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
        data = frame.data
        if not frame.HasField("data") or data.offset + len(data.payload) < data.total_bytes:
            return frame.HasField("data")
        ack = link_pb2.Ack(sequence=data.sequence, notice_code="case_closed", notice="kept on the machine's page")
        await stream.send(link_pb2.LinkResponse(ack=ack))
        return True

    desk.collector.behave = notice
    result = await desk.run(FakePerson(True), code=desk.code())
    assert result.notices == ("kept on the machine's page",)


async def test_findings_in_the_bundle_are_those_of_its_snapshot(desk: Desk) -> None:
    """findings.json and snapshot.json say the same."""
    result = await desk.run(FakePerson(None))
    reader = BundleReader(io.BytesIO(result.path.read_bytes()))
    listed = [one["check_id"] for one in json.loads(reader.read("findings.json"))]
    assert listed == [one.check_id for one in reader.snapshot().findings]


async def test_what_was_left_out_is_a_gap_with_its_reason(tmp_path: Path) -> None:
    """By the policy of the machine, or as asked for: a section without facts that says so, and no log anywhere."""
    (tmp_path / "agent.toml").write_text('[policy]\nlogs = "deny"\n')
    environment = {"CASEPROBE_CONFIG_FOLDER": str(tmp_path), "CASEPROBE_STATE_FOLDER": str(tmp_path / "s")}
    written: list[bool] = []
    shot = await one_shot.build(load(environment, {}), FakePerson(None))
    shot = replace(shot, written=lambda: written.append((tmp_path / "out.zip").exists()))
    result = await shot.run(Order("quick", 30.0, tmp_path / "out.zip", exclude=("memory",)))
    gaps = {one.probe: one.reason for one in result.snapshot.sections if one.outcome == PROBE_OUTCOME_SKIPPED}
    assert gaps == {"memory": LEFT_OUT, **dict.fromkeys(("kernel_log", "system_log"), NO_LOGS)}
    assert (list(result.snapshot.artifacts), written) == ([], [True])
