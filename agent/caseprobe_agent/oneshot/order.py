"""What a one-shot run is asked for, whom it talks to, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING, ConsentRecord, SignedConsent
from caseprobe_agent.snapshot import new_sentinel

if TYPE_CHECKING:
    from caseprobe.redaction import Redactor
    from caseprobe_agent.identity import Enrolled
    from caseprobe_agent.oneshot.choice import Chosen
    from caseprobe_agent.oneshot.preview import Preview
    from caseprobe_agent.probes.probe import Probe

# A one-shot bundle hides the machine's label and serials too.
ASSET_MASKED = True


@dataclass(frozen=True)
class Order:
    """What the caller wants. code None: a file only. output: the file's name is chosen where it is not given.

    include, exclude: items, artifacts or areas beside the profile's. no_preview: the caller agreed beforehand to send
    without looking. window: the time that logs are wanted of. encrypt: to the collector's key; recipient: the age key
    that a file which is not sent is encrypted to. begun_at: when the deadline's time began, by its clock; None: as the
    run begins.
    """

    profile: str
    deadline_seconds: float
    output: Path | None = None
    code: enrolment_pb2.JoinCode | None = None
    join_text: str = ""
    no_preview: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    window: snapshot_pb2.TimeWindow | None = None
    encrypt: bool = False
    recipient: str = ""
    begun_at: float | None = None

    @property
    def forbidden(self) -> tuple[str, ...]:
        """What must be in nothing that leaves, whatever the rules say."""
        return (self.join_text,) if self.join_text else ()


@dataclass(frozen=True)
class Plan:
    """What one run does, settled before anything is measured; enrolled None: the collector knows nothing of it.

    sentinel: planted in every source.
    """

    order: Order
    chosen: Chosen
    probes: Sequence[Probe]
    enrolled: Enrolled | None
    consent: ConsentRecord
    snapshot_id: str
    sentinel: str = field(default_factory=new_sentinel, repr=False)

    @property
    def may_be_watched(self) -> bool:
        """Whether its case may see it being made: agreed to beforehand, and nothing of it is for one key alone."""
        encrypted = self.order.encrypt or bool(self.order.code and self.order.code.recipient)
        return self.consent.mode == CONSENT_MODE_STREAMING and not encrypted


class Person(Protocol):
    """Who started the run, as far as they can be reached."""

    name: str

    @property
    def present(self) -> bool:
        """Whether they can be shown something and asked."""
        ...

    def tell(self, line: str) -> None:
        """One line about what happens now."""
        ...

    def agree(self, preview: Preview) -> bool:
        """Show everything that would leave, take out what they do not want to send, and ask."""
        ...


@dataclass(frozen=True)
class Result:
    """What came of it. failure: why it was not delivered, where it was to be; the file is kept in any case.

    left_out: names of what the owner took out before sending. consent: what travels beside the file.
    """

    snapshot: snapshot_pb2.Snapshot
    redactor: Redactor
    path: Path
    sha256: bytes
    delivered: bool = False
    receiver: str = ""
    case_id: str = ""
    notices: tuple[str, ...] = ()
    failure: CaseprobeError | None = None
    left_out: tuple[str, ...] = ()
    consent: SignedConsent | None = None

    @property
    def measured(self) -> bool:
        """True where at least one probe gave facts."""
        return any(section.WhichOneof("facts") for section in self.snapshot.sections)
