"""What is shown of a path while it is measured and when that is over: JSON, a plain table, a report, a live table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

from caseprobe import texts
from caseprobe.v1 import path_pb2
from caseprobe_agent.cli.path.plain import render_table
from caseprobe_agent.cli.path.view import Facts, View


class JsonView:
    """One JSON document a line: each round as it finishes, then the summary."""

    left = False

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing: the summary tells how the path was probed."""

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """Print the round."""
        print(json.dumps({"round": texts.path_round_json(round_)}), flush=True)

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print the summary."""
        print(json.dumps({"summary": texts.path_summary_json(facts)}), flush=True)


class EndView:
    """A text, once, when the trace is over."""

    left = False

    def __init__(self, render: Callable[[path_pb2.PathFacts], str]) -> None:
        self._render = render

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing yet."""

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """Nothing yet."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print it."""
        print(self._render(facts))


def _report(facts: path_pb2.PathFacts, language: str) -> str:
    """Plain text for a mail."""
    from caseprobe_agent.cli.path.report import render_report

    moment = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    return render_report(facts, moment, language).removesuffix("\n")


@contextlib.contextmanager
def open_view(options: argparse.Namespace, language: str) -> Iterator[View]:
    """JSON where asked for, a live table on a terminal, else the plain table at the end."""
    if options.json:
        yield JsonView()
    elif options.report:
        yield EndView(lambda facts: _report(facts, language))
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from caseprobe_agent.cli.path.screen import LiveView

        with LiveView(language) as live:
            yield live
    else:
        yield EndView(lambda facts: render_table(facts, language))
