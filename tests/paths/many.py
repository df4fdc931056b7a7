"""Many targets in one process, as a child with no capability: what they take, beside bare sends of as many echoes.

python -m tests.paths.many TARGETS: one JSON document. Behind kernel routers a send carries its echo over all of them
before it returns, so the sends' own cost on this bed is measured for itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
import time
from pathlib import Path

from caseprobe.path_stats import PathTally, facts_of
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path import ResolvedTarget
from caseprobe_agent.path.icmp import IcmpSocket
from caseprobe_agent.path.many import trace_many
from tests.bench.reading import peak_bytes

FIRST = ipaddress.IPv4Address("198.19.0.1")


async def traced(targets: list[ResolvedTarget]) -> list[PathTally]:
    """One round of every target."""
    tallies = [PathTally() for _ in targets]
    async for index, round_ in trace_many(targets, link_pb2.PathAction(rounds=1)):
        tallies[index].add(round_)
    return tallies


def floor(targets: list[ResolvedTarget], echoes: int) -> float:
    """CPU seconds of as many bare echoes, spread over all targets, whose answers nobody reads."""
    socket, began = IcmpSocket(False, b"none"), time.process_time()
    for target in targets:
        for ttl in range(1, echoes // len(targets) + 1):
            socket.send(ttl, ttl, target.endpoint(0))
    socket.close()
    return time.process_time() - began


def sent_by_kernel() -> int:
    """How many echoes this namespace has sent."""
    names, values = (
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Icmp:")
    )
    return int(dict(zip(names, values, strict=True))["OutEchos"])


def main() -> None:
    """Trace, judge, and print."""
    targets = [ResolvedTarget(str(FIRST + number), FIRST + number) for number in range(int(sys.argv[1]))]
    before = sent_by_kernel()
    began, cpu = time.monotonic(), time.process_time()
    tallies = asyncio.run(traced(targets))
    facts = [facts_of(tally, path_pb2.PathFacts(target="h")) for tally in tallies]
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    sent = sent_by_kernel() - before
    hops = max(len(path.hops) for path in facts)
    document = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "mib": peak_bytes() / (1 << 20),
        "echoes": sent,
        "complete": sum(len(path.hops) == hops and all(hop.received for hop in path.hops) for path in facts),
        "floor_cpu_seconds": floor(targets, sent),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
