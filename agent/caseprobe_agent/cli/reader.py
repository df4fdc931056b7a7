"""Read for the agent what only root may: disks' reports, the kernel's log, serials, other users' open sockets.

systemd starts it, one process a connection; a person has no use for it. It answers a closed list of questions, takes
no path and no text from whoever asks, and writes nothing. `caseprobe service` prints the units that it belongs to.
"""

from __future__ import annotations

import argparse
import os

from caseprobe.errors import UsageError

SUMMARY = "read for the agent what only root may (started by systemd)"
USER = "caseprobe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `reader`."""
    parser.add_argument("--user", default=USER, metavar="NAME", help=f"who may ask besides root (default: {USER})")


def run(arguments: argparse.Namespace) -> int:
    """Answer the one question of the connection that was handed over; gives the exit code."""
    import pwd

    from caseprobe_agent.reader import handed_over, serve

    connection = handed_over() if os.geteuid() == 0 else None
    if connection is None:
        raise UsageError("the reader is started by systemd, as root, with a connection: see `caseprobe service`")
    with connection:
        try:
            allowed = frozenset({pwd.getpwnam(arguments.user).pw_uid})
        except KeyError:
            raise UsageError(f"there is no user {arguments.user!r} who could ask; make one, or name another") from None
        serve(connection, allowed)
    return 0
