"""The texts themselves: written as TOML in catalogue/, every language of one text side by side.

Read from compiled/, the same tables as JSON: `python -m tests.catalogues` writes them, a test compares.
"""

from __future__ import annotations

import json
import pkgutil
from functools import cache
from typing import Any

# One file per family of checks, and the sentences around them.
FAMILIES = (
    "system",
    "cpu",
    "memory",
    "filesystem",
    "disk",
    "storage",
    "past",
    "radio",
    "smart",
    "hardware",
    "network",
    "sockets",
    "process",
    "log",
    "host",
)
OTHERS = ("sentences", "report", "preview", "changes", "items", "service")
# Where label() looks.
LABELS = ("report", "preview", "changes")


@cache
def read(name: str) -> dict[str, Any]:
    """The tables of catalogue/<name>.toml."""
    data = pkgutil.get_data(__package__, f"compiled/{name}.json")
    assert data is not None, "every loader of files gives their bytes"
    tables: dict[str, Any] = json.loads(data)
    return tables


@cache
def checks() -> dict[str, dict[str, Any]]:
    """All texts of all checks: check id -> title, and message id -> summary and advice.

    A check that says the same as another one names it by "like" and gives its own title only.
    """
    tables = {check_id: table for family in FAMILIES for check_id, table in read(family).items()}
    return {check_id: _complete(table, tables) for check_id, table in tables.items()}


def _complete(table: dict[str, Any], tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    own = {name: texts for name, texts in table.items() if name != "like"}
    return {**tables[table["like"]], **own} if "like" in table else own


def in_language(texts: dict[str, str], language: str) -> str:
    """One text in this language, in English where the language is not one of ours.

    >>> in_language({"en": "yes", "ru": "да"}, "ru"), in_language({"en": "yes"}, "fr")
    ('да', 'yes')
    """
    return texts.get(language) or texts["en"]


def sentence(name: str, language: str = "en") -> str:
    """A sentence of sentences.toml, its places not yet filled; name is dotted."""
    return in_language(_table("sentences", name), language)


def label(name: str, language: str = "en") -> str:
    """A word of one of LABELS; the name itself where there is none, so that a newer field still shows.

    >>> label("section_cpu"), label("section_site.backup")
    ('Processors', 'site.backup')
    """
    found = next(filter(None, (_table(file, name) for file in LABELS)), None)
    return in_language(found, language) if found else name.removeprefix("section_")


def item_why(name: str, language: str = "en") -> str:
    """Why an item is in a bundle, in a sentence; empty for one that this version does not know."""
    found = read("items").get(name)
    return in_language(found, language) if found else ""


def _table(file: str, name: str) -> dict[str, str]:
    found: Any = read(file)
    for part in name.split("."):
        found = found.get(part, {})
    return dict(found)
