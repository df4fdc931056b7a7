"""Make this machine known to support, once, with a join code. Then `caseprobe run` keeps it connected.

The machine's key is made here and never leaves. Local policy (agent.toml) decides what support may ask for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from caseprobe import texts
from caseprobe.errors import JoinCodeError, UsageError
from caseprobe.v1 import enrolment_pb2
from caseprobe_agent.cli import options
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.identity import Enrolled, load, parse_join_code

SUMMARY = "make this machine known to support, with a join code"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `enroll`."""
    parser.add_argument("code", nargs="?", metavar="JOINCODE", help="the code; - reads stdin, @FILE a file")
    parser.add_argument("--label", default="", help="what support calls this machine (default: its host name)")
    parser.add_argument("--again", action="store_true", help="replace an enrolment that is there already")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Enrol; gives the exit code."""
    settings = options.settings_of_agent(label=arguments.label)
    text = options.join_text(arguments.code)
    if not text:
        raise JoinCodeError("give the join code that support sent you, or - to read it from stdin")
    code = parse_join_code(text)
    if code.purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE:
        raise JoinCodeError("this join code is for one bundle: use it with `caseprobe bundle --to`")
    if load(settings.state_folder) and not arguments.again:
        raise UsageError("this machine is enrolled already; --again replaces that, `caseprobe leave` ends it")
    from caseprobe_agent.app import enrolment

    enrolled = asyncio.run(enrolment.enrol_machine(settings, code))
    if arguments.json:
        print(json.dumps(_document(enrolled)))
    else:
        _print(enrolled, settings.label)
    return 0


def _document(enrolled: Enrolled) -> dict[str, object]:
    """What --json prints."""
    return {
        "agent_id": enrolled.identity.agent_id,
        "collector": enrolled.response.collector_name,
        "link_address": enrolled.identity.link_address,
        "clock_offset_seconds": enrolled.clock_offset_seconds,
    }


def _print(enrolled: Enrolled, label: str) -> None:
    """What a person needs to know next."""
    screen = Screen(sys.stdout)
    screen.line("This machine is enrolled.", "bold green")
    rows = [
        ("agent", enrolled.identity.agent_id),
        ("known as", label),
        ("collector", f"{texts.printable(enrolled.response.collector_name)} {enrolled.identity.link_address}".strip()),
    ]
    if abs(enrolled.clock_offset_seconds) > 2 + enrolled.round_trip_seconds:
        rows.append(("clock", f"{enrolled.clock_offset_seconds:+.0f} s off the collector's: set this machine's time"))
    screen.rows(rows)
    screen.line("Next: caseprobe run", "dim")
