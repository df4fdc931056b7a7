"""/proc/PID/stat, status and limits: one process."""

from __future__ import annotations

from dataclasses import dataclass

# 16203 (cat) R 16190 16190 4797 0 -1 4194304 101 0 0 0 3 1 0 0 20 0 1 0 293378 3133440 398 18446744073709551615 …
# Uid:	1000	1000	1000	1000
# Max open files            1024                 524288               files


@dataclass(frozen=True)
class ProcessStat:
    """One line of /proc/PID/stat; times in ticks, the start since boot, resident memory in pages."""

    pid: int
    name: str
    state: str
    parent_pid: int
    cpu_ticks: int
    threads: int
    start_ticks: int
    resident_pages: int


def parse_process_stat(text: str) -> ProcessStat:
    """The fields that we use; the name may hold blanks and parentheses, so it ends at the last one.

    Raises ValueError where the line is too short.

    >>> parse_process_stat("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 3 4 0 0 20 0 2 0 99 0 5").name
    'a) b'
    """
    head, _, rest = text.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = rest.split()
    if len(fields) < 22:
        raise ValueError("a process tells fewer fields than any kernel writes")
    return ProcessStat(
        pid=int(pid),
        name=name,
        state=fields[0],
        parent_pid=int(fields[1]),
        cpu_ticks=int(fields[11]) + int(fields[12]),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
        resident_pages=max(0, int(fields[21])),
    )


def parse_user_id(status: str) -> int | None:
    """The real user's number in /proc/PID/status; None where it is not told.

    >>> parse_user_id("Name:\\tcat\\nUid:\\t1000\\t0\\t0\\t0\\n")
    1000
    """
    for line in status.splitlines():
        name, *numbers = line.split()[:2] or [""]
        if name == "Uid:" and numbers and numbers[0].isdecimal():
            return int(numbers[0])
    return None


def parse_open_files_limit(limits: str) -> int | None:
    """The soft limit of open files in /proc/PID/limits; None where there is none.

    >>> parse_open_files_limit("Max open files            1024                 524288               files")
    1024
    """
    for line in limits.splitlines():
        if line.startswith("Max open files"):
            soft = line.removeprefix("Max open files").split()[:1]
            return int(soft[0]) if soft and soft[0].isdecimal() else None
    return None
