"""A snapshot as JSON for people and other programs, and back, with bounds that hostile input cannot pass."""

from __future__ import annotations

from google.protobuf import json_format

from caseprobe.errors import Corrupt
from caseprobe.v1.snapshot_pb2 import Snapshot

LONGEST_JSON_BYTES = 8 << 20
# A real snapshot has some thousand of each; a parser would spend its memory and time on millions.
MOST_CONTAINERS = 25_000
MOST_VALUES = 400_000


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """The snapshot as indented JSON in UTF-8; field names as in the contract.

    >>> snapshot_to_json(Snapshot(snapshot_id="snap_1"))
    b'{\\n  "snapshot_id": "snap_1"\\n}\\n'
    """
    text = json_format.MessageToJson(snapshot, preserving_proto_field_name=True, ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\n"


def snapshot_from_json(data: bytes) -> Snapshot:
    """The snapshot in JSON that snapshot_to_json made, now or in a newer version (unknown fields are left out).

    Raises Corrupt where it is too large, no JSON, or not a snapshot.

    >>> snapshot_from_json(b'{"snapshot_id": "snap_1"}').snapshot_id
    'snap_1'
    """
    if len(data) > LONGEST_JSON_BYTES:
        raise Corrupt(f"snapshot.json is larger than {LONGEST_JSON_BYTES >> 20} MiB; it was not read")
    if data.count(b"{") + data.count(b"[") > MOST_CONTAINERS or data.count(b",") > MOST_VALUES:
        raise Corrupt("snapshot.json has more parts than any snapshot; it was not read")
    try:
        return json_format.Parse(data.decode("utf-8"), Snapshot(), ignore_unknown_fields=True, max_recursion_depth=50)
    except (json_format.ParseError, ValueError, RecursionError, TypeError, AttributeError) as error:
        raise Corrupt(f"snapshot.json is not a snapshot ({type(error).__name__}); ask for the file again") from None
