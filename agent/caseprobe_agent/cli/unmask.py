"""Put the true names back into a text that was redacted on this machine or with a map, byte for byte.

Reads FILE or stdin piece by piece, writes to stdout. Secrets are gone for good. Exit codes: 0 done; 2 usage.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from caseprobe.redaction import Redactor
from caseprobe_agent.cli.redact import filtered, key_of

SUMMARY = "put the true names back into a redacted text"
# What is longer is no pseudonym, so a line may be cut between two words once it is.
LONGEST_WORD_BYTES = 4096
LONGEST_PENDING_BYTES = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `unmask`."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the text (default: stdin)")
    parser.add_argument("--map", type=Path, metavar="FILE", help="the map of `redact` (default: this machine's key)")


def run(arguments: argparse.Namespace) -> int:
    """Write the text with true names to stdout; gives the exit code."""
    stream = Unmasking(Redactor(key_of(arguments.map, make=False), asset_masked=True))
    filtered(arguments.file, stream.feed, stream.close)
    return 0


class Unmasking:
    """A masked text that comes in pieces; what is given back is always whole words."""

    def __init__(self, redactor: Redactor) -> None:
        """redactor: with the key that the text was masked with."""
        self._redactor, self._pending = redactor, b""

    def feed(self, data: bytes) -> bytes:
        """Takes the next piece; gives what is decided by now."""
        self._pending += data
        end = self._pending.rfind(b"\n") + 1
        if not end and len(self._pending) > LONGEST_PENDING_BYTES:
            # A line without an end: a blank is no part of any pseudonym either.
            end = self._pending.rfind(b" ") + 1 or len(self._pending) - LONGEST_WORD_BYTES
        ready, self._pending = self._pending[:end], self._pending[end:]
        return self._restored(ready)

    def close(self) -> bytes:
        """The rest."""
        rest, self._pending = self._pending, b""
        return self._restored(rest)

    def _restored(self, data: bytes) -> bytes:
        return self._redactor.unmask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
