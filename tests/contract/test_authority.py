"""What every adapter of the authority must do: only the key decides who a machine is."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caseprobe.errors import Corrupt
from caseprobe.ids import agent_id
from caseprobe_collector.storage import Storage
from tests.fakes_storage import NOW


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "agent_of_somebody_else") -> bytes:
    """A CSR that claims a name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=9), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_says_only_what_the_key_says(storage: Storage) -> None:
    """The id is the key's, names and wishes in the CSR are gone, and it ends when it was told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, pem = storage.authority.sign(request(key), NOW + timedelta(hours=1))
    certificate = x509.load_pem_x509_certificate(pem)
    ca = x509.load_pem_x509_certificate(storage.authority.ca_pem())
    certificate.verify_directly_issued_by(ca)
    assert name == agent_id(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert certificate.subject.rfc4514_string() == f"CN={name}"
    assert certificate.not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)
    assert certificate.not_valid_after_utc == (NOW + timedelta(hours=1)).replace(microsecond=0)
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_ca_and_servers_outlive_every_clock(storage: Storage) -> None:
    """From 1970 to 9999, so a machine whose clock is wrong by years can still deliver."""
    server = x509.load_pem_x509_certificate(storage.authority.server_certificate(["desk.example"])[0])
    for certificate in (server, x509.load_pem_x509_certificate(storage.authority.ca_pem())):
        assert certificate.not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    usage = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("asked", ["desk.example", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_ca_alone_accepts_the_server(storage: Storage, tmp_path: Path, asked: str) -> None:
    """A real handshake in memory, name checked, with OpenSSL's strict rules for X.509."""
    certificate, key = storage.authority.server_certificate(["desk.example", "127.0.0.1", "::1"])
    chain = tmp_path / "server.pem"
    chain.write_bytes(certificate + key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    assert handshake(server, strict_client(storage), asked) == asked


def test_another_name_is_refused(storage: Storage, tmp_path: Path) -> None:
    """The certificate is good for its names alone."""
    certificate, key = storage.authority.server_certificate(["desk.example"])
    chain = tmp_path / "server.pem"
    chain.write_bytes(certificate + key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(server, strict_client(storage), "other.example")


def test_a_machine_is_let_in_by_its_certificate(storage: Storage, tmp_path: Path) -> None:
    """Mutual TLS: the server that trusts the CA alone sees the machine's certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    # The day after tomorrow by the real clock, which OpenSSL asks.
    name, pem = storage.authority.sign(request(key), datetime.now(UTC) + timedelta(days=2))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files = {
        "client.pem": pem + private,
        "server.pem": b"".join(storage.authority.server_certificate(["desk.example"])),
    }
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=storage.authority.ca_pem().decode())
    client = strict_client(storage)
    client.load_cert_chain(tmp_path / "client.pem")
    assert handshake(server, client, "desk.example") == "desk.example"
    assert name.startswith("agent_")


def strict_client(storage: Storage) -> ssl.SSLContext:
    """A client that trusts this CA alone and holds X.509 to its rules."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=storage.authority.ca_pem().decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    return client


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """Both ends of a TLS handshake in memory; gives the name that the client checked."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(up, down, server_side=True),
        client.wrap_bio(down, up, server_hostname=name),
    ]
    for _ in range(6):
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ends[0].do_handshake()
    ends[1].do_handshake()
    return ends[1].server_hostname


def good_request() -> bytes:
    """A CSR that would be signed."""
    return request(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("csr", "reason"),
    [
        (b"", "cannot be read"),
        (b"\x30\x03\x02\x01\x00", "cannot be read"),
        (bytes(9000), "too large"),
        (request(rsa.generate_private_key(65537, 2048)), "another kind of key"),
        (request(ec.generate_private_key(ec.SECP384R1())), "another kind of key"),
        (good_request()[:-1], "cannot be read"),
    ],
    ids=["empty", "other-der", "huge", "rsa", "p384", "cut"],
)
def test_a_bad_request_is_refused(storage: Storage, csr: bytes, reason: str) -> None:
    """In one line, whatever it is."""
    with pytest.raises(Corrupt, match=reason):
        storage.authority.sign(csr, NOW)


def test_a_request_that_its_key_did_not_sign_is_refused(storage: Storage) -> None:
    """Nobody gets a certificate for a key that is not theirs."""
    mine, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    public = [key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in (mine, theirs)]
    forged = request(mine).replace(public[0], public[1])
    with pytest.raises(Corrupt, match="not signed by the key"):
        storage.authority.sign(forged, NOW)


def test_an_ed25519_key_is_refused(storage: Storage) -> None:
    """gRPC's TLS takes P-256; one kind of key is one kind of mistake less."""
    key = ed25519.Ed25519PrivateKey.generate()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    with pytest.raises(Corrupt, match="another kind of key"):
        storage.authority.sign(csr.public_bytes(Encoding.DER), NOW)
