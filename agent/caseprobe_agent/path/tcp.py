"""Echoes as TCP connection attempts, one socket each: what a service behind a filter still answers."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire
from caseprobe_agent.path.echoes import Echo, Reply
from caseprobe_agent.path.sockets import Datagram, Tier, ip_header_bytes, prepare, read_datagrams, set_ttl
from caseprobe_agent.path.stamps import StampClock
from caseprobe_agent.path.target import ResolvedTarget

DEFAULT_PORT = 443
RESEND_SECONDS = 0.95  # the kernel repeats a SYN after 1 s: a reply after that could be to either
TCP_SYN_SENT = 2
TCP_INFO_RTT_AT, TCP_INFO_LEAST_AT = 68, 148  # struct tcp_info: tcpi_rtt, tcpi_min_rtt, microseconds
NEVER = 0xFFFFFFFF
TIER = Tier(
    path_pb2.PATH_TIER_TCP_CONNECT,
    path_pb2.PATH_PROTOCOL_TCP,
    target_gap_seconds=0.1,
    reply_wait_seconds=RESEND_SECONDS,
    unseen=("quoted_ip_header", "late_replies", "one_flow_over_hops", "target_reply_ttl"),
)


class Told(Protocol):
    """A socket as far as it tells of its connection; the one of a transport is no socket.socket."""

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        """The value of an option."""


@dataclass
class _Attempt:
    """One connection attempt under way."""

    sock: socket.socket
    echo: Echo
    sent_at: float


class TcpNetwork:
    """A connection attempt per echo, closed as soon as it is answered: with a reset, so nothing stays at the target.

    Each TTL keeps its source port from round to round, so every hop sees one flow over time.
    """

    tier = TIER

    def __init__(self, target: ResolvedTarget, port: int = 0) -> None:
        self.port = port or DEFAULT_PORT
        self.failure: OSError | None = None
        self.echo_bytes = ip_header_bytes(target.v6) + 40
        self._v6 = target.v6
        self._endpoint = target.endpoint(self.port)
        self._address = target.address.packed
        self._clock = StampClock()
        self._epoll = select.epoll()
        self._attempts: dict[int, _Attempt] = {}  # by descriptor
        self._source_ports: dict[int, int] = {}  # by ttl
        self._at_once: list[tuple[_Attempt, int, float]] = []  # with code and time

    def fileno(self) -> int:
        """Readable when receive has something."""
        return self._epoll.fileno()

    def send(self, echo: Echo) -> float | None:
        """Start one attempt; gives the monotonic time just before, None where it could not leave."""
        self._expire(time.monotonic())
        try:
            sock = self._open(echo.ttl)
        except OSError as error:
            self.failure = error
            return None
        sent_at = time.monotonic()
        code = sock.connect_ex(self._endpoint)
        if code not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
            self._source_ports.pop(echo.ttl, None)
            self.failure = OSError(code, os.strerror(code))
            sock.close()
            return None
        self.failure = None
        self._watch(_Attempt(sock, echo, sent_at), code)
        return sent_at

    def receive(self) -> Iterator[Reply]:
        """Every reply that waits."""
        self._clock.refresh()
        at_once, self._at_once = self._at_once, []
        for attempt, code, ended_at in at_once:
            yield from self._outcome(attempt, code, ended_at)
        for descriptor, _ in self._epoll.poll(0):
            yield from self._outcome(self._attempts[descriptor], None, self._clock.seconds(None))

    def close(self) -> None:
        """Give up every attempt."""
        for attempt in [*self._attempts.values(), *(attempt for attempt, _, _ in self._at_once)]:
            attempt.sock.close()
        self._attempts.clear()
        self._at_once.clear()
        self._epoll.close()

    def _open(self, ttl: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if self._v6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            prepare(sock, self._v6)
            set_ttl(sock, self._v6, ttl)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A port whose last attempt is still open cannot be had: then this echo is another flow.
            with contextlib.suppress(OSError):
                sock.bind(("::" if self._v6 else "", self._source_ports.get(ttl, 0)))
        except OSError:
            sock.close()
            raise
        return sock

    def _watch(self, attempt: _Attempt, code: int) -> None:
        # An echo that could not have its port does not move the flow for good: that would look like a new route.
        self._source_ports.setdefault(attempt.echo.ttl, attempt.sock.getsockname()[1])
        if code != errno.EINPROGRESS:
            self._at_once.append((attempt, code, time.monotonic()))
            return
        self._attempts[attempt.sock.fileno()] = attempt
        self._epoll.register(attempt.sock.fileno(), select.EPOLLOUT | select.EPOLLERR)

    def _outcome(self, attempt: _Attempt, code: int | None, ended_at: float) -> Iterator[Reply]:
        """What became of an attempt: an error of a hop, the target's yes or no, or nothing that counts."""
        errors = list(read_datagrams(attempt.sock, socket.MSG_ERRQUEUE))
        state, rtt_seconds = tcp_info(attempt.sock)
        code = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if code is None else code
        if not errors and code == 0 and state == TCP_SYN_SENT:
            return
        self._give_up(attempt)
        for datagram in errors:
            yield from self._from_router(attempt, datagram)
            return
        if code in (0, errno.ECONNREFUSED):
            received_at = attempt.sent_at + rtt_seconds if code == 0 and rtt_seconds else ended_at
            yield Reply(attempt.echo.sequence, received_at, self._address, from_target=True)

    def _from_router(self, attempt: _Attempt, datagram: Datagram) -> Iterator[Reply]:
        error = datagram.control.error
        if error is None or not wire.path_error(self._v6, error):
            return
        yield Reply(
            attempt.echo.sequence,
            self._clock.seconds(datagram.control.stamp_ns),
            error.offender,
            reply_ttl=datagram.control.reply_ttl,
            mpls_labels=wire.mpls_labels(datagram.data, error.extension_at),
            unreachable=wire.unreachable_reason(self._v6, error),
        )

    def _expire(self, now: float) -> None:
        """Give up attempts before the kernel would repeat their SYN."""
        for attempt in [a for a in self._attempts.values() if now - a.sent_at >= RESEND_SECONDS]:
            self._give_up(attempt)

    def _give_up(self, attempt: _Attempt) -> None:
        self._attempts.pop(attempt.sock.fileno(), None)
        attempt.sock.close()


def tcp_info(sock: Told) -> tuple[int, float]:
    """The connection's state, and the kernel's own measure of the handshake's round trip; 0 where it has none."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    if len(info) < TCP_INFO_RTT_AT + 4:
        return 0, 0.0
    return info[0], struct.unpack_from("=I", info, TCP_INFO_RTT_AT)[0] / 1e6


def least_round_trip(sock: Told) -> float:
    """The least round trip of a connection so far, in seconds; 0 where the kernel tells none (before Linux 4.6)."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_LEAST_AT + 4)
    if len(info) < TCP_INFO_LEAST_AT + 4:
        return 0.0
    least = int(struct.unpack_from("=I", info, TCP_INFO_LEAST_AT)[0])
    return 0.0 if least == NEVER else least / 1e6
