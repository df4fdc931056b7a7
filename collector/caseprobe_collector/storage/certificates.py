"""X.509 as this collector makes it: pure of files, the key and the numbers are arguments."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caseprobe.errors import ConfigurationError, Corrupt
from caseprobe.ids import agent_id

# Docs: decisions/002. A machine's clock may stand anywhere; trust rests on the pinned key, not on a date.
ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
DNS_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
LARGEST_CSR_BYTES = 8192


def ca_certificate(key: ec.EllipticCurvePrivateKey, name: str, serial: int) -> x509.Certificate:
    """The root that join codes pin: it may sign certificates of ends only."""
    subject = _name(name)
    return (
        _builder(subject, subject, key.public_key(), serial, ALWAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=False, certifies=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def server_certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    serial: int,
) -> x509.Certificate:
    """A certificate for TLS servers under these DNS names and addresses; raises ConfigurationError for a bad name."""
    builder = _end(ca, ca_key, key, _name(names[0][:64] if names else "collector"), serial, ALWAYS)
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        builder.add_extension(alternatives, critical=False)
        .add_extension(usage, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def client_certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    not_after: datetime,
    serial: int,
) -> x509.Certificate:
    """A certificate that lets this key open a link until then; its only name is the id that the key makes.

    It begins in 1970, so that a machine whose clock is behind does not refuse its own certificate.
    """
    subject = _name(key_agent_id(key))
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _end(ca, ca_key, key, subject, serial, (ALWAYS[0], not_after))
    return builder.add_extension(usage, critical=False).sign(ca_key, hashes.SHA256())


def key_of_request(csr_der: bytes) -> ec.EllipticCurvePublicKey:
    """The key that asks, proven by the request's own signature; names in it are ignored.

    Raises Corrupt for anything but a good request with a P-256 key.
    """
    if len(csr_der) > LARGEST_CSR_BYTES:
        raise Corrupt(f"a certificate request of {len(csr_der)} bytes is too large")
    try:
        request = x509.load_der_x509_csr(csr_der)
        key = request.public_key()
        good = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise Corrupt("the certificate request cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Corrupt("the certificate request has another kind of key than ECDSA P-256")
    if not good:
        raise Corrupt("the certificate request is not signed by the key that it names")
    return key


def key_agent_id(key: ec.EllipticCurvePublicKey) -> str:
    """The agent id that this key makes."""
    return agent_id(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _end(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    serial: int,
    valid: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(subject, ca.subject, key, serial, valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True, certifies=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(issuer_key, critical=False)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    serial: int,
    valid: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _usage(signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if len(name) > 253 or not DNS_NAME.fullmatch(name):
        raise ConfigurationError(f"public_names: {name[:80]!r} is neither a DNS name nor an address")
    return x509.DNSName(name)
