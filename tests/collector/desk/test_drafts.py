"""Bundles that are being made: passed on at once, kept a while, bounded whatever a machine sends, shown in one case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from caseprobe.errors import CaseClosed, CaseprobeError, Corrupt, NotAllowed, TooLarge
from caseprobe.v1 import link_pb2, section_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, CONSENT_MODE_STREAMING
from caseprobe_collector.drafts import ALL_BYTES, DRAFT_BYTES, KEPT_SECONDS, LEAST_BYTES
from caseprobe_collector.records import Agent, Event
from tests.fakes_console import NOW, FakeClock, World
from tests.worlds_console import ACME, GLOBEX, drafts_of, fill

TOPIC = "case:case_acme"


class Stage:
    """A world's drafts, a machine that was let in for its case, and who listens."""

    def __init__(self) -> None:
        self.world, self.clock = World(), FakeClock()
        fill(self.world)
        self.drafts = drafts_of(self.world, self.clock)
        self.agent = Agent("agent_1", ACME, "one-shot", "linux", "0.1.0", "one_shot", NOW, NOW, case_id="case_acme")
        self.events = self.world.bus.subscribe(TOPIC)
        self.world.bus.open.append(self.events)

    async def take(self, *names: str, first: bool = False, agent: Agent | None = None, **fields: Any) -> None:
        """A frame with sections of these names."""
        sections = [section_pb2.Section(probe=name, outcome=section_pb2.PROBE_OUTCOME_OK) for name in names]
        usual = {"snapshot_id": "snap_1", "consent_mode": CONSENT_MODE_STREAMING, "items_total": 3}
        frame = link_pb2.Draft(**{**usual, "sections": sections, **fields})
        await self.drafts.take(agent or self.agent, frame, first)

    def heard(self) -> list[Event]:
        """What listeners of the case were told since the last look."""
        return [self.events.queue.get_nowait() for _ in range(self.events.queue.qsize())]

    def seen(self, case_id: str = "case_acme") -> list[list[str]]:
        """What a page that opens now is told: the sections of each bundle."""
        return [[section.probe for section in event.sections] for event in self.drafts.so_far(case_id)]


async def test_each_section_is_passed_on_as_it_comes_and_all_to_a_page_that_opens_later() -> None:
    """New sections only, with the totals; from the start for whoever comes late; and what the machine is called."""
    stage = Stage()
    system = section_pb2.Section(probe="system", outcome=section_pb2.PROBE_OUTCOME_OK)
    system.system.host_name = "host-abc"
    await stage.take(first=True, sections=[system])
    await stage.take("cpu", "memory", warnings_total=2)
    first, second = stage.heard()
    assert (first.kind, first.customer_id, first.body["label"], first.body["items_done"]) == (
        "draft",
        ACME,
        "host-abc",
        1,
    )
    assert [section.probe for section in second.sections] == ["cpu", "memory"]
    assert (second.body["items_done"], second.body["items_total"], second.body["warnings_total"]) == (3, 3, 2)
    assert stage.seen() == [["system", "cpu", "memory"]]
    assert stage.seen("case_globex") == []


@pytest.mark.parametrize(
    ("change", "fields", "error"),
    [
        ({}, {"consent_mode": CONSENT_MODE_REVIEWED}, NotAllowed),
        ({}, {"consent_mode": 0}, NotAllowed),
        ({"case_id": ""}, {}, NotAllowed),
        ({"case_id": "case_globex"}, {}, NotAllowed),
        ({"customer_id": GLOBEX}, {}, NotAllowed),
        ({"case_id": "case_closed"}, {}, CaseClosed),
        ({}, {"snapshot_id": ""}, Corrupt),
        ({}, {"snapshot_id": "x" * 100}, Corrupt),
    ],
)
async def test_nothing_is_shown_without_consent_case_and_name(
    change: dict[str, Any], fields: dict[str, Any], error: type[CaseprobeError]
) -> None:
    """A bundle that is to be looked at first, a key let in for no case or another customer's, a closed one."""
    stage = Stage()
    with pytest.raises(error):
        await stage.take("system", first=True, agent=replace(stage.agent, **change), **fields)
    assert (stage.heard(), stage.seen(), stage.seen("case_globex")) == ([], [], [])


async def test_a_stream_shows_one_bundle_and_only_while_it_is_measured() -> None:
    """Another bundle's sections, and any after the last, end the stream; what was seen stays."""
    stage = Stage()
    await stage.take("system", first=True)
    with pytest.raises(Corrupt):
        await stage.take("cpu", snapshot_id="snap_2")
    await stage.take(measured=True)
    with pytest.raises(Corrupt):
        await stage.take("cpu")
    assert stage.seen() == [["system"]]


async def test_a_machine_that_goes_on_for_ever_is_ended() -> None:
    """By its bytes, and where they are few, by its frames."""
    stage = Stage()
    with pytest.raises(TooLarge):
        await stage.take("system", first=True, sections=[section_pb2.Section(probe="x" * DRAFT_BYTES)])
    await stage.take("system", first=True)
    with pytest.raises(TooLarge):
        for _ in range(DRAFT_BYTES // LEAST_BYTES + 1):
            await stage.take("system")


async def test_all_machines_together_have_a_limit() -> None:
    """The oldest make way."""
    stage = Stage()
    large = section_pb2.Section(probe="x" * (DRAFT_BYTES // 2))
    for number in range(2 * ALL_BYTES // DRAFT_BYTES + 2):
        await stage.take(first=True, agent=replace(stage.agent, agent_id=f"agent_{number}"), sections=[large])
    kept = [event.body["agent_id"] for event in stage.drafts.so_far("case_acme")]
    assert 0 < len(kept) <= 2 * ALL_BYTES // DRAFT_BYTES
    assert "agent_0" not in kept


async def test_a_cut_is_told_and_the_bundle_itself_takes_its_place() -> None:
    """Cut in the middle: said so. Stored: gone. What is measured whole waits for its file when its stream ends."""
    stage = Stage()
    await stage.take("system", first=True)
    stage.drafts.leave("agent_1", "snap_1")
    assert [event.body["state"] for event in stage.heard()] == ["measuring", "cut"]
    await stage.take("system", first=True, measured=True)
    stage.drafts.leave("agent_1", "snap_1")
    assert [event.body["state"] for event in stage.heard()] == ["measured"]
    stage.drafts.forget("snap_1")
    assert stage.seen() == []


async def test_a_newer_run_is_not_cut_by_the_end_of_the_one_before() -> None:
    """One person started twice: the first stream ends late, and the second goes on."""
    stage = Stage()
    await stage.take("system", first=True)
    await stage.take("system", first=True, snapshot_id="snap_2")
    stage.drafts.leave("agent_1", "snap_1")
    await stage.take("cpu", snapshot_id="snap_2")
    assert [event.body["state"] for event in stage.heard()] == ["measuring"] * 3
    assert stage.seen() == [["system", "cpu"]]


async def test_what_no_bundle_followed_is_forgotten() -> None:
    """After two minutes without a word."""
    stage = Stage()
    await stage.take("system", first=True)
    stage.clock.time = NOW + 1.5 * timedelta(seconds=KEPT_SECONDS)
    assert stage.seen() == []
