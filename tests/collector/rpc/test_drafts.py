"""Drafts over a real stream: from a machine's frame to whoever watches its case, and never in another run's way."""

from __future__ import annotations

import asyncio

import pytest

from caseprobe.v1 import link_pb2, section_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_REVIEWED, CONSENT_MODE_STREAMING
from caseprobe_collector.records import Event
from tests.desk import Rig, snapshot_of

WAIT_SECONDS = 10.0


def draft(**fields: object) -> link_pb2.Draft:
    """A draft with one section."""
    section = section_pb2.Section(probe="system", outcome=section_pb2.PROBE_OUTCOME_OK)
    usual = {"snapshot_id": f"snap_{1:032x}", "consent_mode": CONSENT_MODE_STREAMING, "items_total": 2}
    return link_pb2.Draft(**{**usual, "sections": [section], **fields})  # type: ignore[arg-type]


async def heard(events: object, kind: str) -> Event:
    """The next event of a kind."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in events:  # type: ignore[attr-defined]
            if event.kind == kind:
                return event  # type: ignore[no-any-return]
    raise EOFError(kind)


async def test_a_section_reaches_the_case_and_the_end_of_its_stream_is_told(rig: Rig) -> None:
    """The machine's Welcome says how much is taken; the bundle that is stored takes the draft's place."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.bus.subscribe("case:case_1") as events:
        async with rig.stream(machine) as stream:
            assert (await stream.next("welcome")).draft_bytes > 0
            await stream.send(draft=draft())
            event = await heard(events, "draft")
            assert [section.probe for section in event.sections] == ["system"]
        assert (await heard(events, "draft")).body["state"] == "cut"
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
            await stream.deliver(snapshot_of(machine, case_id="case_1"))
            await stream.acks_until(1)
    assert rig.drafts.so_far("case_1") == []


async def test_who_may_not_show_is_told_why_and_ended(rig: Rig) -> None:
    """A reviewed bundle is not for anybody's eyes before its owner's."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.stream(machine) as stream:
        await stream.next("welcome")
        await stream.send(draft=draft(consent_mode=CONSENT_MODE_REVIEWED))
        assert (await stream.next("refusal")).code == "not_allowed"
        with pytest.raises(EOFError):
            await stream.next("ack")
    assert rig.drafts.so_far("case_1") == []


async def test_a_bundle_on_its_way_does_not_wait_for_one_that_is_only_shown(rig: Rig) -> None:
    """Two runs of one person share their key: the one that has a file to send goes first."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.bus.subscribe("case:case_1") as events, rig.stream(machine, instance_id="a") as showing:
        await showing.next("welcome")
        await showing.send(draft=draft())
        await heard(events, "draft")
        async with rig.stream(machine, instance_id="b") as sending:
            await sending.next("welcome")
            assert (await showing.next("refusal")).code == "replaced"
