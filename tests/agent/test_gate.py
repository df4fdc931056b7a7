"""The only way to permission: policy, owner, audit, start marker, in that order."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from caseprobe.errors import NotFound, StorageFull
from caseprobe.v1.consent_pb2 import (
    CONSENT_MODE_GRANT,
    CONSENT_MODE_POLICY,
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_TARGET,
    POLICY_KIND_WATCH,
    GrantTerms,
)
from caseprobe.v1.link_pb2 import OUTCOME_STATE_EXPIRED, OUTCOME_STATE_REFUSED_POLICY, OUTCOME_STATE_REFUSED_USER
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent import Ask, Origin
from caseprobe_agent.consent.policy import ALLOW, DENY, SHIPPED, Policy, Rule
from caseprobe_agent.gate import Answer, Denied, Gate, Permit
from caseprobe_agent.grants import Grants
from tests.fakes_flows import FakeClock, FakeLedger, FakeOwner, fake_sign, fake_verify

HEALTH = Ask(POLICY_KIND_HEALTH, Origin.COLLECTOR, "sess_1", "case_1", requested_by="user_1")
LOGS = replace(HEALTH, kind=POLICY_KIND_LOGS, command_id="sess_2")
YES, NO = Answer(True, "root", "the text", "ru"), Answer(False, "root")


class House:
    """A gate with all that it needs, and the pieces to look at."""

    def __init__(
        self, folder: Path, answer: Answer | None = YES, policy: Policy = SHIPPED, patience: float = 5
    ) -> None:
        self.clock = FakeClock()
        self.audit = Audit(folder / "audit.jsonl", self.clock)
        self.grants = Grants(folder / "grants", fake_sign, fake_verify)
        self.owner = FakeOwner(answer)
        self.ledger = FakeLedger()
        self.made = 0
        self.gate = Gate(
            policy, self.grants, self.audit, self.owner, self.ledger.start, self.clock, self.new_grant_id, patience
        )

    def new_grant_id(self) -> str:
        """Ids that count up."""
        self.made += 1
        return f"grant_{self.made}"

    def actions(self) -> list[str]:
        """What the audit recorded, in order."""
        return [entry.action for entry in self.audit.entries()]


async def test_what_policy_allows_is_recorded_before_it_may_run(tmp_path: Path) -> None:
    """The permit comes with the audit entry and the start marker already durable, and a policy consent."""
    house = House(tmp_path)
    permit = await house.gate.admit(HEALTH, b"request")
    assert isinstance(permit, Permit)
    assert permit.consent.mode == CONSENT_MODE_POLICY
    assert house.actions() == ["admitted:health"]
    assert house.ledger.started == {"sess_1": b"request"}
    assert house.owner.asked == []


async def test_a_command_is_admitted_once(tmp_path: Path) -> None:
    """A second delivery of the same command gets no permit."""
    house = House(tmp_path)
    assert isinstance(await house.gate.admit(HEALTH, b""), Permit)
    assert await house.gate.admit(HEALTH, b"") is None


async def test_the_owners_yes_becomes_a_signed_grant(tmp_path: Path) -> None:
    """What the owner read and when travels with the result, signed."""
    house = House(tmp_path)
    permit = await house.gate.admit(LOGS, b"")
    assert isinstance(permit, Permit)
    assert permit.consent.mode == CONSENT_MODE_GRANT
    terms = GrantTerms.FromString(permit.consent.grant.terms)
    assert (terms.granted_by, terms.text_shown, terms.language) == ("root", "the text", "ru")
    assert (terms.command_id, terms.case_id) == ("sess_2", "case_1")
    assert house.actions() == ["asked", "admitted:logs"]


async def test_a_yes_to_one_request_is_no_yes_to_the_next(tmp_path: Path) -> None:
    """The owner is asked again for another command."""
    house = House(tmp_path)
    await house.gate.admit(LOGS, b"")
    await house.gate.admit(replace(LOGS, command_id="sess_3"), b"")
    assert [ask.command_id for ask in house.owner.asked] == ["sess_2", "sess_3"]


@pytest.mark.parametrize(
    ("ask", "answer", "state"),
    [
        (LOGS, NO, OUTCOME_STATE_REFUSED_USER),
        (LOGS, None, OUTCOME_STATE_EXPIRED),
        (replace(HEALTH, kind=POLICY_KIND_WATCH), YES, OUTCOME_STATE_REFUSED_POLICY),
        (replace(LOGS, origin=Origin.SCHEDULE), YES, OUTCOME_STATE_REFUSED_POLICY),
    ],
)
async def test_each_no_has_its_own_end(tmp_path: Path, ask: Ask, answer: Answer | None, state: int) -> None:
    """The owner's no, nobody's answer and policy's no are told apart, recorded, and start nothing."""
    house = House(tmp_path, answer)
    denied = await house.gate.admit(ask, b"", wait_seconds=0.01)
    assert isinstance(denied, Denied)
    assert denied.state == state
    assert house.actions()[-1] == "refused"
    assert house.ledger.started == {}


async def test_time_that_passed_while_asking_counts(tmp_path: Path) -> None:
    """A yes that comes after the policy's window has closed starts nothing."""
    window = (FakeClock().now.replace(hour=9).time(), FakeClock().now.replace(hour=10).time())
    ask_within = Rule(SHIPPED.rule(POLICY_KIND_LOGS).decision, windows=(window,))
    house = House(tmp_path, policy=Policy({POLICY_KIND_LOGS: ask_within}))
    house.owner.meanwhile = lambda: house.clock.forward(3600)
    assert isinstance(await house.gate.admit(LOGS, b""), Denied)
    assert house.ledger.started == {}


async def test_without_its_audit_entry_nothing_runs(tmp_path: Path) -> None:
    """Where the machine's own record cannot be written, the request fails."""
    house = House(tmp_path)
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(StorageFull):
        await house.gate.admit(HEALTH, b"")


async def test_sessions_a_day_are_counted_over_restarts(tmp_path: Path) -> None:
    """The limit holds however often the agent is started."""
    policy = Policy({POLICY_KIND_HEALTH: Rule(ALLOW, sessions_per_day=2)})
    for number in range(3):
        verdict = await House(tmp_path, policy=policy).gate.admit(replace(HEALTH, command_id=f"sess_{number}"), b"")
        assert isinstance(verdict, Permit if number < 2 else Denied)


async def test_a_name_is_judged_again_with_its_address(tmp_path: Path) -> None:
    """The owner's yes to a name is no yes to loopback behind it."""
    house = House(tmp_path)
    ask = replace(LOGS, kind=POLICY_KIND_PATH_TARGET, target="example.org")
    assert isinstance(await house.gate.admit(ask, b""), Permit)
    foreseen = [house.gate.foresee(replace(ask, address=ip_address(a))) for a in ("203.0.113.1", "127.0.0.1")]
    assert [one.decision for one in foreseen] == [ALLOW, DENY]


async def test_standing_grants_survive_a_restart_and_end_by_revoking(tmp_path: Path) -> None:
    """A grant is kept, trusted again only by its signature, and gone at once when revoked."""
    house = House(tmp_path)
    await house.gate.admit(LOGS, b"")
    again = House(tmp_path)
    await again.grants.load()
    assert [terms.grant_id for terms in again.grants.terms()] == ["grant_1"]
    again.grants.revoke("grant_1")
    assert again.grants.terms() == []
    with pytest.raises(NotFound):
        again.grants.revoke("grant_1")
    third = House(tmp_path)
    await third.grants.load()
    assert third.grants.terms() == []


async def test_a_grant_that_was_changed_is_not_trusted(tmp_path: Path) -> None:
    """Whoever can write a file in the folder still cannot grant anything."""
    house = House(tmp_path)
    await house.gate.admit(LOGS, b"")
    path = tmp_path / "grants" / "grant_1.pb"
    path.write_bytes(path.read_bytes().replace(b"case_1", b"case_9", 1))
    (tmp_path / "grants" / "grant_2.pb").write_bytes(b"\xff\xff")
    again = House(tmp_path)
    await again.grants.load()
    assert again.grants.terms() == []
    assert again.grants.distrusted == ["grant_1.pb", "grant_2.pb"]
