"""Recorded machines of other systems: outputs of their tools, and everything that is read and judged of them.

`python -m tests.machines.recordings` writes every expected.json anew; read its difference before it is committed.
README.md says of each file where it comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from caseprobe.checks import check_snapshot
from caseprobe.recorded import sections_of
from caseprobe.texts.findings import state_name
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

FOLDER = Path(__file__).parent / "recorded"
EXPECTED = "expected.json"
PREFIXES = {"win": "windows", "mac": "darwin", "ima": "darwin"}


def names() -> list[str]:
    """Every recorded machine."""
    return sorted(path.name for path in FOLDER.iterdir() if path.name[:3] in PREFIXES)


def system_of(name: str) -> str:
    """Its system, as SystemFacts names it."""
    return PREFIXES[name[:3]]


def files_of(name: str) -> dict[str, bytes]:
    """Its outputs by file name."""
    return {path.name: path.read_bytes() for path in sorted((FOLDER / name).iterdir()) if path.name != EXPECTED}


def snapshot_of(name: str) -> snapshot_pb2.Snapshot:
    """All sections that its outputs tell."""
    return snapshot_pb2.Snapshot(sections=sections_of(system_of(name), files_of(name)))


def judged_of(name: str) -> tuple[list[finding_pb2.Finding], list[finding_pb2.Coverage]]:
    """What the checks say of it."""
    return check_snapshot(snapshot_of(name))


def measured_of(name: str) -> Mapping[str, Any]:
    """Everything that is expected: sections as JSON, findings, and which checks found nothing wrong."""
    snapshot = snapshot_of(name)
    findings, coverage = check_snapshot(snapshot)
    return {
        "findings": sorted(f"{state_name(one.state)} {one.check_id} {one.object}".rstrip() for one in findings),
        "ok": sorted(one.check_id for one in coverage if one.outcome == finding_pb2.SEVERITY_OK),
        "sections": {one.probe: _json(one) for one in snapshot.sections},
    }


def _json(section: section_pb2.Section) -> Mapping[str, Any]:
    return MessageToDict(section, preserving_proto_field_name=True)


def main() -> None:
    """Write down what is read of every machine now."""
    for name in names():
        text = json.dumps(measured_of(name), indent=1, sort_keys=True, ensure_ascii=False)
        (FOLDER / name / EXPECTED).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
