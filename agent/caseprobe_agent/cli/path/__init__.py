"""Measure the path to a host, hop by hop: loss, times, labels, and where a fault begins. Needs no root.

A router on the way is asked once a second at most, because most limit their answers to that; the target is asked in
every round. The local policy decides what may be a target.
"""

from __future__ import annotations

import argparse
import asyncio
import math

from caseprobe.errors import UsageError
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.cli.options import settings_of
from caseprobe_agent.cli.path.measurement import Guard, Measurement
from caseprobe_agent.cli.path.views import open_view
from caseprobe_agent.path.service import service_of
from caseprobe_agent.path.trace import DEFAULT_ROUNDS, MAX_ROUNDS, MIN_INTERVAL_SECONDS

SUMMARY = "every hop to a host: loss, times, and where a fault begins"
PROTOCOLS = {
    "auto": path_pb2.PATH_PROTOCOL_UNSPECIFIED,
    "icmp": path_pb2.PATH_PROTOCOL_ICMP,
    "udp": path_pb2.PATH_PROTOCOL_UDP,
    "tcp": path_pb2.PATH_PROTOCOL_TCP,
}
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="host name or address; https://HOST/…, http://HOST/… or HOST:PORT time that service as well",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"how many rounds (default {DEFAULT_ROUNDS})")
    parser.add_argument(
        "--interval",
        type=float,
        default=1.0,
        metavar="S",
        help=f"seconds between rounds, {MIN_INTERVAL_SECONDS:g} or more (default 1)",
    )
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, default="auto", help="auto takes icmp where this user may, else udp"
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="for udp (default 33434) and tcp (default 443)"
    )
    family = parser.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, default=0, help="IPv4 only")
    family.add_argument("-6", dest="family", action="store_const", const=6, help="IPv6 only")
    parser.add_argument("--mtu", action="store_true", help="how large a packet the path carries; one round if not said")
    parser.add_argument("--multipath", action="store_true", help="all ways at once, over UDP; one round if not said")
    parser.add_argument("--report", action="store_true", help="plain text for a mail when the probe is over")
    parser.add_argument("--live", action="store_true", help="go on until Ctrl-C, or for --rounds where given")
    parser.add_argument("--json", action="store_true", help="one JSON document a line: each round, then the summary")


def run(options: argparse.Namespace) -> int:
    """Probe, show, and give the exit code; what was measured before Ctrl-C is shown as well. Raises CaseprobeError."""
    service = service_of(options.target)
    action = action_of(options)
    action.target = service.host if service else action.target
    settings = settings_of()
    measurement = Measurement(action, service, options.family, options.mtu, options.multipath)
    with open_view(options, settings.language) as view:
        code = 0
        try:
            asyncio.run(measurement.run(Guard(settings), view))
        except KeyboardInterrupt:
            if not measurement.known:
                raise
            code = 0 if options.live and options.rounds is None else INTERRUPTED
        finally:
            if measurement.known:
                view.end(measurement.facts())
    return code


def action_of(options: argparse.Namespace) -> link_pb2.PathAction:
    """What the arguments ask for. Raises UsageError."""
    if options.rounds is not None and not 1 <= options.rounds <= MAX_ROUNDS:
        raise UsageError(f"--rounds {options.rounds} is not possible; 1 to {MAX_ROUNDS}")
    if not 0 <= options.port <= 65535:
        raise UsageError(f"--port {options.port} is not possible; 1 to 65535")
    if options.port and options.protocol == "icmp":
        raise UsageError("--port has no meaning with --protocol icmp; use udp or tcp")
    if not options.interval > 0 or math.isinf(options.interval):
        raise UsageError(f"--interval {options.interval:g} is not possible; {MIN_INTERVAL_SECONDS:g} or more")
    return link_pb2.PathAction(
        target=options.target.strip(),
        rounds=options.rounds
        or (MAX_ROUNDS if options.live else 1 if options.mtu or options.multipath else DEFAULT_ROUNDS),
        interval_seconds=options.interval,
        protocol=PROTOCOLS[options.protocol],
        port=options.port,
    )
