"""Bundles that are being made, as far as their cases see them already: in memory, bounded, never evidence.

What a machine tells of a bundle on its way is passed on at once and kept for pages that open in the middle. Nothing
durable stands on this path and nothing is concluded from it: the file that follows is stored, proved and judged as if
there had been no draft, and takes its place.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from caseprobe.errors import CaseClosed, Corrupt, NotAllowed, TooLarge
from caseprobe.v1 import link_pb2, section_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_collector.ports import Bus, CaseStore, Clock
from caseprobe_collector.records import Agent, Event

# All drafts of one stream, and of all machines together; those make way that were told of longest ago.
DRAFT_BYTES, ALL_BYTES = 1 << 20, 32 << 20
# Each costs its readers something, however small it is.
LEAST_BYTES = 512
# After its last word, for a file that is still on its way.
KEPT_SECONDS = 120.0
MAX_ID = 64


@dataclass
class _Draft:
    """One bundle that is being made."""

    agent: Agent
    snapshot_id: str
    newest: link_pb2.Draft
    sections: dict[str, section_pb2.Section] = field(default_factory=dict)
    size_bytes: int = 0
    changed: float = 0.0
    # measuring, measured; cut: its stream ended in the middle.
    state: str = "measuring"

    def event(self, sections: list[section_pb2.Section]) -> Event:
        """What a page is told of it, with these of its sections."""
        body: dict[str, Any] = {
            "snapshot_id": self.snapshot_id,
            "agent_id": self.agent.agent_id,
            "label": self._label(),
            "state": self.state,
            "items_total": max(self.newest.items_total, len(self.sections)),
            "items_done": len(self.sections),
            "warnings_total": self.newest.warnings_total,
            "criticals_total": self.newest.criticals_total,
        }
        return Event(f"case:{self.agent.case_id}", "draft", self.agent.customer_id, body, sections=tuple(sections))

    def _label(self) -> str:
        """What the machine calls itself in its first section: a stand-in."""
        system = self.sections.get("system")
        return (system.system.host_name if system else "") or self.agent.label


class Drafts:
    """The newest draft of each machine, those first that were told of longest ago."""

    def __init__(self, cases: CaseStore, bus: Bus, clock: Clock) -> None:
        self._cases, self._bus, self._clock = cases, bus, clock
        self._drafts: OrderedDict[str, _Draft] = OrderedDict()
        self._size_bytes = 0

    async def take(self, agent: Agent, frame: link_pb2.Draft, first: bool) -> None:
        """Keep what a machine tells and pass it on to whoever has the case open, which is the one of the join code.

        first: nothing came on its stream before. Raises NotAllowed, CaseClosed, Corrupt, TooLarge: then it is to end.
        """
        if frame.consent_mode != CONSENT_MODE_STREAMING:
            raise NotAllowed("its owner was to look at this bundle first: nothing of it is shown before they did")
        draft = await self._begin(agent, frame) if first else self._drafts.get(agent.agent_id)
        if draft is None or draft.state != "measuring" or draft.snapshot_id != frame.snapshot_id:
            raise Corrupt("a stream shows one bundle, and only while it is measured")
        size_bytes = max(LEAST_BYTES, frame.ByteSize())
        if draft.size_bytes + size_bytes > DRAFT_BYTES:
            raise TooLarge(f"more than {DRAFT_BYTES >> 20} MiB is told by the bundle itself")
        self._add(draft, frame, size_bytes)
        self._make_room()

    def leave(self, agent_id: str, snapshot_id: str) -> None:
        """The stream ended that showed this bundle."""
        draft = self._drafts.get(agent_id)
        if draft is not None and draft.snapshot_id == snapshot_id and draft.state == "measuring":
            draft.state = "cut"
            self._touch(draft)
            self._bus.publish(draft.event([]))

    def forget(self, snapshot_id: str) -> None:
        """The bundle itself is there."""
        for agent_id in [name for name, draft in self._drafts.items() if draft.snapshot_id == snapshot_id]:
            self._drop(agent_id)

    def so_far(self, case_id: str) -> list[Event]:
        """For each bundle that is being made for a case one event with all that came of it, the newest last."""
        oldest = self._clock.monotonic() - KEPT_SECONDS
        drafts = [draft for draft in self._drafts.values() if draft.agent.case_id == case_id and draft.changed > oldest]
        return [draft.event(list(draft.sections.values())) for draft in drafts]

    async def _begin(self, agent: Agent, frame: link_pb2.Draft) -> _Draft:
        case = await self._cases.get_case(agent.case_id, frozenset({agent.customer_id})) if agent.case_id else None
        if case is None:
            raise NotAllowed("this key was let in for no case")
        if case.state != "open":
            raise CaseClosed("the case of this join code is closed; ask support to reopen it")
        if not 0 < len(frame.snapshot_id) <= MAX_ID:
            raise Corrupt("a draft names its bundle")
        self._drop(agent.agent_id)
        draft = self._drafts[agent.agent_id] = _Draft(agent, frame.snapshot_id, frame)
        return draft

    def _add(self, draft: _Draft, frame: link_pb2.Draft, size_bytes: int) -> None:
        sections = list(frame.sections)
        draft.sections.update((section.probe, section) for section in sections)
        draft.newest = frame
        draft.size_bytes += size_bytes
        self._size_bytes += size_bytes
        self._touch(draft)
        draft.state = "measured" if frame.measured else "measuring"
        self._bus.publish(draft.event(sections))

    def _make_room(self) -> None:
        """Forget what is over, and what was told of longest ago where all together are too much."""
        oldest = self._clock.monotonic() - KEPT_SECONDS
        while self._drafts:
            agent_id, draft = next(iter(self._drafts.items()))
            if draft.changed > oldest and self._size_bytes <= ALL_BYTES:
                return
            self._drop(agent_id)

    def _touch(self, draft: _Draft) -> None:
        draft.changed = self._clock.monotonic()
        self._drafts.move_to_end(draft.agent.agent_id)

    def _drop(self, agent_id: str) -> None:
        draft = self._drafts.pop(agent_id, None)
        self._size_bytes -= draft.size_bytes if draft is not None else 0
