"""The gRPC channel: mutual TLS, pings both ways, a proxy only where ours names one; and gRPC's errors in our tree."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

import grpc
import grpc.aio

from caseprobe.errors import Busy, CaseprobeError, NotTrusted, Refused, TooLarge, Unreachable, error_from
from caseprobe.join_code import split_address
from caseprobe.liveness import SUPPORTED, connected_to, keep_alive
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.outbox import Credentials

METHOD = "/caseprobe.v1.LinkService/Link"
LARGEST_FRAME_BYTES = 4 * 1024 * 1024
OPTIONS: tuple[tuple[str, int], ...] = (
    # The kernel notices a silent drop (`watch_line`), and unanswered heartbeats tell of a collector that has stopped;
    # without either gRPC did not notice in 45 s (measured). Where the kernel cannot, its pings are all there is.
    ("grpc.keepalive_time_ms", 300_000 if SUPPORTED else 10_000),
    # Also TCP_USER_TIMEOUT: how long what was written may stay without an answer.
    ("grpc.keepalive_timeout_ms", 8_000),
    # Keepalive alone waits for the ping as long as any ping may take: a minute by default (measured: 75 s in all). gRPC
    # also pings to learn how fast a line is: a machine that is stopped just then is not gone (measured: cut after 8 s).
    ("grpc.http2.ping_timeout_ms", 120_000 if SUPPORTED else 8_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", LARGEST_FRAME_BYTES),
    ("grpc.max_send_message_length", LARGEST_FRAME_BYTES),
    # Back-off is ours: a shared subchannel would add its own, unseen.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
)

# Which proxy leads out is ours to say, never gRPC's reading of the environment.
DIRECT = (("grpc.enable_http_proxy", 0),)

Call = grpc.aio.StreamStreamCall[bytes, bytes]
Connect = Callable[[Credentials], contextlib.AbstractAsyncContextManager[grpc.aio.Channel]]


@contextlib.asynccontextmanager
async def open_channel(credentials: Credentials) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that trusts only the CA of the credentials; directly it connects when it is used.

    Through a proxy TLS goes on to the collector: what stands between sees no more than on any other line. Raises
    Unreachable where the proxy leads nowhere.
    """
    tls = grpc.ssl_channel_credentials(credentials.ca_pem, credentials.private_key_pem, credentials.certificate_pem)
    address = credentials.address
    if credentials.proxy is None:
        async with grpc.aio.secure_channel(address, tls, options=(*OPTIONS, *DIRECT)) as channel:
            yield channel
        return
    from caseprobe_agent.link.relay import led_by  # an agent that needs no proxy does without

    host = split_address(address)[0]
    meant = (("grpc.ssl_target_name_override", host), ("grpc.default_authority", address))
    async with (
        led_by(credentials.proxy, address) as name,
        grpc.aio.secure_channel(name, tls, options=(*OPTIONS, *DIRECT, *meant)) as channel,
    ):
        yield channel


def open_call(channel: grpc.aio.Channel) -> Call:
    """The stream. Frames pass as bytes: gRPC's own parsing logs a traceback for a garbled one and goes on."""
    call: Call = channel.stream_stream(METHOD)()
    return call


def watch_line(address: str) -> None:
    """Let the kernel tell where the line to host:port falls silent; after it is up."""
    port = address.rpartition(":")[2]
    if port.isdecimal():
        keep_alive(connected_to(int(port)))


def refusal_error(refusal: link_pb2.Refusal) -> CaseprobeError:
    """The error that a refusal names; its text is the collector's, made one printable line."""
    message = one_line(refusal.message) or "the collector refused without saying why"
    if refusal.code == Busy.code:
        return Busy(message, refusal.retry_after_seconds or 5.0)
    return error_from(refusal.code, message)


def status_error(address: str, code: grpc.StatusCode, details: str | None) -> CaseprobeError:
    """What the end of a stream means for a person."""
    text = one_line(details or code.name)
    if "CERTIFICATE_VERIFY_FAILED" in text or "Hostname Verification Check failed" in text:
        return NotTrusted(f"{address} does not show the collector's certificate: nothing was sent; enroll again")
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return Refused(f"{address} does not accept this machine's certificate ({text}): enroll again")
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return TooLarge(f"a frame was over the size limit of {address} ({text})")
    if code in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED):
        return Unreachable(f"{address} ended the connection: it will be tried again")
    return Unreachable(f"cannot reach the collector at {address} ({text}): check network and firewall")


def one_line(text: str) -> str:
    """Foreign text as one bounded printable line.

    >>> one_line("a\\nb\\x1b[31m")
    'a b [31m'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text[:300]).split())
