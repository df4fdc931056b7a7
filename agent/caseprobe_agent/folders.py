"""Where settings and state are kept: a service's, a user's own, or as somebody named them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SYSTEM_FOLDER = Path("/etc/caseprobe")
SYSTEM_STATE_FOLDER = Path("/var/lib/caseprobe")


def service_uid(state_folder: Path = SYSTEM_STATE_FOLDER) -> int:
    """The user that the machine's own agent runs as: whoever owns its folder; root where nobody made one."""
    try:
        return state_folder.stat().st_uid
    except OSError:
        return 0


def folders(
    environ: Mapping[str, str], flags: Mapping[str, str], system: Path, system_state: Path = SYSTEM_STATE_FOLDER
) -> tuple[Path, Path, str]:
    """Config folder, state folder, and whose they are: of a service, of a user, or named explicitly.

    Where the service has a user of its own, root is a person like others: what it left there would be closed to the
    service.
    """
    service = os.geteuid() == service_uid(system_state)
    home = Path(environ.get("HOME") or "~").expanduser()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "caseprobe"
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state") / "caseprobe"
    named_config = flags.get("config_folder") or environ.get("CASEPROBE_CONFIG_FOLDER")
    named_state = flags.get("state_folder") or environ.get("CASEPROBE_STATE_FOLDER")
    config = Path(named_config) if named_config else system if service else config
    state = Path(named_state) if named_state else system_state if service else state
    return config.absolute(), state.absolute(), "named" if named_config else "service" if service else "user"
