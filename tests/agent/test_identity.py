"""A join code becomes an identity only against the collector that it names, and survives every kind of bad luck."""

from __future__ import annotations

import asyncio
import dataclasses
import stat
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.errors import (
    CaseprobeError,
    ConfigurationError,
    Corrupt,
    JoinCodeUnknown,
    NotTrusted,
    Refused,
    Unreachable,
)
from caseprobe.v1 import enrolment_pb2
from caseprobe_agent import identity
from caseprobe_agent.identity.enrolment import Clocks
from tests.fakes_link import EnrolmentServer, TestAuthority, agent_id_of_csr, enrolling, join_code, run_here

NOW = 1_800_000_000.0
AUTHORITY = TestAuthority()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EnrolmentServer]:
    """A collector that enrols."""
    async with EnrolmentServer(AUTHORITY, enrolling(AUTHORITY, NOW)).running(tmp_path) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The agent's folder, not made yet."""
    return tmp_path / "state"


async def enrol(
    code: enrolment_pb2.JoinCode, folder: Path, wall: float = NOW, seconds: float = 5.0
) -> identity.Enrolled:
    """Enrol with a frozen clock."""
    clocks = Clocks(wall=lambda: wall, monotonic=lambda: 0.0)
    return await identity.enrol(code, folder, "box", "Debian 12", clocks=clocks, run=run_here, timeout_seconds=seconds)


async def test_a_join_code_becomes_an_identity_that_loads_again(server: EnrolmentServer, folder: Path) -> None:
    """What enrol gives is what load gives, with the id of its own key."""
    enrolled = await enrol(join_code(server), folder)
    assert identity.load(folder) == enrolled.identity
    request = enrolment_pb2.EnrolRequest.FromString(server.requests[1][1])
    assert enrolled.identity.agent_id == agent_id_of_csr(request.csr)
    assert (request.machine_label, request.system) == ("box", "Debian 12")
    assert enrolled.identity.link_address == "127.0.0.1:7443"


async def test_a_bundle_code_makes_a_one_shot_identity_beside_the_enrolled_one(
    server: EnrolmentServer, folder: Path
) -> None:
    """The two kinds have keys of their own."""
    await enrol(join_code(server), folder)
    once = await enrol(join_code(server, purpose=enrolment_pb2.JOIN_PURPOSE_BUNDLE), folder)
    assert (once.identity.kind, once.identity.case_id) == (identity.ONE_SHOT, "case_1")
    enrolled = identity.load(folder)
    assert enrolled is not None and enrolled.agent_id != once.identity.agent_id
    assert identity.load(folder, identity.ONE_SHOT) == once.identity


async def test_the_files_are_private_and_nothing_else_is_left(server: EnrolmentServer, folder: Path) -> None:
    """0700 folder, 0600 files, no temporary copy."""
    await enrol(join_code(server), folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"enrolled.key.pem": 0o600, "enrolled.json": 0o600}


@pytest.mark.parametrize("years", [-56, -1, 20])
async def test_a_clock_that_is_wrong_by_years_enrols_and_is_told_by_how_much(
    server: EnrolmentServer, folder: Path, years: int
) -> None:
    """The offset is our clock minus the collector's."""
    wrong = years * 365.25 * 86400
    enrolled = await enrol(join_code(server), folder, wall=NOW + wrong)
    assert enrolled.clock_offset_seconds == pytest.approx(wrong, abs=1)


async def test_another_ca_is_sent_nothing(server: EnrolmentServer, folder: Path) -> None:
    """Where the CA's hash is not the code's, the one request was for the CA."""
    with pytest.raises(NotTrusted, match="not the collector of this join code"):
        await enrol(join_code(server, ca_sha256=bytes(32)), folder)
    assert server.requests == [("GET /enrol/v1/ca.pem", b"")]
    assert not folder.exists()


async def test_a_stolen_ca_file_without_its_key_is_not_trusted(tmp_path: Path, folder: Path) -> None:
    """A server that shows the right CA file but has a certificate of another CA gets no secret."""
    impostor = EnrolmentServer(TestAuthority("impostor"), enrolling(AUTHORITY, NOW))
    async with impostor.running(tmp_path) as running:
        with pytest.raises(NotTrusted):
            await enrol(join_code(running, ca_sha256=AUTHORITY.sha256), folder)
    assert [line for line, _body in impostor.requests] == ["GET /enrol/v1/ca.pem"]


async def test_a_certificate_for_another_address_is_not_trusted(tmp_path: Path, folder: Path) -> None:
    """A certificate of the right CA must be for the address that was asked."""
    server = EnrolmentServer(AUTHORITY, enrolling(AUTHORITY, NOW))
    async with server.running(tmp_path, server_address="192.0.2.1") as running:
        with pytest.raises(NotTrusted):
            await enrol(join_code(running), folder)
    assert len(server.requests) == 1


async def test_the_collectors_refusal_comes_as_its_own_error(server: EnrolmentServer, folder: Path) -> None:
    """The code and the message of an EnrolError are kept."""
    with pytest.raises(JoinCodeUnknown, match="no such code"):
        await enrol(join_code(server, secret=b"x" * 16), folder)


async def test_a_second_try_uses_the_same_key(server: EnrolmentServer, folder: Path) -> None:
    """A lost answer does not cost a new agent id."""
    good = server.answers
    server.answers = lambda line, body: good(line, body) if line.startswith("GET") else (0, b"")
    with pytest.raises(Unreachable):
        await enrol(join_code(server), folder)
    assert identity.load(folder) is None
    server.answers = good
    await enrol(join_code(server), folder)
    first, second = (enrolment_pb2.EnrolRequest.FromString(body) for line, body in server.requests if body)
    assert agent_id_of_csr(first.csr) == agent_id_of_csr(second.csr)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"\xff\xff\xff", Corrupt),
        (404, b"<html>", Refused),
        (500, b"", Refused),
        (503, b"", CaseprobeError),
        (0, b"SSH-2.0-OpenSSH\r\n", Unreachable),
        (0, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", Unreachable),
        (200, b"x" * (1 << 21), Unreachable),
        (200, enrolment_pb2.EnrolResponse(agent_id="agent_x", link_address="h:1").SerializeToString(), Corrupt),
    ],
    ids=["garbled", "404", "500", "503", "not http", "cut", "huge", "another key"],
)
async def test_a_bad_answer_is_one_line_and_leaves_no_identity(
    server: EnrolmentServer, folder: Path, status: int, body: bytes, error: type[CaseprobeError]
) -> None:
    """Whatever comes back, the error is of our tree, one line, and nothing was enrolled."""
    good = server.answers
    server.answers = lambda line, request: good(line, request) if line.startswith("GET") else (status, body)
    with pytest.raises(error) as raised:
        await enrol(join_code(server), folder)
    assert "\n" not in str(raised.value)
    assert identity.load(folder) is None


async def test_a_silent_server_is_given_up(server: EnrolmentServer, folder: Path) -> None:
    """The limit holds where somebody takes the connection and says nothing."""
    never = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    with pytest.raises(Unreachable, match="within"):
        await enrol(join_code(server, address=address), folder, seconds=0.05)
    never.set()
    listener.close()
    await listener.wait_closed()


async def test_a_closed_port_is_unreachable(server: EnrolmentServer, folder: Path) -> None:
    """Nobody listening is said so."""
    with pytest.raises(Unreachable, match="cannot connect"):
        await enrol(join_code(server, address="127.0.0.1:1"), folder)


async def test_a_signature_verifies_with_the_identitys_key(server: EnrolmentServer, folder: Path) -> None:
    """sign is ECDSA-SHA256 over the data, and names the key."""
    me = (await enrol(join_code(server), folder)).identity
    key_id, signature = await identity.sign(me, b"manifest", run=run_here)
    key = serialization.load_pem_private_key(me.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    key.public_key().verify(signature, b"manifest", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"other", ec.ECDSA(hashes.SHA256()))
    assert key_id == me.agent_id


async def test_key_operations_run_in_children(server: EnrolmentServer, folder: Path) -> None:
    """By default the key is made, inspected and used in a process of its own."""
    me = (await identity.enrol(join_code(server), folder, "box", "Debian 12")).identity
    key_id, signature = await identity.sign(me, b"manifest")
    key = serialization.load_pem_private_key(me.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    key.public_key().verify(signature, b"manifest", ec.ECDSA(hashes.SHA256()))
    assert key_id == me.agent_id


async def test_a_damaged_key_file_is_one_line(server: EnrolmentServer, folder: Path) -> None:
    """A key that cannot be loaded says what to do; it is not silently replaced by a new one."""
    await enrol(join_code(server), folder)
    (folder / "enrolled.key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(Corrupt, match="enroll again"):
        await enrol(join_code(server), folder)


async def test_a_renewed_certificate_keeps_the_key_and_is_kept(server: EnrolmentServer, folder: Path) -> None:
    """The offered certificate is for our key, of our CA; what is not changes nothing."""
    me = (await enrol(join_code(server), folder)).identity
    csr = await identity.renewal_request(me, run=run_here)
    assert agent_id_of_csr(csr) == me.agent_id
    until = datetime(2040, 1, 1, tzinfo=UTC)
    renewed = await identity.accept_certificate(me, folder, AUTHORITY.agent(csr, until), run=run_here)
    assert identity.load(folder) == renewed and renewed.valid_until_at == until
    _key, foreign = AUTHORITY.agent_pair()
    for bad in (foreign, TestAuthority("other").agent(csr), b"nonsense"):
        with pytest.raises(Corrupt):
            await identity.accept_certificate(renewed, folder, bad, run=run_here)
    assert identity.load(folder) == renewed


async def test_renewal_is_due_after_two_thirds(server: EnrolmentServer, folder: Path) -> None:
    """The last third of a certificate's life is for collectors that are away."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    enrolled = (await enrol(join_code(server), folder)).identity
    me = dataclasses.replace(enrolled, valid_from_at=begin, valid_until_at=begin + timedelta(days=90))
    assert not identity.renewal_due(me, begin + timedelta(days=59))
    assert identity.renewal_due(me, begin + timedelta(days=61))


async def test_a_key_that_others_can_read_is_refused(server: EnrolmentServer, folder: Path) -> None:
    """The line says which file and what to do."""
    await enrol(join_code(server), folder)
    (folder / "enrolled.key.pem").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        identity.load(folder)


async def test_a_planted_link_is_not_followed(server: EnrolmentServer, folder: Path, tmp_path: Path) -> None:
    """A symbolic link in the key's place is refused."""
    await enrol(join_code(server), folder)
    path = folder / "enrolled.key.pem"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError):
        identity.load(folder)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"agent_id": 1}', b"\xff\xfe"])
async def test_a_damaged_identity_is_corrupt(server: EnrolmentServer, folder: Path, damage: bytes) -> None:
    """No damage makes another error."""
    await enrol(join_code(server), folder)
    (folder / "enrolled.json").write_bytes(damage)
    with pytest.raises(Corrupt, match="enroll again"):
        identity.load(folder)


def test_nothing_is_loaded_from_an_empty_folder(folder: Path) -> None:
    """No identity is not an error."""
    assert identity.load(folder) is None
    identity.forget(folder)


async def test_a_folder_that_others_can_write_is_refused(server: EnrolmentServer, folder: Path) -> None:
    """Nobody else may plant files beside the key."""
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        await enrol(join_code(server), folder)


async def test_importing_identity_loads_nothing_heavy() -> None:
    """The resident process pays for neither cryptography nor a console library."""
    code = (
        "import sys, caseprobe_agent.identity as i; "
        "print([m for m in ('cryptography', 'rich', 'pydantic', 'grpc') if m in sys.modules])"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _err = await child.communicate()
    assert out.strip() == b"[]"
