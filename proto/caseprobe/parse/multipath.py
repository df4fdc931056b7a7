"""multipath -ll: devices that are reached over several paths, and what the path checker says of each path."""

from __future__ import annotations

import re

from caseprobe.v1 import section_storage_pb2

# mpatha (36001405a1b2c3d4) dm-2 LIO-ORG,disk0
# size=10G features='0' hwhandler='1 alua' wp=rw
# |-+- policy='service-time 0' prio=50 status=active
# | `- 2:0:0:0 sdb 8:16 active ready running
# `-+- policy='service-time 0' prio=10 status=enabled
#   `- 3:0:0:0 sdc 8:32 failed faulty offline
HEAD = re.compile(r"^([\w.:-]{1,128}) (?:\([^()\s]{1,128}\) )?dm-\d+ ")
PATH = re.compile(r"^[\s|`\\_-]*(?:\d+:){3}\d+ +(\S{1,32}) +\S+ +(\w+) +(\w+) +(\w+)")


def parse_multipath(text: str) -> list[section_storage_pb2.Multipath]:
    """Every device with the number of its paths; raises ValueError where text is printed that holds none.

    >>> parse_multipath("mpatha dm-2 A,B\\n|- 2:0:0:0 sdb 8:16 active ready running\\n")[0].paths_active
    1
    """
    found: list[section_storage_pb2.Multipath] = []
    for line in text.splitlines():
        if head := HEAD.match(line):
            found.append(section_storage_pb2.Multipath(name=head[1]))
        elif (path := PATH.match(line)) and found:
            found[-1].paths_total += 1
            if path[2] == "active" and path[3] in ("ready", "ghost") and path[4] == "running":
                found[-1].paths_active += 1
            else:
                found[-1].failed_paths.append(path[1])
    if text.strip() and not any(one.paths_total for one in found):
        raise ValueError("multipath printed something that is no list of paths")
    return found
