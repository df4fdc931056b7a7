"""An identity and the two files that it is kept in: the key, which never changes, and what the collector gave."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from caseprobe.errors import Corrupt
from caseprobe_agent.identity.files import make_private_folder, read_private, write_private

ENROLLED = "enrolled"
ONE_SHOT = "one_shot"


@dataclass(frozen=True)
class Identity:
    """A key that a collector knows, with everything that a connection needs. kind is enrolled or one_shot."""

    agent_id: str
    private_key_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    ca_pem: bytes = field(repr=False)
    # host:port of gRPC
    link_address: str
    kind: str
    # One-shot: the only case that it may attach to.
    case_id: str
    # The certificate's validity, by the collector's clock.
    valid_from_at: datetime
    valid_until_at: datetime
    # What the machine was enrolled as; the settings may name it anew.
    label: str = ""
    # Why the collector ended this enrolment; empty while it stands.
    ended: str = ""


def key_path(folder: Path, kind: str) -> Path:
    """The key's file. A one-shot run has its own key: a machine's enrolment never rests on it."""
    return folder / f"{kind}.key.pem"


def load_key(folder: Path, kind: str) -> bytes:
    """The private key's PEM, empty where there is none yet."""
    return read_private(key_path(folder, kind)) or b""


def save_key(folder: Path, kind: str, private_key_pem: bytes) -> None:
    """Keep the key durably before anything is asked for with it, so that a lost answer can be asked for again."""
    make_private_folder(folder)
    write_private(key_path(folder, kind), private_key_pem)


def load(folder: Path, kind: str = ENROLLED) -> Identity | None:
    """The identity kept in a folder, None where there is none; raises Corrupt or ConfigurationError."""
    path = folder / f"{kind}.json"
    data, key = read_private(path), load_key(folder, kind)
    if data is None or not key:
        return None
    try:
        return _from_json(json.loads(data), key, kind)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Corrupt(f"{path} is damaged: move it away and enroll again") from None


def save(folder: Path, identity: Identity) -> None:
    """Keep an identity durably, replacing what was there; the key's file is written apart, before."""
    make_private_folder(folder)
    kept = {
        "agent_id": identity.agent_id,
        "link_address": identity.link_address,
        "case_id": identity.case_id,
        "certificate": identity.certificate_pem.decode("ascii"),
        "ca": identity.ca_pem.decode("ascii"),
        "valid_from": identity.valid_from_at.timestamp(),
        "valid_until": identity.valid_until_at.timestamp(),
        "label": identity.label,
        "ended": identity.ended,
    }
    write_private(folder / f"{identity.kind}.json", json.dumps(kept, indent=1).encode("ascii"))


def end(folder: Path, reason: str) -> None:
    """Note why the collector ended a machine's enrolment, for `caseprobe status`; empty: it stands (again)."""
    identity = load(folder)
    if identity is not None and identity.ended != reason:
        save(folder, dataclasses.replace(identity, ended=reason))


def forget(folder: Path, kind: str = ENROLLED) -> None:
    """Remove an identity and its key from a folder; the next enrolment makes a new agent."""
    (folder / f"{kind}.json").unlink(missing_ok=True)
    key_path(folder, kind).unlink(missing_ok=True)


def moment(seconds: float) -> datetime:
    """A time point in UTC from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _from_json(kept: dict[str, object], key: bytes, kind: str) -> Identity:
    text = {name: kept[name] for name in ("agent_id", "link_address", "case_id", "certificate", "ca")}
    if not all(isinstance(value, str) for value in text.values()):
        raise ValueError("a field has another type")
    return Identity(
        agent_id=str(text["agent_id"]),
        private_key_pem=key,
        certificate_pem=str(text["certificate"]).encode("ascii"),
        ca_pem=str(text["ca"]).encode("ascii"),
        link_address=str(text["link_address"]),
        kind=kind,
        case_id=str(text["case_id"]),
        valid_from_at=moment(float(str(kept["valid_from"]))),
        valid_until_at=moment(float(str(kept["valid_until"]))),
        label=str(kept.get("label", "")),
        ended=str(kept.get("ended", "")),
    )
