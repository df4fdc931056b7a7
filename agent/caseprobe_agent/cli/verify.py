"""Prove what a bundle is: whole or cut, changed or not, and what its signature says.

Exit code 0 where it is complete, unchanged and its signature (if any) fits; 3 otherwise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from caseprobe_agent.cli import options

SUMMARY = "is a bundle whole, unchanged, and by whom?"
NOT_PROVEN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `verify`."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what the bundle proves; gives the exit code."""
    verdict = options.read_bundle(arguments.bundle).verify()
    if arguments.json:
        facts = {
            "complete": verdict.complete,
            "hashes_ok": verdict.hashes_ok,
            "signed_by": verdict.signed_by,
            "key_id": verdict.key_id,
            "sentence": verdict.sentence,
        }
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print(verdict.sentence)
    good = verdict.complete and verdict.hashes_ok and verdict.signed_by != "invalid"
    return 0 if good else NOT_PROVEN
