"""Put the true names back into a text that was redacted on this machine or with a map. Secrets are gone for good."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from caseprobe_agent.cli import options
from caseprobe_agent.cli.redact import map_key, restorer
from caseprobe_agent.seal.form import load_key

SUMMARY = "put the true names back into a redacted text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `unmask`."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--map", type=Path, metavar="FILE", help="the map of `redact` (default: this machine's key)")


def run(arguments: argparse.Namespace) -> int:
    """Write the text with true names to stdout; gives the exit code."""
    text = options.read_file(arguments.file).decode("utf-8", "surrogateescape")
    key = map_key(arguments.map, make=False) if arguments.map else load_key(options.settings_of().state_folder)
    sys.stdout.buffer.write(restorer(key).unmask(text).encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
    return 0
