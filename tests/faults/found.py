"""All kinds of faults, and the finding that names one."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caseprobe.parse.logs.kmsg import parse_kmsg
from caseprobe_agent.machine import Machine
from tests.faults import network, processes, services, storage
from tests.faults.kind import Expected, Kind
from tests.faults.room import room, told

RING = ("/dev/kmsg",)
# As the kernel's lines have it, or as a victim is told.
MOMENT = re.compile(r"(?:\[ *|seconds_since_boot=)(\d+\.?\d*)")
ALL: tuple[Kind, ...] = (*storage.ALL, *processes.ALL, *network.ALL, *services.ALL)


def finding_of(kind: Kind, folder: Path) -> tuple[Mapping[str, Any] | None, float]:
    """The finding that names the fault, None where there is none, and how long the judgement took."""
    since = _mark() if kind.kernel == RING else 0.0
    with room(folder, kind.network) as made, kind.make(made) as expected:
        began = time.monotonic()
        answer = made.judge(kind.profile, kind.variables)
        seconds = time.monotonic() - began
        return next((one for one in told(answer, kind.check_id) if _names(one, expected, since)), None), seconds


def _mark() -> float:
    """Write a line into the kernel's ring and give its moment: what was there before is no proof."""
    text = f"caseprobe fault {secrets.token_hex(8)}"
    Path(RING[0]).write_text(f"<6>{text}\n")
    records = parse_kmsg(Machine().read_tail(RING[0], 4 << 20)[0].decode("utf-8", "replace"))
    return next(record.seconds for record in reversed(records) if text in record.text)


def _names(finding: Mapping[str, Any], expected: Expected, since: float) -> bool:
    """Its object holds what is expected (a machine as a whole has none), and it speaks of now."""
    moments = (MOMENT.search(evidence["text"]) for evidence in finding["evidence"])
    newest = max((float(found[1]) for found in moments if found), default=0.0)
    return expected.subject in finding["object"] and newest >= since
