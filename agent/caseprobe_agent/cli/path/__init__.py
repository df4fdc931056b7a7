"""Measure the path to a host, hop by hop: loss, times, labels, and where a fault begins. Needs no root.

A router on the way is asked once a second at most, because most limit their answers to that; the target is asked in
every round. The local policy decides what may be a target.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from pathlib import Path

from caseprobe.errors import MeasurementError, PolicyRefused, UsageError
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.cli.options import may_ask_servers, settings_of
from caseprobe_agent.cli.path.load import own_collector
from caseprobe_agent.cli.path.measurement import Guard, Measurement
from caseprobe_agent.cli.path.views import open_view
from caseprobe_agent.config import Settings
from caseprobe_agent.path.names import HostNames, Networks, Places
from caseprobe_agent.path.service.goal import service_of
from caseprobe_agent.path.trace import DEFAULT_ROUNDS, MAX_ROUNDS, MIN_INTERVAL_SECONDS

SUMMARY = "every hop to a host: loss, times, and where a fault begins"
PROTOCOLS = {
    "auto": path_pb2.PATH_PROTOCOL_UNSPECIFIED,
    "icmp": path_pb2.PATH_PROTOCOL_ICMP,
    "udp": path_pb2.PATH_PROTOCOL_UDP,
    "tcp": path_pb2.PATH_PROTOCOL_TCP,
}
INTERRUPTED = 130
ONE_ROUND = ("mtu", "multipath", "loaded")  # what says enough beside one round
ONE_TARGET_ONLY = ("mtu", "multipath", "names", "networks", "report", "live", "port")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="host name or address; https://HOST/…, http://HOST/… or HOST:PORT time that service as well;"
        " of several targets each gets a line",
    )
    parser.add_argument("--targets", dest="list", type=Path, metavar="FILE", help="more targets, one a line")
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
    parser.add_argument(
        "--loaded",
        action="store_true",
        help="what load does to round trips, to this machine's own collector (no TARGET): ten seconds, 50 MB;"
        " one round if not said",
    )
    parser.add_argument(
        "--names", action="store_true", help="host names of the hops, asked of this machine's own name servers"
    )
    parser.add_argument(
        "--networks",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="whose network each hop is in, out of a .mmdb file or sorted CSV or TSV ranges; may be given again"
        " (without it the files of the setting networks)",
    )
    parser.add_argument("--report", action="store_true", help="plain text for a mail when the probe is over")
    parser.add_argument("--live", action="store_true", help="go on until Ctrl-C, or for --rounds where given")
    parser.add_argument("--json", action="store_true", help="one JSON document a line: each round, then the summary")


def run(options: argparse.Namespace) -> int:
    """Probe, show, and give the exit code; what was measured before Ctrl-C is shown as well. Raises CaseprobeError."""
    targets = [target.strip() for target in (*options.targets, *_listed(options))]
    settings = settings_of()
    collector = own_collector(settings, targets) if options.loaded else None
    if collector is not None:
        targets = [collector.host]
    if not any(targets):
        raise UsageError("no target; give a host, an address or --targets FILE")
    if len(targets) > 1:
        return _run_many(targets, options)
    service = service_of(targets[0])
    measurement = Measurement(
        action_of(options, service.host if service else targets[0]),
        service,
        options.family,
        options.mtu,
        options.multipath,
        places_of(options, settings),
        collector.measure if collector else None,
    )
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


def _listed(options: argparse.Namespace) -> list[str]:
    from caseprobe_agent.cli.path.many import targets_in

    return targets_in(options.list) if options.list else []


def _run_many(targets: list[str], options: argparse.Namespace) -> int:
    """A line for each target; exit 3 where one of them could not be measured."""
    from caseprobe_agent.cli.path.many import ManyPaths, json_lines, render_many

    alone = [name for name in ONE_TARGET_ONLY if getattr(options, name)]
    if alone or options.protocol not in ("auto", "icmp"):
        what = f"--{alone[0]}" if alone else f"--protocol {options.protocol}"
        raise UsageError(f"{what} is for one target; many are asked by ICMP, and each gets a line")
    if any(service_of(target) for target in targets):
        raise UsageError("a service is measured alone; give hosts or addresses where there are several targets")
    settings, code = settings_of(), 0
    paths = ManyPaths(targets, action_of(options, ""), options.family)
    try:
        asyncio.run(paths.run(Guard(settings)))
    except KeyboardInterrupt:
        code = INTERRUPTED
    facts = paths.facts()
    print("\n".join(json_lines(facts, paths.failures)) if options.json else render_many(facts, settings.language))
    for error in () if options.json else paths.failures.values():
        print(f"caseprobe: {error}", file=sys.stderr)
    return code or (MeasurementError.exit_code if paths.failures else 0)


def places_of(options: argparse.Namespace, settings: Settings) -> Places:
    """Where names and networks of hops come from. Raises UsageError and PolicyRefused."""
    if options.names and not may_ask_servers(settings.policy):
        raise PolicyRefused("names of hops are not looked up: policy lets this machine's name servers not be asked")
    files = options.networks or settings.networks
    return Places(HostNames() if options.names else None, Networks(files) if files else None)


def action_of(options: argparse.Namespace, target: str) -> link_pb2.PathAction:
    """What the arguments ask for of a host. Raises UsageError."""
    if options.rounds is not None and not 1 <= options.rounds <= MAX_ROUNDS:
        raise UsageError(f"--rounds {options.rounds} is not possible; 1 to {MAX_ROUNDS}")
    if not 0 <= options.port <= 65535:
        raise UsageError(f"--port {options.port} is not possible; 1 to 65535")
    if options.port and options.protocol == "icmp":
        raise UsageError("--port has no meaning with --protocol icmp; use udp or tcp")
    if not options.interval > 0 or math.isinf(options.interval):
        raise UsageError(f"--interval {options.interval:g} is not possible; {MIN_INTERVAL_SECONDS:g} or more")
    return link_pb2.PathAction(
        target=target,
        rounds=options.rounds
        or (MAX_ROUNDS if options.live else 1 if any(map(options.__dict__.get, ONE_ROUND)) else DEFAULT_ROUNDS),
        interval_seconds=options.interval,
        protocol=PROTOCOLS[options.protocol],
        port=options.port,
    )
