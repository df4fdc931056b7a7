"""Builds one-shot runs from settings and the person who started them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from caseprobe.errors import CaseprobeError
from caseprobe.v1.consent_pb2 import POLICY_KIND_HEALTH, Grant, GrantTerms
from caseprobe_agent import worker
from caseprobe_agent.app.parts import LocalClock, audit_of, fresh_id, grants_of
from caseprobe_agent.app.sending import own_key_of, sending_of
from caseprobe_agent.audit import Audit
from caseprobe_agent.config import Settings
from caseprobe_agent.config.bundles import load_bundles
from caseprobe_agent.consent import Ask, Origin, grants_it
from caseprobe_agent.gate import Answer, Gate
from caseprobe_agent.grants import Grants
from caseprobe_agent.identity import load
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot import OneShot, Person
from caseprobe_agent.oneshot.choice import choose

if TYPE_CHECKING:
    from caseprobe_agent.oneshot.again import Looker, SendAgain
    from caseprobe_agent.seal import Run


class _Present:
    """The owner of a one-shot run has answered by starting it; nothing ever asks them here."""

    async def answer(self, ask: Ask) -> Answer:
        """Never reached: what the owner asks for is decided without asking them again."""
        raise CaseprobeError(f"nobody can be asked about {ask.target or ask.kind}")


async def build(
    settings: Settings, person: Person, child: worker.Child | None = None, run: Run = worker.call
) -> OneShot:
    """A run that is ready to start; child: one that was started early to measure in; run: makes keys apart."""
    from caseprobe_agent.seal.form import load_key

    clock = LocalClock()
    audit = audit_of(settings, clock)
    grants = grants_of(settings, load(settings.state_folder))
    await grants.load()
    return OneShot(
        machine=Machine(),
        child=child,
        gate=_gate(settings, grants, audit, clock),
        person=person,
        language=settings.language,
        pseudonym_key=load_key(settings.state_folder),
        state_folder=settings.state_folder,
        new_id=fresh_id,
        clock=clock,
        sending=sending_of(settings, person, audit, clock, run=run),
        own_key=own_key_of(settings),
        standing_grant=_standing_grant(grants, clock),
        overrides=settings.overrides,
        any_grant=lambda: any(_lets(one, one.case_id, clock) for one in grants.terms()),
        choose=partial(choose, bundles=load_bundles(settings.folders)),
    )


async def build_again(settings: Settings, person: Looker, key_id: str = "", run: Run = worker.call) -> SendAgain:
    """What sends a bundle that was kept; key_id: of the key that it names, where that may be an imported machine's."""
    # What reads bundles is loaded by who sends one again, not by who is about to measure.
    from caseprobe_agent.oneshot.again import SendAgain

    clock = LocalClock()
    audit = audit_of(settings, clock)
    grants = grants_of(settings, load(settings.state_folder))
    await grants.load()
    return SendAgain(
        gate=_gate(settings, grants, audit, clock),
        sending=sending_of(settings, person, audit, clock, key_id, run),
        person=person,
        language=settings.language,
        own_key=own_key_of(settings, key_id),
        clock=clock,
        standing_grant=_standing_grant(grants, clock),
    )


def _gate(settings: Settings, grants: Grants, audit: Audit, clock: LocalClock) -> Gate:
    return Gate(settings.policy, grants, audit, _Present(), _no_marker, clock, lambda: fresh_id("grant"), 1.0)


async def _no_marker(_command_id: str, _request: bytes) -> bool:
    return True


def _standing_grant(grants: Grants, clock: LocalClock) -> Callable[[str], Grant | None]:
    """Looks for a stored grant that lets a case have health data while nobody is there."""

    def find(case_id: str) -> Grant | None:
        return next((grants.get(one.grant_id) for one in grants.terms() if _lets(one, case_id, clock)), None)

    return find


def _lets(terms: GrantTerms, case_id: str, clock: LocalClock) -> bool:
    """Whether a grant lets this case have health data now."""
    return grants_it(terms, Ask(POLICY_KIND_HEALTH, Origin.OWNER, case_id=case_id), clock())
