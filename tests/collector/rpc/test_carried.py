"""Bundle files that came by another way: only what the machine that it names has signed is stored."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.bundle import write_bundle
from caseprobe.errors import Corrupt, NotAllowed
from caseprobe.ids import agent_id
from caseprobe.v1 import snapshot_pb2
from caseprobe_collector.ingest.forms import read_bundle

KEY = ec.generate_private_key(ec.SECP256R1())
DER = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
OWN = agent_id(DER)
Signer = Callable[[bytes], tuple[str, str, bytes, bytes]]


def signed(statement: bytes) -> tuple[str, str, bytes, bytes]:
    """The signature of the machine's own key."""
    return "one-shot", OWN, KEY.sign(statement, ec.ECDSA(hashes.SHA256())), DER


def forged(statement: bytes) -> tuple[str, str, bytes, bytes]:
    """A signature over something else."""
    return signed(statement + b" ")


def bundle(machine: str, signer: Signer | None) -> io.BytesIO:
    """A bundle that names this machine."""
    stream = io.BytesIO()
    snapshot = snapshot_pb2.Snapshot(snapshot_id=f"snap_{1:032x}", agent_id=machine)
    write_bundle(stream, snapshot, {}, "<!doctype html>", signer)
    stream.seek(0)
    return stream


def test_a_bundle_that_its_machine_signed_is_read() -> None:
    """The key that signed is the key whose id the snapshot names."""
    assert read_bundle(bundle(OWN, signed)).agent_id == OWN


@pytest.mark.parametrize(
    ("machine", "signer", "error"),
    [(OWN, None, NotAllowed), ("agent_of_somebody_else", signed, NotAllowed), (OWN, forged, Corrupt)],
    ids=["unsigned", "names another machine", "forged"],
)
def test_what_no_machine_signed_is_refused(machine: str, signer: Signer | None, error: type[Exception]) -> None:
    """Nobody can put evidence on another machine's page by writing its id into a file."""
    with pytest.raises(error):
        read_bundle(bundle(machine, signer))
