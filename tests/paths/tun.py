"""Answers real packets from a scenario through a TUN device, and writes down what truly happened to each.

    ip netns exec NAME python -m tests.paths.tun SCENARIO --truth truth.jsonl

Prints "ready" when packets may come; SIGTERM ends it and writes the truth. Only inside a network namespace.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import heapq
import ipaddress
import json
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.paths.packets import Packet
from tests.paths.simulation import Simulation, scenario

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PR_SET_TIMERSLACK = 29
SPIN_SECONDS = 60e-6  # how long to spin before an answer is due: sleeping is coarser than that
DEVICE = "sim0"
PROBER = ("198.18.0.1/32", "2001:db8::1/128")
PREFIXES = ("198.18.0.0/15", "2001:db8::/32")


def open_device() -> int:
    """The file of a TUN device that every address of the scenarios is routed into."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    _ip("link", "set", "lo", "up")
    _ip("link", "set", DEVICE, "up", "mtu", "1500", "txqueuelen", "5000")
    for address in PROBER:
        _ip("addr", "add", address, "dev", DEVICE, *(["nodad"] if ":" in address else []))
    for prefix in PREFIXES:
        _ip("route", "add", prefix, "dev", DEVICE)
    return device


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@dataclass
class Server:
    """The answers under way, and the truth so far."""

    device: int
    simulation: Simulation
    started: float = field(default_factory=time.perf_counter)
    queue: list[tuple[float, int, bytes, dict[str, Any]]] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)
    serial: int = 0

    def serve(self, stop: list[int]) -> None:
        """Answer packets at their due time until told to stop."""
        while not stop:
            wait = 0.2 if not self.queue else self.queue[0][0] - time.perf_counter() - SPIN_SECONDS
            if select.select([self.device], [], [], min(0.2, max(0.0, wait)))[0]:
                self._take()
            self._answer()

    def _packets(self) -> Iterator[Packet]:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = Packet(bytearray(os.read(self.device, 65536)))
                if not packet.v6 or packet.target[0] != 0xFF:  # no neighbour and router chatter
                    yield packet

    def _take(self) -> None:
        now = time.perf_counter()
        self.simulation.advance(now - self.started)
        for packet in self._packets():
            outcome = self.simulation.walk(packet, now)
            record = {
                "t": now - self.started,
                "proto": packet.kind,
                "ttl": packet.ttl,
                "dst": str(ipaddress.ip_address(packet.target)),
                "verdict": outcome.verdict,
                "by": outcome.by,
                "rtt": outcome.rtt_seconds,
            }
            self.truth.append(record)
            if outcome.rtt_seconds is not None:
                self.serial += 1
                heapq.heappush(self.queue, (now + outcome.rtt_seconds, self.serial, outcome.answer, record))

    def _answer(self) -> None:
        while self.queue and self.queue[0][0] - time.perf_counter() <= SPIN_SECONDS:
            due, _, answer, record = heapq.heappop(self.queue)
            while time.perf_counter() < due:
                pass
            os.write(self.device, answer)
            record["late_us"] = round((time.perf_counter() - due) * 1e6, 1)


def main() -> None:
    """Serve one scenario until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--realtime", action="store_true", help="SCHED_FIFO (root): where times matter")
    options = parser.parse_args()
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGINT, lambda *_: stop.append(1))
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    server = Server(open_device(), Simulation(scenario(options.scenario)))
    print("ready", flush=True)
    server.serve(stop)
    options.truth.write_text("".join(json.dumps(record) + "\n" for record in server.truth))


if __name__ == "__main__":
    main()
