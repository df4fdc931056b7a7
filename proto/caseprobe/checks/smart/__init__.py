"""Disks by what they tell about themselves: smartctl and nvme-cli."""

from __future__ import annotations

from caseprobe.checks.check import Check
from caseprobe.checks.smart import counters, growth, logs, nvme, state

__all__ = ["ALL"]

ALL: tuple[Check, ...] = (*state.ALL, *counters.ALL, *logs.ALL, *growth.ALL, *nvme.ALL)
