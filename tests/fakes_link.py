"""A collector's outside as the agent meets it: a CA, an enrolment server and a LinkService, real TLS on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from caseprobe import ids
from caseprobe.v1 import enrolment_pb2

SECRET = b"join-code-secret"
BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
PEM = serialization.Encoding.PEM
# What an issuer's key may do; newer verifiers insist on its being said.
SIGNS = x509.KeyUsage(
    False, False, False, False, False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
)


class TestAuthority:
    """A CA that signs servers and agents."""

    __test__ = False

    def __init__(self, name: str = "test CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key(), BEGIN, END)
        own = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(SIGNS, critical=True)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(PEM)
        self.der = self._certificate.public_bytes(serialization.Encoding.DER)
        self.sha256 = hashlib.sha256(self.der).digest()

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        number = x509.random_serial_number()
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = x509.CertificateBuilder(self._name, subject, key, number).add_extension(issuer, critical=False)
        return builder.not_valid_before(begin).not_valid_after(end)

    def server(self, address: str = "127.0.0.1", end: datetime = END) -> tuple[bytes, bytes]:
        """Key and certificate (PEM) of a server for one IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = self._builder(x509.Name([]), key.public_key(), BEGIN, end).add_extension(names, critical=True)
        return _key_pem(key), builder.sign(self._key, hashes.SHA256()).public_bytes(PEM)

    def web(self, name: str, end: datetime = END) -> tuple[bytes, bytes]:
        """Key and certificate (PEM) of a server that people know by a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = self._builder(subject, key.public_key(), BEGIN, end).add_extension(names, critical=False)
        return _key_pem(key), builder.sign(self._key, hashes.SHA256()).public_bytes(PEM)

    def agent(self, csr_der: bytes, end: datetime = END) -> bytes:
        """A certificate (PEM) for a CSR's key."""
        key = x509.load_der_x509_csr(csr_der).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self._builder(x509.Name([]), key, BEGIN, end).sign(self._key, hashes.SHA256()).public_bytes(PEM)

    def agent_pair(self) -> tuple[bytes, bytes]:
        """A new key and its certificate (PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        return _key_pem(key), self.agent(csr.public_bytes(serialization.Encoding.DER))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def agent_id_of_csr(csr_der: bytes) -> str:
    """The id that the CSR's key has."""
    key = x509.load_der_x509_csr(csr_der).public_key()
    return ids.agent_id(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


# Gives status and body for a request line and a body.
Answers = Callable[[str, bytes], tuple[int, bytes]]


@dataclass
class EnrolmentServer:
    """An HTTPS server that answers as told; keeps what it was asked."""

    authority: TestAuthority
    answers: Answers
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    address: str = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            size = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("Content-Length"))
            line, body = head.split(" HTTP/1.1")[0], await reader.readexactly(size)
            self.requests.append((line, body))
            status, answer = self.answers(line, body)
            if status:
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(answer)) + answer)
            else:
                writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self, folder: Path, server_address: str = "127.0.0.1") -> AsyncIterator[EnrolmentServer]:
        """Serve on a free port of loopback, with a certificate for server_address."""
        server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=server_context(self.authority, folder, server_address)
        )
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


def server_context(authority: TestAuthority, folder: Path, address: str) -> ssl.SSLContext:
    """TLS for a server of this CA."""
    key, certificate = authority.server(address)
    (folder / "server.pem").write_bytes(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def enrolling(authority: TestAuthority, received_at: float, link_address: str = "127.0.0.1:7443") -> Answers:
    """The answers of a collector that enrols whoever has the secret, and lets them go on with it for three days."""
    redeemed: set[str] = set()

    def answer(line: str, body: bytes) -> tuple[int, bytes]:
        if line == "GET /enrol/v1/ca.pem":
            return 200, authority.pem
        request = enrolment_pb2.EnrolRequest.FromString(body)
        if request.secret != SECRET:
            return 403, enrolment_pb2.EnrolError(code="join_code_unknown", message="no such code").SerializeToString()
        response = enrolment_pb2.EnrolResponse(
            agent_id=agent_id_of_csr(request.csr),
            certificate=authority.agent(request.csr),
            link_address=link_address,
            case_id="case_1",
        )
        response.resumed = response.agent_id in redeemed
        redeemed.add(response.agent_id)
        response.ticket_until.FromNanoseconds(int((received_at + 72 * 3600) * 1e9))
        response.received_at.FromNanoseconds(int(received_at * 1e9))
        return 200, response.SerializeToString()

    return answer


def join_code(server: EnrolmentServer, **change: object) -> enrolment_pb2.JoinCode:
    """The code for a server, with fields changed."""
    code = enrolment_pb2.JoinCode(
        address=server.address,
        ca_sha256=server.authority.sha256,
        secret=SECRET,
        purpose=enrolment_pb2.JOIN_PURPOSE_ENROL_ONE,
    )
    for name, value in change.items():
        setattr(code, name, value)
    return code


async def run_here(function: Callable[[bytes], bytes], request: bytes, timeout_seconds: float) -> bytes:
    """What a child would do, done in the test's own process: most tests are not about children."""
    return function(request)


Runner = Callable[[Callable[[bytes], bytes], bytes, float], Awaitable[bytes]]
