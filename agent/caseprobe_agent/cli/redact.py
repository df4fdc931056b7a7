"""Hide secrets and replace names and addresses in a text: the same pipe that every bundle passes, as a filter.

Reads FILE or stdin piece by piece, writes to stdout, in constant memory; a line of over a megabyte is replaced whole.
With --map the key of the replacements is kept in that file (made where it does not exist, readable by you alone), and
`caseprobe unmask` turns them back; without it the machine's own key is used. --report writes what was hidden, in
numbers. Exit codes: 0 done; 2 usage; 3 it is no text, or a rule failed: what was written by then is clean, the rest is
withheld.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from caseprobe.errors import UsageError
from caseprobe.redaction import RULESET_VERSION, Redactor
from caseprobe_agent.cli import options
from caseprobe_agent.identity.files import read_private, write_private
from caseprobe_agent.machine import Machine
from caseprobe_agent.seal.form import KEY_BYTES, hiding_of, load_key
from caseprobe_agent.seal.pipe import redactor_of

SUMMARY = "hide secrets and names in a text, as a filter"
CHUNK_BYTES = 1 << 18
MAP_HEAD = b"caseprobe-map-1 "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `redact`."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the text (default: stdin)")
    parser.add_argument("--map", type=Path, metavar="FILE", help="the key for the way back; keep it to yourself")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write there what was hidden, as JSON: how often by kind, never a value (- is stderr)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Filter; gives the exit code."""
    key = key_of(arguments.map, make=True)
    redactor = redactor_of(hiding_of(Machine(), key, asset_masked=True))
    stream = redactor.stream(str(arguments.file.absolute()) if arguments.file else "")
    total = 0
    try:
        total = filtered(arguments.file, stream.feed, stream.close)
    finally:
        if arguments.report:
            _write_report(arguments.report, redactor, total)
    return 0


def filtered(path: Path | None, feed: Callable[[bytes], bytes], close: Callable[[], bytes]) -> int:
    """Pass a file, or stdin, through feed to stdout, and what close gives behind it; gives how many bytes were read."""
    total = 0
    for chunk in _chunks(path):
        total += len(chunk)
        sys.stdout.buffer.write(feed(chunk))
    sys.stdout.buffer.write(close())
    sys.stdout.buffer.flush()
    return total


def key_of(path: Path | None, make: bool) -> bytes:
    """The key in a map file, or this machine's where none was given."""
    return map_key(path, make) if path else load_key(options.settings_of().state_folder)


def map_key(path: Path, make: bool) -> bytes:
    """The key in a map file; raises UsageError where the file is none, or is missing and not to be made."""
    data = read_private(path.absolute())
    if data is None:
        if not make:
            raise UsageError(f"{path} does not exist; give the map that was used when the text was redacted")
        data = MAP_HEAD + secrets.token_hex(KEY_BYTES).encode() + b"\n"
        write_private(path.absolute(), data)
    try:
        key = bytes.fromhex(data.removeprefix(MAP_HEAD).decode("ascii"))
    except ValueError:
        key = b""
    if not data.startswith(MAP_HEAD) or len(key) != KEY_BYTES:
        raise UsageError(f"{path} is not a map that `caseprobe redact --map` made")
    return key


def _write_report(path: Path, redactor: Redactor, read_bytes: int) -> None:
    """What was done, in numbers."""
    report = {
        "ruleset_version": RULESET_VERSION,
        "read_bytes": read_bytes,
        "hidden": dict(sorted(redactor.counts.items())),
    }
    text = json.dumps(report, indent=2) + "\n"
    if str(path) == "-":
        sys.stderr.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _chunks(path: Path | None) -> Iterator[bytes]:
    """The input in pieces."""
    if path is None:
        yield from _pieces(sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield from _pieces(file)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
