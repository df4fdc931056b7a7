"""What is done with a private key: functions from bytes to bytes, each run in a short-lived child.

cryptography is imported inside them: 15 MB that the resident process never pays. Fields travel packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caseprobe.errors import Corrupt

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


# FIPS 186-5, the curve's number of points.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def pack(*fields: bytes) -> bytes:
    """Several fields as one, each after its length.

    >>> unpack(pack(b"a", b"", b"ccc"))
    (b'a', b'', b'ccc')
    """
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def unpack(data: bytes) -> tuple[bytes, ...]:
    """The fields that pack put together; raises Corrupt."""
    fields, place = [], 0
    while place < len(data):
        end = place + 4 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            raise Corrupt("the answer of a key operation is cut")
        fields.append(data[place + 4 : end])
        place = end
    return tuple(fields)


def prepare(request: bytes) -> bytes:
    """request: a private key's PEM, or empty for a new one -> pack(private key PEM, CSR DER, public key DER)."""
    private, public = unpack(own(request))
    return pack(private, _request(_load(private)), public)


def own(request: bytes) -> bytes:
    """request: a private key's PEM, or empty for a new one -> pack(private key PEM, public key DER).

    Without what requests and certificates take, which is most of cryptography.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    return _written(_load(request) if request else ec.generate_private_key(ec.SECP256R1()))


def derive(secret: bytes) -> bytes:
    """secret: at least 32 bytes that nobody can guess -> as own gives it, always the same key for it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    # One of 2^256 and one of the order's numbers differ by 2^-32 of their range: no key becomes likelier to be guessed.
    return _written(ec.derive_private_key(int.from_bytes(secret) % (P256_ORDER - 1) + 1, ec.SECP256R1()))


def _written(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    encoding = serialization.Encoding
    private = key.private_bytes(encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pack(private, public)


def sign_digest(request: bytes) -> bytes:
    """request: pack(private key PEM, SHA-256 of what is signed) -> pack(public key DER, ECDSA signature DER)."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    private, digest = unpack(request)
    key = _load(private)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pack(public, key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))


def inspect(request: bytes) -> bytes:
    """request: pack(private key PEM, certificate PEM, CA PEM) -> pack(what is wrong, not before, not after).

    The first is empty where the certificate is for this key and signed by this CA; times are Unix seconds.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    private, certificate_pem, ca_pem = unpack(request)
    try:
        certificate, ca = x509.load_pem_x509_certificate(certificate_pem), x509.load_pem_x509_certificate(ca_pem)
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError):
        return pack(b"is not a certificate", b"0", b"0")
    except InvalidSignature:
        return pack(b"is not signed by the collector's CA", b"0", b"0")
    if certificate.public_key() != _load(private).public_key():
        return pack(b"is for another key", b"0", b"0")
    return pack(b"", *_validity(certificate))


def _validity(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    times = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    return str(int(times[0])).encode(), str(int(times[1])).encode()


def _load(private_key_pem: bytes) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(private_key_pem, password=None)
    except (ValueError, TypeError):
        raise Corrupt("the key file is damaged: move it away and enroll again") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Corrupt("the key file holds another kind of key: move it away and enroll again")
    return key


def _request(key: EllipticCurvePrivateKey) -> bytes:
    """A CSR (DER) without names: the collector takes only the key from it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)
