"""What the resident agent recorded before this run: its ring of samples, read back."""

from __future__ import annotations

import contextlib

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.v1 import section_history_pb2
from caseprobe_agent.folders import SYSTEM_FOLDER, SYSTEM_STATE_FOLDER, folders
from caseprobe_agent.history.ring import NAME
from caseprobe_agent.history.series import facts_of
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Probe

# What quick can read back in some 10 ms.
QUICK_SECONDS, DAY_SECONDS = 3 * 3600.0, 24 * 3600.0


def measure(machine: Machine, earlier: object | None) -> Measured:
    """The last hours, or in a timetable what was recorded since its last run; absent where no agent keeps a history."""
    return _measure(machine, QUICK_SECONDS, earlier)


def measure_more(machine: Machine, earlier: object | None) -> Measured:
    """As measure, with the last day."""
    return _measure(machine, DAY_SECONDS, earlier)


def _measure(machine: Machine, most_seconds: float, earlier: object | None) -> Measured:
    since = 0.0
    with contextlib.suppress(ValueError):
        since = float(earlier) if isinstance(earlier, str) and earlier else 0.0
    facts = _facts(machine, most_seconds, since)
    place = str(facts.last_at.ToMilliseconds() / 1e3) if facts.samples_total else str(since)
    return Measured(facts, place="" if earlier is None else place)


def _facts(machine: Machine, most_seconds: float, since: float) -> section_history_pb2.HistoryFacts:
    own = folders(machine.environment(), {}, SYSTEM_FOLDER)[1] if machine.live else SYSTEM_STATE_FOLDER
    for folder in dict.fromkeys((own, SYSTEM_STATE_FOLDER)):
        path = f"{folder}/{NAME}"
        with contextlib.suppress(MachineAbsent), machine.reader(path) as read:
            try:
                return facts_of(read, most_seconds, since)
            except ValueError as error:
                raise MeasurementError(f"{path}: {error}") from error
    raise MachineAbsent("no history is kept here: the resident agent (`caseprobe run`) records one")


PROBE = Probe("history", measure, timeout_seconds=5.0, needs=("root",), resumes=True)
LONGER = Probe("history", measure_more, timeout_seconds=5.0, needs=("root",), resumes=True)
