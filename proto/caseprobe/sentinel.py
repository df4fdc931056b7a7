"""A random value planted in every source before collecting; it must appear nowhere, in no encoding, afterwards."""

from __future__ import annotations

from base64 import b16encode, b64encode

FOLDED_BYTES = 256 << 10


def sentinel_line(sentinel: str) -> str:
    """The line to add to a raw source: to the pipe the sentinel is a secret like any other.

    sentinel: 16 or more random letters and digits, drawn anew for each run.

    >>> sentinel_line("q7Zk2vXw9Lm4Tn8R")
    'caseprobe_sentinel_password=q7Zk2vXw9Lm4Tn8R'
    """
    return f"caseprobe_sentinel_password={sentinel}"


def planted_text(data: bytes, sentinel: str) -> bytes:
    """A text with the sentinel as its first and its last line.

    >>> planted_text(b"x", "q7Zk2vXw9Lm4Tn8R").count(b"q7Zk2vXw9Lm4Tn8R")
    2
    """
    line = sentinel_line(sentinel).encode()
    return b"\n".join((line, data, line))


def sentinel_hits(data: bytes, sentinel: str) -> list[str]:
    """The encodings in which a sentinel stands in bytes, sorted; empty is what must come back.

    >>> sentinel_hits(b"x q7Zk2vXw9Lm4Tn8R y", "q7Zk2vXw9Lm4Tn8R")
    ['plain']
    """
    cased_forms, folded_forms = _cased_forms(sentinel.encode()), _folded_forms(sentinel)
    cased = {name for name, forms in cased_forms.items() if any(form in data for form in forms)}
    overlap = max(map(len, folded_forms.values())) - 1
    # Piece by piece, so that what is large is not copied whole.
    folded = (data[at : at + FOLDED_BYTES + overlap].lower() for at in range(0, len(data), FOLDED_BYTES))
    loose = {name for piece in folded for name, form in folded_forms.items() if form in piece}
    return sorted(cased | (loose - {"any case"} if "plain" in cased else loose))


def _cased_forms(value: bytes) -> dict[str, list[bytes]]:
    """Encodings that keep upper and lower case apart; base 64 at each of the three places where it may begin."""
    inner = [b64encode(b"\0" * shift + value)[(4 * shift + 2) // 3 : -4] for shift in range(3)]
    return {
        "plain": [value],
        "base64": [*inner, *(form.replace(b"+", b"-").replace(b"/", b"_") for form in inner)],
        "backwards": [value[::-1]],
    }


def _folded_forms(sentinel: str) -> dict[str, bytes]:
    """Encodings that are compared in lower case."""
    value = sentinel.lower()
    return {
        "any case": value.encode(),
        "hex": b16encode(sentinel.encode()).lower(),
        "url": "".join(f"%{ord(char):02x}" for char in sentinel).encode(),
        "json": "".join(f"\\u{ord(char):04x}" for char in sentinel).encode(),
        "html": "".join(f"&#{ord(char)};" for char in sentinel).encode(),
        "utf-16-le": value.encode("utf-16-le"),
        "utf-16-be": value.encode("utf-16-be"),
    }
