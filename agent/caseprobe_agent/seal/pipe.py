"""The pipe itself: redact, scan again, judge, pack. Fails closed: what cannot be made safe is withheld and said so."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import zstandard
from google.protobuf import json_format

from caseprobe.bundle import Signer, write_bundle
from caseprobe.checks import check_snapshot
from caseprobe.errors import RedactionError
from caseprobe.overrides import Overrides
from caseprobe.redaction import KnownNames, Redactor, known_names
from caseprobe.redaction.second import leaks
from caseprobe.report import render_report
from caseprobe.v1 import finding_pb2, link_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.identity.keys import agent_id_of, pack, sign_digest, unpack
from caseprobe_agent.probes.probe import RawArtifact
from caseprobe_agent.seal.form import SHIPPED, Hiding, Judging, Parcel, pack_parcel, unpack_request
from caseprobe_agent.seal.memory import read_history, written_history

FAULTS = (finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)
WITHHELD = "withheld: the second scanner saw {kinds} in it after redaction"


@dataclass(frozen=True)
class Sealed:
    """A snapshot that may leave, judged; the artifacts that may leave, by name; what turns its names back.

    earlier: the snapshots of this machine that it was judged beside, newest first.
    """

    snapshot: snapshot_pb2.Snapshot
    artifacts: Mapping[str, bytes]
    redactor: Redactor
    earlier: Sequence[snapshot_pb2.Snapshot] = ()


def redactor_of(hiding: Hiding) -> Redactor:
    """The redactor with this machine's key and names."""
    known: KnownNames = known_names(hiding.host_name, hiding.passwd, hiding.hosts)
    return Redactor(hiding.key, hiding.asset_masked, known)


def seal(
    snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact], hiding: Hiding, judging: Judging = SHIPPED
) -> Sealed:
    """Redact, scan and judge; ids, flow and consent are already set.

    A section or artifact that the second scanner objects to is withheld, with the reason in its place.
    Raises RedactionError where redaction as a whole failed: then nothing leaves.
    """
    redactor = redactor_of(hiding)
    redacted = redactor.snapshot(snapshot)
    kept = dict(_artifacts(redacted, artifacts, redactor, hiding.forbidden))
    redacted.redaction.CopyFrom(redactor.report(redacted.redaction.withheld))
    _withhold_leaking_sections(redacted, hiding.forbidden)
    earlier = read_history(judging.history, redacted.agent_id)
    overrides = masked_overrides(judging.overrides, redactor)
    findings, coverage = check_snapshot(redacted, earlier=earlier, overrides=overrides)
    redacted.findings.extend(findings)
    redacted.coverage.extend(coverage)
    return Sealed(redacted, kept, redactor, earlier)


def masked_overrides(overrides: Overrides, redactor: Redactor) -> Overrides:
    """An operator's statements in the words of a redacted snapshot: their objects and files have pseudonyms too."""
    return tuple(
        replace(one, pattern=redactor.text(one.pattern), origin=redactor.text(one.origin)) for one in overrides
    )


def seen(data: bytes, forbidden: Sequence[str]) -> list[str]:
    """Kinds of things that must not be in data and are; empty where it may leave."""
    found = leaks(data)
    if any(text and text.encode() in data for text in forbidden):
        found.append("a value of this run that must stay here")
    return found


def make_parcel(request: bytes) -> bytes:
    """In the child: the parcel of a packed request."""
    snapshot, artifacts, hiding, private_key_pem, judging = unpack_request(request)
    sealed = seal(snapshot, artifacts, hiding, judging)
    kind, body = link_pb2.DATA_KIND_SNAPSHOT, b""
    if sealed.artifacts:
        stream = io.BytesIO()
        report = render_report(sealed.snapshot)
        write_bundle(stream, sealed.snapshot, sealed.artifacts, report, signer_of(private_key_pem, "enrolled"))
        kind, body = link_pb2.DATA_KIND_BUNDLE, stream.getvalue()
    else:
        body = zstandard.ZstdCompressor().compress(sealed.snapshot.SerializeToString())
    report_of = sealed.snapshot.redaction
    hidden_total = sum(count.total for count in report_of.counts)
    fault_total = sum(finding.state in FAULTS for finding in sealed.snapshot.findings)
    history = written_history(sealed.earlier, sealed.snapshot)
    return pack_parcel(Parcel(kind, body, hidden_total, len(report_of.withheld), history, fault_total))


def signer_of(private_key_pem: bytes, key_kind: str) -> Signer | None:
    """What signs a bundle with a key; None without a key."""
    if not private_key_pem:
        return None

    def sign(statement: bytes) -> tuple[str, str, bytes, bytes]:
        public, signature = unpack(sign_digest(pack(private_key_pem, hashlib.sha256(statement).digest())))
        return key_kind, agent_id_of(public), signature, public

    return sign


def _artifacts(
    snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact], redactor: Redactor, forbidden: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Each artifact that may leave, redacted; every one is listed in the snapshot, with its hash or the reason."""
    for raw in artifacts:
        listed = snapshot.artifacts.add(name=raw.name, source=redactor.text(raw.source), truncated=raw.truncated)
        try:
            data = redactor.artifact(raw.data)
            if found := seen(data, forbidden):
                raise RedactionError(WITHHELD.format(kinds=", ".join(found)))
        except RedactionError as error:
            listed.withheld_reason = str(error)
            snapshot.redaction.withheld.append(raw.name)
            continue
        listed.size_bytes, listed.sha256 = len(data), hashlib.sha256(data).digest()
        yield raw.name, data


def _withhold_leaking_sections(snapshot: snapshot_pb2.Snapshot, forbidden: Sequence[str]) -> None:
    """Empty every section in which the second scanner sees something; raises where it is not in a section."""
    if not seen(_as_text(snapshot), forbidden):
        return
    for section in snapshot.sections:
        if found := seen(_as_text(section), forbidden):
            name, reason = section.probe, WITHHELD.format(kinds=", ".join(found))
            section.Clear()
            section.probe, section.outcome, section.reason = name, section_pb2.PROBE_OUTCOME_FAILED, reason
            snapshot.redaction.withheld.append(name)
    if found := seen(_as_text(snapshot), forbidden):
        raise RedactionError(f"nothing leaves: {', '.join(found)} outside of any section after redaction")


def _as_text(message: snapshot_pb2.Snapshot | section_pb2.Section) -> bytes:
    """A message as readers see it."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False).encode()
