"""What people see: colour and columns on a terminal, plain lines elsewhere. rich is imported only to draw."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# Severity by the name that JSON has: what stands before it, and how it is drawn.
MARKS: Mapping[str, tuple[str, str]] = {
    "critical": ("●", "bold red"),
    "warn": ("●", "yellow"),
    "info": ("●", "cyan"),
    "ok": ("✓", "green"),
    "unknown": ("?", "magenta"),
    "not_applicable": ("-", "dim"),
}


class Screen:
    """One output stream. On a terminal text is styled and wrapped between words, elsewhere it is written as it is."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.drawn = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._console: Console | None = None

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One paragraph, indented; on a terminal it is wrapped to the width."""
        if not self.drawn:
            for one in text.split("\n"):
                print(" " * indent + one, file=self.stream)
            return
        from rich.padding import Padding
        from rich.text import Text

        self.console().print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def finding(self, state: str, summary: str, details: Iterable[tuple[str, str]]) -> None:
        """A finding: mark, state and summary in columns, then its details, each with its style."""
        mark, style = MARKS.get(state, MARKS["unknown"])
        if not self.drawn:
            print(f"{state.upper():<9} {summary}", file=self.stream)
            for text, _ in details:
                print(f"          {text}", file=self.stream)
            return
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=8)
        table.add_column()
        table.add_row(Text(mark, style), Text(state, style), Text(summary, "bold"))
        for text, how in details:
            table.add_row("", "", Text(text, how))
        self.console().print(table)

    def rows(self, rows: Iterable[tuple[str, str]], indent: int = 2) -> None:
        """Name and value in two columns."""
        listed = list(rows)
        width = max((len(name) for name, _ in listed), default=0)
        if not self.drawn:
            for name, value in listed:
                print(f"{' ' * indent}{name:<{width}}  {value}", file=self.stream)
            return
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(width=width, no_wrap=True)
        # A path or hash is broken, not cut: it is there to be copied.
        table.add_column(overflow="fold")
        for name, value in listed:
            table.add_row(Text(name, "dim"), Text(value))
        self.console().print(Padding(table, (0, 0, 0, indent)))

    def console(self) -> Console:
        """rich's console on this stream; NO_COLOR is respected by it."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self.stream, highlight=False, markup=False, emoji=False)
        return self._console
