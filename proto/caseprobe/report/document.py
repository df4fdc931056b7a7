"""The frame of every page that the product writes into a file: it loads nothing and runs no script."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence

from caseprobe.report.markup import Markup, element

# Paths and time lines have a sheet of their own: the console shows them too.
FIGURES = "figures.css"
STYLES = ("style.css", FIGURES)


def style_sheet(name: str) -> str:
    """One of STYLES."""
    data = pkgutil.get_data(__package__, name)
    assert data is not None, "every loader of files gives their bytes"
    return data.decode()


def document(title: str, language: str, *body: Markup, more: Sequence[Markup] = ()) -> str:
    """A whole HTML page; language as in texts.LANGUAGES, more: what its head needs beside what every page has."""
    page = element("html", _head(title, more), element("body", *body), lang=language.replace("_", "-"))
    return f"<!doctype html>\n{page}\n"


def part(name: str, heading: str, body: Markup) -> Markup:
    """A part of a page under its heading; name: what links lead to it by."""
    return element("section", element("h2", heading), body, id=name)


def contents(title: str, parts: Sequence[tuple[str, str]]) -> Markup:
    """Links to the parts of a page, each with its name and its heading."""
    links = [element("li", element("a", heading, href=f"#{name}")) for name, heading in parts]
    return element("nav", element("ul", *links), aria_label=title, class_="contents")


def _head(title: str, more: Sequence[Markup]) -> Markup:
    # Built here and never from a machine's text, so it must not be escaped.
    style = Markup("".join(style_sheet(name) for name in STYLES))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        element("title", title),
        element("style", style),
        *more,
    )
