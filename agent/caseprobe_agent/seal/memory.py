"""What the machine keeps of its sealed snapshots for the next one's judging, as one compressed value."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import zstandard
from google.protobuf.message import DecodeError

from caseprobe.checks.history import MOST_BYTES, remembered
from caseprobe.v1 import history_pb2, snapshot_pb2

log = logging.getLogger("caseprobe.seal")


def read_history(data: bytes, agent_id: str) -> list[snapshot_pb2.Snapshot]:
    """The snapshots kept under this agent's id, newest first; none where the value is damaged: growth begins anew."""
    if not data:
        return []
    try:
        raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=2 * MOST_BYTES)
        history = history_pb2.History.FromString(raw)
    except (zstandard.ZstdError, DecodeError) as error:
        log.warning("what was kept of earlier snapshots is damaged and was dropped: %s", error)
        return []
    return [snapshot for snapshot in history.snapshots if snapshot.agent_id == agent_id]


def written_history(earlier: Sequence[snapshot_pb2.Snapshot], newest: snapshot_pb2.Snapshot) -> bytes:
    """What to keep, from what was kept and the snapshot that was just judged."""
    history = history_pb2.History(snapshots=remembered(earlier, newest))
    return zstandard.ZstdCompressor().compress(history.SerializeToString())
