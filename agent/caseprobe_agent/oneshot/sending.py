"""How a bundle reaches its case: a code is redeemed, or gone on with, and a file that was agreed to leaves."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe.errors import (
    CaseprobeError,
    JoinCodeExpired,
    JoinCodeUnknown,
    JoinCodeUsed,
    Refused,
    Unreachable,
    UsageError,
)
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent.texts import printable
from caseprobe_agent.identity.tickets import Tickets, Waiting
from caseprobe_agent.oneshot.order import Person

if TYPE_CHECKING:
    from caseprobe_agent.identity import Enrolled
    from caseprobe_agent.link import Delivery
    from caseprobe_agent.oneshot.sealing import SealedCopy
    from caseprobe_agent.oneshot.showing import Way

NOBODY = (
    "not sent: there is no terminal to ask on and no grant; run it in a terminal to look at it first, or carry the file"
)

# What the collector says of a code that nobody can go on with.
SPENT = (JoinCodeUsed, JoinCodeUnknown, JoinCodeExpired)


@dataclass(frozen=True)
class Outgoing:
    """A finished file, the snapshot in it, and what its owner agreed to: exactly these bytes.

    recipient: the age key that it is encrypted to; empty: it is not. sealed: the encrypted copy, once it is made.
    """

    path: Path
    sha256: bytes
    snapshot: snapshot_pb2.Snapshot
    consent: SignedConsent | None
    recipient: str = ""
    sealed: SealedCopy | None = None


@dataclass(frozen=True)
class Sending:
    """Who is told, where it is written down, and the ways out: enrol makes a key known, deliver sends a file.

    show: opens the way for what is seen of a bundle while it is made.
    """

    person: Person
    audit: Audit
    tickets: Tickets
    enrol: Callable[[enrolment_pb2.JoinCode], Awaitable[Enrolled]]
    deliver: Callable[[Enrolled, Outgoing], Awaitable[Delivery]]
    show: Callable[[Enrolled], AbstractAsyncContextManager[Way]]

    async def redeem(self, code: enrolment_pb2.JoinCode, timeout_seconds: float | None = None) -> Enrolled:
        """What a code gives this run, for the first time or again; raises what the collector or the way to it says."""
        self.person.tell(f"contacting {code.address} …")
        try:
            async with asyncio.timeout(timeout_seconds):
                enrolled = await self.enrol(code)
        except TimeoutError:
            raise Unreachable(
                f"{code.address} did not answer within {timeout_seconds:.0f} s; try again later"
            ) from None
        except SPENT:
            await asyncio.to_thread(self._abandon, code)
            raise
        self.tickets.note(code, enrolled.response)
        if enrolled.response.resumed:
            case = printable(enrolled.identity.case_id)
            self.person.tell(f"the code was already redeemed by this machine; going on with case {case}")
        return enrolled

    async def send(
        self, code: enrolment_pb2.JoinCode, enrolled: Enrolled, outgoing: Outgoing, receiver: str
    ) -> tuple[str, ...]:
        """Deliver it under a code that was redeemed; gives what the collector noted about it.

        Raises why it did not arrive; the ticket stands then.
        """
        snapshot_id = outgoing.snapshot.snapshot_id
        self.person.tell(f"sending to {printable(receiver)} …")
        await self._record("sending", snapshot_id, f"{receiver} {outgoing.sha256.hex()}")
        try:
            # Before the first byte leaves: whoever kills this process leaves the next one something to go on with.
            outgoing = await self._expected(code, outgoing)
            delivery = await self.deliver(enrolled, outgoing)
        except CaseprobeError as error:
            await self._record("not sent", snapshot_id, str(error))
            raise
        except OSError as error:
            await self._record("not sent", snapshot_id, str(error))
            raise UsageError(f"{outgoing.path} cannot be read: {error.strerror}; make a new bundle") from None
        self.tickets.forget(code)
        if outgoing.sealed:
            outgoing.sealed.path.unlink(missing_ok=True)
        await self._record("sent", snapshot_id, outgoing.sha256.hex())
        return tuple(one.text for one in delivery.notices)

    async def _expected(self, code: enrolment_pb2.JoinCode, outgoing: Outgoing) -> Outgoing:
        """With its encrypted copy where there is a key to encrypt to; raises what keeps it from being made.

        There is no way on from here without it: `deliver` sends the copy, or nothing was to be encrypted. That it was
        is noted first: no later try sends the file plain.
        """
        waiting = Waiting(outgoing.path.absolute(), outgoing.sha256, outgoing.consent, outgoing.recipient)
        before = [one.waiting for one in self.tickets.of_file(outgoing.sha256) if one.waiting]
        known = next((one.sealed_sha256 for one in before if one.recipient == outgoing.recipient), b"")
        self.tickets.expect(code, replace(waiting, sealed_sha256=known))
        if not outgoing.recipient:
            return outgoing
        from caseprobe_agent.oneshot.sealing import sealed_copy

        copy = await asyncio.to_thread(sealed_copy, outgoing.path, outgoing.sha256, outgoing.recipient, known)
        self.tickets.expect(code, replace(waiting, sealed_sha256=copy.sha256))
        return replace(outgoing, sealed=copy)

    def _abandon(self, code: enrolment_pb2.JoinCode) -> None:
        """Nothing goes on under this code any more: its ticket goes, and what was encrypted to be sent under it."""
        ticket = self.tickets.of_code(code)
        if ticket and ticket.waiting and ticket.waiting.sealed_sha256:
            from caseprobe_agent.oneshot.sealing import remove_copy

            remove_copy(ticket.waiting.path, ticket.waiting.sealed_sha256)
        self.tickets.forget(code)

    async def showing(self, snapshot_id: str, receiver: str) -> None:
        """The machine's own record says that a bundle is seen from now on, as it is made."""
        await self._record("showing", snapshot_id, receiver)

    async def kept(self, snapshot_id: str, why: CaseprobeError | None) -> None:
        """The machine's own record says that nothing left, and why."""
        await self._record("kept", snapshot_id, str(why or ""))

    async def _record(self, action: str, snapshot_id: str, detail: str) -> None:
        await self.audit.record(action, snapshot_id, self.person.name, detail)


def recipient_for(code: enrolment_pb2.JoinCode, enrolled: Enrolled, wanted: bool) -> str:
    """The key that a bundle is encrypted to: the code's, else where it is wanted the collector's; empty: none.

    Raises Refused where it is wanted and the collector has none.
    """
    if wanted and not (code.recipient or enrolled.response.recipient):
        raise Refused("this collector has no key to encrypt to; it was not sent: ask support, or leave --encrypt out")
    return code.recipient or (enrolled.response.recipient if wanted else "")


def send_command(path: Path, code: str = "", encrypt: bool = False) -> str:
    """What a person types to send a kept bundle; code: what stands for a join code where a new one is needed.

    >>> send_command(Path("/tmp/my bundle.zip"), "JOINCODE", encrypt=True)
    "caseprobe send '/tmp/my bundle.zip' --to JOINCODE --encrypt"
    """
    options = (*(("--to", code) if code else ()), *(("--encrypt",) if encrypt else ()))
    return " ".join(("caseprobe", "send", shlex.quote(str(path)), *options))
