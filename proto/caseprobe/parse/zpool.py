"""zpool list -Hp -o name,size,allocated,health: pools of ZFS, one a line, fields apart by tabs, sizes in bytes."""

from __future__ import annotations

from caseprobe.v1 import section_storage_pb2

# tank	3985729650688	1992864825344	ONLINE
STATES = frozenset({"ONLINE", "DEGRADED", "FAULTED", "UNAVAIL", "SUSPENDED", "REMOVED", "OFFLINE"})


def parse_zpool_list(text: str) -> list[section_storage_pb2.Pool]:
    """The pools; raises ValueError where a line is none, since a pool that is passed over would count as well.

    >>> parse_zpool_list("tank\\t1000\\t900\\tONLINE\\n")[0].allocated_bytes
    900
    """
    return [_pool(line) for line in text.splitlines() if line.strip()]


def _pool(line: str) -> section_storage_pb2.Pool:
    fields = line.split("\t")
    if len(fields) != 4 or fields[3] not in STATES:
        raise ValueError("zpool list printed something that is no list of pools")
    pool = section_storage_pb2.Pool(name=fields[0], state=fields[3])
    # A pool that is not available tells "-" for its sizes.
    if fields[1].isdecimal() and fields[2].isdecimal():
        pool.size_bytes, pool.allocated_bytes = min(int(fields[1]), 2**64 - 1), min(int(fields[2]), 2**64 - 1)
    return pool
