"""Which output tells which section, per system; a missing one is skipped, an unreadable one failed with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.recorded import darwin, windows
from caseprobe.recorded.outputs import Missing, Outputs
from caseprobe.v1 import section_pb2

SYSTEMS: Mapping[str, Mapping[str, Callable[[Outputs], Message]]] = {
    "windows": windows.SECTIONS,
    "darwin": darwin.SECTIONS,
}


def sections_of(system: str, files: Mapping[str, bytes]) -> list[section_pb2.Section]:
    """Every section that this system's outputs can tell, in their order; files by name, see docs/other-systems.md.

    Nothing is raised for what the files hold: a section that cannot be read says why.
    """
    outputs = Outputs(files)
    return [_section(name, read, outputs) for name, read in SYSTEMS[system].items()]


def _section(name: str, read: Callable[[Outputs], Message], outputs: Outputs) -> section_pb2.Section:
    section = section_pb2.Section(probe=name, outcome=section_pb2.PROBE_OUTCOME_OK)
    outputs.shortfalls = []
    try:
        getattr(section, name).CopyFrom(read(outputs))
        section.shortfalls.extend(outputs.shortfalls)
    except Missing as error:
        _end(section, section_pb2.PROBE_OUTCOME_SKIPPED, str(error))
    except MachineDenied as error:
        _end(section, section_pb2.PROBE_OUTCOME_DENIED, str(error), error.needs)
    except MachineAbsent as error:
        _end(section, section_pb2.PROBE_OUTCOME_ABSENT, str(error))
    except (ValueError, OverflowError) as error:
        _end(section, section_pb2.PROBE_OUTCOME_FAILED, str(error))
    return section


def _end(
    section: section_pb2.Section, outcome: section_pb2.ProbeOutcome.ValueType, reason: str, needs: str = ""
) -> None:
    section.ClearField("facts")
    section.outcome, section.reason, section.needs = outcome, reason, needs
