"""The steps of a one-shot run, in their order."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe import VERSION
from caseprobe.errors import CaseprobeError, DeliveryError, PolicyRefused, UsageError
from caseprobe.join_code import split_address
from caseprobe.overrides import NONE, Overrides
from caseprobe.parse.logs.window import Window
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import (
    CONSENT_MODE_REVIEWED,
    CONSENT_MODE_STREAMING,
    POLICY_DECISION_ALLOW,
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PROCESS_ARGUMENTS,
    ConsentRecord,
    Grant,
)
from caseprobe_agent.consent import Ask, Origin
from caseprobe_agent.consent.policy import Kind, probe_kind
from caseprobe_agent.consent.texts import bundle_text
from caseprobe_agent.gate import Denied, Gate
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot.choice import Chosen, Wanted, choose
from caseprobe_agent.oneshot.deadline import Deadline
from caseprobe_agent.oneshot.loading import SHOWN, load
from caseprobe_agent.oneshot.order import ASSET_MASKED, Order, Person, Plan, Result
from caseprobe_agent.oneshot.place import bundle_path, check_room, sealed_path
from caseprobe_agent.oneshot.rehearsal import Rehearsal
from caseprobe_agent.oneshot.sending import NOBODY, Outgoing, Sending, recipient_for, send_command
from caseprobe_agent.probes import with_arguments, with_collector, with_log_lines
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.snapshot import Taken, take_snapshot
from caseprobe_agent.worker import Child

if TYPE_CHECKING:
    from caseprobe.bundle import Signer
    from caseprobe_agent.identity import Enrolled
    from caseprobe_agent.oneshot.preview import Preview
    from caseprobe_agent.oneshot.showing import Take


@dataclass(frozen=True)
class OneShot:
    """A run with everything that it needs; the callables are the outside world.

    child was started early to measure in. sending is the way to the collector; own_key gives the caller's own key (PEM)
    and agent id; standing_grant is a stored grant that lets this case have health data unattended, any_grant whether
    there is one for whatever case.
    overrides: what the operator stated about checks; choose: gives the probes of what an order wants;
    written is called once the file is whole, before anybody is asked.
    """

    machine: Machine
    child: Child | None
    gate: Gate
    person: Person
    language: str
    pseudonym_key: bytes
    state_folder: Path
    new_id: Callable[[str], str]
    clock: Callable[[], datetime]
    sending: Sending
    own_key: Callable[[], Awaitable[tuple[bytes, str]]]
    standing_grant: Callable[[str], Grant | None]
    any_grant: Callable[[], bool]
    overrides: Overrides = NONE
    choose: Callable[[Wanted], Chosen] = choose
    written: Callable[[], None] = lambda: None

    async def run(self, order: Order) -> Result:
        """Do it all; why it was not sent is in the result. Raises UsageError, PolicyRefused: nothing was measured."""
        deadline = Deadline(order.deadline_seconds, begun_at=order.begun_at)
        chosen = self.choose(Wanted(order.profile, order.include, order.exclude))
        path = bundle_path(order.output, self.state_folder, self.clock())
        check_room(path, chosen.base)
        if order.recipient:
            check_room(sealed_path(path), chosen.base)
        enrolled, failure = await self._enrol(order, deadline)
        case_id = enrolled.identity.case_id if enrolled else ""
        await self._admit(order, case_id)
        consent, probes = self._consent(order, case_id), self._probes(order, chosen)
        plan = Plan(order, chosen, probes, enrolled, consent, self.new_id("snap"))
        self.person.tell("measuring this machine …")
        async with self._shown(plan) as told:
            taken, (key, agent_id) = await self._measured(plan, deadline, told)
        from caseprobe_agent.oneshot.file import BundleFile
        from caseprobe_agent.oneshot.preview import Addressee, Preview
        from caseprobe_agent.seal.form import Judging, hiding_of
        from caseprobe_agent.seal.pipe import seal, signer_of

        self._complete(taken.snapshot, agent_id, plan)
        hiding = hiding_of(self.machine, self.pseudonym_key, ASSET_MASKED, order.forbidden)
        strict = consent.mode != CONSENT_MODE_STREAMING
        judging = Judging(self.overrides)
        sealed = seal(taken.snapshot, taken.artifacts, hiding, judging, strict, deadline.objection)
        # Only who is asked before it is sent is shown what was hidden; for nobody else it stays in memory.
        raw = taken if enrolled else None
        del taken
        file = BundleFile(path, signer_of(key, "one-shot"), self.language, strict)
        result = Result(sealed.snapshot, sealed.redactor, path, file.write(sealed), case_id=case_id)
        self.written()
        if order.code is None:
            return await self._carried(result, order.recipient)
        if enrolled is None or raw is None:
            await self.sending.kept(result.snapshot.snapshot_id, failure)
            return dataclasses.replace(result, failure=failure)
        receiver = _receiver(enrolled)
        shown = Preview(
            path=path,
            sha256=result.sha256,
            sealed=sealed,
            raw=raw,
            addressee=Addressee(receiver, case_id, enrolled.response.case_title, consent.text_shown),
            overrides=self.overrides,
            rewrite=file.rewrite,
        )
        result = dataclasses.replace(result, receiver=receiver)
        return await self._send(enrolled, result, shown, file.signer, order)

    async def _carried(self, result: Result, recipient: str) -> Result:
        """A file that somebody carries; encrypted, where it is to be, it is there in that form alone."""
        if not recipient:
            return result
        from caseprobe_agent.oneshot.sealing import sealed_copy

        sealed = await asyncio.to_thread(sealed_copy, result.path, result.sha256, recipient)
        result.path.unlink()
        return dataclasses.replace(result, path=sealed.path, sha256=sealed.sha256)

    def _shown(self, plan: Plan) -> AbstractAsyncContextManager[Take]:
        """While it lasts, what is measured is seen in its case, where that may be."""
        enrolled = plan.enrolled
        if enrolled is None or not plan.may_be_watched:
            return contextlib.nullcontext(lambda _section: None)
        from caseprobe_agent.oneshot.showing import Showing, drafts_of

        return Showing(
            lambda: drafts_of(plan, self.pseudonym_key, self.overrides),
            lambda: self.sending.show(enrolled),
            lambda: self.sending.showing(plan.snapshot_id, _receiver(enrolled)),
            self.person.tell,
        ).during()

    async def _measured(self, plan: Plan, deadline: Deadline, told: Take) -> tuple[Taken, tuple[bytes, str]]:
        """The raw snapshot and the signing key; this process gets ready for the rest while a child measures."""
        order, probes, rehearsal = plan.order, plan.probes, Rehearsal(told)
        measuring = asyncio.create_task(
            take_snapshot(
                probes,
                self.machine,
                deadline.measuring_seconds,
                order.profile,
                self.child,
                plan.sentinel,
                order.window and _places(order.window, probes),
                told=rehearsal.hear,
                gathered=rehearsal.take,
            )
        )
        measuring.add_done_callback(lambda _: rehearsal.end())
        try:
            ready = asyncio.to_thread(rehearsal.play)
            taken, key, _ = await asyncio.gather(measuring, self._key(plan.enrolled), ready)
        finally:
            measuring.cancel()
        if order.window is not None:
            taken.snapshot.window.CopyFrom(order.window)
        for name, reason in plan.chosen.gaps(probes):
            taken.snapshot.sections.add(probe=name, outcome=section_pb2.PROBE_OUTCOME_SKIPPED, reason=reason)
        return taken, key

    async def _enrol(self, order: Order, deadline: Deadline) -> tuple[Enrolled | None, CaseprobeError | None]:
        """The identity for this run; a collector that cannot be reached or refuses does not stop the measurement.

        Where nobody could agree to sending, the collector is not contacted, so that the join code stays good.
        """
        if order.code is None:
            return None, None
        unseen = order.no_preview or (not self.person.present and self.any_grant())
        if not (unseen or self.person.present):
            return None, PolicyRefused(NOBODY)
        redeeming = self.sending.redeem(order.code, deadline.contact_seconds)
        try:
            enrolled, _ = await asyncio.gather(redeeming, asyncio.to_thread(load, SHOWN if unseen else ()))
        except DeliveryError as error:
            self.person.tell(f"{error}; measuring anyway")
            return None, error
        ticket = self.sending.tickets.of_code(order.code)
        if ticket and ticket.waiting and ticket.waiting.path.exists():
            command = send_command(ticket.waiting.path, encrypt=bool(ticket.waiting.recipient))
            self.person.tell(f"an earlier bundle did not arrive whole: `{command}` goes on with it; making a new one")
        return enrolled, None

    async def _admit(self, order: Order, case_id: str) -> None:
        """The owner's own run passes the gate too: what root's policy denies is denied."""
        ask = Ask(POLICY_KIND_HEALTH, Origin.OWNER, requested_by=self.person.name, case_id=case_id)
        verdict = await self.gate.admit(dataclasses.replace(ask, details=("bundle", order.profile)))
        if isinstance(verdict, Denied):
            raise PolicyRefused(f"nothing was measured: {verdict.reason}")

    def _probes(self, order: Order, chosen: Chosen) -> Sequence[Probe]:
        """The chosen probes without those that policy denies; packets, lines and arguments only where it allows."""
        probes = chosen.networked() if self._allows(POLICY_KIND_PATH_NEAR) else chosen.probes
        if order.code is not None:
            probes = with_collector(probes, split_address(order.code.address)[0])
        if self._allows(POLICY_KIND_LOGS):
            probes = with_log_lines(probes, chosen.full)
        if chosen.full and self._allows(POLICY_KIND_PROCESS_ARGUMENTS):
            probes = with_arguments(probes)
        return [probe for probe in probes if self._allows(probe_kind(probe.name))]

    def _allows(self, kind: Kind) -> bool:
        """Whether policy lets the owner's own run have this without asking anybody."""
        ask = Ask(kind, Origin.OWNER, requested_by=self.person.name)
        return self.gate.foresee(ask).decision == POLICY_DECISION_ALLOW

    async def _key(self, enrolled: Enrolled | None) -> tuple[bytes, str]:
        """The private key that signs, and the id that it gives."""
        if enrolled:
            return enrolled.identity.private_key_pem, enrolled.identity.agent_id
        return await self.own_key()

    def _consent(self, order: Order, case_id: str) -> ConsentRecord:
        """How the person agrees, or would; whether they did is what sending says. A mere file asks nobody."""
        record = ConsentRecord(granted_by=self.person.name, language=self.language)
        record.granted_at.FromDatetime(self.clock().astimezone(UTC))
        if order.code is None:
            return record
        grant = None if self.person.present else self.standing_grant(case_id)
        streaming = order.no_preview or grant is not None
        record.mode = CONSENT_MODE_STREAMING if streaming else CONSENT_MODE_REVIEWED
        mode = "streaming" if streaming else "reviewed"
        record.text_shown = bundle_text(order.code.address, case_id, mode, self.language)
        if grant:
            record.grant.CopyFrom(grant)
        return record

    def _complete(self, snapshot: snapshot_pb2.Snapshot, agent_id: str, plan: Plan) -> None:
        """Ids, flow, consent, and the machine's clock against the collector's where the two have spoken."""
        enrolled = plan.enrolled
        snapshot.snapshot_id, snapshot.agent_id = plan.snapshot_id, agent_id
        snapshot.case_id = enrolled.identity.case_id if enrolled else ""
        snapshot.flow, snapshot.agent_version = snapshot_pb2.FLOW_ONE_SHOT, VERSION
        snapshot.consent.CopyFrom(plan.consent)
        if enrolled:
            clock = section_pb2.ClockFacts(
                offset_seconds=enrolled.clock_offset_seconds, round_trip_seconds=enrolled.round_trip_seconds
            )
            snapshot.sections.add(probe="clock", outcome=section_pb2.PROBE_OUTCOME_OK, clock=clock)

    async def _send(
        self, enrolled: Enrolled, result: Result, shown: Preview, signer: Signer | None, order: Order
    ) -> Result:
        """Ask where somebody is there to be asked, then deliver the file as it was shown, with what was agreed to."""
        from caseprobe.bundle import signed_consent

        refusal = self._refusal(shown)
        result = dataclasses.replace(
            result,
            snapshot=shown.snapshot,
            sha256=shown.sha256,
            left_out=tuple(one.name for one in shown.left_out),
        )
        if refusal:
            await self.sending.kept(result.snapshot.snapshot_id, refusal)
            return dataclasses.replace(result, failure=refusal)
        if signer is not None:
            statement = shown.statement(self.clock().astimezone(UTC))
            result = dataclasses.replace(result, consent=signed_consent(statement, signer))
        assert order.code is not None
        try:
            recipient = recipient_for(order.code, enrolled, order.encrypt)
            outgoing = Outgoing(result.path, result.sha256, result.snapshot, result.consent, recipient)
            notices = await self.sending.send(order.code, enrolled, outgoing, result.receiver)
        except CaseprobeError as error:
            return dataclasses.replace(result, failure=error)
        return dataclasses.replace(result, delivered=True, notices=notices)

    def _refusal(self, shown: Preview) -> CaseprobeError | None:
        """Why this must not be sent; None where somebody or something agreed."""
        if shown.snapshot.consent.mode == CONSENT_MODE_STREAMING:
            return None
        if not self.person.present:
            return PolicyRefused(NOBODY)
        if not self.person.agree(shown):
            return PolicyRefused("not sent: you chose not to")
        return None if shown.path.exists() else UsageError(f"{shown.path} is gone since you saw it: make a new bundle")


def _receiver(enrolled: Enrolled) -> str:
    """What the collector calls itself, or where it is."""
    return enrolled.response.collector_name or enrolled.identity.link_address


def _places(window: snapshot_pb2.TimeWindow, probes: Sequence[Probe]) -> dict[str, str]:
    """What tells the probes of logs and of history which time is meant, in place of where they ended."""
    written = Window(window.from_at.ToMilliseconds() / 1e3, window.to_at.ToMilliseconds() / 1e3).written()
    return {probe.name: written for probe in probes if probe.resumes}
