"""A path as a table that follows the rounds, drawn with rich."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from caseprobe.v1 import path_pb2
from caseprobe_agent.cli.path.history import KEPT, LOST, History
from caseprobe_agent.cli.path.keys import take_keys
from caseprobe_agent.cli.path.plain import PLACES, addresses, closing, meaning, title
from caseprobe_agent.cli.path.rows import milliseconds
from caseprobe_agent.cli.path.service import service_lines
from caseprobe_agent.cli.path.view import Facts

DRAW_SECONDS = 0.1  # at most ten drawings a second, however fast the rounds
WIDE = 130  # columns from which on all figures are shown
KEYS = "d: figures, bars or both   p: hold the picture   q: end"
BOTH, FIGURES, BARS = range(3)
WIDE_FIGURES = ("loss", "sent", "last", "best", "avg", "p95", "worst", "jitter")
NARROW_FIGURES = ("loss", "last", "avg", "worst")
# Below this width a person sees bars, or figures, or the two that matter most, never a figure that is cut.
SLIM, SLIM_FIGURES = 80, ("loss", "avg")
MARGIN = 58  # what hop, address and meaning take
STYLES = {
    "loss": "bold red",
    "filtered": "bold red",
    "rate_limited": "yellow",
    "slow_control_plane": "yellow",
    "silent": "dim",
}
VERDICT_STYLES = {"path.ok": "bold green", "path.needs_more": "bold yellow", "path.target_silent": "bold yellow"}


class LiveView:
    """The table while the trace runs; its last state stays on the terminal.

    Keys are those of mtr: d shows figures, bars or both, p holds the picture, q ends the trace.
    """

    def __init__(self, language: str, console: Console | None = None) -> None:
        self._language = language
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._history = History()
        self._drawn_at = 0.0
        self._facts: Facts | None = None
        self._shown = BOTH
        self._held = False
        self._task: asyncio.Task[object] | None = None
        self._restore: Callable[[], None] | None = None
        self.left = False

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last table and give the terminal back."""
        self._live.stop()
        if self._restore is not None:
            self._restore()

    def begin(self, header: path_pb2.PathFacts) -> None:
        """Show that the first round is under way, and listen to keys; called by the task that traces."""
        self._live.update(Text(f"{title(header)} …"), refresh=True)
        self._task = asyncio.current_task()
        self._restore = take_keys(self.press)

    def add(self, round_: path_pb2.PathRound, facts: Facts) -> None:
        """Draw the round, unless one was drawn just now."""
        self._history.add(round_)
        self._facts = facts
        now = time.monotonic()
        if not self._held and now - self._drawn_at >= DRAW_SECONDS:
            self._drawn_at = now
            self._refresh()

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        if key == "q" and self._task is not None:
            self.left = True
            self._task.cancel()
        elif key == "d":
            self._shown = (self._shown + 1) % 3
        elif key in "p ":
            self._held = not self._held
        self._refresh()

    def _refresh(self) -> None:
        """Draw what is known, with what the keys do underneath."""
        if self._facts is not None:
            held = "held, p goes on" if self._held else KEYS
            parts = (self.draw(self._facts()), *([Text(held, style="dim")] if self._restore else []))
            self._live.update(Group(*parts), refresh=True)

    def end(self, facts: path_pb2.PathFacts) -> None:
        """Draw the final state."""
        self._live.update(self.draw(facts), refresh=True)

    def draw(self, facts: path_pb2.PathFacts) -> RenderableType:
        """Title, table and sentence for the terminal's width."""
        wide = self._console.width >= WIDE
        style = VERDICT_STYLES.get(facts.verdict.message_id, "bold red")
        sentences = [
            Text(line, style=style if n == 0 else "yellow") for n, line in enumerate(closing(facts, self._language))
        ]
        service = service_lines(facts.service, self._language) if facts.HasField("service") else []
        table = (Text(title(facts), style="dim"), self._table(facts, wide)) if facts.hops else ()
        return Group(*map(Text, service), *table, *sentences)

    def _table(self, facts: path_pb2.PathFacts, wide: bool) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="dim")
        slim = self._shown == BOTH and self._console.width < SLIM
        figures: Sequence[str] = WIDE_FIGURES if wide else SLIM_FIGURES if slim else NARROW_FIGURES
        figures = ("loss",) if self._shown == BARS else figures
        table.add_column("hop", justify="right", no_wrap=True)
        table.add_column("address", no_wrap=True, min_width=15, overflow="ellipsis")
        for name in figures:
            table.add_column(name, justify="right", no_wrap=True, min_width=len(name) + 1)
        if self._shown != FIGURES:
            table.add_column("rounds", no_wrap=True)
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for hop in facts.hops:
            table.add_row(*self._cells(hop, figures))
        return table

    def _cells(self, hop: path_pb2.PathHop, figures: Sequence[str]) -> list[Text]:
        style = STYLES.get(hop.classification, "")
        numbers = [Text(self._figure(hop, name), style=style if name == "loss" else "") for name in figures]
        bars = max(8, min(KEPT, self._console.width - MARGIN - 8 * len(figures)))
        return [
            Text(str(hop.ttl)),
            Text(addresses(hop), style=style),
            *numbers,
            *([self._bars(hop, bars)] if self._shown != FIGURES else []),
            Text(", ".join(filter(None, (*(cell(hop) for cell in PLACES.values()), meaning(hop)))), style=style),
        ]

    def _figure(self, hop: path_pb2.PathHop, name: str) -> str:
        if name == "loss":
            return f"{hop.loss_ratio:.1%}" if hop.sent else "-"
        if name == "sent":
            return str(hop.sent)
        if name == "last":
            last = self._history.last(hop.ttl)
            return "-" if last is None else milliseconds(last)
        return milliseconds(getattr(hop, f"{name}_seconds")) if hop.received else "-"

    def _bars(self, hop: path_pb2.PathHop, width: int) -> Text:
        """Bars with every lost echo marked, in a colour of its own where there are colours."""
        text = Text(self._history.bars(hop.ttl, width), style="cyan")
        if hop.received:
            text.highlight_words([LOST], style="bold red")
        return text
