"""A page as a browser sees it, for the tests of every page."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from google.protobuf.message import Message

VOID = {"meta", "wbr"}


class Outline(HTMLParser):
    """Tags with their attributes in order, the text, and whether every element was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag, and that it must be closed."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be this one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember text."""
        self.text.append(data)


def outline(page: str) -> Outline:
    """The page as a browser sees it."""
    seen = Outline()
    seen.feed(page)
    assert seen.open == []
    return seen


def retell(message: Message, text: str, kept: Sequence[str]) -> None:
    """Put this text into every string of a message, however deep, but into those whose field is kept."""
    for field, value in list(message.ListFields()):
        if field.cpp_type == field.CPPTYPE_MESSAGE:
            for child in value if field.is_repeated else [value]:
                retell(child, text, kept)
        elif field.type == field.TYPE_STRING and field.name not in kept:
            if field.is_repeated:
                value[:] = [text for _ in value]
            else:
                setattr(message, field.name, text)
