"""Secrets of several lines: private keys between BEGIN and END, and their bodies where the frame is missing.

The number of lines stays as it was, so that evidence keeps its line numbers. What stands between BEGIN and END of a
certificate, a public key or a signature is for everybody, and stays.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from caseprobe.redaction.lines import Span, lines_matching, rewrite

KEY = (
    rb"(?:(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?"
    rb"|OpenVPN (?:Static key V1|tls-crypt-v2 (?:client|server) key))-----"
)
BEGIN = re.compile(rb"-----BEGIN " + KEY)
END = re.compile(rb"-----END " + KEY)
# RFC 7468, RFC 4716 (four dashes), RFC 9580.
OPEN = (
    rb"(?:[A-Z0-9]{1,16} ){0,3}(?:CERTIFICATE(?: REQUEST)?|PUBLIC KEY(?: BLOCK)?|SIGNATURE|X509 CRL|PKCS7|CMS"
    rb"|[DEC]{2} PARAMETERS) ?-----?"
)
OPEN_BEGIN, OPEN_END = re.compile(rb"----[ -]BEGIN " + OPEN), re.compile(rb"----[ -]END " + OPEN)
# Of such a block: a line of nothing but base 64.
OPEN_LINE = re.compile(rb"[ \t>|\"']{0,40}[A-Za-z0-9+/]{0,100}={0,2}[\"',\\]{0,4}\r?")
# No private key is longer; an END that is further away belongs to something else.
# A quick look at each line's end before BODY is tried.
MAYBE_BODY = re.compile(rb"\n(?:(?<=[A-Za-z0-9+/]{64}\n)|(?<=[A-Za-z0-9+/]{64}[\r\"]\n)|(?<=[A-Za-z0-9+/]{64}\"\r\n))")
WINDOW_BYTES = 64 * 1024
MARKER = b"_hidden_pem_block_"
BODY_MARKER = b"_hidden_pem_body_"
# The last word of a line inside a key: base 64 (a short one must not look like a word of a sentence), or the
# "Proc-Type:" and "DEK-Info:" of old formats, or nothing.
INSIDE = re.compile(
    rb"(?:^|[\s\"|])(?:[A-Za-z0-9+/=]{16,100}|(?=[a-zA-Z]{1,15}[A-Z0-9+/=]|[0-9+/])[A-Za-z0-9+/=]{4,15}"
    rb"|[A-Za-z-]{3,16}: [A-Za-z0-9,-]{1,64})[\"',\\nr]{0,8}\r?$|^\s{0,80}$"
)
BLANK = re.compile(rb"[\s\"']")
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
    for start, end in _blocks(data):
        pieces += (data[done:start], b"\n".join([MARKER] * (data.count(b"\n", start, end) + 1)))
        done, total = end, total + 1
    text, bodies = _hide_bodies(b"".join((*pieces, data[done:])))
    return text, total + bodies


def open_blocks(data: bytes) -> list[Span]:
    """Where the lines of certificates, public keys and signatures stand; none of a block that has no end.

    >>> open_blocks(b"-----BEGIN CERTIFICATE-----\\nMIID\\n-----END CERTIFICATE-----")
    [(27, 33)]
    """
    if b"BEGIN " not in data:
        return []
    ends = list(OPEN_END.finditer(data))
    starts = [match.end() for match in ends]
    found: list[Span] = []
    for begin in OPEN_BEGIN.finditer(data):
        index = bisect_right(starts, begin.end())
        end = ends[index].start() if index < len(ends) else -1
        if 0 <= end <= begin.start() + WINDOW_BYTES and b"BEGIN " not in data[begin.end() : end]:
            found.append((begin.end(), end))
    return found


def is_inside(spans: Sequence[Span], line: Span) -> bool:
    """Whether a line lies in one of the spans, which are in order."""
    index = bisect_right(spans, line[0], key=lambda span: span[0]) - 1
    return index >= 0 and line[1] <= spans[index][1]


def undecided(data: bytes) -> int:
    """Where a text must be cut so that what comes after it may still be part of a key; its length if nowhere."""
    if b"BEGIN " not in data:
        return len(data)
    ends = [match.end() for match in END.finditer(data)]
    open_ends = [match.end() for match in OPEN_END.finditer(data)]
    starts = [start for start, _ in _blocks(data) if not _next(ends, start)]
    starts += [begin.start() for begin in OPEN_BEGIN.finditer(data) if not _next(open_ends, begin.start())]
    cut = min((start for start in starts if len(data) - start < WINDOW_BYTES), default=-1)
    return len(data) if cut < 0 else data.rfind(b"\n", 0, cut) + 1


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of every private key."""
    # All at once: a search of its own from every BEGIN would take quadratic time where there are many.
    ends = [match.end() for match in END.finditer(data)]
    at = 0
    while begin := BEGIN.search(data, at):
        end = _next(ends, begin.end())
        at = end if 0 < end <= begin.start() + WINDOW_BYTES else _unframed_end(data, begin)
        yield begin.start(), at


def _next(ends: list[int], start: int) -> int:
    """The first end behind a place; 0 where there is none."""
    index = bisect_right(ends, start)
    return ends[index] if index < len(ends) else 0


def _hide_bodies(data: bytes) -> tuple[bytes, int]:
    """The text without lines of a key that lost their frame, and how many those were."""
    total = 0

    def hide(line: bytes) -> bytes:
        nonlocal total
        line, number = BODY.subn(BODY_MARKER, line)
        total += number
        return line

    spans = [(start, end) for start, end in lines_matching(data + b"\n", _maybe_body) if end <= len(data)]
    if spans and (public := open_blocks(data)):
        spans = [span for span in spans if not is_inside(public, span)]
    return rewrite(data, spans, hide), total


def _maybe_body(text: bytes, begin: int, end: int) -> Span:
    """The next line's end behind which a key's body may have stood."""
    found = MAYBE_BODY.search(text, begin, end)
    return found.span() if found else (-1, -1)


def _unframed_end(data: bytes, begin: re.Match[bytes]) -> int:
    """Where a key without its END ends: where lines stop looking like a key's."""
    limit = min(begin.start() + WINDOW_BYTES, len(data))
    at = data.find(b"\n", begin.end(), limit)
    if at < 0:
        return _inline_end(data, begin.end(), limit)
    while at < limit:
        line_end = data.find(b"\n", at + 1, limit)
        line_end = limit if line_end < 0 else line_end
        line = data[at + 1 : line_end]
        if BEGIN.search(line) or not INSIDE.search(line):
            return at
        at = line_end
    return limit


def _inline_end(data: bytes, start: int, limit: int) -> int:
    """The end of a key that was cut inside its own line: everything up to a blank or quote."""
    found = BLANK.search(data, start, limit)
    return found.start() if found else limit
