"""`make bench-redact [LOGS=FOLDER]`: recall, false spans on logs, speed; prints tables in Markdown.

Of the families kept out only the recall of all is printed: who writes rules must not see which ones are missed.

LOGS: a folder below which `*.log` files lie, for false spans and speed; without it these are reported as not run.
"""

from __future__ import annotations

import re
import sys
import time
from base64 import b64decode
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from caseprobe.errors import RedactionError
from caseprobe.redaction import RULES, Redactor
from tests.evaluation.redaction import kept_out, written
from tests.evaluation.redaction.family import Family
from tests.evaluation.redaction.score import ENCODED, WRAPS, Score, Wraps, plant, score

KEY = b"a key of this evaluation"
SEED, EACH = 7, 5
# A family is listed when less than this share of its secrets is gone.
LOW = 0.97
SPEED_BYTES = 4 << 20
# Lines of an ordinary log, so that secrets stand where they stand in life.
NOISE = (
    "Nov 22 04:12:07 host1 sshd[25541]: Received disconnect from 183.62.140.253: 11: Bye Bye [preauth]",
    "2026-11-22 04:12:09,120 INFO org.apache.hadoop.mapred.Task: attempt_1445144423722_0020_m_000001_0 is done",
    "[  12.402117] EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.",
    'level=info ts=2026-11-22T04:12:10Z caller=main.go:81 msg="listening" address=:9090',
    "systemd[1]: Started Session 312 of User root.",
)
BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}")
SECRET_RULES = frozenset((*(rule.name for rule in RULES), "pem_block", "continued", "encoded"))


def main(folders: Sequence[str]) -> int:
    """Print everything; gives the exit code."""
    print(f"| families | wrapped | planted | recall | withheld | families below {LOW} |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, families in (("rules were written for", written.ALL), ("kept out", kept_out.ALL)):
        for wrapped, wraps in (("plain, syslog, JSON", WRAPS), ("JSON twice, percent, base64", ENCODED)):
            found, withheld = _recall(families, wraps)
            print(_row(name, wrapped, found, withheld, listed=families is written.ALL))
    logs = [path for folder in folders for path in sorted(Path(folder).rglob("*.log"))]
    if not logs:
        print("\nfalse spans and speed: not run (give a folder of logs: LOGS=FOLDER)")
        return 0
    print("\n| log | MB | secrets seen in it | MB/s of CPU time |\n| --- | --- | --- | --- |")
    _on_logs(logs)
    return 0


def _recall(families: Iterable[Family], wraps: Wraps) -> tuple[dict[str, Score], int]:
    """By family, and how many texts were withheld as a whole: nothing leaks from these, and nothing is left of them."""
    redactor, withheld = Redactor(KEY, asset_masked=True), 0

    def redact(data: bytes) -> bytes:
        nonlocal withheld
        try:
            return opened(redactor.artifact(data))
        except RedactionError:
            withheld += 1
            return b""

    return score(list(plant(families, SEED, EACH, wraps)), redact, NOISE), withheld


def opened(text: bytes) -> bytes:
    """A text and behind it what its encodings hold: a secret that is left in one is a leak.

    >>> opened(b"key%3Dabc c2VjcmV0IHNlY3JldCBzZWNyZXQ=").split(b"\\n")[1:3]
    [b'key=abc c2VjcmV0IHNlY3JldCBzZWNyZXQ=', b'secret secret secr']
    """
    parts = [text, unquote_to_bytes(text)]
    for run in BASE64.findall(text):
        parts.extend(b64decode(run[start : start + (len(run) - start) // 4 * 4]) for start in range(4))
    return b"\n".join(parts)


def _row(name: str, wrapped: str, found: dict[str, Score], withheld: int, listed: bool) -> str:
    planted, hidden = sum(one.planted for one in found.values()), sum(one.hidden for one in found.values())
    low = ", ".join(f"{family} {one.recall:.2f}" for family, one in sorted(found.items()) if one.recall < LOW)
    low = (low or "-") if listed else "not listed"
    return f"| {len(found)} {name} | {wrapped} | {planted} | {hidden / planted:.4f} | {withheld} | {low} |"


def _on_logs(logs: Sequence[Path]) -> None:
    spans_total = read_bytes = 0
    seconds_total = 0.0
    for path in logs:
        data = path.read_bytes()
        spans, seconds = _run(data)
        spans_total, read_bytes, seconds_total = spans_total + spans, read_bytes + len(data), seconds_total + seconds
        print(f"| {path.name} | {len(data) / 1e6:.2f} | {spans} | {len(data) / 1e6 / seconds:.1f} |")
    megabytes = read_bytes / 1e6
    print(f"| all | {megabytes:.2f} | {spans_total / megabytes:.2f} per MB | {megabytes / seconds_total:.1f} |")


def _run(data: bytes) -> tuple[int, float]:
    """Secrets that were seen in a text that has none, and CPU seconds for one pass over it."""
    redactor = Redactor(KEY, asset_masked=True)
    redactor.artifact(data)
    spans = sum(total for rule, total in redactor.counts.items() if rule in SECRET_RULES)
    copies = max(1, SPEED_BYTES // len(data))
    repeated = data * copies
    started = time.process_time()
    redactor.artifact(repeated)
    return spans, (time.process_time() - started) / copies


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
