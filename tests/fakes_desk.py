"""All use cases of a collector over real storage, with a clock, ids and bytes that count."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from caseprobe import join_code
from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.cases import Cases
from caseprobe_collector.customers import Customers
from caseprobe_collector.enrolment import Enrolment
from caseprobe_collector.fleet import Door, Fleet
from caseprobe_collector.ingest import Evidence, Ingest, Limits
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage
from caseprobe_collector.tickets import Tickets
from caseprobe_collector.users import Users
from tests.fakes_storage import Ids, SteppedClock, counted_bytes

# As weak as argon2 allows: these tests are about who gets in, not about how long a guess takes.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADMIN = Principal("user", "user_root", "root", Role.ADMIN, None)


@dataclass
class FakeLinks:
    """Streams that are never open; what would have been sent is kept."""

    sent: list[tuple[str, link_pb2.LinkResponse]] = field(default_factory=list)

    def online(self, agent_id: str) -> bool:
        """Never."""
        return False

    def send(self, agent_id: str, frame: link_pb2.LinkResponse) -> bool:
        """Kept, not sent."""
        self.sent.append((agent_id, frame))
        return False

    def close(self, agent_id: str, frame: link_pb2.LinkResponse) -> None:
        """Kept, not sent."""
        self.sent.append((agent_id, frame))


class Desk:
    """The use cases of one collector."""

    def __init__(self, storage: Storage) -> None:
        run, authority = storage.transactions, storage.authority
        self.storage = storage
        self.clock, self.bus, self.ids, self.links = SteppedClock(), InProcessBus(), Ids(), FakeLinks()
        self.audit = AuditLog(storage.audit, self.clock)
        clock, bus, ids, links, audit = self.clock, self.bus, self.ids, self.links, self.audit
        randomness = counted_bytes()
        self.door = Door("desk.example:8443", hashlib.sha256(authority.ca_der()).digest())
        self.cases = Cases(run, storage.cases, storage.customers, audit, clock, ids)
        self.customers = Customers(run, storage.customers, audit, clock, ids)
        self.fleet = Fleet(
            run,
            storage.fleet,
            storage.join_codes,
            storage.cases,
            storage.customers,
            audit,
            bus,
            clock,
            ids,
            randomness,
            self.door,
        )
        self.users = Users(run, storage.users, audit, clock, ids, randomness, QUICK_HASHER)
        self.enrolment = Enrolment(
            run,
            storage.fleet,
            storage.join_codes,
            storage.cases,
            Tickets(storage.join_codes, storage.snapshots, clock),
            storage.snapshots,
            authority,
            audit,
            clock,
            "desk.example:7443",
            "the desk",
        )
        self.sessions = Sessions(run, storage.sessions, storage.cases, storage.fleet, links, audit, bus, clock, ids)
        self.schedules = Schedules(run, storage.schedules, storage.fleet, links, audit, clock, ids)
        self.ingest = Ingest(
            storage.deposits, storage.snapshots, storage.cases, storage.sessions, storage.objects, audit, bus, clock
        )
        self.evidence = Evidence(
            run,
            storage.snapshots,
            storage.cases,
            storage.fleet,
            storage.objects,
            self.ingest,
            audit,
            clock,
            Limits(),
        )

    async def actions(self) -> list[str]:
        """What the audit holds, as "action object"."""
        return [f"{row.action} {row.object}" for row in await self.storage.audit.list_audit()]

    async def enrol(
        self, text: str, key: ec.EllipticCurvePrivateKey, label: str = "db1"
    ) -> enrolment_pb2.EnrolResponse:
        """What a machine with this key and this join code is answered."""
        request = enrolment_pb2.EnrolRequest(
            secret=join_code.decode(text).secret, csr=csr(key), machine_label=label, agent_version="0.1.0"
        )
        return await self.enrolment.enrol(request, "192.0.2.7")


def staff(role: Role, *customer_ids: str) -> Principal:
    """A member of staff with this role; with no customers: one who sees all."""
    return Principal("user", f"user_{role}", str(role), role, frozenset(customer_ids) if customer_ids else None)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A machine's key."""
    return ec.generate_private_key(ec.SECP256R1())


def csr(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate request as a machine makes it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
