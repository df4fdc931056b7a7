"""A bundle that did not arrive goes on without a new code, as it was agreed to, and to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from caseprobe.bundle import statement_of
from caseprobe.errors import CaseClosed, Corrupt, JoinCodeUsed, PolicyRefused, UsageError
from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, CONSENT_MODE_STREAMING
from caseprobe_agent.app.importing import import_bundle
from caseprobe_agent.app.sending import own_key_of
from caseprobe_agent.identity.tickets import Tickets
from caseprobe_agent.oneshot import Result
from caseprobe_agent.oneshot.again import key_named_in
from tests import fakes_sos as sos
from tests.fakes_collector import FakeStream
from tests.fakes_oneshot import Desk, FakePerson, open_desk

HELD_BACK = "held back by the test"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that takes everything."""
    async with open_desk(tmp_path) as desk:
        yield desk


async def refuse(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
    """A collector whose case is closed."""
    if frame.HasField("data"):
        refusal = link_pb2.Refusal(code="case_closed", message=HELD_BACK, sequence=frame.data.sequence)
        await stream.send(link_pb2.LinkResponse(refusal=refusal))
    return frame.HasField("data")


async def cut(desk: Desk, person: FakePerson) -> Result:
    """A run whose file was agreed to and did not arrive."""
    desk.collector.behave = refuse
    result = await desk.run(person, code=desk.code())
    assert isinstance(result.failure, CaseClosed)
    desk.collector.behave = None
    return result


async def test_what_was_cut_is_sent_again_without_a_code_or_a_question(desk: Desk) -> None:
    """The same bytes with the same consent; the machine says in one line what it does, and the ticket is used up."""
    result = await cut(desk, FakePerson(True))
    assert len(desk.tickets()) == 1
    nobody = FakePerson(None)
    sent = await desk.send(nobody, result.path)
    [stored] = desk.collector.stored
    assert (sha256(stored.body).digest(), sent.case_id) == (result.sha256, "case_1")
    consents = [one.data.consent for one in desk.collector.got("data") if one.data.HasField("consent")]
    assert statement_of(consents[-1]).mode == CONSENT_MODE_REVIEWED
    assert consents[-1] == consents[0] == result.consent
    assert "the code was already redeemed by this machine; going on with case case_1" in nobody.told
    assert desk.tickets() == []
    assert desk.actions()[-3:] == ["admitted:health", "sending", "sent"]


async def test_the_code_given_again_goes_on_too(desk: Desk) -> None:
    """A new bundle under the same code; the one that was cut is named with what to type for it."""
    path = await desk.kept()
    desk.collector.behave = refuse
    with pytest.raises(CaseClosed):
        await desk.send(FakePerson(True), path, desk.code())
    desk.collector.behave = None
    person = FakePerson(True)
    assert (await desk.run(person, code=desk.code())).delivered
    assert "going on with case case_1" in " ".join(person.told)
    assert any(f"`caseprobe send {path}`" in line for line in person.told)
    assert desk.tickets() == []


async def test_what_nobody_agreed_to_is_asked_about(desk: Desk) -> None:
    """Nobody there, or a no: it stays; a yes to exactly that file sends it, signed as such."""
    path = await desk.kept()
    with pytest.raises(PolicyRefused, match="no terminal"):
        await desk.send(FakePerson(None), path, desk.code())
    assert desk.enrolment.requests == []
    with pytest.raises(PolicyRefused, match="you chose not to"):
        await desk.send(FakePerson(False), path, desk.code())
    assert desk.collector.stored == []
    person = FakePerson(True)
    await desk.send(person, path)
    [(shown, statement)] = person.kept
    assert shown.sha256 == statement.bundle_sha256 == sha256(path.read_bytes()).digest()
    assert (statement.case_id, statement.mode) == ("case_1", CONSENT_MODE_REVIEWED)
    assert len(desk.collector.stored) == 1


async def test_a_bundle_that_met_no_collector_takes_a_code_later(desk: Desk) -> None:
    """Agreed to be sent unseen when it was made: a code is redeemed now, and nothing is asked."""
    path = await desk.kept(case_id="", mode=CONSENT_MODE_STREAMING)
    with pytest.raises(UsageError, match="give a new one with --to"):
        await desk.send(FakePerson(None), path)
    assert (await desk.send(FakePerson(None), path, desk.code())).case_id == "case_1"
    consent = next(one.data.consent for one in desk.collector.got("data"))
    assert statement_of(consent).mode == CONSENT_MODE_STREAMING


@pytest.mark.parametrize("change", ["cut", "altered", "another case", "another key"])
async def test_what_is_not_sent(desk: Desk, change: str) -> None:
    """A file that is not whole, was changed, was made for another case, or by somebody else."""
    path = await desk.kept()
    data = path.read_bytes()
    wanted: type[Exception] = Corrupt
    if change == "cut":
        path.write_bytes(data[:-1])
    elif change == "altered":
        path.write_bytes(data.replace(b"PK\x01\x02", b"PK\x01\x03", 1))
    elif change == "another key":
        (desk.folder / "s" / "one-shot" / "one_shot.key.pem").unlink()
        wanted = UsageError
    else:
        desk.answers_also(case_id="case_2")
        wanted = UsageError
    before = len(desk.collector.got("data"))
    with pytest.raises(wanted):
        await desk.send(FakePerson(True), path, desk.code())
    assert len(desk.collector.got("data")) == before


async def test_a_ticket_that_the_collector_ended_is_forgotten(desk: Desk) -> None:
    """Then the code is not tried again by itself, and the file waits for a new one."""
    path = await desk.kept()
    desk.collector.behave = refuse
    with pytest.raises(CaseClosed):
        await desk.send(FakePerson(True), path, desk.code())
    gone = enrolment_pb2.EnrolError(code="join_code_used", message="its bundle arrived").SerializeToString()
    usual = desk.enrolment.answers
    desk.enrolment.answers = lambda line, body: (409, gone) if line.startswith("POST") else usual(line, body)
    with pytest.raises(JoinCodeUsed):
        await desk.send(FakePerson(True), path)
    with pytest.raises(UsageError, match="give a new one"):
        await desk.send(FakePerson(True), path)


def test_tickets_end_by_the_machines_clock_and_survive_nonsense(tmp_path: Path) -> None:
    """However wrong that clock is, a ticket lasts as long as the collector said; damaged ones are removed."""
    now = datetime(1999, 1, 1, tzinfo=UTC)
    response = enrolment_pb2.EnrolResponse(case_id="case_1")
    response.received_at.FromSeconds(1_800_000_000)
    response.ticket_until.FromSeconds(1_800_000_000 + 3600)
    code = enrolment_pb2.JoinCode(address="a:1", ca_sha256=bytes(32), secret=bytes(16))
    code.purpose = enrolment_pb2.JOIN_PURPOSE_BUNDLE
    Tickets(tmp_path, lambda: now).note(code, response)
    (tmp_path / "ticket-0000.json").write_bytes(b'{"code": 1}')
    [ticket] = Tickets(tmp_path, lambda: now + timedelta(minutes=59)).standing()
    assert (ticket.code, ticket.case_id, ticket.waiting) == (code, "case_1", None)
    assert "secret" not in repr(replace(ticket))
    assert Tickets(tmp_path, lambda: now + timedelta(hours=1)).standing() == []
    assert list(tmp_path.iterdir()) == []


async def test_a_bundle_of_an_imported_machine_is_sent_under_the_key_of_that_machine(desk: Desk) -> None:
    """The case gets it as that machine's, and its ticket is not mixed up with those of the caller's own bundles."""
    archive = desk.folder / "sos.tar.gz"
    archive.write_bytes(sos.sosreport("gz"))
    made = await import_bundle(desk.settings, [archive], desk.folder / "imported.zip")
    sent = await desk.send(FakePerson(True), made.path, desk.code())
    [stored] = desk.collector.stored
    assert sha256(stored.body).digest() == made.sha256 and sent.case_id == "case_1"
    own = (await own_key_of(desk.settings)())[1]
    assert sent.kept.key_id == made.snapshot.agent_id != own
    assert key_named_in(made.path) == sent.kept.key_id and key_named_in(archive) == ""
