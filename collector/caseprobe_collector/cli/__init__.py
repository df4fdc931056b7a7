"""The collector's command line: one file a command; staff work goes over the HTTP API."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; gives the exit code.

    `serve` is found without the table of the other commands: loading that takes a third of a second, and after a
    crash a thousand machines wait for the end of it.
    """
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["serve"]:
            from caseprobe_collector.cli.ending import exit_code_of
            from caseprobe_collector.cli.serve import run as serve

            return exit_code_of(lambda: serve(arguments[1:]))
        from caseprobe_collector.cli.root import run

        return run(arguments)
    except ModuleNotFoundError as missing:
        print(
            f"caseprobe-collector: {missing.name} is not installed; the collector needs its extra: "
            "pip install 'caseprobe[collector]'",
            file=sys.stderr,
        )
        return 2
