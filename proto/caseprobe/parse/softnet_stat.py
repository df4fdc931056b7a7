"""/proc/net/softnet_stat: what each processor did with packets that came in."""

from __future__ import annotations

# 0000a3f1 00000000 00000012 00000000 …   packets, dropped, out of its share of time; hexadecimal, one line a processor


def parse_softnet_stat(text: str) -> tuple[int, int]:
    """Packets dropped, and times that a processor ran out of its share, of all processors since boot.

    Raises ValueError where a line is of another form.

    >>> parse_softnet_stat("0000a3f1 00000002 00000012 00000000\\n00000001 00000001 00000000 00000000")
    (3, 18)
    """
    rows = [[int(word, 16) for word in line.split()[:3]] for line in text.splitlines() if line.strip()]
    if not rows or any(len(row) < 3 for row in rows):
        raise ValueError("/proc/net/softnet_stat does not have its form")
    return sum(row[1] for row in rows), sum(row[2] for row in rows)
