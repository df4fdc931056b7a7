"""What goes into the pipe and what comes out, in a form that a child can be handed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caseprobe.errors import Corrupt, MeasurementError
from caseprobe.overrides import NONE, Override, Overrides
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent.identity.files import make_private_folder, read_private, write_private
from caseprobe_agent.identity.keys import pack, unpack
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.patience import within

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact

KEY_BYTES = 32
# A file of names that does not answer so soon lies on a mount that hangs.
NAMES_SECONDS = 0.5


@dataclass(frozen=True)
class Hiding:
    """With what to hide: the machine's own key and the names that it knows to be its own.

    forbidden: texts that must not be in the result whatever the rules say, such as the join code of this run.
    """

    key: bytes = field(repr=False)
    asset_masked: bool
    host_name: str = ""
    passwd: str = field(default="", repr=False)
    hosts: str = field(default="", repr=False)
    forbidden: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Judging:
    """What the checks are told beside the facts: the operator's levels, and what was kept of earlier snapshots.

    history: as the parcel of the snapshot before gave it; empty where there was none. first: the first look of the
    same session, its sections redacted as they left.
    """

    overrides: Overrides = NONE
    history: bytes = field(default=b"", repr=False)
    first: snapshot_pb2.Snapshot | None = field(default=None, repr=False)


SHIPPED = Judging()


@dataclass(frozen=True)
class Parcel:
    """What the spool keeps: a zstd-compressed Snapshot or a bundle file; and what was hidden in it, in numbers.

    history: what to hand to the next snapshot's judging; it stays on the machine.
    """

    kind: link_pb2.DataKind.ValueType
    body: bytes
    hidden_total: int = 0
    withheld_total: int = 0
    history: bytes = field(default=b"", repr=False)
    # Findings that are a fault: warn or worse.
    fault_total: int = 0


def hiding_of(machine: Machine, key: bytes, asset_masked: bool, forbidden: Sequence[str] = ()) -> Hiding:
    """How this machine's facts are hidden; a name source that cannot be read hides less by name, not by form."""
    texts = [_text(machine, path) for path in ("/proc/sys/kernel/hostname", "/etc/passwd", "/etc/hosts")]
    return Hiding(key, asset_masked, texts[0].strip(), texts[1], texts[2], tuple(forbidden))


def load_key(folder: Path) -> bytes:
    """The key of this machine's pseudonyms, made on first use; it never leaves the folder."""
    make_private_folder(folder)
    path = folder / "pseudonyms.key"
    key = read_private(path)
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        write_private(path, key)
    if len(key) != KEY_BYTES:
        raise Corrupt(f"{path} is damaged: move it away (later pseudonyms then differ from earlier ones)")
    return key


def pack_request(
    snapshot: snapshot_pb2.Snapshot,
    artifacts: Sequence[RawArtifact],
    hiding: Hiding,
    private_key_pem: bytes,
    judging: Judging = SHIPPED,
) -> bytes:
    """Everything that the child needs, as one request."""
    plain = {**asdict(hiding), "key": hiding.key.hex()}
    rows = [[one.name, one.source, one.truncated] for one in artifacts]
    overrides = [asdict(one) for one in judging.overrides]
    header = json.dumps({"hiding": plain, "artifacts": rows, "overrides": overrides}).encode()
    data = (one.data for one in artifacts)
    first = judging.first.SerializeToString() if judging.first is not None else b""
    return pack(header, private_key_pem, snapshot.SerializeToString(), judging.history, first, *data)


def unpack_request(request: bytes) -> tuple[snapshot_pb2.Snapshot, list[RawArtifact], Hiding, bytes, Judging]:
    """What pack_request put together."""
    from caseprobe_agent.probes.probe import RawArtifact  # only the child gets here

    head, private_key_pem, snapshot, history, first, *data = unpack(request)
    header = json.loads(head)
    hiding = _hiding(header["hiding"])
    rows = zip(header["artifacts"], data, strict=True)
    artifacts = [RawArtifact(name, source, body, truncated) for (name, source, truncated), body in rows]
    look = snapshot_pb2.Snapshot.FromString(first) if first else None
    judging = Judging(tuple(Override(**one) for one in header["overrides"]), history, look)
    return snapshot_pb2.Snapshot.FromString(snapshot), artifacts, hiding, private_key_pem, judging


def pack_hiding(hiding: Hiding, subject: bytes) -> bytes:
    """A hiding and what it is about, as one request."""
    return pack(json.dumps({**asdict(hiding), "key": hiding.key.hex()}).encode(), subject)


def unpack_hiding(request: bytes) -> tuple[Hiding, bytes]:
    """What pack_hiding put together."""
    head, subject = unpack(request)
    return _hiding(json.loads(head)), subject


def _hiding(plain: dict[str, Any]) -> Hiding:
    return Hiding(**{**plain, "key": bytes.fromhex(plain["key"]), "forbidden": tuple(plain["forbidden"])})


def pack_parcel(parcel: Parcel) -> bytes:
    """A parcel as the child's answer."""
    totals = [parcel.hidden_total, parcel.withheld_total, parcel.fault_total]
    return pack(json.dumps([int(parcel.kind), *totals]).encode(), parcel.body, parcel.history)


def unpack_parcel(answer: bytes) -> Parcel:
    """The parcel in the child's answer."""
    figures, body, history = unpack(answer)
    kind, hidden_total, withheld_total, fault_total = json.loads(figures)
    return Parcel(kind, body, hidden_total, withheld_total, history, fault_total)


def _text(machine: Machine, path: str) -> str:
    try:
        return within(NAMES_SECONDS, lambda: machine.read_text(path))
    except MeasurementError:
        return ""
