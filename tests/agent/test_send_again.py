"""A bundle that did not arrive goes on without a new code, as it was agreed to, and to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from caseprobe.bundle import statement_of
from caseprobe.bundle.age import recipient_of
from caseprobe.errors import CaseClosed, Corrupt, DeliveryError, JoinCodeUsed, PolicyRefused, UsageError
from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, CONSENT_MODE_STREAMING, Grant
from caseprobe_agent.app import one_shot
from caseprobe_agent.app.importing import import_bundle
from caseprobe_agent.app.sending import own_key_of
from caseprobe_agent.identity.tickets import Tickets, Waiting
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
    with pytest.raises(UsageError, match="give a new code with --to"):
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
    with pytest.raises(UsageError, match="give a new code"):
        await desk.send(FakePerson(True), path)


async def test_what_was_agreed_to_for_one_collector_is_asked_again_for_another(desk: Desk) -> None:
    """Both may call their case alike: who gets it is part of what was agreed to."""
    result = await cut(desk, FakePerson(True))
    tickets = Tickets(desk.folder / "s" / "one-shot", lambda: datetime.now(UTC))
    [ticket] = tickets.standing()
    assert ticket.waiting is not None
    other = elsewhere(ticket.code)
    tickets.note(other, answered(3600))
    tickets.expect(other, ticket.waiting)
    with pytest.raises(UsageError, match="codes of two collectors"):
        await desk.send(FakePerson(None), result.path)
    tickets.forget(ticket.code)
    with pytest.raises(PolicyRefused, match="no terminal"):
        await desk.send(FakePerson(None), result.path, desk.code())
    person = FakePerson(True)
    assert (await desk.send(person, result.path, desk.code())).case_id == "case_1"
    assert len(person.kept) == 1


async def test_what_went_unseen_by_a_grant_is_asked_about_once_the_grant_is_gone(desk: Desk) -> None:
    """What was signed under it holds no more either; what its owner says then holds as ever."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING, grant="terms")
    with pytest.raises(PolicyRefused, match="no terminal"):
        await desk.send(FakePerson(None), path, desk.code())
    assert desk.enrolment.requests == []
    desk.collector.behave = refuse
    granted = replace(await one_shot.build_again(desk.settings, FakePerson(None)), standing_grant=lambda case: Grant())
    with pytest.raises(CaseClosed):
        await granted.run(await granted.errand(path, desk.code()))
    with pytest.raises(PolicyRefused, match="no terminal"):
        await desk.send(FakePerson(None), path)
    person = FakePerson(True)
    with pytest.raises(CaseClosed):
        await desk.send(person, path, desk.code())
    assert [statement.mode for _, statement in person.kept] == [CONSENT_MODE_REVIEWED]
    desk.collector.behave = None
    assert (await desk.send(FakePerson(None), path)).case_id == "case_1"


@pytest.mark.parametrize("met", [False, True])
async def test_what_to_type_names_a_code_only_where_none_is_left(desk: Desk, met: bool) -> None:
    """A code that met no collector is to be given again; one that was redeemed left a ticket. Encrypted stays so."""
    desk.answers_also(recipient=recipient_of(bytes(range(32))))
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    code = desk.code() if met else desk.code(address="127.0.0.1:1")
    desk.collector.behave = refuse
    again = await one_shot.build_again(desk.settings, FakePerson(None))
    errand = await again.errand(path, code, encrypt=True)
    with pytest.raises(DeliveryError) as failed:
        await again.run(errand)
    assert isinstance(failed.value, DeliveryError)
    needed = "" if met else " --to JOINCODE"
    assert again.command(errand, failed.value) == f"caseprobe send {path}{needed} --encrypt"


async def test_a_file_that_vanished_while_it_was_looked_at_is_named(desk: Desk) -> None:
    """Not an error of the program, and the ticket stands for a new one."""
    person = FakePerson(True, meanwhile=lambda: (desk.folder / "out.zip").unlink())
    result = await desk.run(person, code=desk.code())
    assert isinstance(result.failure, UsageError) and "out.zip is gone" in str(result.failure)
    path = await desk.kept()
    with pytest.raises(UsageError, match=r"kept\.zip cannot be read: No such file"):
        await desk.send(FakePerson(True, meanwhile=path.unlink), path, desk.code())
    assert desk.actions()[-1] == "not sent" and len(desk.tickets()) == 1


CODE = enrolment_pb2.JoinCode(
    address="a:1", ca_sha256=bytes(32), secret=bytes(16), purpose=enrolment_pb2.JOIN_PURPOSE_BUNDLE
)


def elsewhere(code: enrolment_pb2.JoinCode) -> enrolment_pb2.JoinCode:
    """A code of another collector."""
    other = enrolment_pb2.JoinCode(ca_sha256=b"o" * 32, secret=b"o" * 16)
    changed = enrolment_pb2.JoinCode.FromString(code.SerializeToString())
    changed.MergeFrom(other)
    return changed


def answered(lasts_seconds: int, received: float = 1_800_000_000) -> enrolment_pb2.EnrolResponse:
    """What a collector says to a code, with a ticket that lasts so long."""
    response = enrolment_pb2.EnrolResponse(case_id="case_1")
    response.received_at.FromSeconds(int(received))
    response.ticket_until.FromSeconds(int(received) + lasts_seconds)
    return response


@pytest.mark.parametrize(("said", "hours"), [(3600, 1), (10**11, 72), (-(10**10), None)])
def test_a_ticket_lasts_no_longer_than_any_does(tmp_path: Path, said: int, hours: int | None) -> None:
    """Whatever a collector says of it: years, or that it ended before it was given."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tickets = Tickets(tmp_path, lambda: now)
    tickets.note(CODE, answered(said))
    assert [one.until_at for one in tickets.standing()] == ([now + timedelta(hours=hours)] if hours else [])


def test_two_codes_for_one_case_keep_their_own_tickets(tmp_path: Path) -> None:
    """What is sent under the older is not noted under the newer, and the newer stands when it arrived."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tickets, newer = Tickets(tmp_path, lambda: now), elsewhere(CODE)
    tickets.note(CODE, answered(3600))
    tickets.note(newer, answered(7200))
    tickets.expect(CODE, Waiting(tmp_path / "a.zip", bytes(32), None, "age1x", b"s"))
    assert [one.code for one in tickets.of_file(bytes(32))] == [CODE]
    tickets.forget(CODE)
    assert [(one.code, one.waiting) for one in tickets.standing()] == [(newer, None)]


def test_tickets_end_by_the_machines_clock_and_survive_nonsense(tmp_path: Path) -> None:
    """However wrong it is, a ticket lasts as long as the collector said, and a clock that jumps removes none."""
    now, code = datetime(1999, 1, 1, tzinfo=UTC), CODE
    Tickets(tmp_path, lambda: now).note(code, answered(3600))
    (tmp_path / "ticket-0000.json").write_bytes(b'{"code": 1}')
    [ticket] = Tickets(tmp_path, lambda: now + timedelta(minutes=59)).standing()
    assert (ticket.code, ticket.case_id, ticket.waiting) == (code, "case_1", None)
    assert "secret" not in repr(replace(ticket))
    later = now + timedelta(hours=1)
    assert Tickets(tmp_path, lambda: later).standing() == []
    Tickets(tmp_path, lambda: later).note(elsewhere(code), answered(3600))
    assert len(Tickets(tmp_path, lambda: now).standing()) == 2
    Tickets(tmp_path, lambda: later).note(elsewhere(code), answered(3600, later.timestamp()))
    assert [one.code for one in Tickets(tmp_path, lambda: now).standing()] == [elsewhere(code)]


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
