"""From raw facts to bytes that may leave: redacted, scanned a second time, judged, packed.

Raw facts reach neither disk nor wire but through here. The resident process lets a child do it and so never loads
the rules, the checks or cryptography; a one-shot run calls `pipe` itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from caseprobe.v1 import snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.seal.form import SHIPPED, Hiding, Judging, Parcel, hiding_of, load_key, pack_request, unpack_parcel

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact

__all__ = ["Hiding", "Judging", "Parcel", "Run", "hiding_of", "load_key", "seal_apart"]

SEAL_SECONDS = 60.0
# Runs a function apart from this process: function, request, limit in seconds. `worker.call` but for tests.
Run = Callable[[Callable[[bytes], bytes], bytes, float], Awaitable[bytes]]


async def seal_apart(
    snapshot: snapshot_pb2.Snapshot,
    artifacts: Sequence[RawArtifact],
    hiding: Hiding,
    private_key_pem: bytes,
    run: Run = worker.call,
    judging: Judging = SHIPPED,
) -> Parcel:
    """The snapshot ready for the spool, made in a child: alone where it has no artifacts, else as a signed bundle.

    Raises RedactionError where nothing may leave, MeasurementError where the child failed.
    """
    request = pack_request(snapshot, artifacts, hiding, private_key_pem, judging)
    return unpack_parcel(await run(make_parcel, request, SEAL_SECONDS))


def make_parcel(request: bytes) -> bytes:
    """In the child: the parcel of a packed request."""
    from caseprobe_agent.seal import pipe  # the rules and checks are never loaded by the resident process

    return pipe.make_parcel(request)
