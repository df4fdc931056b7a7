"""A console over a world with two customers, so that a test begins where something can be seen."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from starlette.datastructures import State

from caseprobe.v1 import consent_pb2, finding_pb2, link_pb2, path_pb2, section_pb2, snapshot_pb2
from caseprobe_collector.access import Role
from caseprobe_collector.console import create_console
from caseprobe_collector.console.hub import Hub
from caseprobe_collector.console.services import Services
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.ports import CaseStore
from caseprobe_collector.records import Agent, Case, Customer, ScheduleRecord, SessionRecord, User
from tests.asgi import Client
from tests.fakes_console import (
    NOW,
    FakeAudit,
    FakeAuthority,
    FakeCases,
    FakeCaseStore,
    FakeClock,
    FakeConfig,
    FakeCustomers,
    FakeEnrolment,
    FakeFleet,
    FakePresence,
    FakeSchedules,
    FakeSessions,
    FakeSnapshots,
    FakeUsers,
    World,
    snapshot_row,
)

PASSWORD = "correct horse battery"
ACME, GLOBEX = "cust_acme", "cust_globex"


def services(world: World) -> Services:
    """The use cases of a world, each with the calls of the one that it stands for (`test_shapes`)."""
    fakes: dict[str, Any] = {
        "config": FakeConfig(),
        "authority": FakeAuthority(),
        "cases": FakeCases(world),
        "customers": FakeCustomers(world),
        "fleet": FakeFleet(world),
        "users": FakeUsers(world),
        "enrolment": FakeEnrolment(),
        "snapshots": FakeSnapshots(world),
        "sessions": FakeSessions(world),
        "schedules": FakeSchedules(world),
        "drafts": drafts_of(world),
        "presence": FakePresence(world),
        "audit": FakeAudit(world),
        "bus": world.bus,
        "clock": FakeClock(),
    }
    return Services(**fakes)


def drafts_of(world: World, clock: FakeClock | None = None) -> Drafts:
    """The world's drafts, the same each time: in memory as they are, they need no stand-in."""
    world.drafts = world.drafts or Drafts(cast(CaseStore, FakeCaseStore(world)), world.bus, clock or FakeClock())
    return world.drafts


@cache
def template() -> FastAPI:
    """A console that was really created: making its routes and compiling its pages takes a fifth of a second."""
    return create_console(services(World()))


def console(world: World) -> FastAPI:
    """The console over a world: the same routes and pages, with a state of its own."""
    app = copy(template())
    app.state = State(dict(template().state._state))
    app.state.services = services(world)
    app.state.hub = Hub(world.bus)
    return app


@dataclass
class Desk:
    """A console, its world, and people who use it."""

    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        fill(self.world)
        self.app = console(self.world)

    def as_role(self, role: Role, customer_ids: frozenset[str] | None = None) -> Client:
        """A program with a token of this role."""
        user = User(self.world.new_id("user"), f"a {role}", PASSWORD, role, customer_ids, NOW)
        self.world.users[user.user_id] = user
        secret, _ = FakeUsers(self.world).issue(user, "api", "test", role)
        return Client(self.app, headers={"authorization": f"Bearer {secret}"})

    def nobody(self, scheme: str = "https") -> Client:
        """A browser that has not logged in."""
        return Client(self.app, scheme)


def fill(world: World) -> None:
    """Two customers, three machines, cases with evidence, a path that ended, one that runs, a timetable."""
    for number, name in ((ACME, "Acme Logistics"), (GLOBEX, "Globex")):
        world.customers[number] = Customer(number, name, NOW - timedelta(days=90))
    for number, customer, label, worst in (
        ("agent_acme1", ACME, "depot-db-01", 4),
        ("agent_acme2", ACME, "depot-web-02", 1),
        ("agent_globex1", GLOBEX, "lab-7", 3),
    ):
        world.agents[number] = machine(number, customer, label, worst)
    world.presence.update(agent_acme1="online", agent_acme2="unresponsive")
    world.cases["case_acme"] = Case(
        "case_acme", ACME, "Nightly import is slow", "Since Tuesday.", "open", NOW, "u", worst=4
    )
    world.cases["case_closed"] = Case("case_closed", ACME, "Fan noise", "", "closed", NOW, "u", NOW)
    world.cases["case_globex"] = Case("case_globex", GLOBEX, "Lab drops off the net", "", "open", NOW, "u", worst=3)
    add_snapshot(world, "snap_acme", ACME, "case_acme", "agent_acme1", worst=4)
    add_snapshot(world, "snap_globex", GLOBEX, "case_globex", "agent_globex1", worst=3)
    add_path(world)
    schedule = link_pb2.Schedule(name="Health", every_seconds=900, catch_up=link_pb2.CATCH_UP_ONE)
    schedule.snapshot.profile = "quick"
    record = ScheduleRecord("sched_acme", "agent_acme1", ACME, schedule.SerializeToString(), "u", NOW)
    world.schedules["sched_acme"] = record
    globex = ScheduleRecord("sched_globex", "agent_globex1", GLOBEX, schedule.SerializeToString(), "u", NOW)
    world.schedules["sched_globex"] = globex


def machine(agent_id: str, customer_id: str, label: str, worst: int) -> Agent:
    """An enrolled machine with a policy."""
    policy = (
        (consent_pb2.POLICY_KIND_HEALTH, consent_pb2.POLICY_DECISION_ALLOW),
        (consent_pb2.POLICY_KIND_PATH_TARGET, consent_pb2.POLICY_DECISION_ASK),
        (consent_pb2.POLICY_KIND_REVEAL, consent_pb2.POLICY_DECISION_DENY),
    )
    agent = Agent(agent_id, customer_id, label, "Debian GNU/Linux 12", "0.1.0", "enrolled", NOW, NOW)
    return replace(agent, worst=worst, policy=policy, capabilities=("path", "snapshot"), last_seen_at=NOW)


def add_snapshot(world: World, snapshot_id: str, customer_id: str, case_id: str, agent_id: str, worst: int) -> None:
    """A judged snapshot with one file beside it."""
    snapshot = judged_snapshot(snapshot_id, agent_id, worst)
    found = len(snapshot.findings)
    row = snapshot_row(snapshot_id, customer_id, case_id, agent_id, worst=worst, finding_total=found)
    world.snapshots[snapshot_id] = (row._replace(objects=("bundle.zip",)), snapshot)
    world.objects[snapshot_id, "bundle.zip"] = b"PK"
    world.objects[snapshot_id, "artifacts/kernel.log"] = b"<script>alert(1)</script>"


def judged_snapshot(snapshot_id: str, agent_id: str, worst: int) -> snapshot_pb2.Snapshot:
    """A snapshot with findings, evidence, a denied section and a file."""
    snapshot = snapshot_pb2.Snapshot(snapshot_id=snapshot_id, agent_id=agent_id, profile="quick", duration_seconds=0.61)
    space = snapshot.findings.add(check_id="disk.space", state=finding_pb2.Severity.ValueType(worst), object="/var")
    space.threshold, space.threshold_source = "used_ratio >= 0.95", "node-exporter mixin"
    space.parameters.add(name="used_ratio", number=0.97)
    space.parameters.add(name="available_bytes", number=1.2e9)
    space.parameters.add(name="total_bytes", number=40e9)
    space.evidence.add(source="statvfs /var", line=1, text="blocks=10485760 available=314572 ext4 /dev/mapper/vg-var")
    swap = snapshot.findings.add(check_id="mem.swapused", state=finding_pb2.SEVERITY_INFO)
    swap.parameters.add(name="swap_used_ratio", number=0.5)
    swap.evidence.add(source="/proc/meminfo", line=15, text="SwapFree:        1048572 kB")
    snapshot.coverage.add(check_id="disk.space", outcome=finding_pb2.Severity.ValueType(worst))
    snapshot.coverage.add(check_id="mem.edac_ue", outcome=finding_pb2.SEVERITY_UNKNOWN, reason="needs root")
    memory = snapshot.sections.add(probe="memory", outcome=section_pb2.PROBE_OUTCOME_OK, duration_seconds=0.004)
    memory.memory.total_bytes, memory.memory.available_bytes = 16 << 30, 9 << 30
    memory.memory.pressure.some_avg10_ratio = 0.031
    disks = snapshot.sections.add(probe="filesystems", outcome=section_pb2.PROBE_OUTCOME_OK, duration_seconds=0.002)
    disks.filesystems.filesystems.add(
        mount_point="/", type="ext4", total_bytes=40 << 30, used_bytes=12 << 30, measured=True
    )
    disks.filesystems.filesystems.add(
        mount_point="/var", type="ext4", total_bytes=40 << 30, used_bytes=39 << 30, measured=True
    )
    snapshot.sections.add(
        probe="kernel_log",
        outcome=section_pb2.PROBE_OUTCOME_DENIED,
        reason="/dev/kmsg needs a right",
        needs="CAP_SYSLOG",
    )
    snapshot.artifacts.add(name="artifacts/kernel.log", source="/var/log/kern.log", size_bytes=25)
    snapshot.redaction.counts.add(rule="ipv4", total=14)
    snapshot.consent.mode = consent_pb2.CONSENT_MODE_REVIEWED
    return snapshot


def add_path(world: World) -> None:
    """A path session that ended as a snapshot, and one that runs."""
    request = link_pb2.CommandRequest(deadline_seconds=120)
    request.path.target = "files.example.net"
    ended = SessionRecord(
        "sess_ended", "case_acme", ACME, "agent_acme1", request.SerializeToString(), "path", "u", NOW, 120, "ok"
    )
    world.sessions["sess_ended"] = replace(ended, snapshot_id="snap_path", ended_at=NOW)
    world.sessions["sess_runs"] = replace(ended, session_id="sess_runs", state="running")
    globex = replace(ended, session_id="sess_globex", case_id="case_globex", customer_id=GLOBEX, state="running")
    world.sessions["sess_globex"] = replace(globex, agent_id="agent_globex1")
    snapshot = snapshot_pb2.Snapshot(snapshot_id="snap_path", agent_id="agent_acme1", profile="path")
    section = snapshot.sections.add(probe="path", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.path.CopyFrom(path_facts())
    row = snapshot_row(
        "snap_path", ACME, "case_acme", "agent_acme1", flow=snapshot_pb2.FLOW_LIVE, session_id="sess_ended"
    )
    world.snapshots["snap_path"] = (row, snapshot)


def path_facts() -> path_pb2.PathFacts:
    """A path of four hops with loss from the third on."""
    facts = path_pb2.PathFacts(target="files.example.net", address=bytes([198, 51, 100, 20]), rounds=60)
    for ttl, loss, rtt in ((1, 0.0, 0.0008), (2, 0.0, 0.006), (3, 0.08, 0.021), (4, 0.083, 0.024)):
        facts.hops.add(
            ttl=ttl,
            addresses=[bytes([192, 0, 2, ttl])],
            sent=60,
            received=round(60 * (1 - loss)),
            loss_ratio=loss,
            best_seconds=rtt * 0.8,
            avg_seconds=rtt,
            p95_seconds=rtt * 1.6,
            worst_seconds=rtt * 2.2,
            jitter_seconds=rtt * 0.1,
            classification="loss" if loss else "ok",
        )
    facts.verdict.message_id, facts.verdict.loss_ratio, facts.verdict.confidence = "path.loss_from", 0.083, 0.98
    facts.verdict.loss_low_ratio, facts.verdict.loss_high_ratio = 0.04, 0.13
    facts.verdict.segment_first_ttl, facts.verdict.segment_last_ttl = 2, 3
    return facts
