"""What the owner has allowed ahead of time: signed records in the agent's folder, revocable at any time."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from google.protobuf.message import DecodeError

from caseprobe.errors import NotFound, StorageFull
from caseprobe.v1.consent_pb2 import Grant, GrantTerms
from caseprobe_agent.durable import sync_folder

Sign = Callable[[bytes], Awaitable[tuple[str, bytes]]]
# Of key id, signed bytes and signature: True where the key that this machine trusts made it.
Verify = Callable[[str, bytes, bytes], Awaitable[bool]]

LARGEST_GRANT_BYTES = 64 << 10


class Grants:
    """The grants of one agent, a file each. Only verified ones count; a file that is not is left and reported."""

    def __init__(self, folder: Path, sign: Sign, verify: Verify) -> None:
        self._folder = folder
        self._sign = sign
        self._verify = verify
        self._held: dict[str, tuple[GrantTerms, Grant]] = {}
        self.distrusted: list[str] = []

    async def load(self) -> None:
        """Read and verify every grant in the folder; to be called once before anything is decided."""
        for path in sorted(self._folder.glob("grant_*.pb")) if self._folder.is_dir() else []:
            grant = _read(path)
            if grant and await self._verify(grant.key_id, grant.terms, grant.signature):
                terms = GrantTerms.FromString(grant.terms)
                self._held[terms.grant_id] = (terms, grant)
            else:
                self.distrusted.append(path.name)

    def terms(self) -> list[GrantTerms]:
        """What is granted now, oldest first; whether a grant is still in time is decided where it is used."""
        return [terms for terms, _ in self._held.values()]

    def get(self, grant_id: str) -> Grant | None:
        """The signed record, as it travels with the case."""
        held = self._held.get(grant_id)
        return held[1] if held else None

    async def make(self, terms: GrantTerms) -> Grant:
        """Sign the terms and keep them durably; raises StorageFull."""
        data = terms.SerializeToString(deterministic=True)
        key_id, signature = await self._sign(data)
        grant = Grant(terms=data, key_id=key_id, signature=signature)
        try:
            _write(self._folder / f"{terms.grant_id}.pb", grant.SerializeToString(deterministic=True))
        except OSError as error:
            raise StorageFull(f"{self._folder}: the grant could not be kept: {error.strerror}") from error
        self._held[terms.grant_id] = (terms, grant)
        return grant

    def revoke(self, grant_id: str) -> GrantTerms:
        """End a grant at once and for good; the file stays, marked. Raises NotFound."""
        held = self._held.pop(grant_id, None)
        if held is None:
            raise NotFound(f"no grant {grant_id}; `caseprobe consent list` shows those in force")
        path = self._folder / f"{grant_id}.pb"
        path.rename(path.with_suffix(".revoked"))
        sync_folder(self._folder)
        return held[0]


def _read(path: Path) -> Grant | None:
    """A grant file, or None where it holds none."""
    try:
        data = path.read_bytes()[:LARGEST_GRANT_BYTES]
        grant = Grant.FromString(data)
        return grant if GrantTerms.FromString(grant.terms).grant_id == path.stem else None
    except (OSError, DecodeError):
        return None


def _write(path: Path, data: bytes) -> None:
    """The whole file or none of it, on the disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def signature_request(private_key_pem: bytes, data: bytes, signature: bytes) -> bytes:
    """What signature_fits is asked, as one request to a child."""
    return json.dumps([private_key_pem.decode("ascii"), data.hex(), signature.hex()]).encode()


def signature_fits(request: bytes) -> bytes:
    """In a child: b"1" where the key made the signature (ECDSA with SHA-256) over the data, b"" otherwise."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private, data, signature = json.loads(request)
    key = serialization.load_pem_private_key(private.encode("ascii"), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return b""
    try:
        key.public_key().verify(bytes.fromhex(signature), bytes.fromhex(data), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return b""
    return b"1"
