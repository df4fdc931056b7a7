"""Single questions to single servers, each with a deadline. Whoever calls this has the owner's leave to send."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from caseprobe.errors import MachineTimeout, MeasurementError

KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


@dataclass(frozen=True)
class Exchanged:
    """An answer, when the question left and when the answer was there (wall clock), and the time between."""

    data: bytes
    sent_at: float
    received_at: float
    seconds: float


def exchange(
    protocol: str, address: str, port: int, question: bytes, timeout_seconds: float, limit_bytes: int
) -> Exchanged:
    """One question and its answer; an empty question over tcp only connects."""
    end = time.monotonic() + timeout_seconds
    sent_at, began = time.time(), time.monotonic()
    try:
        with _connected(protocol, address, port, timeout_seconds) as connection:
            data = b""
            if question:
                connection.sendall(question)
                data = _received(connection, protocol, end, limit_bytes)
    except TimeoutError:
        raise MachineTimeout(f"no answer within {timeout_seconds:g} s") from None
    except OSError as error:
        raise MeasurementError(_plainly(error)) from error
    return Exchanged(data, sent_at, time.time(), time.monotonic() - began)


def _connected(protocol: str, address: str, port: int, timeout_seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, KINDS[protocol])
    try:
        connection.settimeout(timeout_seconds)
        # A connected socket takes answers of this address only, and hears that nobody listens there.
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _received(connection: socket.socket, protocol: str, end: float, limit_bytes: int) -> bytes:
    """One datagram, or a stream until it ends, is long enough or the time is over."""
    parts: list[bytes] = []
    while sum(map(len, parts)) < limit_bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(min(limit_bytes, 1 << 16))
        parts.append(part)
        if protocol == "udp" or not part:
            break
    return b"".join(parts)


def peer_certificate(address: str, port: int, timeout_seconds: float) -> bytes:
    """The server's certificate as it shows it: expired, self-signed or wrong ones too."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _connected("tcp", address, port, timeout_seconds) as plain, context.wrap_socket(plain) as secured:
            return secured.getpeercert(binary_form=True) or b""
    except TimeoutError:
        raise MachineTimeout(f"no answer within {timeout_seconds:g} s") from None
    except OSError as error:
        raise MeasurementError(_plainly(error)) from error


def look_up(name: str, timeout_seconds: float) -> str:
    """One address of a name; the thread of a resolver that hangs is left behind."""
    found: list[str] = []
    failed: list[str] = []

    def ask() -> None:
        try:
            found.extend(str(row[4][0]) for row in socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM))
        except (OSError, UnicodeError) as error:
            failed.append(_plainly(error) if isinstance(error, OSError) else "this is no name")

    _within(ask, timeout_seconds)
    if failed:
        raise MeasurementError(f"its name could not be looked up: {failed[0]}")
    if not found:
        raise MachineTimeout(f"its name could not be looked up within {timeout_seconds:g} s")
    return found[0]


def _within(action: Callable[[], None], timeout_seconds: float) -> None:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(timeout_seconds)


def _plainly(error: OSError) -> str:
    """The system's words without numbers and addresses."""
    return (error.strerror or str(error)).strip()
