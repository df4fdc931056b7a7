"""The resident agent against a real link on loopback: sessions, consent, timetables, restarts."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from caseprobe.errors import NotFound, Revoked, UsageError
from caseprobe.ids import new_id
from caseprobe.redaction import KnownNames, Redactor
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_GRANT, CONSENT_MODE_POLICY, GrantTerms
from caseprobe.v1.link_pb2 import LinkRequest, LinkResponse
from caseprobe.v1.section_pb2 import PROBE_OUTCOME_SKIPPED
from caseprobe.v1.snapshot_pb2 import FLOW_LIVE, FLOW_SCHEDULED
from caseprobe_agent import identity as identities
from caseprobe_agent import worker
from caseprobe_agent.app.control import Document
from caseprobe_agent.app.parts import user_name
from caseprobe_agent.app.resident import resident
from caseprobe_agent.config import load
from caseprobe_agent.seal import load_key
from caseprobe_agent.seal.memory import read_history
from caseprobe_agent.session.delivery import HISTORY
from caseprobe_agent.spool import Spool
from tests.fakes_collector import FakeStream
from tests.fakes_resident import (
    POLICY,
    Rig,
    enrolled,
    framed,
    load_again,
    path_command,
    snapshot_command,
    snapshot_in,
    stand_in_of,
)
from tests.fakes_service import Web, closed_port, listening

OK = link_pb2.OUTCOME_STATE_OK
# A session of so many lasts for minutes.
MANY_ROUNDS = 1000


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """An enrolled machine whose policy lets paths to 127.0.0.1 through and asks about logs."""
    async with enrolled(tmp_path) as made:
        yield made


async def test_a_path_session_streams_its_rounds_and_ends_as_a_snapshot(rig: Rig) -> None:
    """Progress, each round as it comes, then a snapshot with the path's section, then ok; sealed in a real child."""
    async with rig.agent(run=worker.call):
        await rig.send(path_command())
        outcome = await rig.outcome()
        assert (outcome.state, outcome.reason) == (OK, "")
        await rig.collector.until(lambda: rig.collector.stored)
    rounds = [frame.rounds for frame in rig.collector.got("rounds")]
    assert [one.rounds[0].number for one in rounds] == [1, 2, 3]
    assert rounds[0].header.target == "127.0.0.1"
    assert not rounds[1].HasField("header")
    snapshot = snapshot_in(rig.collector.stored[0])
    assert (snapshot.snapshot_id, snapshot.session_id) == (outcome.snapshot_id, "sess_1")
    assert (snapshot.flow, snapshot.case_id) == (FLOW_LIVE, "case_1")
    assert snapshot.consent.mode == CONSENT_MODE_POLICY
    (section,) = snapshot.sections
    assert section.path.rounds == 3
    assert rig.actions() == ["admitted:path_target", "ended"]


async def test_a_service_session_tells_what_reaching_it_takes(rig: Rig) -> None:
    """The steps are there with the first round, judged in the snapshot; what was asked of the service is in neither."""
    async with listening(Web().serve) as port, rig.agent(run=worker.call):
        await rig.send(path_command(target=f"http://127.0.0.1:{port}/secret"))
        outcome = await rig.outcome()
        assert (outcome.state, outcome.reason) == (OK, "")
        await rig.collector.until(lambda: rig.collector.stored)
    first = rig.collector.got("rounds")[0].rounds
    assert [phase.name for phase in first.header.service.attempts[0].phases] == ["connect", "first_byte"]
    path = snapshot_in(rig.collector.stored[0]).sections[0].path
    assert (path.target, path.rounds, path.service.verdict.message_id) == ("127.0.0.1", 3, "service.ok")
    assert b"secret" not in path.SerializeToString() + first.SerializeToString()


async def test_a_service_that_is_not_there_is_a_result(rig: Rig) -> None:
    """Nothing listens: the session ends well, with the step that failed, and the path to the host."""
    with closed_port() as port:
        async with rig.agent():
            await rig.send(path_command(target=f"127.0.0.1:{port}", rounds=1))
            assert (await rig.outcome()).state == OK
            await rig.collector.until(lambda: rig.collector.stored)
    service = snapshot_in(rig.collector.stored[0]).sections[0].path.service
    assert (service.verdict.message_id, service.verdict.outcome) == ("service.broken", "refused")


async def test_hello_tells_policy_and_capabilities(rig: Rig) -> None:
    """Staff see what a machine lets be done before they ask."""
    async with rig.agent() as agent:
        hello = rig.collector.streams[0].hello
        assert hello.agent_id == agent.agent_id
        assert list(hello.capabilities) == ["path", "snapshot", "reveal", "watch", "log_tail"]
        assert {entry.kind for entry in hello.policy} >= {1, 4, 5}


@pytest.mark.parametrize(
    "target",
    ["127.0.0.2", "203.0.113.9", "169.254.169.254", "example.org", "::1", "https://example.org/x", "[::1]:443"],
)
async def test_a_target_that_policy_does_not_list_is_refused(rig: Rig, target: str) -> None:
    """Even a hostile collector gets nothing that the machine's policy does not allow."""
    async with rig.agent():
        await rig.send(path_command(target=target))
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_REFUSED_POLICY
    assert rig.collector.got("rounds") == []
    assert rig.actions() == ["refused", "ended"]


def reveal_command(token: str, name: str = "sess_1") -> LinkResponse:
    """Support asks what one stand-in stands for."""
    request = link_pb2.CommandRequest(command_id=name, case_id="case_1", case_title="Slow", deadline_seconds=30.0)
    request.requested_by.user_id, request.requested_by.name = "user_1", "Ada"
    request.reveal.token = token
    return framed(request)


async def test_a_true_name_is_told_once_its_owner_has_read_it_and_said_yes(rig: Rig) -> None:
    """The question shows the name; the audit, which support never sees, and the request do not hold it."""
    (rig.settings.config_folder / "agent.toml").write_text('[policy]\nreveal = "ask"\n')
    rig.settings = load_again(rig.settings)
    token = Redactor(load_key(rig.settings.state_folder), True, KnownNames(hosts=("zulu-db",))).text("zulu-db")
    async with rig.agent():
        await rig.send(reveal_command(token))
        number = await rig.question()
        assert f"{token} stands for: zulu-db" in rig.said[-1]
        assert rig.collector.stored == []
        await rig.ask("allow", id=number)
        assert (await rig.outcome()).state == OK
        await rig.collector.until(lambda: rig.collector.stored)
    snapshot = snapshot_in(rig.collector.stored[0])
    assert [(one.reveal.stand_in, one.reveal.value) for one in snapshot.sections] == [(token, "zulu-db")]
    assert (snapshot.case_id, snapshot.consent.mode) == ("case_1", CONSENT_MODE_GRANT)
    assert rig.actions() == ["asked", "allowed", "admitted:reveal", "ended"]
    terms = GrantTerms.FromString(snapshot.consent.grant.terms)
    assert terms.granted_by == stand_in_of(rig.settings, user_name(os.geteuid()))
    assert "zulu-db" not in (rig.settings.state_folder / "audit.jsonl").read_text()


@pytest.mark.parametrize(
    ("policy", "token", "state", "why"),
    [
        ("deny", "host-aaaaaaaaaaaa", link_pb2.OUTCOME_STATE_REFUSED_POLICY, "policy denies reveal"),
        ("allow", "host-unknown", link_pb2.OUTCOME_STATE_FAILED, "no stand-in of this machine"),
        ("allow", "host-a and user-b", link_pb2.OUTCOME_STATE_FAILED, "one stand-in"),
    ],
)
async def test_nothing_else_is_told(rig: Rig, policy: str, token: str, state: int, why: str) -> None:
    """Where policy denies, which is how it is shipped, and for what is no single stand-in of this machine."""
    (rig.settings.config_folder / "agent.toml").write_text(f'[policy]\nreveal = "{policy}"\n')
    rig.settings = load_again(rig.settings)
    async with rig.agent():
        await rig.send(reveal_command(token))
        outcome = await rig.outcome()
    assert outcome.state == state
    assert why in outcome.reason
    assert rig.collector.stored == []


async def test_a_snapshot_session_leaves_logs_out_that_nobody_allowed(rig: Rig) -> None:
    """Health runs by policy; what is asked about is skipped with its reason, not asked for behind the owner's back."""
    async with rig.agent():
        await rig.send(snapshot_command("sess_1", "memory", "nonsense"))
        assert (await rig.outcome()).state == OK
        await rig.collector.until(lambda: rig.collector.stored)
    sections = {section.probe: section.outcome for section in snapshot_in(rig.collector.stored[0]).sections}
    assert sections["nonsense"] == PROBE_OUTCOME_SKIPPED
    assert "memory" in sections


async def test_a_probe_that_the_operator_declared_is_offered_and_runs_where_policy_lets_it(rig: Rig) -> None:
    """Its name stands in Hello; what it reads comes as a section, without its secrets."""
    folder = rig.settings.config_folder
    (folder / "backup.status").write_text("LAST=ok\npassword=violetlantern\n")
    (folder / "bundle.toml").write_text(
        f'[site_probes.backup]\nfile = "{folder}/backup.status"\nparser = "key_value"\nwhy = "Is the backup whole?"\n'
    )
    async with rig.agent(run=worker.call):
        assert list(rig.collector.streams[0].hello.site_probes) == ["site.backup"]
        await rig.send(snapshot_command("sess_1", "site.backup"))
        await rig.ask("allow", id=await rig.question())
        assert (await rig.outcome()).state == OK
        await rig.collector.until(lambda: rig.collector.stored)
    (section,) = snapshot_in(rig.collector.stored[0]).sections
    assert section.site.facts[0] == "LAST = ok" and "violetlantern" not in str(section)
    assert "site.backup" in rig.said[0]


async def test_the_owner_is_asked_and_their_yes_travels_along(rig: Rig) -> None:
    """A question waits until somebody on the machine answers it; the signed grant comes with outcome and snapshot."""
    ask_the_owner(rig)
    async with rig.agent():
        await rig.send(path_command())
        number = await rig.question()
        assert "Ada" in rig.said[0]
        await rig.ask("allow", id=number)
        outcome = await rig.outcome()
        await rig.collector.until(lambda: rig.collector.stored)
    assert outcome.state == OK
    assert GrantTerms.FromString(outcome.grant.terms).command_id == "sess_1"
    assert snapshot_in(rig.collector.stored[0]).consent.mode == CONSENT_MODE_GRANT
    states = [frame.progress.state for frame in rig.collector.got("progress")]
    assert states[:2] == [link_pb2.PROGRESS_STATE_AWAITING_CONSENT, link_pb2.PROGRESS_STATE_RUNNING]
    assert set(states[2:]) <= {link_pb2.PROGRESS_STATE_DELIVERING}
    assert rig.actions() == ["asked", "allowed", "admitted:path_target", "ended"]


async def test_what_the_owner_allowed_and_takes_back_is_counted_once(rig: Rig) -> None:
    """Taking everything back names the session and the grant that it rests on, and tells of one session."""
    ask_the_owner(rig)
    async with rig.agent():
        await rig.send(path_command(rounds=MANY_ROUNDS, deadline_seconds=200.0))
        await rig.ask("allow", id=await rig.question())
        await rig.collector.until(lambda: rig.collector.got("rounds"))
        answer = await rig.ask("revoke")
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_REFUSED_USER
    assert sorted(one.split("_")[0] for one in answer["revoked"]) == ["grant", "sess"]
    assert answer["sessions_stopped"] == 1


def ask_the_owner(rig: Rig) -> None:
    """What policy allowed is asked from now on."""
    (rig.settings.config_folder / "agent.toml").write_text(POLICY.replace('decision = "allow"', 'decision = "ask"'))
    rig.settings = load(
        {
            "CASEPROBE_CONFIG_FOLDER": str(rig.settings.config_folder),
            "CASEPROBE_STATE_FOLDER": str(rig.settings.state_folder),
        },
        {},
    )


async def test_the_owners_no_ends_it(rig: Rig) -> None:
    """Denied by a person is told apart from denied by policy."""
    async with rig.agent():
        await rig.send(snapshot_command("sess_1", "kernel_log"))
        await rig.ask("deny", id=await rig.question())
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_REFUSED_USER


async def test_nobody_answers(rig: Rig) -> None:
    """At the command's deadline the question is withdrawn and the session has expired."""
    async with rig.agent():
        await rig.send(snapshot_command("sess_1", "kernel_log", deadline_seconds=0.3))
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_EXPIRED
        assert (await rig.ask("list"))["questions"] == []


async def test_a_command_runs_once_however_often_it_comes(rig: Rig) -> None:
    """A duplicate while it runs, after it ended and after a restart is answered, not run."""
    async with rig.agent():
        await rig.send(path_command())
        await rig.send(path_command())
        await rig.outcome()
        await rig.send(path_command())
        await rig.collector.until(lambda: len(rig.outcomes("sess_1")) >= 2)
    async with rig.agent():
        await rig.send(path_command())
        await rig.collector.until(lambda: len(rig.outcomes("sess_1")) >= 3)
    assert {one.SerializeToString() for one in rig.outcomes("sess_1")} == {
        rig.outcomes("sess_1")[0].SerializeToString()
    }
    assert rig.actions().count("admitted:path_target") == 1


async def test_an_outcome_comes_after_the_snapshot_that_it_names(rig: Rig) -> None:
    """Until that is acknowledged the session is said to be delivering, over a broken line and a restart as well."""
    held: list[tuple[FakeStream, LinkRequest]] = []

    async def holds_back(stream: FakeStream, frame: LinkRequest) -> bool:
        if frame.HasField("data"):
            held.append((stream, frame))
        return frame.HasField("data")

    def delivering() -> int:
        states = [frame.progress.state for frame in rig.collector.got("progress")]
        return states.count(link_pb2.PROGRESS_STATE_DELIVERING)

    rig.collector.behave = holds_back
    async with rig.agent():
        await rig.send(path_command(rounds=1))
        await rig.collector.until(lambda: held and delivering() == 1)
    async with rig.agent():
        await rig.collector.until(lambda: len(held) >= 2 and delivering() >= 2)
        assert rig.outcomes("sess_1") == []
        rig.collector.behave = None
        await rig.collector.answer(*held[-1])
        outcome = await rig.outcome()
    assert outcome.snapshot_id == snapshot_in(rig.collector.stored[-1]).snapshot_id


async def test_a_command_that_may_have_run_before_the_spool_was_damaged_does_not_run(rig: Rig) -> None:
    """What was asked for before the damage was found ends as unknown; what is asked for later runs."""
    before, after = (new_id("sess", seconds, bytes(10)) for seconds in (time.time() - 60, time.time() + 60))
    async with rig.agent():
        pass
    database = rig.settings.state_folder / "spool.db"
    database.write_bytes(b"no database " * 1000)
    rig.collector.welcome.received_at.GetCurrentTime()
    async with rig.agent():
        await rig.send(path_command(before))
        assert (await rig.outcome(before)).state == link_pb2.OUTCOME_STATE_UNKNOWN_AFTER_CRASH
        assert rig.collector.got("rounds") == []
        await rig.send(path_command(after))
        assert (await rig.outcome(after)).state == OK
    assert [gap.reason for gap in rig.collector.gaps] == ["corrupt: the newest commits"]


async def test_a_request_that_was_held_back_has_only_what_is_left(rig: Rig) -> None:
    """The collector's remaining seconds shorten the deadline, and never lengthen it."""
    async with rig.agent():
        command = path_command(rounds=MANY_ROUNDS, deadline_seconds=200.0)
        command.command.remaining_seconds = 0.6
        await rig.send(command)
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_KILLED_LIMIT


async def test_cancel_keeps_what_was_measured(rig: Rig) -> None:
    """Support stops a long trace and still gets the rounds so far as a snapshot."""
    async with rig.agent():
        await rig.send(path_command(rounds=MANY_ROUNDS, deadline_seconds=200.0))
        await rig.collector.until(lambda: len(rig.collector.got("rounds")) >= 2)
        await rig.send(LinkResponse(cancel=link_pb2.Cancel(command_id="sess_1")))
        outcome = await rig.outcome()
        await rig.collector.until(lambda: rig.collector.stored)
    assert outcome.state == link_pb2.OUTCOME_STATE_CANCELLED
    assert snapshot_in(rig.collector.stored[0]).sections[0].path.rounds >= 2


async def test_a_cancel_that_comes_first_wins(rig: Rig) -> None:
    """A command that was cancelled before it arrived never runs."""
    async with rig.agent():
        await rig.send(LinkResponse(cancel=link_pb2.Cancel(command_id="sess_1")))
        await rig.send(path_command())
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_CANCELLED
        await rig.collector.until(lambda: len(rig.outcomes("sess_1")) >= 2)
    assert rig.collector.got("rounds") == []


async def test_the_deadline_ends_a_session_and_keeps_its_rounds(rig: Rig) -> None:
    """Killed at its limit, with what it had."""
    async with rig.agent():
        await rig.send(path_command(rounds=MANY_ROUNDS, deadline_seconds=0.8))
        outcome = await rig.outcome()
    assert outcome.state == link_pb2.OUTCOME_STATE_KILLED_LIMIT
    assert outcome.snapshot_id


async def test_revoking_ends_it_at_once_and_nothing_more_leaves(rig: Rig) -> None:
    """The owner takes it back while it runs: it is over with most of its rounds to come, and there is no snapshot."""
    async with rig.agent():
        await rig.send(path_command(rounds=MANY_ROUNDS, deadline_seconds=200.0))
        await rig.collector.until(lambda: rig.collector.got("rounds"))
        answer = await rig.ask("revoke", id="sess_1")
        outcome = await rig.outcome()
        assert len(rig.collector.got("rounds")) < MANY_ROUNDS
        assert answer["sessions_stopped"] == 1
        assert (outcome.state, outcome.snapshot_id) == (link_pb2.OUTCOME_STATE_REFUSED_USER, "")
    assert rig.collector.stored == []


async def test_a_standing_grant_answers_instead_of_the_owner(rig: Rig) -> None:
    """Granted beforehand for one case: nobody is asked, and revoking it ends that."""
    async with rig.agent():
        granted = await rig.ask("grant", kind="logs", case_id="case_1", seconds=60)
        await rig.send(snapshot_command("sess_1", "kernel_log"))
        assert (await rig.outcome()).state == OK
        assert rig.said == []
        await rig.ask("revoke", id=granted["grant_id"])
        await rig.send(snapshot_command("sess_2", "kernel_log", deadline_seconds=0.3))
        assert (await rig.outcome("sess_2")).state == link_pb2.OUTCOME_STATE_EXPIRED


@pytest.mark.parametrize("request_", [{"kind": "watch", "seconds": 60}, {"kind": "x"}, {"kind": "logs", "seconds": 0}])
async def test_a_grant_must_be_possible(rig: Rig, request_: Document) -> None:
    """What policy denies, does not exist or never ends cannot be granted."""
    async with rig.agent(online=False):
        with pytest.raises(UsageError):
            await rig.ask("grant", **request_)


async def test_what_a_crash_interrupted_is_told_and_never_run_again(rig: Rig) -> None:
    """A started command without an outcome becomes unknown_after_crash on the next start."""
    async with resident(rig.settings, rig.tell) as crashed:
        spool = crashed._spool
        await spool.start_command("sess_1", b"request")
    async with rig.agent():
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_UNKNOWN_AFTER_CRASH
        await rig.send(path_command())
        await rig.collector.until(lambda: len(rig.outcomes("sess_1")) >= 2)
    assert rig.collector.got("rounds") == []


async def test_stopping_the_agent_gives_every_session_its_outcome(rig: Rig) -> None:
    """An orderly end is no crash: the collector hears of it on the next connection at the latest."""
    async with rig.agent():
        await rig.send(path_command(rounds=MANY_ROUNDS, deadline_seconds=200.0))
        await rig.collector.until(lambda: rig.collector.got("rounds"))
    async with rig.agent():
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_CANCELLED


@pytest.mark.parametrize("change", [{"agent_id": "agent_other"}, {"site_probe": link_pb2.SiteProbeAction(name="x")}])
async def test_what_is_not_for_this_machine_or_version_fails_with_words(rig: Rig, change: dict[str, object]) -> None:
    """Another machine's command and an action that this version does not know are refused by name."""
    request = link_pb2.CommandRequest(command_id="sess_1", deadline_seconds=5.0, **change)  # type: ignore[arg-type]
    if request.WhichOneof("action") is None:
        request.path.target = "127.0.0.1"
    async with rig.agent():
        await rig.send(LinkResponse(command=link_pb2.Command(request=request.SerializeToString())))
        outcome = await rig.outcome()
        assert outcome.state == link_pb2.OUTCOME_STATE_FAILED
        assert "another machine" in outcome.reason or "cannot do site_probe; it can do path" in outcome.reason


async def test_a_garbled_command_harms_nobody(rig: Rig) -> None:
    """Bytes that are no request are ignored; the agent goes on."""
    async with rig.agent():
        await rig.send(LinkResponse(command=link_pb2.Command(request=b"\xff\xff\xff")))
        await rig.send(path_command())
        assert (await rig.outcome()).state == OK


async def test_a_timetable_runs_offline_across_a_restart_and_is_delivered_later(rig: Rig) -> None:
    """Kept durably; runs while the collector is away; the snapshot without a case arrives when it is back."""
    schedule = link_pb2.Schedule(schedule_id="sched_1", name="health", every_seconds=1.0)
    schedule.snapshot.profile = "quick"
    schedule.snapshot.probes.append("memory")
    async with rig.agent() as agent:
        await rig.send(LinkResponse(schedules=link_pb2.Schedules(schedules=[schedule])))
        await rig.collector.until(lambda: agent.timetable.schedules)
    await rig.collector.stop()
    stored = len(rig.collector.stored)
    async with rig.agent(online=False) as agent:
        async with asyncio.timeout(60):
            while (await agent._spool.count())[0] == 0:
                await asyncio.sleep(0.05)
        await rig.collector.start()
        await rig.collector.until(lambda: len(rig.collector.stored) > stored, 20)
    snapshot = snapshot_in(rig.collector.stored[-1])
    assert (snapshot.flow, snapshot.schedule_id, snapshot.case_id) == (FLOW_SCHEDULED, "sched_1", "")
    assert rig.collector.streams[-1].hello.schedules_sha256 == agent.timetable.sha256
    assert "scheduled run" in rig.actions()


async def test_a_revoked_machine_ends_with_that(rig: Rig) -> None:
    """The collector's staff removed it: the agent says so and does not hammer."""
    async with resident(rig.settings, rig.tell) as agent:
        served = asyncio.create_task(agent.run())
        await rig.collector.until(lambda: rig.collector.streams)
        await rig.send(LinkResponse(refusal=link_pb2.Refusal(code="revoked", message="removed")))
        await rig.collector.streams[-1].abort(grpc.StatusCode.OK, "")
        with pytest.raises(Revoked):
            await served
    kept = identities.load(rig.settings.state_folder)
    assert kept and "removed" in kept.ended


async def test_the_name_given_when_enrolling_stays(rig: Rig) -> None:
    """The collector is told it with every connection; a label in the settings goes before it."""
    folder = rig.settings.state_folder
    identity = identities.load(folder)
    assert identity
    identities.state.save(folder, dataclasses.replace(identity, label="till 7"))
    origins = {**rig.settings.origins, "label": "default"}
    rig.settings = dataclasses.replace(rig.settings, origins=origins)
    async with rig.agent():
        assert rig.collector.streams[-1].hello.machine_label == "till 7"
    rig.settings = dataclasses.replace(rig.settings, label="front desk", origins={**origins, "label": "agent.toml"})
    async with rig.agent():
        assert rig.collector.streams[-1].hello.machine_label == "front desk"


async def test_two_agents_on_one_folder_are_one_too_many(rig: Rig) -> None:
    """The second says so and harms nothing."""
    async with rig.agent(online=False):
        with pytest.raises(UsageError):
            async with resident(rig.settings, rig.tell):
                pass
        assert (await rig.ask("status"))["agent_id"]


async def test_the_owners_socket_is_private_and_gone_afterwards(rig: Rig) -> None:
    """Mode 0600; without an agent the owner is told that none runs."""
    async with rig.agent(online=False):
        assert rig.settings.socket_path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(UsageError, match="does not know this request"):
            await rig.ask("nonsense")
        with pytest.raises(NotFound, match="no open question"):
            await rig.ask("allow", id="7")
    with pytest.raises(NotFound, match="does not run"):
        await rig.ask("status")


async def test_a_restarted_agent_still_knows_its_earlier_snapshots(rig: Rig) -> None:
    """Growth and held levels need the past: what was sealed before a restart is told to the checks after it."""
    for name in ("sess_1", "sess_2"):
        async with rig.agent():
            await rig.send(snapshot_command(name, "memory"))
            await rig.outcome(name)
    async with await Spool.open(rig.settings.state_folder, rig.settings.spool_quota_bytes) as spool:
        kept = read_history(await spool.get_state(HISTORY) or b"", snapshot_in(rig.collector.stored[0]).agent_id)
    taken = [snapshot_in(one).snapshot_id for one in rig.collector.stored]
    assert [one.snapshot_id for one in kept] == taken[::-1]
    assert not any(section.lines for one in kept for section in one.sections)
