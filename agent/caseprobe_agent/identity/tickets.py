"""Tickets: what is kept of a bundle's join code once it was redeemed, so that a cut upload needs no new code.

The collector keeps its own; this side keeps the code, which is good for nobody but this folder's key any more, and
which file is on its way under it. A ticket is written before the first byte of the file leaves and removed once the
collector said that it holds it, so whatever kills this process in between, the next one knows what to go on with.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from google.protobuf.message import DecodeError

from caseprobe import join_code
from caseprobe.errors import CaseprobeError
from caseprobe.v1 import enrolment_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_agent.identity.files import make_private_folder, read_private, write_private
from caseprobe_agent.identity.state import moment

PATTERN = "ticket-*.json"
# No collector's ticket is good for longer.
LONGEST_SECONDS = 72 * 3600


@dataclass(frozen=True)
class Waiting:
    """A file that its owner agreed to send, and what they agreed to; nobody said yet that it arrived.

    recipient: the age key that it is to be encrypted to, noted before it is; sealed_sha256: of that copy, once it is
    made.
    """

    path: Path
    sha256: bytes
    consent: SignedConsent | None
    recipient: str = ""
    sealed_sha256: bytes = b""


@dataclass(frozen=True)
class Ticket:
    """A redeemed code, its case, and until when it is good, by this machine's clock."""

    code: enrolment_pb2.JoinCode = field(repr=False)
    case_id: str
    until_at: datetime
    waiting: Waiting | None = None


class Tickets:
    """The tickets of one folder. now: this machine's wall clock, aware."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now

    def note(self, code: enrolment_pb2.JoinCode, response: enrolment_pb2.EnrolResponse) -> None:
        """Keep what redeeming a code gave; a collector that gives no ticket leaves none."""
        if not response.HasField("ticket_until"):
            return
        # How long it lasts is the collector's to say; this machine's clock may be wrong by years.
        received = response.received_at.ToSeconds()
        left = min(max(response.ticket_until.ToSeconds() - received, 0), LONGEST_SECONDS)
        # A clock that jumped ahead makes every ticket look ended: it removes none.
        if abs(self._now().timestamp() - received) < LONGEST_SECONDS:
            self._sweep()
        before = _read(self._path(code))
        waiting = before.waiting if before and before.case_id == response.case_id else None
        self._keep(Ticket(code, response.case_id, self._now() + timedelta(seconds=left), waiting))

    def standing(self) -> list[Ticket]:
        """Those that have not ended, the newest first."""
        found = (ticket for path in self._folder.glob(PATTERN) if (ticket := _read(path)))
        return sorted((one for one in found if self._stands(one)), key=lambda one: one.until_at, reverse=True)

    def of_code(self, code: enrolment_pb2.JoinCode) -> Ticket | None:
        """The ticket that redeeming this code gave."""
        ticket = _read(self._path(code))
        return ticket if ticket and self._stands(ticket) else None

    def of_case(self, case_id: str) -> list[Ticket]:
        """Those for a case, the newest first: of more than one collector where two call their cases alike."""
        return [one for one in self.standing() if one.case_id == case_id]

    def of_file(self, sha256: bytes) -> list[Ticket]:
        """Those under which a file of this hash is on its way, the newest first."""
        return [one for one in self.standing() if one.waiting and one.waiting.sha256 == sha256]

    def expect(self, code: enrolment_pb2.JoinCode, waiting: Waiting) -> None:
        """Note durably what is about to be sent under a code; nothing where there is no ticket of it."""
        if ticket := self.of_code(code):
            self._keep(dataclasses.replace(ticket, waiting=waiting))

    def forget(self, code: enrolment_pb2.JoinCode) -> None:
        """Remove the ticket of a code: it is used up, or the collector ended it."""
        self._path(code).unlink(missing_ok=True)

    def _stands(self, ticket: Ticket) -> bool:
        return ticket.until_at > self._now()

    def _sweep(self) -> None:
        """Remove what has ended, by a clock that can be believed."""
        for path in self._folder.glob(PATTERN):
            ticket = _read(path)
            if ticket and not self._stands(ticket):
                path.unlink(missing_ok=True)

    def _keep(self, ticket: Ticket) -> None:
        make_private_folder(self._folder)
        write_private(self._path(ticket.code), json.dumps(_plain(ticket), indent=1).encode("ascii"))

    def _path(self, code: enrolment_pb2.JoinCode) -> Path:
        return self._folder / f"ticket-{hashlib.sha256(code.secret).hexdigest()[:16]}.json"


def _plain(ticket: Ticket) -> dict[str, object]:
    kept: dict[str, object] = {
        "code": join_code.encode(ticket.code),
        "case_id": ticket.case_id,
        "until": ticket.until_at.timestamp(),
    }
    if ticket.waiting:
        consent = ticket.waiting.consent
        kept["file"] = str(ticket.waiting.path)
        kept["sha256"] = ticket.waiting.sha256.hex()
        kept["recipient"] = ticket.waiting.recipient
        kept["sealed_sha256"] = ticket.waiting.sealed_sha256.hex()
        kept["consent"] = base64.b64encode(consent.SerializeToString()).decode("ascii") if consent else ""
    return kept


def _read(path: Path) -> Ticket | None:
    """A ticket; None where there is none or it is damaged: it saves its owner a code and proves nothing."""
    try:
        kept = json.loads(read_private(path) or b"")
        ticket = Ticket(join_code.decode(kept["code"]), str(kept["case_id"]), moment(float(kept["until"])))
        return dataclasses.replace(ticket, waiting=_waiting(kept)) if "file" in kept else ticket
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, DecodeError, CaseprobeError):
        return None


def _waiting(kept: dict[str, str]) -> Waiting:
    consent = SignedConsent.FromString(base64.b64decode(kept["consent"])) if kept["consent"] else None
    sealed = bytes.fromhex(kept.get("sealed_sha256", ""))
    return Waiting(Path(kept["file"]), bytes.fromhex(kept["sha256"]), consent, kept.get("recipient", ""), sealed)
