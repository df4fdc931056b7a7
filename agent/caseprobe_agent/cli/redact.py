"""Hide secrets and replace names and addresses in a text: the same pipe that every bundle passes, as a filter.

Reads FILE or stdin, writes to stdout. With --map the key of the replacements is kept in that file (made where it does
not exist, readable by you alone), and `caseprobe unmask` turns them back; without it the machine's own key is used.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from caseprobe.errors import UsageError
from caseprobe.redaction import Redactor
from caseprobe_agent.cli import options
from caseprobe_agent.identity.files import read_private, write_private
from caseprobe_agent.machine import Machine
from caseprobe_agent.seal.form import KEY_BYTES, hiding_of, load_key
from caseprobe_agent.seal.pipe import redactor_of

SUMMARY = "hide secrets and names in a text, as a filter"
CHUNK_BYTES = 1 << 20
MAP_HEAD = b"caseprobe-map-1 "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `redact`."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the text (default: stdin)")
    parser.add_argument("--map", type=Path, metavar="FILE", help="the key for the way back; keep it to yourself")


def run(arguments: argparse.Namespace) -> int:
    """Filter; gives the exit code."""
    key = map_key(arguments.map, make=True) if arguments.map else load_key(options.settings_of().state_folder)
    stream = redactor_of(hiding_of(Machine(), key, asset_masked=True)).stream()
    for chunk in _chunks(arguments.file):
        sys.stdout.buffer.write(stream.feed(chunk))
    sys.stdout.buffer.write(stream.close())
    sys.stdout.buffer.flush()
    return 0


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


def restorer(key: bytes) -> Redactor:
    """What turns the pseudonyms of a key back."""
    return Redactor(key, asset_masked=True)


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
