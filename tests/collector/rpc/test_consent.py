"""What an owner agreed to, on its way to staff: proved when it comes, shown with its case, a true name to few."""

from __future__ import annotations

import hashlib
import io

import pytest

from caseprobe.bundle import signed_consent, write_bundle
from caseprobe.errors import Corrupt, NotAllowed
from caseprobe.v1 import link_pb2, section_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, ConsentStatement, SignedConsent
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.console.consent import NONE, consent_view
from caseprobe_collector.ingest.assembly import Assembled
from tests.desk import ADMIN, Machine, Rig, signer, snapshot_of

VIEWER = Principal("user", "user_v", "eve", Role.VIEWER, None)
OPERATIONS = Principal("user", "user_o", "otto", Role.OPERATIONS, None)
SUPPORT = Principal("user", "user_s", "sue", Role.SUPPORT, None)


def bundle(machine: Machine) -> tuple[bytes, ConsentStatement]:
    """A small bundle of a machine, and what its owner says to it."""
    stream = io.BytesIO()
    snapshot = snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT)
    snapshot.consent.mode = CONSENT_MODE_REVIEWED
    digest = write_bundle(stream, snapshot, {}, "<!doctype html>", signer(machine))
    said = ConsentStatement(snapshot_id=snapshot.snapshot_id, mode=CONSENT_MODE_REVIEWED, granted_by="user-abc")
    said.text_shown, said.bundle_sha256 = "You agree to send it.", digest
    said.left_out.append("kernel_log")
    return stream.getvalue(), said


def item(content: bytes, consent: SignedConsent) -> Assembled:
    """A bundle as it came over the link."""
    kind, digest = link_pb2.DATA_KIND_BUNDLE, hashlib.sha256(content).digest()
    return Assembled(kind, 1, "snap", len(content), digest, content, consent=consent)


async def test_a_consent_that_fits_is_kept_and_shown(rig: Rig) -> None:
    """Text, time, person's stand-in, hash and what was left out stand with the snapshot, and who signed it."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent = await rig.agent(machine)
    content, said = bundle(machine)
    stored = await rig.ingest.store(agent, "spool", item(content, signed_consent(said, signer(machine))))
    _, snapshot = await rig.evidence.get(VIEWER, stored.snapshot_id)
    view = consent_view(snapshot)
    assert (view.by, view.text, view.left_out) == ("user-abc", "You agree to send it.", ("kernel_log",))
    assert view.sha256 == hashlib.sha256(content).hexdigest()
    assert machine.agent_id in view.proof


@pytest.mark.parametrize("wrong", ["forged", "another file", "another key"])
async def test_a_consent_to_something_else_refuses_the_bundle(rig: Rig, wrong: str) -> None:
    """What nobody agreed to is no evidence."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent = await rig.agent(machine)
    content, said = bundle(machine)
    if wrong == "another file":
        said.bundle_sha256 = bytes(32)
    signed = signed_consent(said, signer(rig.certify() if wrong == "another key" else machine))
    if wrong == "forged":
        signed.statement += b" "
    with pytest.raises(Corrupt, match="consent that came with the bundle does not hold"):
        await rig.ingest.store(agent, "spool", item(content, signed))
    assert await rig.evidence.list_by_agent(ADMIN, machine.agent_id) == []


async def test_what_was_agreed_for_one_case_reaches_no_other(rig: Rig) -> None:
    """Where the key redeemed another case's code meanwhile, the bundle is refused rather than attached to that."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent = await rig.agent(machine)
    content, said = bundle(machine)
    said.case_id = "case_2"
    with pytest.raises(NotAllowed, match="agreed to be sent to 'case_2'"):
        await rig.ingest.store(agent, "spool", item(content, signed_consent(said, signer(machine))))
    assert await rig.evidence.list_by_agent(ADMIN, machine.agent_id) == []
    said.case_id = "case_1"
    await rig.ingest.store(agent, "spool", item(content, signed_consent(said, signer(machine))))
    assert [row.case_id for row in await rig.evidence.list_by_agent(ADMIN, machine.agent_id)] == ["case_1"]


def test_a_snapshot_without_a_record_says_so() -> None:
    """Nothing is made up."""
    assert consent_view(snapshot_pb2.Snapshot()).how == NONE


async def test_a_true_name_is_read_by_those_who_may_ask_for_it(rig: Rig) -> None:
    """To a viewer the answer, and the text that quotes it, are empty; everything else stays."""
    machine = await rig.enrol()
    told = snapshot_of(machine)
    section = told.sections.add(probe="reveal", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.reveal.stand_in, section.reveal.value = "host-abc", "db7"
    told.consent.text_shown = "host-abc stands for: db7"
    async with rig.stream(machine) as stream:
        await stream.next("welcome")
        await stream.deliver(told)
        await stream.next("ack")
    for_viewer = (await rig.evidence.get(VIEWER, told.snapshot_id))[1]
    assert "db7" not in str(for_viewer)
    assert for_viewer.sections[0].reveal.stand_in == "host-abc"
    assert (await rig.evidence.get(SUPPORT, told.snapshot_id))[1].sections[0].reveal.value == "db7"


async def test_who_may_not_read_true_names_may_not_ask_for_them(rig: Rig) -> None:
    """The request is refused before anything is recorded or sent."""
    machine = await rig.enrol()
    request = link_pb2.CommandRequest(deadline_seconds=60.0, reveal=link_pb2.RevealAction(token="host-abc"))
    with pytest.raises(NotAllowed, match="true names"):
        await rig.sessions.request(OPERATIONS, "case_1", machine.agent_id, request)
    asked = await rig.sessions.request(SUPPORT, "case_1", machine.agent_id, request)
    entry = next(row for row in await rig.storage.audit.list_audit() if row.action == "session.request")
    assert (entry.object, "reveal host-abc" in entry.detail) == (asked.session_id, True)
