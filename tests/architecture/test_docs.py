"""What the pages name is there: files, links, commands, options, settings, the tree and layers of the house."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import typer

from caseprobe.errors import ConfigurationError
from caseprobe_agent import cli, config
from caseprobe_agent.config import bundles
from caseprobe_collector.cli.root import app
from caseprobe_collector.config import KINDS, load_config

ROOT = Path(__file__).parents[2]
DESIGN = ROOT / "docs" / "DESIGN.md"
# Pages of single checks are written from the code and compared with it elsewhere.
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "checks"),
]
SOURCES = ("agent", "collector", "proto", "tests", "docs")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What any command may be given, and need not be said of each.
EVERYWHERE = {"--help", "--json"}
# Where staff's commands find their collector, and where the server's own find its settings: said once.
EVERYWHERE_ON_COLLECTOR = EVERYWHERE | {"--url", "--ca", "--config", "--data-folder"}


def names(pages: list[Path]) -> list[str]:
    """Pages as they are called in a report."""
    return [str(page.relative_to(ROOT)) for page in pages]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))


def quoted(page: Path) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def spelled_out(pattern: str) -> list[str]:
    """A path with {a,b} in it as one path each.

    >>> spelled_out("console/{a,b}.py")
    ['console/a.py', 'console/b.py']
    """
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    parts = found[1].split(",")
    return [one for part in parts for one in spelled_out(pattern[: found.start()] + part + pattern[found.end() :])]


@cache
def repository() -> frozenset[str]:
    """Every file and folder of the sources, from the root, which is "/"."""
    found = (path for source in SOURCES for path in (ROOT / source, *(ROOT / source).rglob("*")))
    return frozenset(f"/{path.relative_to(ROOT)}" for path in found)


def is_there(path: str) -> bool:
    """Whether a path, or the end of one, is a file or folder of this repository."""
    wanted = "/" + path.rstrip("/")
    if "*" in wanted:
        return any(fnmatch(one, f"*{wanted}") for one in repository())
    return any(one.endswith(wanted) for one in repository())


def is_source(word: str) -> bool:
    """Whether a word in backticks means something in this repository, and not on a customer's machine."""
    return bool(re.fullmatch(r"[\w./{},*-]+", word)) and (
        word.endswith((".py", ".proto")) or word.split("/")[0] in SOURCES
    )


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    """A path in backticks, also one with braces or a star."""
    meant = [path for word in quoted(page) if is_source(word) and word != ".proto" for path in spelled_out(word)]
    assert [path for path in meant if not is_there(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file, and to a heading in it."""
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        if not other.exists() or (anchor and anchor not in _anchors(other)):
            dead.append(target)
    assert dead == []


def _anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    titles = (line.lstrip("# ").lower() for line in prose(page).splitlines() if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@cache
def agent_options() -> dict[str, set[str]]:
    """The long options of every command of the agent."""
    found = {}
    for name in cli.COMMANDS:
        parser = argparse.ArgumentParser()
        cli.load(name).add_arguments(parser)
        found[name] = {one for action in parser._actions for one in action.option_strings if one.startswith("--")}
    return found


@cache
def collector_options() -> dict[str, set[str]]:
    """The long options of every command of the collector: those of `live path` are also `live`'s."""
    found: dict[str, set[str]] = {}
    for words, options in _walk(typer.main.get_command(app), ()):
        for length in range(1, len(words) + 1):
            found.setdefault(" ".join(words[:length]), set()).update(options)
    return found | {"serve": {"--config", "--data-folder", "--json"}}


def _walk(command: object, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    parameters = getattr(command, "params", [])
    yield words, {one for each in parameters for one in getattr(each, "opts", []) if one.startswith("--")}
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(below, (*words, name))


def shown_calls(page: Path) -> list[str]:
    """Calls of our commands on a page: in backticks, and lines of its blocks for a shell."""
    blocks = FENCE.findall(page.read_text("utf-8"))
    typed = [
        line.split(" # ")[0]
        for language, body in blocks
        for line in body.splitlines()
        if language == "sh" or (language == "console" and line.startswith("$ "))
    ]
    return [call for text in (*quoted(page), *typed) for call in re.findall(r"caseprobe(?:-collector)? [^$()·]+", text)]


def misses(call: str, agent: dict[str, set[str]], collector: dict[str, set[str]]) -> list[str]:
    """What a call names that no parser knows."""
    program, first, *words = call.split()
    known = collector if program == "caseprobe-collector" else agent
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", call))
    if first.startswith("-"):
        return sorted(options - {"--help", "--version"})
    # `live CASE … watch`: a subcommand may stand behind what it is about.
    commands = re.split(r"\\?\|", first)
    below = next((f"{first} {word}" for word in words if f"{first} {word}" in known), first)
    lacking = [f"{program} {name}" for name in commands if re.fullmatch(r"[a-z-]+", name) and name not in known]
    return lacking or sorted(options - EVERYWHERE - known.get(below, options) - known.get(first, set()))


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_command_that_a_page_shows_can_be_typed(page: Path) -> None:
    """Its name and each of its options."""
    agent, collector = agent_options(), collector_options()
    calls = shown_calls(page)
    assert {call: wrong for call in calls if (wrong := misses(call, agent, collector))} == {}


def test_a_call_that_cannot_be_typed_is_seen() -> None:
    """A command, a subcommand's option and an option of another command that do not exist."""
    agent, collector = agent_options(), collector_options()
    assert misses("caseprobe measure HOST", agent, collector) == ["caseprobe measure"]
    assert misses("caseprobe check --fail-on warn", agent, collector) == ["--fail-on"]
    assert misses("caseprobe-collector live M watch PROBE --never", agent, collector) == ["--never"]
    assert misses("caseprobe-collector live M watch PROBE --every 2", agent, collector) == []


def test_the_table_of_commands_has_every_command_and_option() -> None:
    """DESIGN.md, section 4; what every command has is said above the table."""
    rows = [line for line in DESIGN.read_text("utf-8").splitlines() if line.startswith("| `caseprobe")]
    told = " ".join(rows)
    assert [name for name in (*agent_options(), *collector_options()) if not _says(told, name.split()[-1])] == []
    agent = {option for options in agent_options().values() for option in options} - EVERYWHERE
    collector = {option for options in collector_options().values() for option in options} - EVERYWHERE_ON_COLLECTOR
    assert [option for option in sorted(agent | collector) if not _says(told, option)] == []


def _says(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_block_of_settings_can_be_read(page: Path, tmp_path: Path) -> None:
    """By whoever reads such a file: of the agent, of bundles, or of the collector."""
    blocks = [body for language, body in FENCE.findall(page.read_text("utf-8")) if language == "toml"]
    assert {body: why for body in blocks if (why := _refused(body, tmp_path))} == {}


def _refused(body: str, folder: Path) -> list[str]:
    """Why none of the three readers takes a file of settings; nothing where one does."""
    paths = [folder / name for name in ("agent.toml", "bundle.toml", "collector.toml")]
    for path in paths:
        path.write_text(body, encoding="utf-8")
    environ = {"CASEPROBE_CONFIG_FOLDER": str(folder), "HOME": str(folder)}
    why = []
    for read in (
        lambda: config.load(environ, {}),
        lambda: bundles.load_bundles([folder]),
        lambda: load_config(paths[2], environ),
    ):
        try:
            read()
            return []
        except ConfigurationError as error:
            why.append(str(error))
    return why


def test_every_setting_stands_on_a_page() -> None:
    """Of the agent and of the collector."""
    told = {word for page in PAGES for word in re.findall(r"\w+", page.read_text("utf-8"))}
    assert [key for key in (*(one.name for one in config.KEYS), *KINDS) if key not in told] == []


def test_every_target_and_program_that_a_page_calls_exists() -> None:
    """`make TARGET` and `python -m tests.MODULE`."""
    words = [word for page in PAGES for word in quoted(page)]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = {found[1] for word in words if (found := re.match(r"make ([a-z-]+)", word))}
    modules = {found[0] for word in words if (found := re.search(r"(?<=python -m )tests[\w.]*", word))}
    missing = [
        one for one in modules if not is_there(one.replace(".", "/")) and not is_there(f"{one.replace('.', '/')}.py")
    ]
    assert (called - targets, missing) == (set(), [])


def test_the_house_is_drawn_as_it_stands() -> None:
    """Every name in the tree of DESIGN.md, section 3, is a file or folder where the tree has it."""
    tree = next(body for _, body in FENCE.findall(DESIGN.read_text("utf-8")) if body.startswith("proto/caseprobe/"))
    drawn = [found for line in tree.splitlines() if (found := re.match(r"( {0,2})((?:[\w./-]+(?: |$))+)", line))]
    paths, folder = [], ""
    for indent, words in (found.groups() for found in drawn):
        folder = folder if indent else words.strip()
        # A "P" of its own says pure.
        paths += [folder + word for word in words.split() if word != "P"] if indent else [folder]
    assert len(paths) > 60
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("side", "contract"), [("Agent", "Agent layers"), ("Collector", "Collector layers")])
def test_layers_stand_in_the_design_as_they_are_checked(side: str, contract: str) -> None:
    """The same rows, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    checked = next(one for one in contracts if one["name"] == contract)["layers"]
    told = re.search(rf"{side}: `([^`]*>[^`]*)`", DESIGN.read_text("utf-8"))
    assert told is not None
    rows = [re.sub(r"[() ]", "", row) for row in checked]
    assert [row.replace(" ", "") for row in told[1].split(">")] == rows
