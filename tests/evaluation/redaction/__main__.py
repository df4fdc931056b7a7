"""`make bench-redact [LOGS=FOLDER]`: recall by family, false spans on logs, speed; prints tables in Markdown.

LOGS: a folder below which `*.log` files lie, for false spans and speed; without it these are reported as not run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from caseprobe.redaction import RULES, Redactor
from tests.evaluation.redaction import written_for
from tests.evaluation.redaction.family import Family
from tests.evaluation.redaction.score import ENCODED, WRAPS, Score, Wraps, plant, score

KEY = b"a key of this evaluation"
SEED, EACH = 7, 5
SPEED_BYTES = 4 << 20
# Lines of an ordinary log, so that secrets stand where they stand in life.
NOISE = (
    "Nov 22 04:12:07 host1 sshd[25541]: Received disconnect from 183.62.140.253: 11: Bye Bye [preauth]",
    "2026-11-22 04:12:09,120 INFO org.apache.hadoop.mapred.Task: attempt_1445144423722_0020_m_000001_0 is done",
    "[  12.402117] EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.",
    'level=info ts=2026-11-22T04:12:10Z caller=main.go:81 msg="listening" address=:9090',
    "systemd[1]: Started Session 312 of User root.",
)
SECRET_RULES = frozenset((*(rule.name for rule in RULES), "pem_block", "encoded"))


def main(folders: Sequence[str]) -> int:
    """Print everything; gives the exit code."""
    print("| families | wrapped | planted | recall | families below 0.97 |\n| --- | --- | --- | --- | --- |")
    for name, families in (("rules were written for", written_for.ALL),):
        for wrapped, wraps in (("plain, syslog, JSON", WRAPS), ("JSON twice, percent, base 64", ENCODED)):
            print(_row(name, wrapped, _recall(families, wraps)))
    logs = [path for folder in folders for path in sorted(Path(folder).rglob("*.log"))]
    if not logs:
        print("\nfalse spans and speed: not run (give a folder of logs: LOGS=FOLDER)")
        return 0
    print("\n| log | MB | secrets seen in it | MB/s of CPU time |\n| --- | --- | --- | --- |")
    _on_logs(logs)
    return 0


def _recall(families: Iterable[Family], wraps: Wraps) -> dict[str, Score]:
    redactor = Redactor(KEY, asset_masked=True)
    return score(list(plant(families, SEED, EACH, wraps)), redactor.artifact, NOISE)


def _row(name: str, wrapped: str, found: dict[str, Score]) -> str:
    planted, hidden = sum(one.planted for one in found.values()), sum(one.hidden for one in found.values())
    low = ", ".join(f"{family} {one.recall:.2f}" for family, one in sorted(found.items()) if one.recall < 0.97)
    return f"| {len(found)} {name} | {wrapped} | {planted} | {hidden / planted:.4f} | {low or '-'} |"


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
