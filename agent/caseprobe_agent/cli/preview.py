"""The dialogue before a bundle leaves: list, view, compare, leave out, and at last yes or no. Plain text serves."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from caseprobe import texts
from caseprobe.errors import UsageError
from caseprobe.report.words import Words
from caseprobe_agent.cli import judgement
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.oneshot.content import Item
from caseprobe_agent.oneshot.page import render_page
from caseprobe_agent.oneshot.preview import Preview

PAGE_NAME = "caseprobe-preview.html"


class Dialogue:
    """One preview on one terminal. folder: where the page may be written, for this user alone."""

    def __init__(self, preview: Preview, keyboard: TextIO, screen: Screen, language: str, folder: Path) -> None:
        self._preview = preview
        self._keyboard = keyboard
        self._screen = screen
        self._words = Words(language if language in texts.LANGUAGES else "en")
        self._page = folder / PAGE_NAME

    def run(self) -> bool:
        """Whether the owner says yes to exactly the file that is shown last; an end of input is a no."""
        try:
            self._findings()
            self._show()
            while (answer := self._answered()) is None:
                continue
            return answer
        finally:
            self._page.unlink(missing_ok=True)

    def _answered(self) -> bool | None:
        """One answer: yes, no, or None where it was something to look at."""
        line = self._ask(self._words("preview_question"))
        verb, *rest = line.split() or [""]
        if verb in ("y", "yes"):
            return True
        if line == "" or verb in ("n", "no"):
            return False
        look = self._looks().get(verb)
        if look is None or (verb in "bd" and not rest):
            if verb not in ("", "?", "h", "help"):
                self._screen.line(self._words.filled("preview_no_answer", answer=texts.printable(verb)), "red")
            look, rest = self._help, []
        try:
            look(rest)
        except UsageError as error:
            self._screen.line(str(error), "red")
        return None

    def _looks(self) -> dict[str, Callable[[Sequence[str]], None]]:
        return {"v": self._view, "view": self._view, "b": self._compare, "d": self._drop, "a": self._list_areas}

    # --- what is shown ---

    def _findings(self) -> None:
        """What the machine's own report says, with its true names."""
        snapshot, words = self._preview.snapshot, self._words
        self._screen.line()
        restore = self._preview.restore
        judgement.show_judgement(self._screen, snapshot.findings, snapshot.coverage, words.language, restore)
        self._screen.line(words("preview_names"), "dim")

    def _show(self) -> None:
        """Everything that a decision needs."""
        screen, words, preview = self._screen, self._words, self._preview
        files = [item for item in preview.items() if not item.area]
        screen.line()
        screen.line(f"{words('preview_title')} – {words('preview_unsent')}", "bold")
        screen.rows(self._about())
        screen.line()
        for item in files:
            self._item(item)
        screen.line()
        screen.line(words.filled("preview_leaves", n=len(files), receiver=preview.addressee.name))
        screen.line(words("preview_stays"))
        screen.line()
        screen.line(f"{words('preview_agreed')} (y):", "bold")
        screen.line(preview.addressee.consent_text, indent=2)
        screen.line()

    def _about(self) -> list[tuple[str, str]]:
        """To whom, for what, which file, and what is not in it."""
        words, preview = self._words, self._preview
        case = f"{preview.addressee.case_id} {texts.printable(preview.addressee.case_title)}".strip()
        rows = [
            (words("preview_to"), texts.printable(preview.addressee.name)),
            (words("preview_case"), case or "-"),
            (words("preview_file"), f"{preview.path} ({self._size(preview.size_bytes)})"),
            (words("preview_sha256"), preview.sha256.hex()),
        ]
        if self._write_page():
            rows.append((words("preview_browser"), f"file://{self._page}"))
        rows += [(words("preview_left_out"), one.name) for one in preview.left_out]
        rows += [(words("preview_withheld"), name) for name in preview.snapshot.redaction.withheld]
        missing = ", ".join(name for name, _ in judgement.not_measured(preview.snapshot))
        return [*rows, (words("preview_missing"), missing)] if missing else rows

    def _item(self, item: Item) -> None:
        """What it is, why it is there, and how private it was."""
        words, total = self._words, sum(item.hidden.values())
        hidden = words.filled("preview_hidden_count", n=total) if total else ""
        size = self._size(item.size_bytes)
        self._screen.line(f"{item.number:>3}  {item.name:<24} {size:>9}  {hidden}".rstrip(), "bold")
        needed = f" ({words('preview_needed')})" if item.needed else ""
        self._screen.line(f"{words(item.why)}{needed}", indent=5)
        if not item.derived:
            kinds = [f"{words.count(n)} {words.kind(rule)}" for rule, n in sorted(item.hidden.items(), key=_most)]
            self._screen.line(" · ".join((words(f"privacy_{item.privacy}"), *kinds)), "dim", 5)

    def _write_page(self) -> bool:
        """The same as a page, readable by this user alone; without it the terminal says everything, too."""
        page = render_page(self._preview, self._words.language).encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            self._page.unlink(missing_ok=True)
            self._page.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._page, flags, 0o600), "wb") as file:
                file.write(page)
            return True
        return False

    # --- what can be asked ---

    def _help(self, _wanted: Sequence[str]) -> None:
        for line in self._words("preview_help").split("\n"):
            self._screen.line(line)

    def _list_areas(self, _wanted: Sequence[str]) -> None:
        self._screen.line(self._words("preview_areas"), "bold")
        areas = [item for item in self._preview.items() if item.area]
        rows = [
            (f"{one.number:>3}  {one.name}", f"{self._words(one.why)}, {self._size(one.size_bytes)}") for one in areas
        ]
        self._screen.rows(rows)

    def _view(self, wanted: Sequence[str]) -> None:
        """Page through items exactly as they would leave; all files where none is named."""
        items = [self._preview.find(one) for one in wanted]
        chosen = items or [item for item in self._preview.items() if not item.area]
        text = io.StringIO()
        for item in chosen:
            text.write(f"──── {item.number} {item.name}\n{self._preview.content(item)}\n")
        self._paged(iter(text.getvalue().splitlines()))

    def _compare(self, wanted: Sequence[str]) -> None:
        """Before and after of each value that was hidden or replaced."""
        for item in [self._preview.find(one) for one in wanted]:
            if not self._paged(self._compared(item)):
                self._screen.line(self._words("preview_unchanged"))

    def _compared(self, item: Item) -> Iterator[str]:
        for change in self._preview.changes(item):
            before, after = change.told()
            yield from (change.place, f"  - {before}", f"  + {after}")

    def _drop(self, wanted: Sequence[str]) -> None:
        names = self._preview.drop(wanted)
        self._screen.line(self._words.filled("preview_dropped", names=", ".join(names)))
        self._show()

    def _paged(self, lines: Iterator[str]) -> int:
        """Screen by screen, each line whole; q or n ends it. Control characters are not obeyed. Gives how many."""
        width, height = shutil.get_terminal_size()
        shown = rows = 0
        for text in (piece for line in lines for piece in _pieces(texts.visible(line), width * (height - 2))):
            needed = max(1, -(-len(text) // max(1, width)))
            if shown and rows + needed > max(4, height - 2):
                if self._ask(self._words.filled("preview_lines", n=shown)) in ("", "q", "n"):
                    break
                rows = 0
            print(text, file=self._screen.stream)
            shown, rows = shown + 1, rows + needed
        return shown

    def _size(self, size_bytes: int) -> str:
        return texts.format_bytes(size_bytes, self._words.language)

    def _ask(self, question: str) -> str:
        """The answer in small letters, a blank for an empty line; empty where the keyboard is gone."""
        print(question, end="", file=self._screen.stream, flush=True)
        line = self._keyboard.readline()
        return (line.strip().lower() or " ") if line else ""


def _most(counted: tuple[str, int]) -> int:
    """What there is most of comes first."""
    return -counted[1]


def _pieces(line: str, most: int) -> Iterator[str]:
    """A line, or as many as fill a screen each."""
    yield from (line[begin : begin + max(1, most)] for begin in range(0, max(1, len(line)), max(1, most)))
