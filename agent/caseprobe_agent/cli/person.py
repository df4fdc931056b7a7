"""The person in front of a one-shot run: told what happens, shown what would leave, asked."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, TextIO

from caseprobe_agent.app.parts import user_name
from caseprobe_agent.cli.screen import Screen

if TYPE_CHECKING:
    from caseprobe_agent.oneshot import Preview

QUESTION = "Send it?  [y] yes   [n] no, keep the file   [v] view every byte of it first: "


class TerminalPerson:
    """Somebody on a terminal, or nobody: present only where both their keyboard and their screen are there."""

    def __init__(self, keyboard: TextIO, display: TextIO, language: str) -> None:
        self.name = user_name()
        self.present = keyboard.isatty() and display.isatty()
        self.was_asked = False
        self._keyboard = keyboard
        self._screen = Screen(display)
        self._language = language

    def tell(self, line: str) -> None:
        """One line on stderr, so that stdout stays the result's."""
        self._screen.line(line, "dim")

    def agree(self, preview: Preview) -> bool:
        """Show the verdict, what is in the file and who gets it; then ask until the answer is yes or no."""
        self.was_asked = True
        self._show(preview)
        while True:
            answer = self._ask(QUESTION)
            if answer in ("", "n", "no"):
                return False
            if answer in ("y", "yes"):
                return True
            if answer in ("v", "view"):
                self._view(preview)

    def _show(self, preview: Preview) -> None:
        """Everything that a decision needs, on one screen."""
        from caseprobe import texts
        from caseprobe_agent.cli import judgement

        screen, restore = self._screen, preview.redactor.unmask
        screen.line()
        judgement.show_judgement(screen, preview.snapshot.findings, preview.snapshot.coverage, self._language, restore)
        screen.line()
        screen.line("What would be sent", "bold")
        case = f"{preview.case_id} {texts.printable(preview.case_title)}".strip()
        members = ", ".join(f"{name} ({texts.format_bytes(size)})" for name, size in preview.members.items())
        rows = [
            ("to", texts.printable(preview.receiver)),
            ("case", case or "-"),
            ("file", f"{preview.path} ({texts.format_bytes(preview.size_bytes)})"),
            ("in it", members),
            ("hidden", judgement.hidden(preview.snapshot)),
        ]
        rows += [("withheld", name) for name in preview.snapshot.redaction.withheld]
        screen.rows([*rows, *((f"not {name}", why) for name, why in judgement.not_measured(preview.snapshot))])
        screen.line()
        screen.line(preview.consent_text)
        screen.line("Names above are the true ones; in the file they are replaced.", "dim")
        screen.line()

    def _view(self, preview: Preview) -> None:
        """Page through the file's members exactly as they would leave."""
        from caseprobe.bundle import BundleReader

        text = io.StringIO()
        with preview.path.open("rb") as file:
            reader = BundleReader(file)
            for name in reader.names():
                text.write(f"──── {name}\n{reader.read(name).decode('utf-8', 'replace')}\n")
        self._page(text.getvalue())

    def _page(self, text: str) -> None:
        """Screen by screen; q or n ends it. Control characters are shown, not obeyed."""
        from caseprobe.texts import printable

        height = max(4, shutil.get_terminal_size().lines - 2)
        lines = [printable(line) for line in text.splitlines()]
        for start in range(0, len(lines), height):
            print("\n".join(lines[start : start + height]), file=self._screen.stream)
            if start + height >= len(lines):
                return
            answer = self._ask(f"-- {start + height} of {len(lines)} lines; Enter: more, q: back -- ")
            if answer in ("", "q", "n"):
                return

    def _ask(self, question: str) -> str:
        """The answer in small letters, a blank for an empty line; empty where the keyboard is gone."""
        print(question, end="", file=self._screen.stream, flush=True)
        line = self._keyboard.readline()
        return (line.strip().lower() or " ") if line else ""
