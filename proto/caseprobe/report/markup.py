"""HTML that is safe by construction: every text is made visible and escaped, only what was built here is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caseprobe.texts import printable, visible

# So many columns fit beside each other on a phone.
MOST_COLUMNS = 4
_VOID = frozenset({"meta", "wbr"})


class Markup(str):
    """HTML that was built by element(); any other string is text."""

    __slots__ = ()

    def __html__(self) -> str:
        """Itself: what fills in pages elsewhere takes it as HTML, not as text."""
        return self


NOTHING = Markup("")


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """One element; children that are no Markup are escaped, class_ is class, http_equiv is http-equiv.

    >>> element("p", "a<b", class_="note")
    '<p class="note">a&lt;b</p>'
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(visible(value))}"' for name, value in attributes.items()
    )
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{joined(*children)}</{tag}>")


def escape(text: str) -> str:
    """As html.escape, without the table of all entities that comes with it: half a MiB.

    >>> escape("<a href='b'>")
    '&lt;a href=&#x27;b&#x27;&gt;'
    """
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace('"', "&quot;").replace("'", "&#x27;")


def joined(*children: str) -> Markup:
    """The children one after the other, texts escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(visible(child)) for child in children))


def dotted(*parts: str) -> Markup:
    """The parts that say something, one after the other.

    >>> dotted("a", "", "b")
    'a · b'
    """
    said = [joined(part) for part in parts if part]
    return Markup(" · ".join(said))


def machine_words(text: str) -> Markup:
    """A sentence that a machine wrote in English, marked as such for who hears the page; nothing where it is empty."""
    return element("span", printable(text), lang="en") if text else NOTHING


def facts_list(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names and values; pairs without a value are left out."""
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in pairs if value]
    return element("dl", *rows) if rows else NOTHING


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    """A table that scrolls sideways by itself on a narrow screen; numbers are the columns to align right."""

    def cells(tag: str, row: Sequence[str], **more: str) -> Markup:
        classes = ({"class_": "n"} if column in numbers else {} for column in range(len(row)))
        return element("tr", *(element(tag, cell, **more, **one) for cell, one in zip(row, classes, strict=True)))

    body = [cells("td", row) for row in rows]
    if not body:
        return NOTHING
    # With many columns it keeps its width and scrolls; few columns rather break their lines.
    wide = {"class_": "wide"} if len(head) > MOST_COLUMNS else {}
    made = element("table", element("thead", cells("th", head, scope="col")), element("tbody", *body), **wide)
    return element("div", made, class_="scroll", tabindex="0", role="region", aria_label=head[0])


def meter(ratio: float, text: str) -> Markup:
    """A share as a bar beside its number; the colour follows the share, the number says it."""
    bounded = min(max(ratio, 0.0), 1.0) if ratio == ratio else 0.0
    bar = element("meter", text, min="0", max="1", low="0.8", high="0.9", optimum="0", value=f"{bounded:.3f}")
    return joined(bar, " ", element("span", text))


def unfold(summary: str, *body: str, class_: str = "", open_: bool = False) -> Markup:
    """Something behind a line that can be clicked; without a script."""
    attributes = {"class_": class_} if class_ else {}
    # Margins of what is inside must not reach out of it, so it has a box of its own.
    inside = element("div", *body, class_="inside")
    return element("details", element("summary", summary), inside, **attributes, **({"open_": ""} if open_ else {}))
