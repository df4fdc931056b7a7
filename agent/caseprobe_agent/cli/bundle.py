"""Measure this machine once, hide what is private, judge it, and write it to a file that any desktop opens.

With --to and a join code the file is also sent to the support case that the code is for. You see what is in it and are
asked before anything leaves. Without a terminal nothing is sent, unless a stored grant or you beforehand say so.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from caseprobe_agent.cli import options
from caseprobe_agent.manners import crowded
from caseprobe_agent.worker import Child

SUMMARY = "measure once: a file for support, or straight to a case (--to JOINCODE)"
DEADLINE_SECONDS = 30.0
# What the child runs, by name: loading it here would take the time that starting the child early saves.
MEASURING = "caseprobe_agent.snapshot.child:measure_all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bundle`."""
    parser.add_argument(
        "--profile", default="standard", metavar="P", help="how much is measured: quick, standard (default) or full"
    )
    parser.add_argument(
        "--include", action="append", default=[], metavar="ITEM|AREA", help="measure this too (may be given often)"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="ITEM|AREA", help="leave this out (may be given often)"
    )
    parser.add_argument("--list", action="store_true", help="show what the profile would measure and why; no more")
    parser.add_argument(
        "--deadline",
        type=options.seconds,
        default=DEADLINE_SECONDS,
        metavar="S",
        help="be done after S seconds, with what there is by then (default: 30)",
    )
    add_window(parser)
    parser.add_argument("--to", metavar="JOINCODE", help="send it to this code's case; - reads stdin, @FILE a file")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the file goes (default: the working folder)")
    parser.add_argument(
        "--encrypt",
        nargs="?",
        const="",
        metavar="KEY",
        help="so that only the collector's key opens it; without --to give its key (age1…)",
    )
    parser.add_argument("--no-preview", action="store_true", help="send without looking at it first")
    options.add_json(parser)
    options.add_fail_on(parser)


def add_window(parser: argparse.ArgumentParser) -> None:
    """The options that say of which time the logs are wanted."""
    # What begins with "-2" is a moment, not an option.
    parser._negative_number_matcher = re.compile(r"-\d")
    parser.add_argument(
        "--from", dest="begin", metavar="T", help="logs from T on: 2026-11-22T14:05, 14:05, yesterday 14:00, -2h"
    )
    parser.add_argument("--to-time", dest="end", metavar="T", help="logs up to T (default: now)")
    parser.add_argument("--marked", action="store_true", help="logs between the last two marks of `caseprobe mark`")


def run(arguments: argparse.Namespace) -> int:
    """Make the bundle, send it if asked to; gives the exit code."""
    if arguments.list:
        from caseprobe_agent.cli import item_list

        return item_list.show(arguments)
    # The child loads what measures while this process loads the rest. It measures nothing before it is asked to.
    with Child(MEASURING, idle=not crowded()) as child:
        from caseprobe_agent.cli import one_shot

        return one_shot.play(arguments, child)
