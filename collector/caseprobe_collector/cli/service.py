"""`service`: what makes the collector a service of systemd."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PACKAGE = Path(__file__).parents[1]
FILES = ("caseprobe-collector.conf", "caseprobe-collector.service")
LINES = """\
# The collector's user, and its folder:
{program} service caseprobe-collector.conf | sudo tee /etc/sysusers.d/caseprobe-collector.conf >/dev/null
sudo systemd-sysusers caseprobe-collector.conf
sudo install -d -o caseprobe-collector -g caseprobe-collector -m 0700 /var/lib/caseprobe-collector
# Its store, and its first admin, once:
sudo -u caseprobe-collector {program} init --data-folder /var/lib/caseprobe-collector --admin NAME
# Begin, now and at every start of the machine:
{program} service caseprobe-collector.service | sudo tee /etc/systemd/system/caseprobe-collector.service >/dev/null
sudo systemctl daemon-reload
sudo systemctl enable --now caseprobe-collector.service
"""


def service(file: Annotated[str, typer.Argument(help=f"print this file: {' or '.join(FILES)}")] = "") -> int:
    """Print the unit of the collector, or the lines that install it; nothing is changed."""
    from caseprobe import installed
    from caseprobe.errors import UsageError

    if file and file not in FILES:
        raise UsageError(f"there is no file {file!r}; there are {' and '.join(FILES)}")
    program = installed.command("caseprobe-collector", PACKAGE)
    print(installed.unit(PACKAGE, file, program) if file else LINES.replace("{program}", str(program)), end="")
    return 0
