"""Builds a one-shot run from settings and the person who started it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from caseprobe import ids
from caseprobe.errors import CaseprobeError
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import POLICY_KIND_HEALTH, Grant, GrantTerms
from caseprobe_agent.app.parts import LocalClock, audit_of, credentials_of, fresh_id, grants_of, hello_of
from caseprobe_agent.config import Settings
from caseprobe_agent.consent import Ask, Origin, grants_it
from caseprobe_agent.gate import Answer, Gate
from caseprobe_agent.grants import Grants
from caseprobe_agent.identity import ONE_SHOT, Enrolled, enrol, keys, load
from caseprobe_agent.identity.state import load_key as load_private_key
from caseprobe_agent.identity.state import save_key
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot import OneShot, Order, Person, Result
from caseprobe_agent.worker import Child

if TYPE_CHECKING:
    from caseprobe_agent.link import Delivery

LABEL = "one-shot"
LEAST_DELIVERY_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 16 << 10


class _Present:
    """The owner of a one-shot run has answered by starting it; nothing ever asks them here."""

    async def answer(self, ask: Ask) -> Answer:
        """Never reached: what the owner asks for is decided without asking them again."""
        raise CaseprobeError(f"nobody can be asked about {ask.target or ask.kind}")


async def build(settings: Settings, person: Person, child: Child | None = None) -> OneShot:
    """A run that is ready to start; child: one that was started early to measure in."""
    from caseprobe_agent.seal.form import load_key

    clock = LocalClock()
    audit = audit_of(settings, clock)
    grants = grants_of(settings, load(settings.state_folder))
    await grants.load()
    gate = Gate(settings.policy, grants, audit, _Present(), _no_marker, clock, lambda: fresh_id("grant"), 1.0)
    folder = settings.state_folder / LABEL
    return OneShot(
        machine=Machine(),
        child=child,
        gate=gate,
        audit=audit,
        person=person,
        language=settings.language,
        pseudonym_key=load_key(settings.state_folder),
        state_folder=settings.state_folder,
        new_id=fresh_id,
        clock=clock,
        enrol=_enroller(folder),
        own_key=_own_key(folder),
        deliver=_deliver,
        standing_grant=_standing_grant(grants, clock),
        overrides=settings.overrides,
        any_grant=lambda: any(_lets(one, one.case_id, clock) for one in grants.terms()),
    )


async def _no_marker(_command_id: str, _request: bytes) -> bool:
    return True


def _enroller(folder: Path) -> Callable[[Order], Awaitable[Enrolled]]:
    """Makes a run known to the collector under the caller's own key; the machine's name is not told."""

    async def enrol_once(order: Order) -> Enrolled:
        assert order.code is not None
        return await enrol(order.code, folder, LABEL, sys.platform)

    return enrol_once


def _own_key(folder: Path) -> Callable[[], Awaitable[tuple[bytes, str]]]:
    """The caller's own key and its id, made on first use."""

    async def own_key() -> tuple[bytes, str]:
        # Not in a child: this process ends soon, and it loads cryptography anyway to sign what it made.
        answer = await asyncio.to_thread(keys.prepare, load_private_key(folder, ONE_SHOT))
        private, _, public = keys.unpack(answer)
        save_key(folder, ONE_SHOT, private)
        return private, ids.agent_id(public)

    return own_key


def _standing_grant(grants: Grants, clock: LocalClock) -> Callable[[str], Grant | None]:
    """Looks for a stored grant that lets a case have health data while nobody is there."""

    def find(case_id: str) -> Grant | None:
        return next((grants.get(one.grant_id) for one in grants.terms() if _lets(one, case_id, clock)), None)

    return find


def _lets(terms: GrantTerms, case_id: str, clock: LocalClock) -> bool:
    """Whether a grant lets this case have health data now."""
    return grants_it(terms, Ask(POLICY_KIND_HEALTH, Origin.OWNER, case_id=case_id), clock())


def _pseudonym(snapshot: snapshot_pb2.Snapshot) -> str:
    """What a redacted snapshot calls its machine, so that two bundles of a case are told apart."""
    names = (section.system.host_name for section in snapshot.sections if section.HasField("system"))
    return next((name for name in names if name), LABEL)


async def _deliver(enrolled: Enrolled, result: Result) -> Delivery:
    """Send one finished file over the link, if it is the one that was shown.

    Raises RedactionError where it is not, Unreachable, NotTrusted or what the collector refuses with.
    """
    from caseprobe_agent.link import FileOutbox, Link
    from caseprobe_agent.oneshot.file import proved

    spool_id = f"spool_{secrets.token_hex(8)}"

    async def hello() -> link_pb2.Hello:
        frame = hello_of(enrolled.identity, spool_id, _pseudonym(result.snapshot), sys.platform, "")
        frame.flow = snapshot_pb2.FLOW_ONE_SHOT
        return frame

    async def ignore(_frame: link_pb2.LinkResponse) -> None:
        """A one-shot run takes no commands."""

    with result.path.open("rb") as file:
        # The receiver compares with the hash of what is proved here, so a file that changes later is refused there.
        proved(file, result.sha256)
        snapshot_id, kind = result.snapshot.snapshot_id, link_pb2.DATA_KIND_BUNDLE
        outbox = FileOutbox(file, kind, snapshot_id, result.sha256, result.consent)
        link = Link(credentials_of(enrolled.identity), hello, outbox, ignore, SystemRandom())
        seconds = LEAST_DELIVERY_SECONDS + result.path.stat().st_size / SLOWEST_BYTES_PER_SECOND
        return await link.deliver_once(seconds)
