"""`python -m tests.evaluation.identifiers.size [MEGABYTES…]`: does redaction stay linear, and in how much memory?

Each run is a process of its own that makes its text as it goes: one distinct address a line, so that nothing repeats,
the worst for whatever remembers; and all in one line that does not end. Without arguments 2, 8 and 32 MB (a third of a
million addresses) in under a minute; 1000 is the whole way to a gigabyte.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from tests.bench.reading import peak_bytes

SIZES = (2, 8, 32)
PIECE_LINES, PIECE_BYTES = 2000, 1 << 18
KEY = b"a key of this evaluation"
LINE = "Nov 22 04:12:07 edge sshd[%d]: Connection closed by %d.%d.%d.%d port %d [preauth]\n"
# A walk through all numbers of 32 bits, each once (Knuth, TAOCP 3.2.1).
STEP, ADD = 1664525, 1013904223


def main(arguments: Sequence[str]) -> int:
    """Print the table, or be one run; gives the exit code."""
    if arguments[:1] == ["--run"]:
        print(*_run(KINDS[arguments[1]], int(arguments[2])))
        return 0
    print("| text | MB | MB/s of CPU time | peak memory, MB |\n| --- | --- | --- | --- |")
    for kind in KINDS:
        for size in map(int, arguments or SIZES):
            command = [sys.executable, "-m", "tests.evaluation.identifiers.size", "--run", kind, str(size)]
            speed, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            print(f"| {kind} | {size} | {speed} | {memory} |", flush=True)
    return 0


def _run(pieces: Callable[[int], Iterator[bytes]], megabytes: int) -> tuple[str, str]:
    """(MB/s, peak MB) of this process."""
    from caseprobe.redaction import Redactor

    stream = Redactor(KEY, asset_masked=True).stream("/var/log/auth.log")
    done, seconds = 0, 0.0
    for piece in pieces(megabytes * 1_000_000):
        started = time.process_time()
        stream.feed(piece)
        seconds += time.process_time() - started
        done += len(piece)
    return f"{done / 1e6 / seconds:.1f}", f"{peak_bytes() / (1 << 20):.0f}"


def _pieces(total_bytes: int) -> Iterator[bytes]:
    """So many bytes of log, made as they are asked for."""
    value = made = 0
    while made < total_bytes:
        lines = []
        for _ in range(PIECE_LINES):
            value = (value * STEP + ADD) % (1 << 32)
            lines.append(LINE % (value % 32768, *value.to_bytes(4, "big"), value % 60000))
        piece = "".join(lines).encode()
        made += len(piece)
        yield piece


def _one_line(total_bytes: int) -> Iterator[bytes]:
    """So many bytes without a line break."""
    piece = b"password=hunter2 from 10.1.2.3 " * (PIECE_BYTES // 31)
    for _ in range(total_bytes // len(piece)):
        yield piece


KINDS = {"distinct addresses": _pieces, "one line": _one_line}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
