"""What the resident agent recorded before this run: its ring of samples, read back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.logs.window import window_from
from caseprobe.v1 import section_history_pb2
from caseprobe_agent.folders import SYSTEM_FOLDER, SYSTEM_STATE_FOLDER, folders
from caseprobe_agent.history.ring import NAME, Read
from caseprobe_agent.history.series import facts_of
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured

# What quick can read back in some 10 ms.
QUICK_SECONDS, DAY_SECONDS = 3 * 3600.0, 24 * 3600.0


def measure(machine: Machine, earlier: object | None) -> Measured:
    """The last hours, or in a timetable what was recorded since its last run; absent where no agent keeps a history."""
    return _measure(machine, QUICK_SECONDS, earlier)


def measure_more(machine: Machine, earlier: object | None) -> Measured:
    """As measure, with the last day."""
    return _measure(machine, DAY_SECONDS, earlier)


def _measure(machine: Machine, most_seconds: float, earlier: object | None) -> Measured:
    window, since = window_from(earlier), 0.0
    with contextlib.suppress(ValueError):
        since = float(earlier) if isinstance(earlier, str) and earlier else 0.0
    facts = _read(machine, lambda read: facts_of(read, most_seconds, since, window))
    if earlier is None or window is not None:
        return Measured(facts)
    return Measured(facts, place=str(facts.last_at.ToMilliseconds() / 1e3 if facts.samples_total else since))


def _read(
    machine: Machine, facts_in: Callable[[Read], section_history_pb2.HistoryFacts]
) -> section_history_pb2.HistoryFacts:
    """The history of the caller's own agent, else of the machine's."""
    own = folders(machine.environment(), {}, SYSTEM_FOLDER)[1] if machine.live else SYSTEM_STATE_FOLDER
    for folder in dict.fromkeys((own, SYSTEM_STATE_FOLDER)):
        path = f"{folder}/{NAME}"
        with contextlib.suppress(MachineAbsent), machine.opened(path) as read:
            try:
                return facts_in(read)
            except ValueError as error:
                raise MeasurementError(f"{path}: {error}") from error
    raise MachineAbsent("no history is kept here: the resident agent (`caseprobe run`) records one")
