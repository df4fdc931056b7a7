"""A bundle that is to be encrypted leaves encrypted, or not at all."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader, bech32, statement_of
from caseprobe.bundle.age import check_recipient, decrypt, recipient_of
from caseprobe.errors import CaseClosed, JoinCodeUsed, RedactionError, Refused, UsageError
from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.oneshot.sealing import sealed_copy
from tests.fakes_collector import FakeStream
from tests.fakes_oneshot import Desk, FakePerson, open_desk

SECRET = bytes(range(32))
KEY = recipient_of(SECRET)
SEALED = link_pb2.DATA_KIND_BUNDLE_SEALED


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that takes everything."""
    async with open_desk(tmp_path) as desk:
        yield desk


def opened(content: bytes) -> bytes:
    """What the collector's key finds in a file."""
    plain = io.BytesIO()
    decrypt(io.BytesIO(content), plain.write, SECRET)
    return plain.getvalue()


async def refuse(stream: FakeStream, frame: link_pb2.LinkRequest) -> bool:
    """A collector whose case is closed."""
    if frame.HasField("data"):
        refusal = link_pb2.Refusal(code="case_closed", message="closed", sequence=frame.data.sequence)
        await stream.send(link_pb2.LinkResponse(refusal=refusal))
    return frame.HasField("data")


@pytest.mark.parametrize("by", ["its code", "its owner"])
async def test_what_arrives_only_the_collectors_key_opens(desk: Desk, by: str) -> None:
    """The bundle's own bytes go nowhere; what was agreed to speaks of the bundle; the copy is gone afterwards."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    desk.answers_also(recipient=KEY)
    code = desk.code(recipient=KEY) if by == "its code" else desk.code()
    await desk.send(FakePerson(None), path, code, encrypt=by == "its owner")
    [stored] = desk.collector.stored
    assert (stored.kind, opened(stored.body)) == (SEALED, path.read_bytes())
    consent = next(one.data.consent for one in desk.collector.got("data"))
    assert statement_of(consent).bundle_sha256 == sha256(path.read_bytes()).digest()
    assert [one.name for one in desk.folder.glob("kept.zip*")] == ["kept.zip"]


@pytest.mark.parametrize("fault", ["a broken key", "no key", "a file in the way"])
async def test_where_it_cannot_be_encrypted_nothing_leaves(desk: Desk, fault: str) -> None:
    """No way back to the plain file, and no half copy beside it."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    code = desk.code(recipient=KEY[:-1] + "x") if fault == "a broken key" else desk.code()
    if fault == "a file in the way":
        desk.answers_also(recipient=KEY)
        (desk.folder / "kept.zip.age").write_text("mine")
    with pytest.raises((UsageError, Refused)):
        await desk.send(FakePerson(None), path, code, encrypt=fault != "a broken key")
    assert desk.collector.got("data") == []
    assert (desk.folder / "kept.zip.age").exists() == (fault == "a file in the way")
    assert desk.actions()[-1] == ("admitted:health" if fault == "no key" else "not sent")


async def test_a_cut_upload_goes_on_with_the_same_copy(desk: Desk) -> None:
    """Encrypted anew it would be another file; and it stays encrypted without being asked for again."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    desk.answers_also(recipient=KEY)
    desk.collector.behave = refuse
    with pytest.raises(CaseClosed):
        await desk.send(FakePerson(None), path, desk.code(), encrypt=True)
    copy = (desk.folder / "kept.zip.age").read_bytes()
    desk.collector.behave = None
    await desk.send(FakePerson(None), path)
    [stored] = desk.collector.stored
    assert (stored.kind, stored.body) == (SEALED, copy)


async def test_what_was_to_be_encrypted_is_never_sent_plain(desk: Desk) -> None:
    """Where it could not be at first, the next try encrypts it without being told to."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    desk.answers_also(recipient=KEY)
    (desk.folder / "kept.zip.age").write_text("mine")
    with pytest.raises(UsageError, match="in the way"):
        await desk.send(FakePerson(None), path, desk.code(), encrypt=True)
    (desk.folder / "kept.zip.age").unlink()
    await desk.send(FakePerson(None), path)
    assert [one.kind for one in desk.collector.stored] == [SEALED]


@pytest.mark.parametrize("left", ["half a copy", "a copy for another key", "a copy that nothing knows of"])
async def test_what_an_earlier_try_left_is_made_anew(desk: Desk, left: str) -> None:
    """It neither stands in the way nor is sent to who cannot open it."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    if left == "half a copy":
        (desk.folder / "kept.zip.age.new").write_bytes(b"age-encry")
    else:
        desk.collector.behave = refuse
        with pytest.raises(CaseClosed):
            await desk.send(FakePerson(None), path, desk.code(recipient=recipient_of(b"o" * 32)))
        desk.collector.behave = None
    if left == "a copy that nothing knows of":
        desk.tickets()[0].unlink()
    await desk.send(FakePerson(None), path, desk.code(recipient=KEY))
    assert opened(desk.collector.stored[0].body) == path.read_bytes()
    assert [one.name for one in desk.folder.glob("kept.zip*")] == ["kept.zip"]


async def test_the_copy_goes_with_the_code_that_it_was_made_for(desk: Desk) -> None:
    """Its bundle had arrived after all: nobody needs it any more."""
    path = await desk.kept(mode=CONSENT_MODE_STREAMING)
    desk.collector.behave = refuse
    with pytest.raises(CaseClosed):
        await desk.send(FakePerson(None), path, desk.code(recipient=KEY))
    gone = enrolment_pb2.EnrolError(code="join_code_used", message="its bundle arrived").SerializeToString()
    usual = desk.enrolment.answers
    desk.enrolment.answers = lambda line, body: (409, gone) if line.startswith("POST") else usual(line, body)
    with pytest.raises(JoinCodeUsed):
        await desk.send(FakePerson(None), path)
    assert [one.name for one in desk.folder.glob("kept.zip*")] == ["kept.zip"]


async def test_what_stands_in_the_way_of_a_file_to_be_carried_is_told_before_anything_is_measured(desk: Desk) -> None:
    """And no plain file is left in its place."""
    (desk.folder / "out.zip.age").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        await desk.run(FakePerson(None), encrypt=True, recipient=KEY)
    assert [one.name for one in desk.folder.glob("out.zip*")] == ["out.zip.age"]


def test_a_key_that_hides_nothing_is_no_key() -> None:
    """A point of low order gives the same secret to everybody."""
    with pytest.raises(UsageError, match="it hides nothing"):
        check_recipient(bech32.encode("age", bytes(32)))


async def test_a_file_to_be_carried_is_there_in_one_form(desk: Desk) -> None:
    """The plain one is gone, and what is in the other proves itself."""
    result = await desk.run(FakePerson(None), encrypt=True, recipient=KEY)
    assert [one.name for one in desk.folder.glob("out.zip*")] == [result.path.name] == ["out.zip.age"]
    content = result.path.read_bytes()
    assert sha256(content).digest() == result.sha256
    assert BundleReader(io.BytesIO(opened(content))).verify().hashes_ok


async def test_a_run_sends_what_was_shown_encrypted(desk: Desk) -> None:
    """From measuring to the case, by the code's key alone."""
    result = await desk.run(FakePerson(True), code=desk.code(recipient=KEY))
    assert result.delivered
    assert sha256(opened(desk.collector.stored[0].body)).digest() == result.sha256


def test_a_file_that_changed_is_not_encrypted(tmp_path: Path) -> None:
    """What was agreed to were other bytes."""
    path = tmp_path / "a.zip"
    path.write_bytes(b"something else")
    with pytest.raises(RedactionError, match="changed after you saw it"):
        sealed_copy(path, bytes(32), KEY)
    assert list(tmp_path.iterdir()) == [path]
