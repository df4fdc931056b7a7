"""Bytes of a tool's output as text, in whatever way Windows and macOS write it into a file."""

from __future__ import annotations

import codecs

LIMIT_BYTES = 32 << 20
# PowerShell 5.1 redirects in UTF-16 with a mark, cmd.exe in the console's own code page without one.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
BINARY_SHARE = 0.02


def text_of(data: bytes) -> str:
    """The text; ValueError where it is empty, too long or no text.

    An unknown code page gives wrong letters in words, never in numbers: parsers do not rest on words.

    >>> text_of(codecs.BOM_UTF16_LE + "Größe".encode("utf-16-le"))
    'Größe'
    >>> text_of("Größe".encode("cp1252"))
    'Größe'
    """
    if not data.strip(b"\0 \t\r\n"):
        raise ValueError("the output is empty")
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"the output is longer than {LIMIT_BYTES >> 20} MiB")
    text = _decoded(data)
    sample = text[:20_000]
    strange = sum(ord(one) in CONTROLS or one == "\ufffd" for one in sample)
    if strange > BINARY_SHARE * len(sample):
        raise ValueError("the output is binary, not text")
    return text.replace("\r\n", "\n")


def _decoded(data: bytes) -> str:
    for mark, name in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    if b"\0" in data[:200] and (guess := _without_mark(data)):
        return data.decode(guess, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Cut within its last letter it is still UTF-8.
        if error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8")
        return data.decode("cp1252", "replace")


def _without_mark(data: bytes) -> str:
    """Plain letters in two bytes each leave every second one zero."""
    even, odd = data[:200:2].count(0), data[1:200:2].count(0)
    if odd > 4 * max(even, 1):
        return "utf-16-le"
    return "utf-16-be" if even > 4 * max(odd, 1) else ""
