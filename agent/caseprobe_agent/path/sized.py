"""Echoes of chosen sizes over an ICMP datagram socket, and the search for the path's MTU that they serve."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import mtu, wire
from caseprobe_agent.path.sockets import (
    Datagram,
    ip_header_bytes,
    open_icmp,
    read_datagrams,
    send_past_errors,
    ttl_control,
)
from caseprobe_agent.path.stamps import StampClock
from caseprobe_agent.path.target import ResolvedTarget
from caseprobe_agent.path.waiting import wait_until

MOST_LINK_BYTES = 9216  # what the largest common jumbo frames carry; loopback would allow 64 KiB
USUAL_LINK_BYTES = 1500
MOST_SECONDS = 20.0  # of one search, whatever answers
TOKEN = b"mtu?"


class SizedNetwork:
    """One ICMP datagram socket that never lets the kernel cut or remember sizes."""

    def __init__(self, target: ResolvedTarget) -> None:
        """Raises OSError where the kernel denies such sockets (net.ipv4.ping_group_range)."""
        self._v6 = target.v6
        self._endpoint = target.endpoint(0)
        self._clock = StampClock()
        self._socket = open_icmp(target.v6)

    def fileno(self) -> int:
        """Readable when take has something."""
        return self._socket.fileno()

    def send(self, echo: mtu.SizedEcho) -> bool:
        """Send one echo; False where this machine does not send so large a packet."""
        packet = wire.icmp_echo(self._v6, echo.sequence, TOKEN)
        packet = packet.ljust(echo.size - ip_header_bytes(self._v6), b"\0")
        control = [ttl_control(self._v6, echo.ttl)]
        return send_past_errors(lambda: self._socket.sendmsg([packet], control, 0, self._endpoint)) is None

    def take(self, search: mtu.Search) -> None:
        """Hand everything that waits to the search."""
        self._clock.refresh()
        for datagram in read_datagrams(self._socket, socket.MSG_ERRQUEUE):
            self._take_error(search, datagram)
        for datagram in read_datagrams(self._socket):
            sequence = wire.icmp_sequence(self._v6, datagram.data, TOKEN, reply=True)
            if sequence is not None:
                search.on_answer(sequence, self._clock.seconds(datagram.control.stamp_ns), from_target=True)

    def _take_error(self, search: mtu.Search, datagram: Datagram) -> None:
        error = datagram.control.error
        sequence = wire.icmp_sequence(self._v6, datagram.data, TOKEN, reply=False)
        if error is None or sequence is None:
            return
        if wire.too_big(self._v6, error):
            search.on_told(sequence, error.offender, error.info)
        elif wire.ttl_ran_out(self._v6, error):
            search.on_answer(sequence, self._clock.seconds(datagram.control.stamp_ns), from_target=False)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


async def find_mtu(target: ResolvedTarget) -> path_pb2.PathMtu:
    """How large a packet reaches the target; mtu.not_measured where this machine may not send ICMP echoes."""
    link = min(_link_bytes(target), MOST_LINK_BYTES)
    try:
        network = SizedNetwork(target)
    except OSError:
        return path_pb2.PathMtu(message_id="mtu.not_measured", link_bytes=link)
    floor = mtu.FLOOR_6 if target.v6 else mtu.FLOOR_4
    search = mtu.Search(ceiling=max(link, floor), floor=floor)
    began = time.monotonic()
    try:
        await _drive(search, network)
    finally:
        network.close()
    return describe_mtu(search, link, time.monotonic() - began)


def describe_mtu(search: mtu.Search, link_bytes: int, seconds: float) -> path_pb2.PathMtu:
    """The end of a search as it travels."""
    name = "vanishes" if search.vanishes else "told" if search.teller else "whole"
    return path_pb2.PathMtu(
        message_id=f"mtu.{name}" if search.size else "mtu.silent",
        size_bytes=search.size,
        link_bytes=link_bytes,
        told_by=search.teller,
        segment_first_ttl=search.segment[0],
        segment_last_ttl=search.segment[1],
        echoes=search.echoes,
        duration_seconds=seconds,
    )


async def _drive(search: mtu.Search, network: SizedNetwork) -> None:
    """Send what is due and take in what comes until the search is done."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(network.fileno(), _taker(network, search, changed))
    deadline = time.monotonic() + MOST_SECONDS
    try:
        while not search.done and time.monotonic() < deadline:
            for echo in search.poll(time.monotonic()):
                if not network.send(echo):
                    search.on_refused(echo)
            await wait_until(changed, search.wake_at())
    finally:
        loop.remove_reader(network.fileno())


def _taker(network: SizedNetwork, search: mtu.Search, changed: asyncio.Event) -> Callable[[], None]:
    def take() -> None:
        network.take(search)
        changed.set()

    return take


def _link_bytes(target: ResolvedTarget) -> int:
    """The MTU of the link over which packets to the target leave; what is usual where that is not known."""
    import psutil  # which takes longer to load than most paths take to trace

    family = socket.AF_INET6 if target.v6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(target.endpoint(9))
        except OSError:
            return USUAL_LINK_BYTES
        own = str(sock.getsockname()[0])
    stats = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        if name in stats and any(one.address.partition("%")[0] == own for one in addresses):
            return stats[name].mtu or USUAL_LINK_BYTES
    return USUAL_LINK_BYTES
