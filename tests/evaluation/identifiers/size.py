"""`python -m tests.evaluation.identifiers.size [MEGABYTES…]`: does redaction stay linear, and in how much memory?

Each run is a process of its own that makes its text as it goes, one distinct address a line, so that nothing repeats:
the worst for whatever remembers. Without arguments 2, 8 and 32 MB (half a million addresses) in under a minute; 1000
is the whole way to a gigabyte.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

SIZES = (2, 8, 32)
PIECE_LINES = 2000
KEY = b"a key of this evaluation"
LINE = "Nov 22 04:12:07 edge sshd[%d]: Connection closed by %d.%d.%d.%d port %d [preauth]\n"
# A walk through all numbers of 32 bits, each once (Knuth, TAOCP 3.2.1).
STEP, ADD = 1664525, 1013904223


def main(arguments: Sequence[str]) -> int:
    """Print the table, or be one run; gives the exit code."""
    if arguments[:1] == ["--run"]:
        print(*_run(int(arguments[1])))
        return 0
    print("| MB, every address distinct | addresses | MB/s of CPU time | peak memory, MB |\n| --- | --- | --- | --- |")
    for size in map(int, arguments or SIZES):
        command = [sys.executable, "-m", "tests.evaluation.identifiers.size", "--run", str(size)]
        addresses, speed, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        print(f"| {size} | {addresses} | {speed} | {memory} |", flush=True)
    return 0


def _run(megabytes: int) -> tuple[int, str, str]:
    """(lines, MB/s, peak MB) of this process."""
    from caseprobe.redaction import Redactor

    stream = Redactor(KEY, asset_masked=True).stream("/var/log/auth.log")
    lines = done = 0
    seconds = 0.0
    for piece in _pieces(megabytes * 1_000_000):
        started = time.process_time()
        stream.feed(piece)
        seconds += time.process_time() - started
        lines, done = lines + PIECE_LINES, done + len(piece)
    return lines, f"{done / 1e6 / seconds:.1f}", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
