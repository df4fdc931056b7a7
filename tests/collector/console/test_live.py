"""The socket: rounds as they come, states, the end of a login; and the hub behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from caseprobe.errors import Busy, StorageDamaged
from caseprobe.v1 import link_pb2, path_pb2, section_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_collector.access import Role
from caseprobe_collector.console.hub import Hub
from caseprobe_collector.records import Event
from tests.fakes_console import NOW, FakeBus
from tests.worlds_console import ACME, GLOBEX, Desk, drafts_of

LIVE = "/api/v1/live?topics=session:sess_runs"


def rounds(*numbers: int, lost: bool = False) -> link_pb2.Rounds:
    """Rounds of a path of two hops; lost: the second does not answer."""
    made = link_pb2.Rounds(session_id="sess_runs", header=path_pb2.PathFacts(target="files.example.net"))
    for number in numbers:
        one = made.rounds.add(number=number, started_seconds=float(number), sent=[1, 2])
        one.replies.add(
            ttl=1, address=bytes([192, 0, 2, 1]), rtt_seconds=0.001, reply_class=path_pb2.REPLY_CLASS_ON_TIME
        )
        if not lost:
            end = one.replies.add(ttl=2, address=bytes([192, 0, 2, 2]), rtt_seconds=0.01, from_target=True)
            end.reply_class = path_pb2.REPLY_CLASS_ON_TIME
    return made


def told(more: link_pb2.Rounds) -> Event:
    """The event that brings rounds."""
    return Event("session:sess_runs", "rounds", ACME, {"session_id": "sess_runs"}, more)


async def test_a_page_that_opens_late_gets_the_rounds_so_far_and_then_each_new_one() -> None:
    """The backlog first, with the summary of all; then only what is new, with the summary of all."""
    desk = Desk()
    desk.world.rounds["sess_runs"] = rounds(1, 2, 3)
    async with desk.as_role(Role.VIEWER).socket(LIVE) as socket:
        first = await socket.read()
        assert [one["number"] for one in first["rounds"]] == [1, 2, 3]
        assert [hop["sent"] for hop in first["path"]["hops"]] == [3, 3]
        desk.world.bus.publish(told(rounds(4, lost=True)))
        second = await socket.read()
    assert [one["number"] for one in second["rounds"]] == [4]
    assert second["rounds"][0]["hops"] == [
        {"ttl": 1, "address": "192.0.2.1", "rtt_seconds": pytest.approx(0.001)},
        {"ttl": 2, "address": "", "rtt_seconds": None},
    ]
    assert [hop["loss_ratio"] for hop in second["path"]["hops"]] == [0, 0.25]
    assert second["path"]["verdict"]["text"]


async def test_names_of_hops_are_shown_as_soon_as_they_are_told() -> None:
    """The header comes again with them; they stay until it tells more."""
    desk = Desk()
    desk.world.rounds["sess_runs"] = rounds(1)
    async with desk.as_role(Role.VIEWER).socket(LIVE) as socket:
        assert [hop["name"] for hop in (await socket.read())["path"]["hops"]] == ["", ""]
        more, later = rounds(2), rounds(3)
        later.ClearField("header")
        more.header.hops.add(addresses=[bytes([192, 0, 2, 2])], public_name="r2.example", as_number=64500)
        for one in (more, later):
            desk.world.bus.publish(told(one))
            last = (await socket.read())["path"]["hops"][1]
            assert (last["name"], last["network"]) == ("r2.example", "AS64500")


async def test_a_sessions_outcome_comes_after_its_last_round() -> None:
    """Who stops at the outcome has seen every round."""
    desk = Desk()
    desk.world.rounds["sess_runs"] = rounds(1)
    async with desk.as_role(Role.VIEWER).socket(LIVE) as socket:
        await socket.read()
        desk.world.bus.publish(told(rounds(2)))
        desk.world.bus.publish(Event("session:sess_runs", "session", ACME, {"session_id": "sess_runs", "state": "ok"}))
        messages = [await socket.read(), await socket.read()]
    assert [message["kind"] for message in messages] == ["rounds", "session"]
    assert [one["number"] for one in messages[0]["rounds"]] == [2]


def watched(number: int, text: str = "") -> link_pb2.Sections:
    """A round of a watch with one section of values, or one line of a log."""
    made = link_pb2.Sections(session_id="sess_runs", number=number)
    section = made.sections.add(probe="log_tail.system_log" if text else "memory", outcome=section_pb2.PROBE_OUTCOME_OK)
    if text:
        section.log_tail.left_out_total = 3
        section.lines.add(source="/var/log/syslog", line=number, text=text)
    else:
        section.memory.total_bytes = 1 << 30
    return made


async def test_a_watch_is_seen_from_its_rounds_so_far_on_and_every_machines_word_is_text() -> None:
    """Values as in a snapshot, lines with what is missing of them; each round once; another customer sees nothing."""
    desk = Desk()
    desk.world.sections["sess_runs"] = [watched(1)]
    async with desk.as_role(Role.VIEWER).socket(LIVE) as socket:
        first = await socket.read()
        for one in (watched(1), watched(2, "<b>\x1b[2J")):
            body = {"session_id": "sess_runs", "number": one.number}
            event = Event("session:sess_runs", "sections", ACME, body, sections=tuple(one.sections))
            desk.world.bus.publish(event)
        second = await socket.read()
    assert (first["kind"], first["number"], first["sections"][0]["label"]) == ("sections", 1, "Memory")
    assert {"label": "Total", "text": "1.0 GiB", "ratio": None} in [
        {**fact, "text": fact["text"].replace("\N{NO-BREAK SPACE}", " ")} for fact in first["sections"][0]["facts"]
    ]
    assert (second["number"], second["sections"][0]["lines"]) == (2, [{"line": 2, "text": "<b>\ufffd[2J"}])
    assert second["sections"][0]["note"].startswith("3 lines before these")
    async with desk.as_role(Role.ADMIN, frozenset({GLOBEX})).socket(LIVE) as socket:
        assert not socket.accepted


async def test_states_are_passed_on_as_they_change() -> None:
    """A session's outcome reaches the page with its reason."""
    desk = Desk()
    async with desk.as_role(Role.VIEWER).socket("/api/v1/live?topics=case:case_acme") as socket:
        await desk.world.bus.heard("case:case_acme")
        body = {"session_id": "sess_runs", "state": "refused_user", "reason": "the owner said no", "snapshot_id": ""}
        desk.world.bus.publish(Event("case:case_acme", "session", ACME, body))
        assert await socket.read() == {"topic": "case:case_acme", "kind": "session", **body}


async def test_a_bundle_that_is_being_made_is_seen_by_who_may_read_the_case_and_as_text() -> None:
    """So far first, then each section as it comes, in a line of words; a machine's words are data, however long."""
    desk = Desk()
    agent = replace(desk.world.agents["agent_acme1"], case_id="case_acme", label="<b>x</b>")
    drafts = drafts_of(desk.world)

    def frame(section: section_pb2.Section) -> link_pb2.Draft:
        return link_pb2.Draft(
            snapshot_id="snap_9",
            consent_mode=CONSENT_MODE_STREAMING,
            items_total=9,
            sections=[section],
            warnings_total=1,
        )

    cpu = section_pb2.Section(probe="cpu", outcome=section_pb2.PROBE_OUTCOME_OK)
    cpu.cpu.model = "<script>" + "y" * 10_000
    cpu.cpu.logical_total = 2
    await drafts.take(agent, frame(cpu), first=True)
    async with desk.as_role(Role.VIEWER, frozenset({ACME})).socket("/api/v1/live?topics=case:case_acme") as socket:
        first = await socket.read()
        odd = section_pb2.Section(probe="z" * 1000, outcome=-7)  # type: ignore[arg-type]
        await drafts.take(agent, frame(odd), first=False)
        second = await socket.read()
    assert (first["kind"], first["label"], first["items_done"], first["items_total"]) == ("draft", "<b>x</b>", 1, 9)
    assert [(one["label"], one["outcome"]) for one in first["sections"]] == [("Processors", "ok")]
    assert first["sections"][0]["gist"].startswith("Model <script>yyy") and len(first["sections"][0]["gist"]) == 300
    assert (second["items_done"], second["sections"][0]["outcome"], second["sections"][0]["gist"]) == (2, "unknown", "")
    assert len(second["sections"][0]["probe"]) == 60
    async with desk.as_role(Role.ADMIN, frozenset({GLOBEX})).socket("/api/v1/live?topics=case:case_acme") as socket:
        assert not socket.accepted


async def test_a_socket_ends_when_its_login_does() -> None:
    """Disabling acts on open sockets too, within the time of one check."""
    desk = Desk()
    desk.app.state.recheck_seconds = 0.01
    async with desk.as_role(Role.VIEWER).socket("/api/v1/live?topics=fleet") as socket:
        for number, user in list(desk.world.users.items()):
            desk.world.users[number] = replace(user, disabled_at=NOW)
        assert await socket.read() is None
        assert socket.code == 4401


@pytest.mark.parametrize("origin", ["", "https://evil.example", "null"])
async def test_a_cookie_opens_a_socket_only_from_our_own_page(origin: str) -> None:
    """Another site's page cannot use the browser's login, and gets no socket."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN)
    secret = client.headers.pop("authorization").removeprefix("Bearer ")
    client.cookies["__Host-caseprobe"] = secret
    async with client.socket(LIVE, {"origin": origin}) as socket:
        assert (socket.accepted, socket.code) == (False, 4403)
    async with client.socket(LIVE, {"origin": "https://console.test"}) as socket:
        assert socket.accepted


@pytest.mark.parametrize("topics", ["", "weather", "case:", ",".join(f"case:c{n}" for n in range(41))])
async def test_only_known_topics_open_a_socket(topics: str) -> None:
    """Nothing, an unknown kind, an empty id and too many are refused."""
    async with Desk().as_role(Role.ADMIN).socket(f"/api/v1/live?topics={topics}") as socket:
        assert not socket.accepted


async def test_many_viewers_share_one_subscription_and_one_summary() -> None:
    """Work is done once a session, however many look, and stops when the last one leaves."""
    bus = FakeBus()
    hub = Hub(bus)

    async def recent() -> tuple[link_pb2.Rounds, list[link_pb2.Sections]]:
        return rounds(1), []

    async with hub.watch("sess_runs", recent) as one, hub.watch("sess_runs", recent) as other:
        await asyncio.wait_for(one.newer(0), 60)
        assert one is other
        assert len(bus.open) == 1
        assert one.summary() is other.summary()
    assert bus.open == []


async def test_rounds_that_come_twice_count_once() -> None:
    """The backlog and the bus may both bring a round."""
    bus = FakeBus()

    async def recent() -> tuple[link_pb2.Rounds, list[link_pb2.Sections]]:
        bus.publish(told(rounds(2, 3)))
        return rounds(1, 2), []

    async with Hub(bus).watch("sess_runs", recent) as live:
        await asyncio.wait_for(live.newer(1), 60)
        assert [one.number for one in live.rounds] == [1, 2, 3]


async def test_who_watches_what_can_no_longer_be_told_is_told_that() -> None:
    """The rounds so far cannot be read: the socket says so, instead of saying nothing for good."""

    async def recent() -> tuple[link_pb2.Rounds, list[link_pb2.Sections]]:
        raise StorageDamaged("the database is damaged")

    async with Hub(FakeBus()).watch("sess_runs", recent) as live:
        with pytest.raises(Busy, match="look again"):
            await asyncio.wait_for(live.newer(0), 60)
