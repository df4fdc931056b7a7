"""The probes: each measures one section of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe_agent.probes import filesystems, interfaces, memory, system
from caseprobe_agent.probes.probe import Probe

ALL: tuple[Probe, ...] = (
    system.PROBE,
    memory.PROBE,
    filesystems.PROBE,
    interfaces.PROBE,
)

# What a profile runs, in the order of the report.
PROFILES: Mapping[str, tuple[Probe, ...]] = {"quick": ALL, "standard": ALL, "full": ALL}
