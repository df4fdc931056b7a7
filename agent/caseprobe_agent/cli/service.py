"""Print what makes the agent a service of systemd: the units, and the lines that install them. Nothing is changed.

Without a name: the lines to type, as root. With a name: that file, with the place of this installation in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from caseprobe import installed

SUMMARY = "print the units that make the agent a service, and how to install them"
PACKAGE = Path(__file__).parents[1]
SYSUSERS, UNITS = "/etc/sysusers.d", "/etc/systemd/system"
# Each file and where it goes; the agent serves without those of the reader.
FILES = {
    "caseprobe.conf": SYSUSERS,
    "caseprobe.service": UNITS,
    "caseprobe-reader.socket": UNITS,
    "caseprobe-reader@.service": UNITS,
}
LINES = """\
# The agent's user, and its folder:
{caseprobe.conf}
sudo systemd-sysusers caseprobe.conf
sudo install -d -o caseprobe -g caseprobe -m 0700 /var/lib/caseprobe
# Known to support, once:
sudo -u caseprobe {program} enroll JOINCODE
# The agent, as that user, without any right of root's:
{caseprobe.service}
# What only root may read, for the agent alone (leave it out, and these facts are missing by name):
{caseprobe-reader.socket}
{caseprobe-reader@.service}
# Begin, now and at every start of the machine:
sudo systemctl daemon-reload
sudo systemctl enable --now caseprobe.service caseprobe-reader.socket
# And a few seconds later:
sudo -u caseprobe {program} status
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `service`."""
    parser.add_argument("file", nargs="?", choices=sorted(FILES), help="print this file")


def run(arguments: argparse.Namespace) -> int:
    """Print it; gives the exit code."""
    program = installed.command("caseprobe", PACKAGE)
    if arguments.file:
        print(installed.unit(PACKAGE, arguments.file, program), end="")
        return 0
    lines = LINES.replace("{program}", str(program))
    for name, folder in FILES.items():
        target = f"{folder}/{name}"
        lines = lines.replace(f"{{{name}}}", f"{program} service {name} | sudo tee {target} >/dev/null")
    print(lines, end="")
    return 0
