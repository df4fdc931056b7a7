"""Echoes by ICMP: over datagram sockets, which need no privilege, or over raw ones; one socket for every TTL."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire
from caseprobe_agent.path.echoes import Echo, Reply
from caseprobe_agent.path.sockets import (
    Datagram,
    Tier,
    ip_header_bytes,
    open_icmp,
    open_raw,
    read_datagrams,
    send_past_errors,
    ttl_control,
)
from caseprobe_agent.path.stamps import StampClock
from caseprobe_agent.path.target import ResolvedTarget

TIER = Tier(
    path_pb2.PATH_TIER_ICMP_DATAGRAM,
    path_pb2.PATH_PROTOCOL_ICMP,
    target_gap_seconds=0.1,  # no router or host limits echo replies by default
    reply_wait_seconds=1.0,
    unseen=("quoted_ip_header",),
)


RAW_TIER = replace(TIER, tier=path_pb2.PATH_TIER_RAW)


class IcmpSocket:
    """Echoes to any target of one family; what comes back with the sequence that it answers.

    Not connected: an echo reply from another address of the target still counts. A raw socket is told of errors and
    replies like the other; that its echoes need a checksum, and its IPv4 replies come with their IP header, is all.
    """

    def __init__(self, v6: bool, token: bytes, raw: bool = False) -> None:
        """Raises OSError where the kernel denies such sockets (net.ipv4.ping_group_range; CAP_NET_RAW for raw ones)."""
        self._raw = raw
        self.echo_bytes = ip_header_bytes(v6) + len(wire.icmp_echo(v6, 0, token))
        self._v6 = v6
        self._token = token
        self._clock = StampClock()
        self._socket = open_raw(v6) if raw else open_icmp(v6)

    def fileno(self) -> int:
        """Readable when receive has something."""
        return self._socket.fileno()

    def send(self, sequence: int, ttl: int, endpoint: tuple[Any, ...]) -> tuple[float, OSError | None]:
        """Send one echo; gives the monotonic time just before, and why it could not leave where it could not."""
        packet = wire.icmp_echo(self._v6, sequence, self._token)
        packet = wire.with_checksum(packet) if self._raw and not self._v6 else packet
        control = [ttl_control(self._v6, ttl)]
        sent_at = time.monotonic()
        return sent_at, send_past_errors(lambda: self._socket.sendmsg([packet], control, 0, endpoint))

    def receive(self) -> Iterator[Reply]:
        """Every reply that waits; a target's own has no address."""
        self._clock.refresh()
        for datagram in read_datagrams(self._socket, socket.MSG_ERRQUEUE):
            yield from self._from_router(datagram)
        for datagram in read_datagrams(self._socket):
            data = wire.behind_ip_header(datagram.data) if self._raw and not self._v6 else datagram.data
            sequence = wire.icmp_sequence(self._v6, data, self._token, reply=True)
            if sequence is not None:
                received_at = self._clock.seconds(datagram.control.stamp_ns)
                yield Reply(sequence, received_at, b"", True, datagram.control.reply_ttl)

    def _from_router(self, datagram: Datagram) -> Iterator[Reply]:
        error = datagram.control.error
        sequence = wire.icmp_sequence(self._v6, datagram.data, self._token, reply=False)
        if error is None or sequence is None or not wire.path_error(self._v6, error):
            return
        yield Reply(
            sequence,
            self._clock.seconds(datagram.control.stamp_ns),
            error.offender,
            reply_ttl=datagram.control.reply_ttl,
            mpls_labels=wire.mpls_labels(datagram.data, error.extension_at),
            unreachable=wire.unreachable_reason(self._v6, error),
        )

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class IcmpNetwork:
    """The echoes to one target over a socket of their own."""

    port = 0

    def __init__(self, target: ResolvedTarget, token: bytes, raw: bool = False) -> None:
        """Raises OSError as IcmpSocket."""
        self.tier = RAW_TIER if raw else TIER
        self.failure: OSError | None = None
        self._endpoint = target.endpoint(0)
        self._address = target.address.packed
        self._socket = IcmpSocket(target.v6, token, raw)
        self.echo_bytes = self._socket.echo_bytes

    def fileno(self) -> int:
        """Readable when receive has something."""
        return self._socket.fileno()

    def send(self, echo: Echo) -> float | None:
        """Send one echo; gives the monotonic time just before, None where it could not leave."""
        sent_at, self.failure = self._socket.send(echo.sequence, echo.ttl, self._endpoint)
        return None if self.failure else sent_at

    def receive(self) -> Iterator[Reply]:
        """Every reply that waits."""
        for reply in self._socket.receive():
            reply.address = reply.address or self._address
            yield reply

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
