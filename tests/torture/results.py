"""What many runs gave, one JSON object a line; summed across runs, and shown as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.oracle import Outcome

MARKS = ("<!-- torture: begin -->", "<!-- torture: end -->")
MUTANT_MARKS = ("<!-- mutants: begin -->", "<!-- mutants: end -->")
LONGEST_WRONG, LONGEST_SEEN = 300, 90
SHOWN_SEEDS = 6


@dataclass(frozen=True)
class Slice:
    """One line of the file: so many runs of one fault with one seed."""

    kind: str
    seed: int
    commit: str
    date: str
    seconds: float
    outcome: Outcome
    not_run: str = ""

    def line(self) -> str:
        """As JSON."""
        document = {**asdict(self), **asdict(self.outcome)}
        del document["outcome"]
        for name, lines in (("wrong", self.outcome.wrong), ("late", self.outcome.late)):
            document[name] = [one[:LONGEST_WRONG] for one in lines[:10]]
        return json.dumps({name: value for name, value in document.items() if value or name == "seed"})


@dataclass
class Total:
    """All slices of one fault."""

    outcome: Outcome = field(default_factory=Outcome)
    seeds: list[int] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    not_run: str = ""


@dataclass(frozen=True)
class Guard:
    """One invariant and what is known to fail without it. mutants: name, words, fault."""

    number: int
    words: str
    planted: Sequence[str]
    mutants: Sequence[tuple[str, str, str]]


def append(path: Path, one: Slice) -> None:
    """Keep a slice."""
    with path.open("a") as file:
        file.write(one.line() + "\n")


def read(path: Path) -> dict[str, Total]:
    """The totals of a file by fault; empty where there is none."""
    totals: dict[str, Total] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        document = json.loads(line)
        total = totals.setdefault(document["kind"], Total())
        total.outcome.add(outcome_of(document))
        total.not_run = document.get("not_run", "")
        if not total.not_run:
            total.seeds.append(document["seed"])
            _once(total.commits, document["commit"])
            _once(total.dates, document["date"])
    return totals


def outcome_of(document: dict[str, Any]) -> Outcome:
    """The figures in a line."""
    names = Outcome.__dataclass_fields__
    return Outcome(**{name: value for name, value in document.items() if name in names})


def table(rows: Iterable[tuple[str, str, Total]], asked: dict[str, int]) -> str:
    """The totals as Markdown; rows: fault, what it does, its total."""
    lines = [
        "| fault | runs / asked | acknowledged | lost | twice | unreadable | else wrong | slowest | seeds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, words, total in rows:
        one = total.outcome
        if not one.runs:
            reason = total.not_run or "no time was left"
            lines.append(f"| {words} | **not run** of {asked[name]}: {reason} | | | | | | | |")
            continue
        slowest = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in sorted(one.slowest.items()))
        counts = ", ".join(f"{what} {number:,}" for what, number in sorted(one.counts.items()))
        other = len(one.wrong) + len(one.late)
        figures = f"{one.acknowledged:,} | {one.lost} | {one.duplicates} | {one.unreadable} | {other}"
        said = "; ".join(part for part in (slowest, counts) if part) or "-"
        lines.append(f"| {words} | {one.runs:,} / {asked[name]:,} | {figures} | {said} | {_seeds(total.seeds)} |")
    return "\n".join(lines)


def legend(totals: Iterable[Total]) -> str:
    """Commits and days that the figures are from, and what was wrong, each with its line."""
    kept = list(totals)
    commits = sorted({commit for total in kept for commit in total.commits})
    dates = sorted({date for total in kept for date in total.dates})
    lines = [f"Commits {', '.join(commits) or '-'}; {', '.join(dates) or 'no run yet'}."]
    lines += [f"- {wrong}" for total in kept for wrong in (*total.outcome.wrong, *total.outcome.late)[:5]]
    return "\n".join(lines)


def newest(path: Path) -> dict[str, Slice]:
    """The last line of each kind."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        document = json.loads(line)
        own = {name: value for name, value in document.items() if name in ("kind", "seed", "commit", "date", "seconds")}
        found[document["kind"]] = Slice(**own, outcome=outcome_of(document))
    return found


def guards(rows: Iterable[Guard], hunted: Mapping[str, Slice]) -> str:
    """Which test guards which invariant, as Markdown: the planted defects first, then what was seen of each mutant."""
    kept = list(rows)
    lines = ["| invariant | defects planted in the simulation | mechanisms taken out under real faults |"]
    lines.append("| --- | --- | --- |")
    for one in kept:
        real = "; ".join(words for _, words, _ in one.mutants)
        lines.append(f"| {one.number}: {one.words} | {'; '.join(one.planted) or '-'} | {real or '-'} |")
    lines += ["", "| invariant | taken out under real faults | fault | seen | seed | commit |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for one in kept:
        for name, words, fault in one.mutants:
            lines.append(f"| {one.number} | {words} (`{name}`) | `{fault}` | {_seen(hunted.get(name))} |")
    return "\n".join(lines)


def _seen(slice_: Slice | None) -> str:
    if slice_ is None:
        return "**not hunted yet** | | "
    one = slice_.outcome
    figures = {"lost": one.lost, "twice": one.duplicates, "unreadable": one.unreadable}
    seen = ", ".join(f"{number:,} {what}" for what, number in figures.items() if number)
    said = seen + f" of {one.acknowledged:,}" if seen else one.wrong[0][:LONGEST_SEEN] if one.wrong else ""
    runs = f"{one.runs} run{'s' * (one.runs != 1)}"
    words = f"**no**, in {runs}" if one.clean else f"after {runs}: {said}".replace("|", "/").replace("\n", " ")
    return f"{words} | {slice_.seed} | {slice_.commit}"


def write_page(page: Path, text: str, marks: tuple[str, str] = MARKS) -> None:
    """Put the text between the marks of a page, which must have them."""
    begin, end = marks
    before, found, rest = page.read_text().partition(begin)
    _, also, after = rest.partition(end)
    if not (found and also):
        raise ValueError(f"{page} has no place for the table: {begin} … {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def _seeds(seeds: Sequence[int]) -> str:
    shown = ", ".join(str(seed) for seed in seeds[:SHOWN_SEEDS])
    return shown + (f" … ({len(seeds)} in all)" if len(seeds) > SHOWN_SEEDS else "")


def _once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
