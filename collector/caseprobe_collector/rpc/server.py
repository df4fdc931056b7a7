"""The gRPC server: mutual TLS, keepalive both ways, and a rule for every method or it does not start."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from caseprobe.errors import ConfigurationError
from caseprobe.liveness import SUPPORTED, keep_alive, listens_on
from caseprobe.v1 import link_pb2, link_pb2_grpc, load_pb2, load_pb2_grpc
from caseprobe_collector.access import Action
from caseprobe_collector.rpc.desk import Desk
from caseprobe_collector.rpc.load import LoadService
from caseprobe_collector.rpc.service import LinkService

# Every method of every service, and what a caller must be allowed to do. Every caller is an agent: TLS sees to it.
METHOD_ACTIONS: Mapping[str, Action] = {
    "/caseprobe.v1.LinkService/Link": Action.LINK_OPEN,
    "/caseprobe.v1.LoadService/Echo": Action.LOAD_TEST,
    "/caseprobe.v1.LoadService/Sink": Action.LOAD_TEST,
    "/caseprobe.v1.LoadService/Source": Action.LOAD_TEST,
}

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    # The kernel notices a silent drop, for nothing (`liveness`); these pings are for what TCP does not see, such as a
    # proxy that lives on in between. Where the kernel cannot, they are all there is.
    ("grpc.keepalive_time_ms", 300_000 if SUPPORTED else 10_000),
    # Also TCP_USER_TIMEOUT: how long what was written may stay without an answer.
    ("grpc.keepalive_timeout_ms", 8_000),
    # Keepalive alone waits for the ping as long as any ping may take: a minute by default (measured: 75 s in all). gRPC
    # also pings to learn how fast a line is: a machine that is stopped just then is not gone (measured: cut after 8 s).
    ("grpc.http2.ping_timeout_ms", 120_000 if SUPPORTED else 8_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
)
PENDING = ("grpc.server.max_pending_requests", "grpc.server.max_pending_requests_hard_limit")
LEAST_PENDING = 20_000


def methods() -> list[str]:
    """The full names of all methods that the contract declares."""
    files = (link_pb2.DESCRIPTOR, load_pb2.DESCRIPTOR)
    services = [service for file in files for service in file.services_by_name.values()]
    return [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


def _pending(most_machines: int) -> tuple[tuple[str, int], ...]:
    """How many streams may wait for Python: twice as many as are served, so that who is too many hears it from us.

    gRPC itself drops new ones beyond 1,000, at random, without a word but CANCELLED: of 4,000 machines that connected
    at once it dropped 814 (measured; none with this).
    """
    return tuple((option, max(LEAST_PENDING, 2 * most_machines)) for option in PENDING)


def build_server(
    desk: Desk, address: str, key_pem: bytes, certificate_pem: bytes, ca_pem: bytes
) -> tuple[grpc.aio.Server, int]:
    """A server that is bound but not started, and its port; raises ConfigurationError where it cannot bind."""
    unruled = [name for name in methods() if name not in METHOD_ACTIONS]
    if unruled:
        raise ConfigurationError(f"no access rule for {', '.join(unruled)}; the collector does not start")
    server = grpc.aio.server(options=(*OPTIONS, *_pending(desk.links.most)))
    link_pb2_grpc.add_LinkServiceServicer_to_server(LinkService(desk), server)
    load_pb2_grpc.add_LoadServiceServicer_to_server(LoadService(desk), server)
    credentials = grpc.ssl_server_credentials(
        [(key_pem, certificate_pem)], root_certificates=ca_pem, require_client_auth=True
    )
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError:
        raise ConfigurationError(
            f"cannot listen on {address} for agents: the port is in use or not yours; set link_port to another"
        ) from None
    keep_alive(listens_on(port))
    return server, port
