"""Make a file of networks out of a router's table: who announces which addresses, for `caseprobe path --networks`.

Reads dumps in MRT (TABLE_DUMP_V2, as RIPE RIS, RouteViews, FRR and BIRD write them), plain, .gz or .bz2; writes lines
of "first address,last address,AS number" to stdout, sorted. A full table of the internet takes a minute or two.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import BinaryIO, cast

from caseprobe.errors import UsageError
from caseprobe.parse.mrt import BITS, read_announced
from caseprobe_agent.path.ranges import packed, ranges

SUMMARY = "whose networks are whose, out of a router's table, for path --networks"
MOST_PREFIXES = 8_000_000  # several times the internet's
ADDRESSES = {4: IPv4Address, 6: IPv6Address}
GZIP_MAGIC, BZIP2_MAGIC = b"\x1f\x8b", b"BZh"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `networks`."""
    parser.add_argument("dumps", nargs="+", type=Path, metavar="DUMP", help="a dump of a table in MRT")


def run(arguments: argparse.Namespace) -> int:
    """Write the ranges; gives the exit code."""
    table: dict[int, list[int]] = {version: [] for version in ADDRESSES}
    for path in arguments.dumps:
        _read(path, table)
    for version, address in ADDRESSES.items():
        for one in ranges(table[version], BITS[version]):
            sys.stdout.write(f"{address(one.first)},{address(one.last)},{one.origin}\n")
    sys.stdout.flush()
    return 0


def _read(path: Path, table: dict[int, list[int]]) -> None:
    """Add a dump's prefixes to those of its IP versions. Raises UsageError."""
    try:
        with _unpacking(path) as file:
            for one in read_announced(file.read):
                table[one.version].append(packed(one.address, one.length, one.origin))
                if sum(map(len, table.values())) > MOST_PREFIXES:
                    raise ValueError(f"it has over {MOST_PREFIXES:,} prefixes")
    except (ValueError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: {error}; give a dump of a table in MRT, plain, .gz or .bz2") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def _unpacking(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked while it is read where it is packed."""
    with path.open("rb") as file:
        head = file.read(len(BZIP2_MAGIC))
        file.seek(0)
        if head.startswith(GZIP_MAGIC):
            with gzip.open(file) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif head == BZIP2_MAGIC:
            with bz2.open(file) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield file
