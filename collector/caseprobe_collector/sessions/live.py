"""What is live of the newest sessions, in memory: whose each is, and the rounds that a page is shown first.

Rounds are those of a path, or of sections: what a watch measured, new lines of a log.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_collector.ports import Bus
from caseprobe_collector.records import Event, SessionRecord

ROUNDS_KEPT = 600
LIVE_KEPT = 1000
# Of rounds of sections; the oldest make way. One alone is no larger than a machine may send at once.
SECTIONS_KEPT, SECTIONS_BYTES = 120, 256 << 10


@dataclass
class Live:
    """What a page that opens in the middle of a session is shown first."""

    agent_id: str
    case_id: str
    customer_id: str
    rounds: deque[path_pb2.PathRound] = field(default_factory=lambda: deque(maxlen=ROUNDS_KEPT))
    header: path_pb2.PathFacts | None = None
    sections: deque[link_pb2.Sections] = field(default_factory=deque)
    _sections_bytes: int = 0

    def add_sections(self, one: link_pb2.Sections) -> None:
        """Keep a round of sections, and of those before it what there is room for."""
        self.sections.append(one)
        self._sections_bytes += one.ByteSize()
        while len(self.sections) > 1 and (len(self.sections) > SECTIONS_KEPT or self._sections_bytes > SECTIONS_BYTES):
            self._sections_bytes -= self.sections.popleft().ByteSize()


class LiveSessions:
    """The newest so many; of an older one its record is read again."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._live: OrderedDict[str, Live] = OrderedDict()

    def get(self, session_id: str) -> Live | None:
        """What is known of a session here."""
        return self._live.get(session_id)

    def remember(self, session: SessionRecord) -> Live:
        """What is known of a session from now on."""
        live = self._live.get(session.session_id)
        if live is None:
            live = self._live[session.session_id] = live_of(session)
            while len(self._live) > LIVE_KEPT:
                self._live.popitem(last=False)
        return live

    def forget(self, session_id: str) -> None:
        """It has ended."""
        self._live.pop(session_id, None)

    def announce(self, session: SessionRecord, state: str, reason: str = "", snapshot_id: str = "") -> None:
        """Tell whoever looks at the session or its case where it stands."""
        self.publish(
            live_of(session), session.session_id, {"state": state, "reason": reason, "snapshot_id": snapshot_id}
        )

    def publish(self, live: Live, session_id: str, body: dict[str, str]) -> None:
        """The same, for one that is remembered."""
        body = {"session_id": session_id, "agent_id": live.agent_id, **body}
        for topic in (f"session:{session_id}", f"case:{live.case_id}"):
            self._bus.publish(Event(topic, "session", live.customer_id, body))


def live_of(session: SessionRecord) -> Live:
    """A session of which nothing came yet."""
    return Live(session.agent_id, session.case_id, session.customer_id)
