"""HTML that is safe by construction: every text is escaped, only what was built here is not."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"meta"})


class Markup(str):
    """HTML that was built by element(); any other string is text."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """One element; children that are no Markup are escaped, class_ is class, empty attributes stay empty.

    >>> element("p", "a<b", class_="note")
    '<p class="note">a&lt;b</p>'
    """
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """The children one after the other, texts escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))
