"""What passes the link live is redacted here: the rules are loaded when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caseprobe.errors import RedactionError
from caseprobe.v1 import link_pb2
from caseprobe_agent.seal import Hiding

if TYPE_CHECKING:
    from caseprobe.redaction import Redactor


class Masker:
    """Hides what is private in live rounds and in errors' texts. The rules are loaded when first needed, not before."""

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding
        self._made: Redactor | None = None

    def rounds(self, rounds: link_pb2.Rounds) -> link_pb2.Rounds:
        """The rounds as they may leave."""
        return self._redactor().rounds(rounds)

    def text(self, text: str) -> str:
        """The text as it may leave; nothing of it where the pipe fails."""
        try:
            return self._redactor().text(text)
        except RedactionError as error:
            return str(error)

    def _redactor(self) -> Redactor:
        if self._made is None:
            from caseprobe.redaction import Redactor, known_names

            hiding = self._hiding
            known = known_names(hiding.host_name, hiding.passwd, hiding.hosts)
            self._made = Redactor(hiding.key, hiding.asset_masked, known)
        return self._made
