"""The kernel's sentences about processes that it killed for lack of memory."""

from __future__ import annotations

import re
from collections.abc import Iterable

from caseprobe.v1 import section_pb2

# oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/web,task_memcg=/web,task=x,…
# Memory cgroup out of memory: Killed process 4711 (x) total-vm:1036kB, anon-rss:512kB, …
# Out of memory: Killed process 4711 (x) …
SCENE = re.compile(r"oom-kill:constraint=\w+,.*?(?:oom_memcg=(?P<cgroup>[^,]*),)?(?:global_oom,)?task_memcg=")
KILLED = re.compile(
    r"^(?P<where>Memory cgroup out|Out) of memory: Kill(?:ed)? process (?P<pid>\d{1,10}) \((?P<name>.*?)\)"
)


def parse_oom_victims(messages: Iterable[tuple[float, str]], at_most: int) -> list[section_pb2.OomVictim]:
    """Who was killed, the newest first; messages are the kernel's own, each with its seconds since boot.

    >>> parse_oom_victims([(1.0, "Out of memory: Killed process 9 (java) total-vm:1kB")], 5)[0].name
    'java'
    """
    found: list[section_pb2.OomVictim] = []
    cgroup = ""
    for seconds, text in messages:
        if (scene := SCENE.search(text)) is not None:
            cgroup = scene["cgroup"] or ""
        if (killed := KILLED.match(text)) is not None:
            inside = cgroup if killed["where"].startswith("Memory") else ""
            pid = min(int(killed["pid"]), 0xFFFFFFFF)
            found.append(section_pb2.OomVictim(pid=pid, name=killed["name"], cgroup=inside, at_seconds=seconds))
    return found[::-1][:at_most]
