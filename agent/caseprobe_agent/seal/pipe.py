"""The pipe itself: redact, scan again, judge, pack. Fails closed: what cannot be made safe is withheld and said so."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import zstandard

from caseprobe import ids
from caseprobe.bundle import BundleWriter, LeftOut, Signer, bundle_members
from caseprobe.checks import check_snapshot
from caseprobe.errors import RedactionError
from caseprobe.overrides import Overrides
from caseprobe.redaction import KnownNames, Redactor, known_names
from caseprobe.report import render_report
from caseprobe.v1 import finding_pb2, link_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.identity.keys import pack, sign_digest, unpack
from caseprobe_agent.probes.probe import RawArtifact
from caseprobe_agent.seal.form import SHIPPED, Hiding, Judging, Parcel, pack_parcel, unpack_request
from caseprobe_agent.seal.guard import SENTINEL, WITHHELD, Guard, as_text
from caseprobe_agent.seal.memory import read_history, written_history
from caseprobe_agent.seal.plant import plant, uproot, uprooted
from caseprobe_agent.snapshot import new_sentinel

SNAPSHOT = "snapshot.json"
FAULTS = (finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)


@dataclass(frozen=True)
class Sealed:
    """A snapshot that may leave, judged; the artifacts that may leave, by name; what turns its names back.

    guard: what looks at the final bytes. earlier: the snapshots of this machine that it was judged beside, newest
    first. hidden: what was hidden in the snapshot and in each artifact, by rule, with the bundle's names.
    """

    snapshot: snapshot_pb2.Snapshot
    artifacts: Mapping[str, bytes]
    redactor: Redactor
    guard: Guard
    earlier: Sequence[snapshot_pb2.Snapshot] = ()
    hidden: Mapping[str, Counter[str]] = field(default_factory=dict)


def redactor_of(hiding: Hiding) -> Redactor:
    """The redactor with this machine's key and names."""
    known: KnownNames = known_names(hiding.host_name, hiding.passwd, hiding.hosts)
    return Redactor(hiding.key, hiding.asset_masked, known)


def seal(
    snapshot: snapshot_pb2.Snapshot,
    artifacts: Sequence[RawArtifact],
    hiding: Hiding,
    judging: Judging = SHIPPED,
    strict: bool = True,
    objection: Callable[[int], str] = lambda _size: "",
) -> Sealed:
    """Redact, scan and judge; ids, flow and consent are already set.

    A section or artifact that the second scanner objects to is withheld, with the reason in its place; strict: a
    sentinel in any artifact stops everything, otherwise it withholds that artifact. objection: why an artifact of so
    many bytes is left out when its turn comes; empty where it is not.
    Raises RedactionError where redaction as a whole failed: then nothing leaves.
    """
    redactor = redactor_of(hiding)
    planted, sources, sentinels = plant(snapshot, artifacts, new_sentinel())
    redacted = redactor.snapshot(planted)
    hidden = {SNAPSHOT: Counter(redactor.counts)}
    guard = Guard(hiding.forbidden, sentinels)
    kept = dict(_artifacts(redacted, sources, redactor, guard, hidden, objection))
    _withhold_leaking_sections(redacted, guard)
    if strict and guard.broken:
        raise RedactionError(f"nothing leaves: {SENTINEL} was still there after redaction")
    hidden[SNAPSHOT] -= uproot(redacted)
    redacted.redaction.CopyFrom(_report(redactor, redacted, hidden))
    earlier = [*_first_look(judging, snapshot, redacted), *read_history(judging.history, redacted.agent_id)]
    sealed = Sealed(redacted, kept, redactor, guard, earlier, hidden)
    judge(sealed, judging.overrides)
    return sealed


def _first_look(
    judging: Judging, snapshot: snapshot_pb2.Snapshot, redacted: snapshot_pb2.Snapshot
) -> Iterator[snapshot_pb2.Snapshot]:
    """The first look of this session, its boot by the name that it has here: only its sections were sealed."""
    if (first := judging.first) is not None:
        first.boot_id = redacted.boot_id if first.boot_id == snapshot.boot_id else ""
        yield first


def judge(sealed: Sealed, overrides: Overrides) -> None:
    """Put findings and coverage into the snapshot, in place of any that are there."""
    redacted = sealed.snapshot
    del redacted.findings[:], redacted.coverage[:]
    stated = masked_overrides(overrides, sealed.redactor)
    findings, coverage = check_snapshot(redacted, earlier=sealed.earlier, overrides=stated)
    redacted.findings.extend(findings)
    redacted.coverage.extend(coverage)


def without(sealed: Sealed, names: Collection[str], overrides: Overrides, why: str) -> Sealed:
    """The same without these artifacts and sections (by probe), each of which says why; judged anew."""
    snapshot = snapshot_pb2.Snapshot()
    snapshot.CopyFrom(sealed.snapshot)
    for section in snapshot.sections:
        if section.probe in names:
            _emptied(section, section_pb2.PROBE_OUTCOME_SKIPPED, why)
    for listed in snapshot.artifacts:
        if listed.name in names:
            listed.size_bytes, listed.sha256, listed.withheld_reason = 0, b"", why
    kept = {name: data for name, data in sealed.artifacts.items() if name not in names}
    hidden = {name: counts for name, counts in sealed.hidden.items() if name not in names}
    snapshot.redaction.CopyFrom(_report(sealed.redactor, snapshot, hidden))
    less = replace(sealed, snapshot=snapshot, artifacts=kept, hidden=hidden)
    judge(less, overrides)
    return less


def masked_overrides(overrides: Overrides, redactor: Redactor) -> Overrides:
    """An operator's statements in the words of a redacted snapshot: their objects and files have pseudonyms too."""
    return tuple(
        replace(one, pattern=redactor.text(one.pattern), origin=redactor.text(one.origin)) for one in overrides
    )


def make_parcel(request: bytes) -> bytes:
    """In the child: the parcel of a packed request."""
    snapshot, artifacts, hiding, private_key_pem, judging = unpack_request(request)
    sealed = seal(snapshot, artifacts, hiding, judging, strict=False)
    kind, body = link_pb2.DATA_KIND_SNAPSHOT, b""
    if sealed.artifacts:
        stream = io.BytesIO()
        write_guarded(stream, sealed, render_report(sealed.snapshot), signer_of(private_key_pem, "enrolled"))
        kind, body = link_pb2.DATA_KIND_BUNDLE, stream.getvalue()
    else:
        serialized = sealed.snapshot.SerializeToString()
        if why := sealed.guard.objection(SNAPSHOT, serialized):
            raise RedactionError(f"nothing leaves: {why}")
        body = zstandard.ZstdCompressor().compress(serialized)
    report_of = sealed.snapshot.redaction
    hidden_total = sum(count.total for count in report_of.counts)
    fault_total = sum(finding.state in FAULTS for finding in sealed.snapshot.findings)
    history = written_history(sealed.earlier, sealed.snapshot)
    return pack_parcel(Parcel(kind, body, hidden_total, len(report_of.withheld), history, fault_total))


def write_guarded(
    stream: BinaryIO, sealed: Sealed, report: str, signer: Signer | None, left_out: Sequence[LeftOut] = ()
) -> bytes:
    """Writes the bundle; gives the file's SHA-256. Each member passes the guard before its first byte is written.

    A member that does not is left out, and the manifest says so; left_out: what was left out before, members among it.
    Raises RedactionError where it is the snapshot, without which there is no bundle.
    """
    writer = BundleWriter(stream)
    dropped = {one.name for one in left_out}
    for one in left_out:
        writer.leave_out(one)
    for name, data in bundle_members(sealed.snapshot, sealed.artifacts, report):
        if name in dropped:
            continue
        if why := sealed.guard.objection(name, data):
            if name == SNAPSHOT:
                raise RedactionError(f"nothing leaves: {why}")
            writer.leave_out(LeftOut(name, "caseprobe", why))
        else:
            writer.add(name, data)
    return writer.close(signer, sealed.snapshot.snapshot_id)


def signer_of(private_key_pem: bytes, key_kind: str) -> Signer | None:
    """What signs a bundle with a key; None without a key."""
    if not private_key_pem:
        return None

    def sign(statement: bytes) -> tuple[str, str, bytes, bytes]:
        public, signature = unpack(sign_digest(pack(private_key_pem, hashlib.sha256(statement).digest())))
        return key_kind, ids.agent_id(public), signature, public

    return sign


def _artifacts(
    snapshot: snapshot_pb2.Snapshot,
    artifacts: Sequence[RawArtifact],
    redactor: Redactor,
    guard: Guard,
    hidden: dict[str, Counter[str]],
    objection: Callable[[int], str],
) -> Iterator[tuple[str, bytes]]:
    """Each artifact that may leave, redacted; every one is listed in the snapshot, with its hash or the reason."""
    for raw in artifacts:
        listed = snapshot.artifacts.add(name=raw.name, source=redactor.text(raw.source), truncated=raw.truncated)
        before = Counter(redactor.counts)
        try:
            if why := objection(len(raw.data)):
                raise RedactionError(why)
            data, rules = uprooted(_clean(raw, redactor, guard))
        except RedactionError as error:
            listed.withheld_reason = str(error)
            snapshot.redaction.withheld.append(raw.name)
            continue
        hidden[raw.name] = Counter(redactor.counts) - before - rules
        guard.let_pass(data)
        listed.size_bytes, listed.sha256 = len(data), hashlib.sha256(data).digest()
        yield raw.name, data


def _clean(raw: RawArtifact, redactor: Redactor, guard: Guard) -> bytes:
    """The artifact through the pipe, its sentinel still in its place; raises RedactionError where it must stay here."""
    data = redactor.artifact(raw.data, raw.source)
    if why := guard.objection(raw.name, data):
        raise RedactionError(why)
    return data


def _withhold_leaking_sections(snapshot: snapshot_pb2.Snapshot, guard: Guard) -> None:
    """Empty every section in which the second scanner sees something; raises where it is not in a section."""
    if not guard.sees(as_text(snapshot)):
        return
    for section in snapshot.sections:
        if found := guard.sees(as_text(section)):
            snapshot.redaction.withheld.append(section.probe)
            _emptied(section, section_pb2.PROBE_OUTCOME_FAILED, WITHHELD.format(kinds=", ".join(found)))
    if found := guard.sees(as_text(snapshot)):
        raise RedactionError(f"nothing leaves: {', '.join(found)} outside of any section after redaction")


def _emptied(section: section_pb2.Section, outcome: section_pb2.ProbeOutcome.ValueType, why: str) -> None:
    """Leaves nothing of a section but its name and why it is empty."""
    name = section.probe
    section.Clear()
    section.probe, section.outcome, section.reason = name, outcome, why


def _report(
    redactor: Redactor, snapshot: snapshot_pb2.Snapshot, hidden: Mapping[str, Counter[str]]
) -> snapshot_pb2.RedactionReport:
    """What was hidden in what leaves, in counts: without the planted lines and without what was left out."""
    report = redactor.report(snapshot.redaction.withheld)
    total = sum(hidden.values(), Counter())
    del report.counts[:]
    report.counts.extend(snapshot_pb2.RedactionCount(rule=rule, total=total[rule]) for rule in sorted(+total))
    return report
