"""What `ps aux` prints: every process, without the arguments that may hold secrets."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest

from caseprobe.v1 import section_pb2

# USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
# root         1  0.6  0.0  52360 19184 ?        Ss   01:15   3:57 /sbin/init splash
HEADING = ("USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND")
COLUMNS = len(HEADING)
TOP, LISTED = 10, 50
PROCESSES_AT_MOST = 200_000


def parse_ps_aux(text: str) -> section_pb2.ProcessesFacts:
    """Counts, who holds most memory, who is dead and not buried; ValueError for other text."""
    lines = text.splitlines()
    heading = next((number for number, line in enumerate(lines[:5]) if tuple(line.split()) == HEADING), None)
    if heading is None:
        raise ValueError("the heading of ps is missing")
    processes = list(_processes(lines[heading + 1 : heading + 1 + PROCESSES_AT_MOST]))
    if not processes:
        raise ValueError("ps lists no process")
    dead = [one for one in processes if one.state == "Z"]
    facts = section_pb2.ProcessesFacts(
        processes_total=len(processes),
        running_total=sum(one.state == "R" for one in processes),
        zombies_total=len(dead),
        uninterruptible_total=sum(one.state == "D" for one in processes),
        zombies=dead[:LISTED],
    )
    holding = [one for one in processes if one.resident_bytes]
    facts.top_memory.extend(nlargest(TOP, holding, key=lambda one: one.resident_bytes))
    return facts


def _processes(lines: list[str]) -> Iterator[section_pb2.Process]:
    """One a line; what is no line of a process (threads of `ps m`, wrapped text) is passed over."""
    for line in lines:
        columns = line.split(None, COLUMNS - 1)
        if len(columns) == COLUMNS and columns[1].isdecimal() and columns[5].isdecimal():
            yield section_pb2.Process(
                pid=min(int(columns[1][:10]), 0x7FFFFFFF),
                name=_name(columns[10]),
                user=columns[0],
                state=columns[7][0],
                resident_bytes=int(columns[5][:15]) * 1024,
            )


def _name(command: str) -> str:
    """The program's name, as the kernel would show it; a kernel thread stands in brackets."""
    if command.startswith("["):
        return command[1:].partition("]")[0][:64]
    return command.split(None, 1)[0].rstrip(":").rpartition("/")[2][:64]
