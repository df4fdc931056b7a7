"""Measure the path to a host, hop by hop: loss, times, labels, and where a fault begins. Needs no root.

A router on the way is asked once a second at most, because most limit their answers to that; the target is asked in
every round. The local policy decides what may be a target.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from caseprobe import texts
from caseprobe.errors import PolicyRefused, UsageError
from caseprobe.path_stats import PathTally, facts_of
from caseprobe.v1 import consent_pb2, link_pb2, path_pb2
from caseprobe_agent.cli.options import settings_of
from caseprobe_agent.cli.path.plain import render_table
from caseprobe_agent.consent import Ask, Origin, decide
from caseprobe_agent.consent.policy import ALLOW, Policy
from caseprobe_agent.path import describe, find_mtu, find_ways, open_network, plan_of, resolve, trace
from caseprobe_agent.path.target import Address
from caseprobe_agent.path.trace import DEFAULT_ROUNDS, MAX_ROUNDS, MIN_INTERVAL_SECONDS

SUMMARY = "every hop to a host: loss, times, and where a fault begins"
PROTOCOLS = {
    "auto": path_pb2.PATH_PROTOCOL_UNSPECIFIED,
    "icmp": path_pb2.PATH_PROTOCOL_ICMP,
    "udp": path_pb2.PATH_PROTOCOL_UDP,
    "tcp": path_pb2.PATH_PROTOCOL_TCP,
}
INTERRUPTED = 130


class View(Protocol):
    """What is shown while a trace runs and when it ends."""

    def begin(self, header: path_pb2.PathFacts) -> None:
        """The path is about to be probed so."""

    def add(self, round_: path_pb2.PathRound, tally: PathTally) -> None:
        """One more round is there."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """The trace is over."""


class JsonView:
    """One JSON document a line: each round as it finishes, then the summary."""

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing: the summary tells how the path was probed."""

    def add(self, round_: path_pb2.PathRound, tally: PathTally) -> None:
        """Print the round."""
        print(json.dumps({"round": texts.path_round_json(round_)}), flush=True)

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print the summary."""
        print(json.dumps({"summary": texts.path_summary_json(facts)}), flush=True)


class PlainView:
    """The table and the sentence, once, when the trace is over."""

    def __init__(self, language: str) -> None:
        self._language = language

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing yet."""

    def add(self, round_: path_pb2.PathRound, tally: PathTally) -> None:
        """Nothing yet."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print table and sentence."""
        print(render_table(facts, self._language))


class ReportView:
    """Plain text for a mail, once, when the trace is over."""

    def __init__(self, language: str) -> None:
        self._language = language

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing yet."""

    def add(self, round_: path_pb2.PathRound, tally: PathTally) -> None:
        """Nothing yet."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print the report."""
        from caseprobe_agent.cli.path.report import render_report

        print(
            render_report(facts, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %z"), self._language), end=""
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("target", metavar="TARGET", help="host name or address")
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
    action = action_of(options)
    settings = settings_of()
    tally, header = PathTally(), path_pb2.PathFacts(target=options.target)
    with _view(options, settings.language) as view:
        code = 0
        try:
            asyncio.run(_probe(action, options, settings.policy, header, tally, view))
        except KeyboardInterrupt:
            if not tally.rounds:
                raise
            code = 0 if options.live and options.rounds is None else INTERRUPTED
        if tally.rounds:
            view.end(facts_of(tally, header))
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
        target=options.target,
        rounds=options.rounds
        or (MAX_ROUNDS if options.live else 1 if options.mtu or options.multipath else DEFAULT_ROUNDS),
        interval_seconds=options.interval,
        protocol=PROTOCOLS[options.protocol],
        port=options.port,
    )


async def _probe(
    action: link_pb2.PathAction,
    options: argparse.Namespace,
    policy: Policy,
    header: path_pb2.PathFacts,
    tally: PathTally,
    view: View,
) -> None:
    """Trace the path; header and tally hold what there is of it when it ends, also when it is interrupted."""
    _permit(policy, action, None)
    target = await resolve(action.target, lambda address: _permit(policy, action, address), options.family)
    with open_network(target, action) as network:
        plan = plan_of(action, target, network)
        header.CopyFrom(describe(target, network))
        view.begin(header)
        async with contextlib.aclosing(trace(target, action, network, plan)) as rounds:
            async for round_ in rounds:
                tally.add(round_)
                view.add(round_, tally)
    if options.mtu:
        header.mtu.CopyFrom(await find_mtu(target))
    if options.multipath:
        header.ways.CopyFrom(await find_ways(target, action.port))


def _permit(policy: Policy, action: link_pb2.PathAction, address: Address | None) -> None:
    """Let through what this machine's policy lets its owner probe. Raises PolicyRefused with the reason."""
    asked = action.target.strip()
    ask = Ask(consent_pb2.POLICY_KIND_PATH_TARGET, Origin.OWNER, target=asked, address=address)
    decision = decide(policy, [], ask, datetime.now().astimezone())
    if decision.decision != ALLOW:
        raise PolicyRefused(f"{asked} is not probed: {decision.reason}")


@contextlib.contextmanager
def _view(options: argparse.Namespace, language: str) -> Iterator[View]:
    """JSON where asked for, a live table on a terminal, else the plain table at the end."""
    if options.json:
        yield JsonView()
    elif options.report:
        yield ReportView(language)
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from caseprobe_agent.cli.path.screen import LiveView

        with LiveView(language) as live:
            yield live
    else:
        yield PlainView(language)
