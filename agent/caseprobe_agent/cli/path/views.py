"""What is shown of a path while it is measured and when that is over: JSON, a plain table, a report, a live table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
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


class PlainView:
    """The table and the sentence, once, when the trace is over."""

    left = False

    def __init__(self, language: str) -> None:
        self._language = language

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing yet."""

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """Nothing yet."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print table and sentence."""
        print(render_table(facts, self._language))


class ReportView:
    """Plain text for a mail, once, when the trace is over."""

    left = False

    def __init__(self, language: str) -> None:
        self._language = language

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Nothing yet."""

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """Nothing yet."""

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Print the report."""
        from caseprobe_agent.cli.path.report import render_report

        print(
            render_report(facts, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %z"), self._language), end=""
        )


@contextlib.contextmanager
def open_view(options: argparse.Namespace, language: str) -> Iterator[View]:
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
