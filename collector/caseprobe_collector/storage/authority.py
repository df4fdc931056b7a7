"""The certificate authority: one key in one private file, made once."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from caseprobe.errors import ConfigurationError
from caseprobe_collector.storage.certificates import (
    ca_certificate,
    client_certificate,
    key_agent_id,
    key_of_request,
    server_certificate,
)
from caseprobe_collector.storage.durable import durable_file, make_folder, write_whole

KEY = "ca.key"
CERTIFICATE = "ca.pem"
NAME = "caseprobe collector"


class FileAuthority:
    """Implements the port `Authority`; serials come from the randomness that it is given."""

    def __init__(self, folder: Path, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._key, self._certificate = _load(folder)
        self._randomness = randomness

    def ca_pem(self) -> bytes:
        """The certificate authority's certificate."""
        return self._certificate.public_bytes(Encoding.PEM)

    def ca_der(self) -> bytes:
        """The same as DER, whose SHA-256 join codes carry."""
        return self._certificate.public_bytes(Encoding.DER)

    def sign(self, csr_der: bytes, not_after: datetime) -> tuple[str, bytes]:
        """(agent_id, certificate PEM) for a CSR whose own signature is good; raises Corrupt otherwise.

        agent_id is computed from the public key; every name in the CSR is ignored.
        """
        key = key_of_request(csr_der)
        certificate = client_certificate(self._certificate, self._key, key, not_after, self._serial())
        return key_agent_id(key), certificate.public_bytes(Encoding.PEM)

    def secret_for(self, purpose: str) -> bytes:
        """32 bytes that follow from the CA's key and tell nothing of it; the same for a purpose as long as it lives."""
        return hmac.digest(_key_pem(self._key), b"secret for " + purpose.encode(), "sha256")

    def bundle_secret(self) -> bytes:
        """32 bytes of the X25519 key that bundles may be encrypted to: it lives and is kept with the CA's."""
        return self.secret_for("opening encrypted bundles")

    def server_certificate(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """(certificate PEM, key PEM) for TLS under these names; a new key each time, kept by nobody but the caller."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = server_certificate(self._certificate, self._key, key.public_key(), names, self._serial())
        return certificate.public_bytes(Encoding.PEM), _key_pem(key)

    def _serial(self) -> int:
        return _serial(self._randomness)


def create_authority(folder: Path, randomness: Callable[[int], bytes] = os.urandom) -> None:
    """Make the CA's key and certificate, once: a folder that has a key is left as it is.

    The key is written last, so that a key is never there without its certificate.
    """
    make_folder(folder)
    if (folder / KEY).exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = ca_certificate(key, NAME, _serial(randomness))
    for name, data in ((CERTIFICATE, certificate.public_bytes(Encoding.PEM)), (KEY, _key_pem(key))):
        with durable_file(folder / name) as descriptor:
            write_whole(descriptor, data)


def _load(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    path = folder / KEY
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationError(f"{path} can be read by others: chmod 600 it, and think who may have copied it")
        key = load_pem_private_key(path.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error.filename} is missing: run caseprobe-collector init first") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the CA in {folder} cannot be read ({error}): restore it from a backup") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigurationError(f"the key and the certificate in {folder} do not belong together: restore a backup")
    return key, certificate


def _serial(randomness: Callable[[int], bytes]) -> int:
    # 20 octets at most, positive, never zero (RFC 5280 §4.1.2.2).
    return int.from_bytes(randomness(19)) | 1


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
