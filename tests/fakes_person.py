"""Somebody in front of a one-shot run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from caseprobe_agent.oneshot.preview import Preview


@dataclass
class FakePerson:
    """Somebody who answers what a test wants, or who is not there (answer None)."""

    answer: bool | None
    name: str = "anna"
    told: list[str] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    @property
    def present(self) -> bool:
        """Whether there is anybody to ask."""
        return self.answer is not None

    def tell(self, line: str) -> None:
        """Remember what was told."""
        self.told.append(line)

    def agree(self, preview: Preview) -> bool:
        """Remember what was shown."""
        self.previews.append(preview)
        self.meanwhile()
        return bool(self.answer)
