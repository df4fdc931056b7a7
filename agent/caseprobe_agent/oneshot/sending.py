"""How a bundle reaches its case: a code is redeemed, or gone on with, and a file that was agreed to leaves."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe.errors import CaseprobeError, JoinCodeExpired, JoinCodeUnknown, JoinCodeUsed
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent.texts import printable
from caseprobe_agent.identity.tickets import Tickets, Waiting
from caseprobe_agent.oneshot.order import Person

if TYPE_CHECKING:
    from caseprobe_agent.identity import Enrolled
    from caseprobe_agent.link import Delivery

NOBODY = (
    "not sent: there is no terminal to ask on and no grant; run it in a terminal to look at it first, or carry the file"
)


@dataclass(frozen=True)
class Outgoing:
    """A finished file, the snapshot in it, and what its owner agreed to: exactly these bytes."""

    path: Path
    sha256: bytes
    snapshot: snapshot_pb2.Snapshot
    consent: SignedConsent | None


@dataclass(frozen=True)
class Sending:
    """Who is told, where it is written down, and the two ways out: enrol makes a key known, deliver sends a file."""

    person: Person
    audit: Audit
    tickets: Tickets
    enrol: Callable[[enrolment_pb2.JoinCode], Awaitable[Enrolled]]
    deliver: Callable[[Enrolled, Outgoing], Awaitable[Delivery]]

    async def redeem(self, code: enrolment_pb2.JoinCode) -> Enrolled:
        """What a code gives this run, for the first time or again; raises what the collector or the way to it says."""
        self.person.tell(f"contacting {code.address} …")
        try:
            enrolled = await self.enrol(code)
        except (JoinCodeUsed, JoinCodeUnknown, JoinCodeExpired):
            self.tickets.forget(code)
            raise
        self.tickets.note(code, enrolled.response)
        if enrolled.response.resumed:
            case = printable(enrolled.identity.case_id)
            self.person.tell(f"the code was already redeemed by this machine; going on with case {case}")
        return enrolled

    async def send(self, enrolled: Enrolled, outgoing: Outgoing, receiver: str) -> tuple[str, ...]:
        """Deliver it; gives what the collector noted about it. Raises why it did not arrive; the ticket stands then."""
        snapshot_id, case_id = outgoing.snapshot.snapshot_id, enrolled.identity.case_id
        self.person.tell(f"sending to {printable(receiver)} …")
        await self._record("sending", snapshot_id, f"{receiver} {outgoing.sha256.hex()}")
        # Before the first byte leaves: whoever kills this process leaves the next one something to go on with.
        self.tickets.expect(case_id, Waiting(outgoing.path.absolute(), outgoing.sha256, outgoing.consent))
        try:
            delivery = await self.deliver(enrolled, outgoing)
        except CaseprobeError as error:
            await self._record("not sent", snapshot_id, str(error))
            raise
        self.tickets.settle(case_id)
        await self._record("sent", snapshot_id, outgoing.sha256.hex())
        return tuple(one.text for one in delivery.notices)

    async def kept(self, snapshot_id: str, why: CaseprobeError | None) -> None:
        """The machine's own record says that nothing left, and why."""
        await self._record("kept", snapshot_id, str(why or ""))

    async def _record(self, action: str, snapshot_id: str, detail: str) -> None:
        await self.audit.record(action, snapshot_id, self.person.name, detail)


def send_command(path: Path, code: str = "") -> str:
    """What a person types to send a kept bundle; code: what stands for a join code where a new one is needed.

    >>> send_command(Path("/tmp/my bundle.zip"), "JOINCODE")
    "caseprobe send '/tmp/my bundle.zip' --to JOINCODE"
    """
    return " ".join(("caseprobe", "send", shlex.quote(str(path)), *(("--to", code) if code else ())))
