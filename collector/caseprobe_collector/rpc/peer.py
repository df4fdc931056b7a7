"""Who is at the other end of a TLS connection: the key's own id, and nothing that the payload says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from caseprobe.errors import NotAllowed
from caseprobe.ids import agent_id


def peer_agent_id(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """The agent id of the client certificate that the handshake proved; raises NotAllowed where there is none."""
    pem = next(iter(auth_context.get("x509_pem_cert", ())), None)
    if pem is None:
        raise NotAllowed("a stream needs a client certificate")
    key = x509.load_pem_x509_certificate(pem).public_key()
    return agent_id(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
