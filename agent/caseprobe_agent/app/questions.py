"""The owner of a resident agent: questions wait here until somebody answers them on this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from caseprobe.errors import NotFound
from caseprobe_agent.consent import Ask
from caseprobe_agent.consent.policy import kind_name
from caseprobe_agent.consent.texts import consent_text, printable
from caseprobe_agent.gate import Answer

log = logging.getLogger("caseprobe.consent")


@dataclass(frozen=True)
class Question:
    """One open question: a short number to answer it by, what is asked, since when."""

    number: int
    ask: Ask
    since: datetime
    future: asyncio.Future[Answer]

    def document(self, language: str) -> dict[str, object]:
        """For `caseprobe consent list`."""
        ask = self.ask
        return {
            "id": str(self.number),
            "session_id": ask.command_id,
            "kind": kind_name(ask.kind),
            "case_id": ask.case_id,
            "case_title": printable(ask.case_title),
            "requested_by": printable(ask.requester_name or ask.requested_by),
            "target": printable(ask.target),
            "since": self.since.astimezone(UTC).isoformat(timespec="seconds"),
            "text": consent_text(ask, kind_name(ask.kind), language),
        }


class Questions:
    """Asks, and gives the answers back to the gate. announce tells whoever watches the agent's messages."""

    def __init__(self, language: str, clock: Callable[[], datetime], announce: Callable[[str], None]) -> None:
        self._language = language
        self._clock = clock
        self._announce = announce
        self._open: dict[int, Question] = {}
        self._last = 0

    async def answer(self, ask: Ask) -> Answer:
        """What somebody on this machine says, however long it takes; withdrawn when nobody waits any more."""
        self._last += 1
        question = Question(self._last, ask, self._clock(), asyncio.get_running_loop().create_future())
        self._open[question.number] = question
        self._announce(
            f"{consent_text(ask, kind_name(ask.kind), self._language)}\n"
            f"answer with: caseprobe consent allow {question.number}   or: caseprobe consent deny {question.number}"
        )
        try:
            return await question.future
        finally:
            del self._open[question.number]

    def waiting(self) -> list[dict[str, object]]:
        """The open questions, oldest first."""
        return [question.document(self._language) for question in self._open.values()]

    def settle(self, name: str, allowed: bool, by: str, language: str = "") -> Ask:
        """Answer a question by its number or its session's id; raises NotFound."""
        question = self._find(name)
        shown_in = language or self._language
        text = consent_text(question.ask, kind_name(question.ask.kind), shown_in)
        if not question.future.done():
            question.future.set_result(Answer(allowed, by, text, shown_in))
        return question.ask

    def _find(self, name: str) -> Question:
        for question in self._open.values():
            if name in (str(question.number), question.ask.command_id):
                return question
        raise NotFound(f"no open question {name!r}; `caseprobe consent list` shows them")
