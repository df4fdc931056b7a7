"""The collector's command line: one file a command; staff work goes over the HTTP API."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; gives the exit code."""
    try:
        from caseprobe_collector.cli.root import run

        return run(sys.argv[1:])
    except ModuleNotFoundError as missing:
        print(
            f"caseprobe-collector: {missing.name} is not installed; the collector needs its extra: "
            "pip install 'caseprobe[collector]'",
            file=sys.stderr,
        )
        return 2
