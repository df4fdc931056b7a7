"""Secrets of several lines: private keys between BEGIN and END, and their bodies where the frame is missing.

The number of lines stays as it was, so that evidence keeps its line numbers.
"""

from __future__ import annotations

import re

BEGIN = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
END = re.compile(rb"-----END (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
# No private key is longer; an END that is further away belongs to something else.
WINDOW_BYTES = 64 * 1024
MARKER = b"_hidden_pem_block_"
BODY_MARKER = b"_hidden_pem_body_"
# The last word of a line inside a key: base 64 (a short one must not look like a word of a sentence), or the
# "Proc-Type:" and "DEK-Info:" of old formats, or nothing.
INSIDE = re.compile(
    rb"(?:^|[\s\"|])(?:[A-Za-z0-9+/=]{16,100}|(?=[a-zA-Z]{1,15}[A-Z0-9+/=]|[0-9+/])[A-Za-z0-9+/=]{4,15}"
    rb"|[A-Za-z-]{3,16}: [A-Za-z0-9,-]{1,64})[\"',\\nr]{0,8}\r?$|^\s{0,80}$"
)
# A whole last word of exactly a PEM line's 64 or an OpenSSH key's 70 characters, in both cases of letters.
BODY = re.compile(
    rb"(?<![A-Za-z0-9+/=._-])(?=[A-Za-z0-9+/]{0,63}?[A-Z])(?=[A-Za-z0-9+/]{0,63}?[a-z])(?=[A-Za-z0-9+/]{0,69}?[0-9])"
    rb"(?:[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{64})(?=\"?\r?(?:\n|\Z))"
)


def hide_blocks(data: bytes) -> tuple[bytes, int]:
    """The text without private keys, and how many there were.

    >>> hide_blocks(b"a\\n-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\nb")
    (b'a\\n_hidden_pem_block_\\n_hidden_pem_block_\\n_hidden_pem_block_\\nb', 1)
    """
    pieces: list[bytes] = []
    done = total = 0
    while begin := BEGIN.search(data, done):
        end = _block_end(data, begin)
        hidden = b"\n".join([MARKER] * (data.count(b"\n", begin.start(), end) + 1))
        pieces += (data[done : begin.start()], hidden)
        done, total = end, total + 1
    text, bodies = BODY.subn(BODY_MARKER, b"".join((*pieces, data[done:])))
    return text, total + bodies


def undecided(data: bytes) -> int:
    """Where a text must be cut so that what comes after it may still be part of a key; its length if nowhere."""
    at = 0
    while begin := BEGIN.search(data, at):
        if len(data) - begin.start() < WINDOW_BYTES and not END.search(data, begin.end()):
            return data.rfind(b"\n", 0, begin.start()) + 1
        at = _block_end(data, begin)
    return len(data)


def _block_end(data: bytes, begin: re.Match[bytes]) -> int:
    """Where the block ends: behind END, or where lines stop looking like a key's."""
    limit = min(begin.start() + WINDOW_BYTES, len(data))
    end = END.search(data, begin.end(), limit)
    if end:
        return end.end()
    at = data.find(b"\n", begin.end(), limit)
    if at < 0:
        return _inline_end(data, begin.end(), limit)
    while at < limit:
        line_end = data.find(b"\n", at + 1, limit)
        line_end = limit if line_end < 0 else line_end
        if not INSIDE.search(data[at + 1 : line_end]):
            return at
        at = line_end
    return limit


def _inline_end(data: bytes, start: int, limit: int) -> int:
    """The end of a key that was cut inside its own line: everything up to a blank or quote."""
    found = re.compile(rb"[\s\"']").search(data, start, limit)
    return found.start() if found else limit
