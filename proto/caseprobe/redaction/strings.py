"""Quoted strings of JSON in a line: what one says is a text of its own, perhaps of several lines or JSON again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

# What a line must hold for a look into its strings, in RE2's syntax: something escaped.
LOOK = rb"\\[nrt\"\\/u]"
STRING = re.compile(rb"\"((?:[^\"\\\n]|\\[^\n]){8,1048576}+)\"")


def hide_in_strings(line: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    """The line with each string's text passed through hide and written as it was written; hide: of a text.

    A string that cannot be written again as it stood is left to the rules for lines.

    >>> hide_in_strings(rb'{"m": "one\\ntwo three"}', lambda text: text.replace(b"two", b"2"))
    b'{"m": "one\\\\n2 three"}'
    """
    return STRING.sub(lambda match: _changed(match[0], hide), line)


def _changed(written: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    text = _read(written) if b"\\" in written else written[1:-1].decode("utf-8", "surrogateescape")
    if text is None:
        return written
    said = text.encode("utf-8", "surrogatepass" if b"\\u" in written else "surrogateescape")
    hidden = hide(said)
    if hidden == said:
        return written
    for ascii_only in (True, False):
        if _write(text, ascii_only) == written:
            return _write(
                hidden.decode("utf-8", "surrogatepass" if b"\\u" in written else "surrogateescape"), ascii_only
            )
    return written


def _read(written: bytes) -> str | None:
    """What a string says; None where it is none of JSON."""
    try:
        said = json.loads(written.decode("utf-8", "surrogateescape"), strict=False)
    except ValueError:
        return None
    return said if isinstance(said, str) else None


def _write(text: str, ascii_only: bool) -> bytes:
    return json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "surrogateescape")
