"""What was agreed to when exactly one bundle was sent: signed by the bundle's key, proved by its receiver."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from caseprobe.bundle.manifest import Signer, key_made
from caseprobe.v1.consent_pb2 import ConsentStatement, SignedConsent


def signed_consent(statement: ConsentStatement, signer: Signer) -> SignedConsent:
    """The statement with its signature."""
    data = statement.SerializeToString(deterministic=True)
    _, key_id, signature, public_key = signer(data)
    return SignedConsent(statement=data, key_id=key_id, signature=signature, public_key=public_key)


def statement_of(signed: SignedConsent) -> ConsentStatement:
    """What was signed; an empty statement where it cannot be read."""
    try:
        return ConsentStatement.FromString(signed.statement)
    except DecodeError:
        return ConsentStatement()


def consent_fault(signed: SignedConsent, key_id: str, snapshot_id: str, bundle_sha256: bytes) -> str:
    """Why this is no consent to sending that bundle, signed by that key; empty where it is."""
    statement = statement_of(signed)
    if signed.key_id != key_id or not key_made(signed.public_key, key_id, signed.signature, signed.statement):
        return "it is not signed by the key of the machine that sent it"
    if statement.snapshot_id != snapshot_id or statement.bundle_sha256 != bundle_sha256:
        return "it speaks of another file than the one that came"
    return ""
