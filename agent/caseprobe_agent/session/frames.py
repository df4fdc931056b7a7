"""The frames that a session sends, each on its lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caseprobe.v1 import link_pb2, path_pb2

Send = Callable[[link_pb2.LinkRequest, link_pb2.Lane.ValueType], None]


@dataclass(frozen=True)
class Wire:
    """send queues a frame; mask hides what is private in live rounds, words in an error's text, before any is sent."""

    send: Send
    mask: Callable[[link_pb2.Rounds], link_pb2.Rounds]
    words: Callable[[str], str] = str

    def progress(self, command_id: str, state: link_pb2.ProgressState.ValueType) -> None:
        """Where a command stands."""
        progress = link_pb2.Progress(command_id=command_id, state=state)
        self.send(link_pb2.LinkRequest(progress=progress), link_pb2.LANE_CONTROL)

    def outcome(self, data: bytes) -> None:
        """How a command ended; said again until the collector confirms it."""
        self.send(link_pb2.LinkRequest(outcome=link_pb2.Outcome.FromString(data)), link_pb2.LANE_CONTROL)

    def round(self, session_id: str, round_: path_pb2.PathRound, header: path_pb2.PathFacts | None) -> None:
        """One round of a path, as soon as it is there; header with the first, and where it tells more."""
        rounds = link_pb2.Rounds(session_id=session_id, rounds=[round_], header=header)
        self.send(link_pb2.LinkRequest(rounds=self.mask(rounds)), link_pb2.LANE_LIVE)

    def sections(self, session_id: str, sections: link_pb2.Sections) -> None:
        """One round of sections, sealed before they came here, as soon as it is there."""
        sections.session_id = session_id
        self.send(link_pb2.LinkRequest(sections=sections), link_pb2.LANE_LIVE)
