"""How a join code becomes an identity: the CA is fetched without trust, proven by its hash, then trusted alone."""

from __future__ import annotations

import dataclasses
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from caseprobe import VERSION, ids
from caseprobe.errors import Busy, CaseprobeError, Corrupt, NotTrusted, Refused, Unreachable, error_from
from caseprobe.join_code import decode, is_address
from caseprobe.v1 import enrolment_pb2
from caseprobe_agent import worker
from caseprobe_agent.identity import keys
from caseprobe_agent.identity.https import DIRECT, Answer, exchange, trusting_nobody, trusting_only
from caseprobe_agent.identity.state import ENROLLED, ONE_SHOT, Identity, load_key, moment, save, save_key
from caseprobe_agent.proxies import Proxy

# Runs a key operation apart from this process: function, request, limit in seconds. `worker.call` but for tests.
Run = Callable[[Callable[[bytes], bytes], bytes, float], Awaitable[bytes]]
KEY_OPERATION_SECONDS = 20.0


@dataclass(frozen=True)
class Enrolled:
    """The new identity, what the collector said, and how far this machine's clock is ahead of the collector's.

    clock_offset_seconds is known to ± half of round_trip_seconds.
    """

    identity: Identity
    response: enrolment_pb2.EnrolResponse
    clock_offset_seconds: float
    round_trip_seconds: float


@dataclass(frozen=True)
class Clocks:
    """Wall time in Unix seconds, and a monotonic one for durations."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


def parse_join_code(text: str) -> enrolment_pb2.JoinCode:
    """What a join code says; raises JoinCodeError."""
    return decode(text)


async def enrol(
    code: enrolment_pb2.JoinCode,
    folder: Path,
    label: str,
    system: str,
    *,
    clocks: Clocks = Clocks(),
    run: Run = worker.call,
    timeout_seconds: float = 20.0,
    proxy: Proxy | None = None,
) -> Enrolled:
    """Make or take up the key in the folder, have it certified, and keep the identity there.

    label and system are what the collector will call this machine. timeout_seconds holds for each of the two
    requests. proxy: leads to the collector where nothing else does. Raises NotTrusted, Unreachable, Busy, or the
    Refused that the collector names; nothing but the key is kept then, and a second try uses the same key.
    """
    kind = ONE_SHOT if code.purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE else ENROLLED
    ca_der, way = await _fetch_ca(code, timeout_seconds, proxy)
    private, csr, public = keys.unpack(await run(keys.prepare, load_key(folder, kind), KEY_OPERATION_SECONDS))
    save_key(folder, kind, private)
    request = enrolment_pb2.EnrolRequest(
        secret=code.secret, csr=csr, machine_label=label, agent_version=VERSION, system=system
    )
    answered = await _ask(code.address, ca_der, request, clocks, timeout_seconds, way)
    response, offset_seconds, round_trip_seconds = answered
    identity = await _identity(code, response, kind, private, public, ca_der, run)
    identity = dataclasses.replace(identity, label=label)
    save(folder, identity)
    return Enrolled(identity, response, offset_seconds, round_trip_seconds)


async def _fetch_ca(
    code: enrolment_pb2.JoinCode, timeout_seconds: float, proxy: Proxy | None
) -> tuple[bytes, Proxy | None]:
    """The CA's DER, proven by the hash in the join code, and the way there; nothing is sent but the request for it."""
    ways = (*DIRECT, proxy) if proxy else DIRECT
    answer = await exchange(code.address, trusting_nobody(), "GET /enrol/v1/ca.pem", b"", timeout_seconds, ways)
    if answer.status != 200:
        raise Unreachable(f"{code.address} answers, but not as a collector (HTTP {answer.status}): check the address")
    try:
        ca_der = ssl.PEM_cert_to_DER_cert(answer.body.decode("ascii").strip())
    except ValueError:
        raise Unreachable(f"{code.address} answers, but not as a collector: check the address") from None
    if hashlib.sha256(ca_der).digest() != code.ca_sha256:
        raise NotTrusted(f"{code.address} is not the collector of this join code: nothing was sent; ask for a new one")
    return ca_der, answer.way


async def _ask(
    address: str,
    ca_der: bytes,
    request: enrolment_pb2.EnrolRequest,
    clocks: Clocks,
    timeout_seconds: float,
    way: Proxy | None,
) -> tuple[enrolment_pb2.EnrolResponse, float, float]:
    """The collector's answer, how far our clock is ahead of its, and the round trip, both in seconds."""
    wall, started = clocks.wall(), clocks.monotonic()
    request.sent_at.FromNanoseconds(int(wall * 1e9))
    body = request.SerializeToString()
    answer = await exchange(address, trusting_only(ca_der), "POST /enrol/v1/enrol", body, timeout_seconds, (way,))
    round_trip_seconds = clocks.monotonic() - started
    if answer.status != 200:
        raise _refusal(address, answer)
    try:
        response = enrolment_pb2.EnrolResponse.FromString(answer.body)
    except DecodeError:
        raise Corrupt(f"{address} gave an answer that cannot be read: update caseprobe") from None
    received = response.received_at.ToNanoseconds() / 1e9
    return response, wall + round_trip_seconds / 2 - received, round_trip_seconds


def _refusal(address: str, answer: Answer) -> CaseprobeError:
    """The error that the collector named, or what its HTTP status means."""
    try:
        error = enrolment_pb2.EnrolError.FromString(answer.body)
    except DecodeError:
        error = enrolment_pb2.EnrolError()
    message = "".join(char if char.isprintable() else " " for char in error.message[:300]).strip()
    if error.code and message:
        return error_from(error.code, message)
    if answer.status in (429, 502, 503, 504):
        return Busy(f"{address} is busy (HTTP {answer.status}): try again in a moment")
    return Refused(f"{address} refused without saying why (HTTP {answer.status}): is it a collector?")


async def _identity(
    code: enrolment_pb2.JoinCode,
    response: enrolment_pb2.EnrolResponse,
    kind: str,
    private: bytes,
    public: bytes,
    ca_der: bytes,
    run: Run,
) -> Identity:
    """The identity that the answer makes of our key; raises Corrupt where it does not fit the key."""
    agent_id = ids.agent_id(public)
    if response.agent_id != agent_id or not is_address(response.link_address):
        raise Corrupt(f"{code.address} gave an answer for another key or without an address: tell its operator")
    ca_pem = ssl.DER_cert_to_PEM_cert(ca_der).encode("ascii")
    valid_from, valid_until = await inspect(private, response.certificate, ca_pem, run)
    return Identity(
        agent_id=agent_id,
        private_key_pem=private,
        certificate_pem=response.certificate,
        ca_pem=ca_pem,
        link_address=response.link_address,
        kind=kind,
        case_id=response.case_id,
        valid_from_at=moment(valid_from),
        valid_until_at=moment(valid_until),
    )


async def inspect(private: bytes, certificate_pem: bytes, ca_pem: bytes, run: Run) -> tuple[float, float]:
    """A certificate's validity in Unix seconds; raises Corrupt where it is not of this CA or for another key."""
    request = keys.pack(private, certificate_pem, ca_pem)
    wrong, valid_from, valid_until = keys.unpack(await run(keys.inspect, request, KEY_OPERATION_SECONDS))
    if wrong:
        raise Corrupt(f"the certificate that the collector gave {wrong.decode()}: tell its operator")
    return float(valid_from), float(valid_until)
