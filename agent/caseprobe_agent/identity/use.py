"""What an identity is used for: signing, and renewing its certificate with the same key."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import datetime
from pathlib import Path

from caseprobe import ids
from caseprobe_agent import worker
from caseprobe_agent.identity import keys
from caseprobe_agent.identity.enrolment import KEY_OPERATION_SECONDS, Run, inspect
from caseprobe_agent.identity.state import Identity, moment, save

# Renewed when this part of its life is over: the rest is for collectors that are away.
RENEWAL_AFTER_RATIO = 2 / 3


async def sign(identity: Identity, data: bytes, *, run: Run = worker.call) -> tuple[str, bytes]:
    """Key id (the agent's id) and ECDSA-SHA256 signature over the data, made in a child that gets only its hash."""
    request = keys.pack(identity.private_key_pem, hashlib.sha256(data).digest())
    public, signature = keys.unpack(await run(keys.sign_digest, request, KEY_OPERATION_SECONDS))
    return ids.agent_id(public), signature


def renewal_due(identity: Identity, now: datetime) -> bool:
    """True when it is time to ask for a new certificate; now is the collector's clock, as its last frame told it."""
    life = identity.valid_until_at - identity.valid_from_at
    return now >= identity.valid_from_at + life * RENEWAL_AFTER_RATIO


async def renewal_request(identity: Identity, *, run: Run = worker.call) -> bytes:
    """A CSR (DER) for the key that the identity has, to be sent as a CertificateRequest."""
    _private, csr, _public = keys.unpack(await run(keys.prepare, identity.private_key_pem, KEY_OPERATION_SECONDS))
    return csr


async def accept_certificate(
    identity: Identity, folder: Path, certificate_pem: bytes, *, run: Run = worker.call
) -> Identity:
    """The identity with the certificate that the collector offered, kept durably.

    Raises Corrupt where it is not for this key and CA; nothing changes then.
    """
    valid_from, valid_until = await inspect(identity.private_key_pem, certificate_pem, identity.ca_pem, run)
    renewed = dataclasses.replace(
        identity,
        certificate_pem=certificate_pem,
        valid_from_at=moment(valid_from),
        valid_until_at=moment(valid_until),
    )
    save(folder, renewed)
    return renewed
