"""One path probe as a child process, without any capability: prints its facts, its times and its rights as JSON.

python -m tests.paths.probe TARGET PROTOCOL ROUNDS INTERVAL [PORT]
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format

from caseprobe.path_stats import summarize
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path import ResolvedTarget, describe, open_network, trace
from caseprobe_agent.path.echoes import Echo


@dataclass
class FirstEcho:
    """Passes echoes on and remembers when the first was on its way."""

    passed_on: Callable[[Echo], float | None]
    left_at: float = 0.0

    def send(self, echo: Echo) -> float | None:
        """Send one echo."""
        sent_at = self.passed_on(echo)
        self.left_at = self.left_at or time.monotonic()
        return sent_at


async def probe(target: ResolvedTarget, action: link_pb2.PathAction) -> dict[str, object]:
    """The facts, and after how many seconds and CPU seconds the first round and the whole were there."""
    rounds: list[path_pb2.PathRound] = []
    seconds: list[float] = []
    began, cpu = time.monotonic(), time.process_time()
    with open_network(target, action) as network:
        first = FirstEcho(network.send)
        network.send = first.send  # type: ignore[method-assign]
        async with contextlib.aclosing(trace(target, action, network)) as tracing:
            async for round_ in tracing:
                rounds.append(round_)
                seconds.append(time.monotonic() - began)
        facts = summarize(rounds, describe(target, network))
    return {
        "facts": json_format.MessageToDict(facts, preserving_proto_field_name=True),
        "given_seconds": seconds,
        "first_echo_seconds": first.left_at - began,
        "total_seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "round_bytes": [round_.ByteSize() for round_ in rounds],
        "reply_ttls": {reply.ttl: reply.reply_ttl for round_ in rounds for reply in round_.replies},
        "capabilities": _effective_capabilities(),
    }


def _effective_capabilities() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))


def main() -> None:
    """Probe as the arguments say."""
    address, protocol, rounds, interval, *port = sys.argv[1:]
    action = link_pb2.PathAction(
        rounds=int(rounds),
        interval_seconds=float(interval),
        protocol=path_pb2.PathProtocol.Value(f"PATH_PROTOCOL_{protocol.upper()}"),
        port=int(port[0]) if port else 0,
    )
    target = ResolvedTarget(address, ipaddress.ip_address(address))
    print(json.dumps(asyncio.run(probe(target, action))))


if __name__ == "__main__":
    main()
