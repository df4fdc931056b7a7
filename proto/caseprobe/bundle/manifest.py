"""manifest.json: the SHA-256 of every other member, signed; and what a signature proves, in words."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from caseprobe.errors import Corrupt
from caseprobe.ids import agent_id

FORMAT = "caseprobe-bundle"
# 2 where something was left out: a reader of version 1 would not know that this is signed, too.
VERSION = 2
ALGORITHM = "ecdsa-p256-sha256"
KEY_KINDS = ("enrolled", "one-shot", "none")
LEFT_OUT = ("name", "by", "why")
LONGEST_MANIFEST_BYTES = 4 << 20

# Given the bytes to be signed: key kind ("enrolled" or "one-shot"), key id, signature, public key (DER).
Signer = Callable[[bytes], tuple[str, str, bytes, bytes]]


@dataclass(frozen=True)
class Signature:
    """Who signed; key_kind "none" has neither key nor value."""

    key_kind: str = "none"
    key_id: str = ""
    value: bytes = b""
    public_key: bytes = b""


@dataclass(frozen=True)
class LeftOut:
    """Something that was measured and is not in the bundle: a member's or a probe's name, who decided so, and why."""

    name: str
    by: str
    why: str


@dataclass(frozen=True)
class Manifest:
    """members: SHA-256 by name, in the order of the file; left_out: what its owner or the pipe kept back."""

    snapshot_id: str
    members: Mapping[str, bytes]
    signature: Signature = field(default_factory=Signature)
    left_out: tuple[LeftOut, ...] = ()

    def statement(self) -> bytes:
        """The bytes that are signed: everything but the signature, written in exactly one way."""
        return json.dumps(self._facts(), sort_keys=True, separators=(",", ":")).encode()

    def to_json(self) -> bytes:
        """The member manifest.json."""
        signature = {
            "key_kind": self.signature.key_kind,
            "key_id": self.signature.key_id,
            "algorithm": ALGORITHM if self.signature.value else "",
            "value": b64encode(self.signature.value).decode(),
            "public_key": b64encode(self.signature.public_key).decode(),
        }
        return json.dumps({**self._facts(), "signature": signature}, indent=1, sort_keys=True).encode() + b"\n"

    def _facts(self) -> dict[str, object]:
        members = [{"name": name, "sha256": digest.hex()} for name, digest in self.members.items()]
        facts: dict[str, object] = {"format": FORMAT, "version": 1, "snapshot_id": self.snapshot_id, "members": members}
        if self.left_out:
            facts |= {"version": 2, "left_out": [asdict(one) for one in self.left_out]}
        return facts


@dataclass(frozen=True)
class Verification:
    """What a bundle proves.

    signed_by: "enrolled", "one-shot", "none", or "invalid" where the signature does not fit; sentence: for people.
    """

    complete: bool
    hashes_ok: bool
    signed_by: str
    key_id: str
    sentence: str


def manifest_from_json(data: bytes) -> Manifest:
    """The manifest in a member; Corrupt where it is none, or of a version that this program cannot judge."""
    if len(data) > LONGEST_MANIFEST_BYTES or data.count(b"[") + data.count(b"{") > 40_000:
        raise Corrupt("manifest.json is larger than any manifest; it was not read")
    try:
        found = json.loads(data)
        newer = found["format"] == FORMAT and int(found["version"]) > VERSION
        if newer or found["format"] != FORMAT:
            raise Corrupt(_other_format(newer, found["version"]))
        members = {str(one["name"]): bytes.fromhex(one["sha256"]) for one in found["members"]}
        if len(members) != len(found["members"]):
            raise Corrupt("manifest.json names a member twice; do not trust this file")
        left_out = tuple(LeftOut(*(str(one[name]) for name in LEFT_OUT)) for one in found.get("left_out", ()))
        return Manifest(str(found["snapshot_id"]), members, _signature(found["signature"]), left_out)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"manifest.json cannot be read ({type(error).__name__}); ask for the file again") from None


def _other_format(newer: bool, version: object) -> str:
    if newer:
        return f"the bundle is of version {int(str(version))}, this program reads up to {VERSION}; update caseprobe"
    return "manifest.json is not that of a caseprobe bundle"


def _signature(found: Mapping[str, str]) -> Signature:
    kind = found["key_kind"]
    if kind not in KEY_KINDS:
        raise ValueError("unknown kind of key")
    return Signature(
        kind,
        str(found["key_id"]),
        b64decode(found["value"], validate=True),
        b64decode(found["public_key"], validate=True),
    )


def signature_fits(manifest: Manifest) -> bool:
    """Whether the key that the manifest names made its signature over exactly this manifest."""
    signature = manifest.signature
    return key_made(signature.public_key, signature.key_id, signature.value, manifest.statement())


def key_made(public_key: bytes, key_id: str, signature: bytes, data: bytes) -> bool:
    """Whether the key of this id (the hash of public_key, DER) signed exactly these bytes."""
    if agent_id(public_key) != key_id:
        return False
    # Here and nowhere else: what stays resident must not load it.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        key.verify(signature, data, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def sentence(complete: bool, wrong: str, signed_by: str, key_id: str) -> str:
    """What a bundle proves, in plain words. wrong: what is not as the manifest says; empty where all is.

    >>> sentence(False, "", "none", "")
    'Incomplete and unsigned: the file was cut before its end. What is in it can be read, but nothing proves it.'
    """
    if not complete:
        return PROOFS["incomplete"]
    if wrong:
        return f"Changed after it was written: {wrong}. Do not rely on this file; ask for it again."
    return PROOFS[signed_by].format(key_id=key_id)


PROOFS = {
    "incomplete": (
        "Incomplete and unsigned: the file was cut before its end. What is in it can be read, but nothing proves it."
    ),
    "enrolled": (
        "Complete and unchanged since it was signed with key {key_id}, which calls itself an enrolled machine's. "
        "Whose machine that is, the collector knows: compare the id with its list of agents."
    ),
    "one-shot": (
        "Complete and unchanged since it was signed with key {key_id}, made for one bundle. "
        "This proves that nobody altered it on its way, not which machine or person made it."
    ),
    "none": (
        "Complete, and every hash is right, but it is not signed: this shows damage on the way, "
        "not that nobody rewrote both the content and the hashes."
    ),
    "invalid": (
        "The signature does not fit: the manifest was changed after it was signed, or the signature was taken from "
        "another bundle. Do not rely on this file; ask for it again."
    ),
}
