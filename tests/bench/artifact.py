"""A 64 MiB bundle over a real stream, verified, hashed and fsynced, beside the same bytes over raw TLS to nowhere.

Both ends of each run in this process, so its CPU time is that of both sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.bundle import write_bundle
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.channel import OPTIONS as AGENT_OPTIONS
from caseprobe_collector.rpc.server import OPTIONS
from caseprobe_collector.storage import Storage, create_storage, open_storage
from tests.bench.reading import Row
from tests.desk import Machine, Stream, running_desk, snapshot_of

SIZE = 64 << 20
PIECE = 256 << 10
ROUNDS = 3


def measure() -> list[Row]:
    """The lines of the table."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        found = asyncio.run(_both(Path(folder)))
    product, floor, bare = (statistics.median(seconds for seconds, _ in found[name]) for name in found)
    wall = statistics.median(wall for _, wall in found["product"])
    ratio = floor / product
    mib = SIZE / (1 << 20)
    return [
        Row(
            f"a bundle of {mib:.0f} MiB sent, hashed, verified, fsynced, acknowledged",
            f"{mib / product:.0f} MiB per CPU second of both sides ({mib / wall:.0f} MiB/s)",
            f"raw TLS to nowhere: {mib / floor:.0f} MiB per CPU second; ratio {ratio:.2f}; "
            f"gRPC over TLS to nowhere, each frame parsed: {mib / bare:.0f}, {floor / bare:.2f} of raw TLS",
            "≥ 0.5 ×",
            ratio >= 0.5,
        )
    ]


async def _both(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """(CPU seconds, seconds) of each round, product and floor in turn."""
    found: dict[str, list[tuple[float, float]]] = {"product": [], "floor": [], "bare": []}
    create_storage(folder / "data")
    async with open_storage(folder / "data") as storage, running_desk(storage) as rig:
        machine = await rig.enrol()
        async with (
            _nowhere(storage, folder) as send,
            _bare(storage) as send_bare,
            rig.stream(machine) as stream,
        ):
            credit = int((await stream.next("welcome")).bulk_credit_bytes)
            for number in range(1, ROUNDS + 1):
                # Its hash is known to whoever wrote the file, before anything is sent.
                body, sha256 = bundle_of(machine, number)
                found["product"].append(await _timed(deliver(stream, body, sha256, number, credit)))
                found["floor"].append(await _timed(asyncio.to_thread(send, body)))
                found["bare"].append(await _timed(send_bare(body)))
    return found


async def _timed(work: Coroutine[Any, Any, object]) -> tuple[float, float]:
    cpu, began = time.process_time(), time.perf_counter()
    await work
    return time.process_time() - cpu, time.perf_counter() - began


async def deliver(stream: Stream, body: bytes, sha256: bytes, number: int, credit: int) -> None:
    """Send a bundle as the agent does: pieces of 256 KiB within the credit, until it is acknowledged."""
    data = {"sequence": number, "kind": link_pb2.DATA_KIND_BUNDLE, "stream_id": f"b{number}", "total_bytes": len(body)}
    first: dict[str, Any] = {**data, "sha256": sha256}
    under_way = 0
    for offset in range(0, len(body), PIECE):
        payload = body[offset : offset + PIECE]
        while under_way + len(payload) > credit:
            under_way -= (await stream.next("credit")).bytes
        frame = link_pb2.Data(offset=offset, payload=payload, **(first if offset == 0 else data))
        await stream.send(data=frame)
        under_way += len(payload)
    assert (await stream.next("ack")).sequence == number


@contextlib.asynccontextmanager
async def _bare(storage: Storage) -> AsyncIterator[Callable[[bytes], Coroutine[Any, Any, None]]]:
    """A gRPC server over the same TLS that parses each frame and forgets it, and what sends a body to it."""

    async def forget(stream: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        rest = 0
        while isinstance(raw := await context.read(), bytes):
            data = link_pb2.LinkRequest.FromString(raw).data
            rest = (rest or data.total_bytes) - len(data.payload)
            if not rest:
                await context.write(b".")

    certificate, key = storage.authority.server_certificate(["127.0.0.1"])
    handler = grpc.method_handlers_generic_handler("floor.Sink", {"Run": grpc.stream_stream_rpc_method_handler(forget)})
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((handler,))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    await server.start()
    tls = grpc.ssl_channel_credentials(storage.authority.ca_pem())
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", tls, options=AGENT_OPTIONS) as channel:
        call: Any = channel.stream_stream("/floor.Sink/Run")()

        async def send(body: bytes) -> None:
            for offset in range(0, len(body), PIECE):
                data = link_pb2.Data(offset=offset, total_bytes=len(body), payload=body[offset : offset + PIECE])
                await call.write(link_pb2.LinkRequest(data=data).SerializeToString())
            await call.read()

        yield send
        call.cancel()
    await server.stop(None)


def bundle_of(machine: Machine, number: int) -> tuple[bytes, bytes]:
    """A signed bundle of about 64 MiB that does not compress, and its SHA-256."""
    key = serialization.load_pem_private_key(machine.key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(statement: bytes) -> tuple[str, str, bytes, bytes]:
        return "enrolled", machine.agent_id, key.sign(statement, ec.ECDSA(hashes.SHA256())), public

    stream = io.BytesIO()
    noise = random.Random(number).randbytes(SIZE)
    artifacts = {"artifacts/noise.bin": noise}
    sha256 = write_bundle(stream, snapshot_of(machine, number), artifacts, "<!doctype html>", sign)
    return stream.getvalue(), sha256


@contextlib.asynccontextmanager
async def _nowhere(storage: Storage, folder: Path) -> AsyncIterator[Callable[[bytes], None]]:
    """A TLS server that reads and forgets, and what sends bytes to it and returns once all were read."""
    certificate, key = storage.authority.server_certificate(["127.0.0.1"])
    (folder / "tls.pem").write_bytes(certificate + key)
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    serving.load_cert_chain(folder / "tls.pem")
    asking.load_verify_locations(cadata=storage.authority.ca_pem().decode())
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                _drain(serving.wrap_socket(listener.accept()[0], server_side=True))

    def send(body: bytes) -> None:
        with asking.wrap_socket(
            socket.create_connection(listener.getsockname()), server_hostname="127.0.0.1"
        ) as client:
            client.sendall(len(body).to_bytes(8, "big") + body)
            client.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield send
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _drain(connection: ssl.SSLSocket) -> None:
    buffer = bytearray(PIECE)
    with connection:
        rest = int.from_bytes(connection.recv(8), "big")
        while rest:
            rest -= connection.recv_into(buffer)
        connection.send(b".")
