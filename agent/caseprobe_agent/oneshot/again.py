"""Sends a bundle that was kept, to the case that it was made for: nothing is measured, and not a byte of it changes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from caseprobe.bundle import BundleReader, Manifest, consent_fault, signed_consent, statement_of
from caseprobe.errors import CaseprobeError, Corrupt, PolicyRefused, UsageError
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import (
    CONSENT_MODE_REVIEWED,
    CONSENT_MODE_STREAMING,
    POLICY_KIND_HEALTH,
    ConsentStatement,
    Grant,
    SignedConsent,
)
from caseprobe_agent.consent import Ask, Origin
from caseprobe_agent.consent.texts import bundle_text
from caseprobe_agent.gate import Denied, Gate
from caseprobe_agent.identity.tickets import Ticket
from caseprobe_agent.oneshot.order import Person
from caseprobe_agent.oneshot.sending import NOBODY, SPENT, Outgoing, Sending, recipient_for, send_command

if TYPE_CHECKING:
    from caseprobe_agent.identity import Enrolled


@dataclass(frozen=True)
class Kept:
    """A whole bundle on this machine's disk, by one of its own keys."""

    path: Path
    sha256: bytes
    size_bytes: int
    key_id: str
    manifest: Manifest
    snapshot: snapshot_pb2.Snapshot

    @property
    def case(self) -> str:
        """The case that it was made for, in a sentence."""
        return self.snapshot.case_id or "a case"

    @property
    def left_out(self) -> tuple[str, ...]:
        """What its owner took out of it."""
        return tuple(one.name for one in self.manifest.left_out if one.by == "owner")


class Looker(Person, Protocol):
    """Who sends it, as far as they can be reached."""

    def agree_to_kept(self, kept: Kept, statement: ConsentStatement, case_title: str) -> bool:
        """Show what the file is, who would get it and what is agreed to, and ask."""
        ...


@dataclass(frozen=True)
class Sent:
    """Where a kept bundle went; notices: what the collector said about it."""

    kept: Kept
    receiver: str
    case_id: str
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Errand:
    """A kept bundle and the code that it goes under.

    agreed: what its owner said before to sending exactly this file to this collector, which still holds. unseen: it may
    go without a look. encrypt: it is wanted so, now or by an earlier try.
    """

    kept: Kept
    code: enrolment_pb2.JoinCode
    agreed: SignedConsent | None
    unseen: bool
    encrypt: bool


@dataclass(frozen=True)
class SendAgain:
    """A run with everything that it needs. own_key gives the caller's own key (PEM) and agent id.

    standing_grant is a stored grant that lets a case have health data unattended.
    """

    gate: Gate
    sending: Sending
    person: Looker
    language: str
    own_key: Callable[[], Awaitable[tuple[bytes, str]]]
    clock: Callable[[], datetime]
    standing_grant: Callable[[str], Grant | None]

    async def errand(self, path: Path, code: enrolment_pb2.JoinCode | None, encrypt: bool = False) -> Errand:
        """What sending this file means here; encrypt: to the collector's key. Raises UsageError, Corrupt."""
        _, agent_id = await self.own_key()
        kept = await asyncio.to_thread(read_kept, path)
        if kept.key_id != agent_id:
            raise UsageError(f"{path} is not a bundle of this user's key here: send it where it was made, or carry it")
        before = self.sending.tickets.of_file(kept.sha256)
        tickets = before or self.sending.tickets.of_case(kept.snapshot.case_id)
        code = code or _code_of(tickets)
        if code is None:
            why = "codes of two collectors fit it" if tickets else "it was sent already, or its join code is over"
            raise UsageError(f"{path} has no way into {kept.case}: {why}; give a new code with --to JOINCODE")
        lapsed = self._lapsed(kept)
        agreed = (one.waiting.consent for one in before if one.waiting and one.code.ca_sha256 == code.ca_sha256)
        holding = (one for one in agreed if one and not (lapsed and statement_of(one).mode == CONSENT_MODE_STREAMING))
        return Errand(
            kept,
            code,
            agreed=next(holding, None),
            unseen=kept.snapshot.consent.mode == CONSENT_MODE_STREAMING and not lapsed,
            encrypt=encrypt or any(one.waiting and one.waiting.recipient for one in before),
        )

    async def run(self, errand: Errand) -> Sent:
        """Send it. Raises UsageError, PolicyRefused, or why it did not arrive."""
        kept, code = errand.kept, errand.code
        if not (errand.agreed or errand.unseen or self.person.present):
            raise PolicyRefused(NOBODY)
        await self._admit(kept)
        enrolled = await self.sending.redeem(code)
        case_id = enrolled.identity.case_id
        if kept.snapshot.case_id not in ("", case_id):
            raise UsageError(
                f"{kept.path} was made for {kept.snapshot.case_id}, this code is for {case_id}: make a new bundle"
            )
        recipient = recipient_for(code, enrolled, errand.encrypt)
        receiver = enrolled.response.collector_name or enrolled.identity.link_address
        consent = errand.agreed if errand.agreed and _speaks_of(errand.agreed, kept, case_id) else None
        consent = consent or self._agreement(kept, enrolled, receiver, errand.unseen)
        outgoing = Outgoing(kept.path, kept.sha256, kept.snapshot, consent, recipient)
        notices = await self.sending.send(code, enrolled, outgoing, receiver)
        return Sent(kept, receiver, case_id, notices)

    def command(self, errand: Errand, failure: CaseprobeError) -> str:
        """What a person types to try it again: with a new code where this one left nothing to go on with."""
        lost = isinstance(failure, SPENT) or not self.sending.tickets.of_code(errand.code)
        return send_command(errand.kept.path.absolute(), "JOINCODE" if lost else "", errand.encrypt)

    def _lapsed(self, kept: Kept) -> bool:
        """Whether it was to go unseen by a grant that stands no more."""
        by_grant = kept.snapshot.consent.HasField("grant")
        return by_grant and self.standing_grant(kept.snapshot.case_id) is None

    async def _admit(self, kept: Kept) -> None:
        ask = Ask(POLICY_KIND_HEALTH, Origin.OWNER, requested_by=self.person.name, case_id=kept.snapshot.case_id)
        verdict = await self.gate.admit(ask)
        if isinstance(verdict, Denied):
            raise PolicyRefused(f"not sent: {verdict.reason}")

    def _agreement(self, kept: Kept, enrolled: Enrolled, receiver: str, unseen: bool) -> SignedConsent | None:
        """What is agreed to now, signed; raises PolicyRefused where it is not."""
        from caseprobe_agent.seal.pipe import signer_of

        case_id = enrolled.identity.case_id
        text = bundle_text(receiver, case_id, "streaming" if unseen else "reviewed", self.language)
        statement = ConsentStatement(
            snapshot_id=kept.snapshot.snapshot_id,
            case_id=case_id,
            mode=CONSENT_MODE_STREAMING if unseen else CONSENT_MODE_REVIEWED,
            granted_by=kept.snapshot.consent.granted_by,
            text_shown=text,
            language=self.language,
            bundle_sha256=kept.sha256,
            bundle_bytes=kept.size_bytes,
            left_out=kept.left_out,
            receiver=receiver,
        )
        if not unseen and not (
            self.person.present and self.person.agree_to_kept(kept, statement, enrolled.response.case_title)
        ):
            raise PolicyRefused("not sent: you chose not to" if self.person.present else NOBODY)
        statement.granted_at.FromDatetime(self.clock().astimezone(UTC))
        signer = signer_of(enrolled.identity.private_key_pem, "one-shot")
        return signed_consent(statement, signer) if signer else None


def read_kept(path: Path) -> Kept:
    """A bundle as it stands; raises UsageError where it cannot be read, Corrupt where it is cut or was changed."""
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").digest()
            size_bytes = file.tell()
            reader = BundleReader(file)
            proof = reader.verify()
            if not proof.complete or not proof.hashes_ok or proof.signed_by != "one-shot":
                raise Corrupt(f"{path} is not sent: {proof.sentence} Make a new one with: caseprobe bundle --to CODE")
            return Kept(path, sha256, size_bytes, proof.key_id, reader.manifest(), reader.snapshot())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def key_named_in(path: Path) -> str:
    """The id of the key that a bundle says it is signed with; empty where it cannot be read, which reading it tells."""
    try:
        with path.open("rb") as file:
            return BundleReader(file).manifest().signature.key_id
    except (OSError, CaseprobeError):
        return ""


def _code_of(tickets: Sequence[Ticket]) -> enrolment_pb2.JoinCode | None:
    """The code of the newest of these tickets; None where there is none, or two collectors are meant."""
    return tickets[0].code if len({one.code.ca_sha256 for one in tickets}) == 1 else None


def _speaks_of(consent: SignedConsent, kept: Kept, case_id: str) -> bool:
    """Whether this was agreed to for exactly this file and this case."""
    fault = consent_fault(consent, kept.key_id, kept.snapshot.snapshot_id, kept.sha256)
    return not fault and statement_of(consent).case_id == case_id
