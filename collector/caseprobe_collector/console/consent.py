"""Who agreed to what, when and on which text, as staff see it: the record that came with a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe import texts
from caseprobe.bundle import statement_of
from caseprobe.v1 import consent_pb2, snapshot_pb2

HOW = {
    consent_pb2.CONSENT_MODE_REVIEWED: "The owner saw exactly these bytes, then sent them.",
    consent_pb2.CONSENT_MODE_STREAMING: "Sent without a look at it, under a stored grant or an explicit flag.",
    consent_pb2.CONSENT_MODE_POLICY: "The machine's own policy allows this kind of measurement.",
    consent_pb2.CONSENT_MODE_GRANT: "The owner granted this request.",
}
NONE = "No consent record came with this snapshot."


@dataclass(frozen=True)
class ConsentView:
    """how: in a sentence. by: a stand-in for the person. at: by the machine's clock. text: what they read.

    proof: what is signed, and by which key; empty where nothing is. sha256: of the file that was agreed to.
    """

    how: str
    by: str = ""
    at: datetime | None = None
    text: str = ""
    proof: str = ""
    sha256: str = ""
    receiver: str = ""
    left_out: tuple[str, ...] = ()


def consent_view(snapshot: snapshot_pb2.Snapshot) -> ConsentView:
    """The record of a snapshot; the signed statement beside its bundle says most, then a signed grant."""
    consent = snapshot.consent
    how = HOW.get(consent.mode, NONE)
    if consent.HasField("signed"):
        return _signed(consent, how)
    terms = _terms(consent.grant)
    proof = f"granted under a signature of key {consent.grant.key_id}" if consent.HasField("grant") else ""
    return ConsentView(
        how=how,
        by=texts.printable(terms.granted_by or consent.granted_by),
        at=_moment(terms.granted_at if terms.granted_by else consent.granted_at),
        text=terms.text_shown or consent.text_shown,
        proof=proof,
    )


def _signed(consent: consent_pb2.ConsentRecord, how: str) -> ConsentView:
    """What was signed for exactly one file; the collector proved it before it stored the file."""
    said = statement_of(consent.signed)
    return ConsentView(
        how=how,
        by=texts.printable(said.granted_by),
        at=_moment(said.granted_at),
        text=said.text_shown,
        proof=f"signed by key {consent.signed.key_id}, proved when it arrived",
        sha256=said.bundle_sha256.hex(),
        receiver=texts.printable(said.receiver),
        left_out=tuple(texts.printable(name) for name in said.left_out),
    )


def _terms(grant: consent_pb2.Grant) -> consent_pb2.GrantTerms:
    try:
        return consent_pb2.GrantTerms.FromString(grant.terms)
    except DecodeError:
        return consent_pb2.GrantTerms()


def _moment(at: Timestamp) -> datetime | None:
    """None where it was never set, or a machine's clock is beyond what a date can be."""
    try:
        return at.ToDatetime(tzinfo=UTC) if at.seconds else None
    except (ValueError, OverflowError):
        return None
