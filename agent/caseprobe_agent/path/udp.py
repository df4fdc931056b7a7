"""Echoes as UDP datagrams to a port that nobody listens on: needs no right at all."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire
from caseprobe_agent.path.echoes import Echo, Reply
from caseprobe_agent.path.sockets import (
    Datagram,
    Tier,
    ip_header_bytes,
    prepare,
    read_datagrams,
    send_past_errors,
    ttl_control,
)
from caseprobe_agent.path.stamps import StampClock
from caseprobe_agent.path.target import ResolvedTarget

DEFAULT_PORT = 33434
FLOW = 0  # the key of the socket that serves every TTL; a TTL is the key of a socket of its own
TIER = Tier(
    path_pb2.PATH_TIER_UDP,
    path_pb2.PATH_PROTOCOL_UDP,
    target_gap_seconds=1.0,  # the target answers with an ICMP error, which is limited like a router's
    reply_wait_seconds=1.0,
    unseen=("quoted_ip_header",),
)


class UdpNetwork:
    """One connected socket for every TTL, so that all echoes are one flow; the payload tells them apart.

    A router that quotes no payload (RFC 792 asks for eight bytes only) gives no sequence. From then on every TTL
    that was never told apart gets a socket of its own: seen, though as another flow.
    """

    tier = TIER

    def __init__(self, target: ResolvedTarget, token: bytes, port: int = 0) -> None:
        self.port = port or DEFAULT_PORT
        self.failure: OSError | None = None
        self.echo_bytes = ip_header_bytes(target.v6) + 8 + len(wire.udp_payload(0, token))
        self._v6 = target.v6
        self._endpoint = target.endpoint(self.port)
        self._address = target.address.packed
        self._token = token
        self._clock = StampClock()
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._keys: dict[int, int] = {}  # descriptor -> key
        self._alone: dict[int, int] = {}  # key of a socket of its own -> its newest sequence
        self._told_apart: set[int] = set()
        self._ttls: dict[int, int] = {}  # sequence -> ttl, of the echoes of the flow
        self._short_quotes = False
        try:
            self._open(FLOW)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable when receive has something."""
        return self._epoll.fileno()

    def send(self, echo: Echo) -> float | None:
        """Send one echo; gives the monotonic time just before, None where it could not leave."""
        try:
            sock = self._socket_for(echo)
        except OSError as error:
            self.failure = error
            return None
        payload = wire.udp_payload(echo.sequence, self._token)
        control = [ttl_control(self._v6, echo.ttl)]
        sent_at = time.monotonic()
        self.failure = send_past_errors(lambda: sock.sendmsg([payload], control))
        return None if self.failure else sent_at

    def receive(self) -> Iterator[Reply]:
        """Every reply that waits."""
        self._clock.refresh()
        for descriptor, _ in self._epoll.poll(0):
            key = self._keys[descriptor]
            sock = self._sockets[key]
            for datagram in read_datagrams(sock, socket.MSG_ERRQUEUE):
                yield from self._from_error(key, datagram)
            for datagram in read_datagrams(sock):
                yield from self._from_listener(datagram)

    def close(self) -> None:
        """Give the sockets back."""
        for sock in self._sockets.values():
            sock.close()
        self._epoll.close()

    def _open(self, key: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if self._v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self._sockets[key] = sock
        prepare(sock, self._v6)
        sock.connect(self._endpoint)
        self._keys[sock.fileno()] = key
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLERR)
        return sock

    def _socket_for(self, echo: Echo) -> socket.socket:
        if not self._short_quotes or echo.ttl in self._told_apart:
            self._ttls[echo.sequence] = echo.ttl
            return self._sockets[FLOW]
        self._alone[echo.ttl] = echo.sequence
        return self._sockets.get(echo.ttl) or self._open(echo.ttl)

    def _sequence(self, key: int, data: bytes) -> int | None:
        """Which echo an error is about: by its payload, or where it quotes none by the socket that it came to."""
        sequence = wire.udp_sequence(data, self._token)
        if sequence is not None:
            self._told_apart.add(self._ttls.get(sequence, FLOW))
        elif not data and key == FLOW:
            self._short_quotes = True
        elif not data:
            return self._alone.get(key)
        return sequence

    def _from_error(self, key: int, datagram: Datagram) -> Iterator[Reply]:
        error = datagram.control.error
        if error is None or not wire.path_error(self._v6, error):
            return
        sequence = self._sequence(key, datagram.data)
        if sequence is None:
            return
        arrived = wire.port_unreachable(self._v6, error)
        yield Reply(
            sequence,
            self._clock.seconds(datagram.control.stamp_ns),
            error.offender,
            arrived,
            datagram.control.reply_ttl,
            wire.mpls_labels(datagram.data, error.extension_at),
            path_pb2.UNREACHABLE_REASON_UNSPECIFIED if arrived else wire.unreachable_reason(self._v6, error),
        )

    def _from_listener(self, datagram: Datagram) -> Iterator[Reply]:
        """A reply of something that listens on the port and sends back what it gets."""
        sequence = wire.udp_sequence(datagram.data, self._token)
        if sequence is not None:
            received_at = self._clock.seconds(datagram.control.stamp_ns)
            yield Reply(sequence, received_at, self._address, True, datagram.control.reply_ttl)
