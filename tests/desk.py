"""A real collector's gRPC side on loopback, with real storage and TLS, and a machine's end of a stream."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import grpc
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.bundle import Signer
from caseprobe.v1 import link_pb2, link_pb2_grpc, snapshot_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.app.build import SystemClock, fresh_id
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.ingest import Evidence, Ingest, Limits
from caseprobe_collector.records import Agent, Case, Customer
from caseprobe_collector.rpc import Desk, OpenLinks, build_server
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage
from caseprobe_collector.witness import Witness

ADMIN = Principal("user", "user_admin", "ada", Role.ADMIN, None)
WAIT_SECONDS = 60.0


class ShiftedClock(SystemClock):
    """The machine's clocks, moved on by what a test says; jump moves the wall clock alone."""

    shift = timedelta()
    jump = timedelta()

    def now(self) -> datetime:
        """UTC wall time, shifted."""
        return super().now() + self.shift + self.jump

    def monotonic(self) -> float:
        """Seconds that no step of the wall clock moves, shifted."""
        return super().monotonic() + self.shift.total_seconds()


@dataclass(frozen=True)
class Machine:
    """A machine with a key and a certificate of this collector's CA."""

    agent_id: str
    key_pem: bytes
    certificate_pem: bytes


class Stream:
    """A machine's end of one stream."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, **frame: Any) -> None:
        """Write one frame."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._call.write(link_pb2.LinkRequest(**frame))

    async def end(self) -> None:
        """Say that nothing more comes."""
        await asyncio.wait_for(self._call.done_writing(), WAIT_SECONDS)

    async def next(self, kind: str) -> Any:
        """The next frame of this kind; others are passed over. Raises EOFError at the stream's end."""
        while True:
            async with asyncio.timeout(WAIT_SECONDS):
                frame = await self._call.read()
            if frame is grpc.aio.EOF:
                raise EOFError(kind)
            if frame.WhichOneof("frame") == kind:
                return getattr(frame, kind)

    async def acks_until(self, sequence: int) -> list[int]:
        """The sequences of all acknowledgements up to the one that covers this record."""
        acks: list[int] = []
        while not acks or acks[-1] < sequence:
            acks.append((await self.next("ack")).sequence)
        return acks

    async def kinds_until(self, kind: str) -> list[str]:
        """The kinds of all frames before the next of this kind."""
        kinds: list[str] = []
        while True:
            frame = await asyncio.wait_for(self._call.read(), WAIT_SECONDS)
            name = "end" if frame is grpc.aio.EOF else str(frame.WhichOneof("frame"))
            if name in (kind, "end"):
                return kinds
            kinds.append(name)

    async def deliver(self, snapshot: snapshot_pb2.Snapshot, sequence: int = 1, **changes: Any) -> None:
        """Write a snapshot as one Data frame."""
        await self.send(data=record_of(snapshot, sequence, **changes))


@dataclass
class Rig:
    """The parts that a test looks at."""

    storage: Storage
    bus: InProcessBus
    links: OpenLinks
    sessions: Sessions
    schedules: Schedules
    drafts: Drafts
    audit: AuditLog
    port: int
    clock: ShiftedClock
    ingest: Ingest

    @property
    def evidence(self) -> Evidence:
        """What staff read of it."""
        store = self.storage
        parts = (store.transactions, store.snapshots, store.cases, store.fleet, store.objects)
        return Evidence(*parts, self.ingest, self.audit, self.clock, Limits())

    async def agent(self, machine: Machine) -> Agent:
        """A machine as it is entered."""
        found = await self.storage.fleet.get_agent(machine.agent_id, None)
        assert found is not None
        return found

    async def enrol(self, customer_id: str = "cust_a", kind: str = "enrolled", case_id: str = "") -> Machine:
        """A machine that is entered and certified."""
        machine = self.certify()
        now = SystemClock().now()
        agent = Agent(
            machine.agent_id, customer_id, "desk", "linux", "0.1.0", kind, now, now + timedelta(days=1), case_id=case_id
        )
        await self.storage.transactions.run(lambda tx: self.storage.fleet.put_agent(tx, agent))
        return machine

    def certify(self) -> Machine:
        """A key with a certificate of the CA, entered nowhere."""
        key = ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        not_after = SystemClock().now() + timedelta(hours=1)
        agent_id, certificate = self.storage.authority.sign(csr.public_bytes(serialization.Encoding.DER), not_after)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Machine(agent_id, key.private_bytes(*form), certificate)

    @contextlib.asynccontextmanager
    async def stream(self, machine: Machine, **hello: Any) -> AsyncIterator[Stream]:
        """A stream of this machine, its Hello sent."""
        credentials = grpc.ssl_channel_credentials(
            self.storage.authority.ca_pem(), machine.key_pem, machine.certificate_pem
        )
        async with grpc.aio.secure_channel(f"127.0.0.1:{self.port}", credentials) as channel:
            call = link_pb2_grpc.LinkServiceStub(channel).Link()
            stream = Stream(call)
            said = {"agent_id": machine.agent_id, "spool_id": "spool_1", **hello}
            # A collector that refuses may end the stream before it has heard anything; then reading tells why.
            with contextlib.suppress(grpc.aio.AioRpcError):
                await stream.send(hello=link_pb2.Hello(**said))
            yield stream
            call.cancel()


def signer(machine: Machine) -> Signer:
    """What signs with a machine's key."""
    key = serialization.load_pem_private_key(machine.key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda data: ("one-shot", machine.agent_id, key.sign(data, ec.ECDSA(hashes.SHA256())), der)


def record_of(snapshot: snapshot_pb2.Snapshot, sequence: int, **changes: Any) -> link_pb2.Data:
    """A snapshot as it travels, with fields changed."""
    body = zstandard.ZstdCompressor().compress(snapshot.SerializeToString())
    data: dict[str, Any] = {
        "lane": link_pb2.LANE_BULK,
        "sequence": sequence,
        "kind": link_pb2.DATA_KIND_SNAPSHOT,
        "stream_id": snapshot.snapshot_id,
        "total_bytes": len(body),
        "sha256": hashlib.sha256(body).digest(),
        "payload": body,
    }
    return link_pb2.Data(**{**data, **changes})


def snapshot_of(machine: Machine, number: int = 1, **more: Any) -> snapshot_pb2.Snapshot:
    """A small snapshot of this machine."""
    return snapshot_pb2.Snapshot(
        snapshot_id=f"snap_{number:032x}", agent_id=machine.agent_id, sequence=number, profile="quick", **more
    )


@contextlib.asynccontextmanager
async def running_desk(storage: Storage, again: bool = False, host: str = "127.0.0.1") -> AsyncIterator[Rig]:
    """A collector's gRPC side over this storage, with customer cust_a and its open case case_1.

    again: they are there already, from the collector before it.
    """
    clock, bus = ShiftedClock(), InProcessBus()
    audit, links = AuditLog(storage.audit, clock), OpenLinks(bus, clock)
    run = storage.transactions
    ingest = Ingest(
        storage.deposits,
        storage.snapshots,
        storage.cases,
        storage.sessions,
        storage.objects,
        audit,
        bus,
        clock,
        shelf=storage.shelf,
        secret=storage.authority.bundle_secret(),
    )
    sessions = Sessions(run, storage.sessions, storage.cases, storage.fleet, links, audit, bus, clock, fresh_id)
    schedules = Schedules(run, storage.schedules, storage.fleet, links, audit, clock, fresh_id)
    witness = Witness(run, storage.witnessed, storage.audit, audit)
    drafts = Drafts(storage.cases, bus, clock)
    fleet, snapshots = storage.fleet, storage.snapshots
    desk = Desk(run, fleet, snapshots, ingest, sessions, schedules, links, clock, Limits(), audit, witness, drafts)
    certificate, key = storage.authority.server_certificate([host])
    server, port = build_server(desk, f"{host}:0", key, certificate, storage.authority.ca_pem())
    if not again:
        await _furnish(storage)
    await server.start()
    try:
        yield Rig(storage, bus, links, sessions, schedules, drafts, audit, port, clock, ingest)
    finally:
        await server.stop(None)
        await links.left()
        ingest.close()


async def _furnish(storage: Storage) -> None:
    now = SystemClock().now()

    async def work(tx: Any) -> None:
        for name in ("a", "b"):
            await storage.customers.add_customer(tx, Customer(f"cust_{name}", name, now))
        await storage.cases.add_case(tx, Case("case_1", "cust_a", "It is slow", "", "open", now, "user_admin"))

    await storage.transactions.run(work)
