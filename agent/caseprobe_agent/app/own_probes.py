"""The probes that this machine's operator declared, for live sessions and timetables; read anew for each."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from caseprobe.errors import ConfigurationError
from caseprobe_agent.config import Settings
from caseprobe_agent.config.bundles import load_bundles
from caseprobe_agent.consent.policy import SITE_PROBES

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import Probe

log = logging.getLogger("caseprobe.agent")


def own_probes(settings: Settings) -> Mapping[Probe, str]:
    """Each with the smallest profile that has it. Raises ConfigurationError with file, line and key."""
    from caseprobe_agent.probes.site import probe_of  # not for an agent that idles

    return {probe_of(site): site.profile for site in load_bundles(settings.folders).site_probes.values()}


def own_names(settings: Settings) -> list[str]:
    """Their names, for staff to see; none where the file cannot be read, which must not keep a machine offline."""
    try:
        return [f"{SITE_PROBES}{name}" for name in load_bundles(settings.folders).site_probes]
    except ConfigurationError as error:
        log.warning("no probes of this machine's own: %s", error)
        return []
