"""The person in front of a one-shot run: told what happens, shown what would leave, asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from caseprobe_agent.app.parts import user_name
from caseprobe_agent.cli.screen import Screen

if TYPE_CHECKING:
    from caseprobe.v1.consent_pb2 import ConsentStatement
    from caseprobe_agent.oneshot.again import Kept
    from caseprobe_agent.oneshot.preview import Preview


class TerminalPerson:
    """Somebody on a terminal, or nobody: present only where both their keyboard and their screen are there.

    folder: where a page for their browser may be kept while they look.
    """

    def __init__(self, keyboard: TextIO, display: TextIO, language: str, folder: Path) -> None:
        self.name = user_name()
        self.present = keyboard.isatty() and display.isatty()
        self.was_asked = False
        self._keyboard = keyboard
        self._screen = Screen(display)
        self._language = language
        self._folder = folder

    def tell(self, line: str) -> None:
        """One line on stderr, so that stdout stays the result's."""
        self._screen.line(line, "dim")

    def agree(self, preview: Preview) -> bool:
        """Show the verdict, what is in the file and who gets it; ask until the answer is yes or no."""
        from caseprobe_agent.cli.preview import Dialogue

        self.was_asked = True
        return Dialogue(preview, self._keyboard, self._screen, self._language, self._folder).run()

    def agree_to_kept(self, kept: Kept, statement: ConsentStatement, case_title: str) -> bool:
        """Show what a file that was made earlier is and who gets it; anything but a yes is a no."""
        from caseprobe_agent.cli.kept import agreed

        self.was_asked = True
        return agreed(kept, statement, case_title, self._keyboard, self._screen, self._language)
