"""What an idle machine's session costs the collector, beside a bare grpc.aio session with the same keepalive.

Each server is a process of its own, and so is the one that opens the sessions: they share no memory and no event loop.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography.hazmat.primitives import serialization

from caseprobe.v1 import link_pb2
from caseprobe_collector.rpc.server import OPTIONS
from caseprobe_collector.storage import create_storage, open_storage
from tests.bench.reading import Row, cpu_seconds, resident_bytes
from tests.desk import running_desk
from tests.fakes_link import TestAuthority, agent_id_of_csr

# The first ones pay for what all share.
WARM, SESSIONS = 100, 400
IDLE_SECONDS = 8.0
METHODS = {"bare": "/floor.Echo/Run", "ours": "/caseprobe.v1.LinkService/Link"}


@dataclass(frozen=True)
class Cost:
    """Of one session: memory, and share of a core over the idle time."""

    resident_bytes: float
    core_share: float


def measure() -> list[Row]:
    """The lines of the table."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        costs = {kind: _cost(kind, Path(name)) for kind in METHODS}
    bare, ours = costs["bare"], costs["ours"]
    ratio = ours.resident_bytes / bare.resident_bytes
    share = 10_000 * ours.core_share
    return [
        Row(
            f"memory of an idle session, of {SESSIONS}",
            f"{ours.resident_bytes / 1024:.0f} KiB",
            f"bare grpc.aio: {bare.resident_bytes / 1024:.0f} KiB; ratio {ratio:.2f}",
            "≤ 1.15 ×",
            ratio <= 1.15,
        ),
        Row(
            "processor time of 10,000 idle sessions, from these",
            f"{share:.1%} of a core",
            f"bare grpc.aio: {10_000 * bare.core_share:.1%}",
            "≤ 6 %",
            share <= 0.06,
        ),
    ]


def _cost(kind: str, folder: Path) -> Cost:
    """A server in a process of its own, before and after its sessions came."""
    server = _started("serve", kind, str(folder / kind))
    try:
        port = _line(server)
        client = _started("open", kind, str(folder / kind), port)
        try:
            _line(client)
            time.sleep(1)
            before = resident_bytes(server.pid)
            _go_on(client)
            _line(client)
            time.sleep(2)
            size = (resident_bytes(server.pid) - before) / SESSIONS
            used = cpu_seconds(server.pid)
            time.sleep(IDLE_SECONDS)
            return Cost(size, (cpu_seconds(server.pid) - used) / IDLE_SECONDS / (WARM + SESSIONS))
        finally:
            client.kill()
            client.wait()
    finally:
        server.kill()
        server.wait()


def _started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.sessions", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _go_on(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go on\n")
    child.stdin.flush()


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline().strip()
    if not line:
        raise RuntimeError("a child of the bench ended early")
    return line


# --- in the children -------------------------------------------------------------------------------------------


async def _serve(kind: str, folder: Path) -> None:
    """Tell the port, then serve until killed."""
    _raise_limit()
    await (_serve_bare(folder) if kind == "bare" else _serve_ours(folder))


async def _serve_bare(folder: Path) -> None:
    async def run(stream: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        while isinstance(body := await context.read(), bytes):
            await context.write(body)

    folder.mkdir()
    authority = TestAuthority()
    key, certificate = authority.server()
    _write(folder, authority.pem, [authority.agent_pair()])
    handler = grpc.method_handlers_generic_handler("floor.Echo", {"Run": grpc.stream_stream_rpc_method_handler(run)})
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((handler,))
    tls = grpc.ssl_server_credentials([(key, certificate)], authority.pem, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", tls)
    await server.start()
    print(port, flush=True)
    await asyncio.Event().wait()


async def _serve_ours(folder: Path) -> None:
    create_storage(folder)
    async with open_storage(folder) as storage, running_desk(storage) as rig:
        machines = [await rig.enrol() for _ in range(WARM + SESSIONS)]
        pairs = [(machine.key_pem, machine.certificate_pem) for machine in machines]
        _write(folder, storage.authority.ca_pem(), pairs)
        print(rig.port, flush=True)
        await asyncio.Event().wait()


async def _open(kind: str, folder: Path, port: str) -> None:
    """Open the sessions, each over a connection of its own, say so, and hold them."""
    _raise_limit()
    held = [await _session(kind, folder, port, number) for number in range(WARM)]
    print(len(held), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    held += [await _session(kind, folder, port, number) for number in range(WARM, WARM + SESSIONS)]
    print(len(held), flush=True)
    await asyncio.Event().wait()


async def _session(kind: str, folder: Path, port: str, number: int) -> object:
    pair = folder / f"pair-{number if kind == 'ours' else 0}"
    key, certificate = (Path(f"{pair}.{part}").read_bytes() for part in ("key", "pem"))
    tls = grpc.ssl_channel_credentials((folder / "bench-ca.pem").read_bytes(), key, certificate)
    options = (("grpc.use_local_subchannel_pool", 1),)
    channel = grpc.aio.secure_channel(f"127.0.0.1:{port}", tls, options=options)
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHODS[kind])()
    hello = link_pb2.Hello(agent_id=_agent_id(key), spool_id="spool_1", instance_id=str(number), stream_number=1)
    await call.write(link_pb2.LinkRequest(hello=hello).SerializeToString())
    await call.read()
    return channel, call


def _agent_id(key_pem: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return agent_id_of_csr(csr.public_bytes(serialization.Encoding.DER))


def _write(folder: Path, ca_pem: bytes, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    (folder / "bench-ca.pem").write_bytes(ca_pem)
    for number, (key, certificate) in enumerate(pairs):
        (folder / f"pair-{number}.key").write_bytes(key)
        (folder / f"pair-{number}.pem").write_bytes(certificate)


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    word, *rest = sys.argv[1:]
    asyncio.run(_serve(rest[0], Path(rest[1])) if word == "serve" else _open(rest[0], Path(rest[1]), rest[2]))
