"""Secrets that begin in a line and go on in the next ones: block scalars, lists, elements, hex dumps of keys.

The number of lines stays as it was. What is hidden hangs only on the lines from the opening one on, so that a text
that comes in pieces is treated as the whole is, as long as no piece ends between them (see undecided).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from caseprobe.redaction import secret_values as values
from caseprobe.redaction.lines import Looks
from caseprobe.redaction.rule import is_done
from caseprobe.redaction.secret_names import Speaks, speaks
from caseprobe.redaction.secret_values import Span

MARKER = b"_hidden_continued_"
MOST_LINES, MOST_BYTES = 200, 64 * 1024
# What a logger puts before each line of a message.
PREFIX = re.compile(
    rb"(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \S{1,255} [^\s:]{1,255}: "
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,16} (?:\S{1,255} [^\s:]{1,255}: )?)?"
)
SPOKEN = rb"(?:pass|pwd|secret|token|cred|key|psk|phrase|cert|seed|vault|community|auth)"
OPENERS = (
    SPOKEN + rb"[\w. -]*\\*[\"']?\s*[:=]\s*(?:[|>][+-]?[0-9]?|!\w+ [|>][+-]?|\\|\[|\"\"\")?\s*$",
    rb"<[\w:.-]*" + SPOKEN + rb"[\w.-]*(?:\s[^<>]*)?>\s*$",
    rb"^\S*\s*\$ANSIBLE_VAULT;|\$ANSIBLE_VAULT;",
    rb"(?:tokens?|secrets?|credentials?)\s*\{\s*$",
    rb"private-lines: [0-9]",
    rb"(?:privateexponent|prime[12]|exponent[12]|coefficient|priv|private-key|mk dump|volume key dump"
    rb"|dump of key|key dump):",
    rb"(?:secret|key|sk_\w+|psk|pmk|ptk|skeyid\w*|nt_hash|msk|emsk)\b[^=\n]* => [0-9]+ bytes",
    rb"\blist:\s*[|>][+-]?\s*$",
    rb"\b(?:name|key)\\*[\"']?\s*:\s*\\*[\"']?[\w.-]*" + SPOKEN + rb"[\w.-]*\\*[\"']?,?\s*$",
    rb"(?:scratch|backup|recovery|emergency) codes?\b.*:\s*$",
    rb"<(?:auth|http-proxy|socks-proxy)-user-pass>",
    rb"\bname=\\*\"[\w.-]*" + SPOKEN + rb"[\w.-]*\\*\"\s*$",
)
LOOKS = Looks([rb"(?m)" + opener for opener in OPENERS])

NAMED = re.compile(
    rb"(?P<name>[\w.-]{2,128}(?: [\w-]{1,32}){0,2})\\{0,3}[\"']?\s{0,8}[:=]\s{0,8}"
    rb"(?:(?P<sign>[|>!])\w{0,16}\s?[|>]?[+-]?\d?|[\\\[\"]{0,3})\s{0,8}$"
)
ELEMENT = re.compile(rb"<(?P<name>[\w:.-]{1,64})(?:\s[^<>\n]{0,255})?>\s{0,8}$")
BRACES = re.compile(rb"(?i)(?:tokens?|secrets?|credentials?)\s{0,8}\{\s{0,8}$")
COUNTED = re.compile(rb"(?i)private-lines: (?P<count>\d{1,3})")
DUMP = re.compile(
    rb"(?i)(?:(?:privateexponent|prime[12]|exponent[12]|coefficient|priv|private-key|mk dump|volume key dump"
    rb"|dump of key|key dump):"
    rb"|=> \d{1,5} bytes)"
)
HEX_LINE = re.compile(
    rb"\s{0,40}(?:[0-9a-fA-F]{1,8}: )?(?P<value>[0-9a-fA-F]{2}(?:[: ]?[0-9a-fA-F]{2}){3,128}):"
    rb"?\s{0,8}(?:\S{0,64}(?:\s\S{0,64}){0,8})?$"
)
VALUE = re.compile(
    rb"\s{0,80}(?:-\s{1,4})?(?:<(?:value|string|data|key|text)>)?(?:<!\[CDATA\[)?[\"']?(?P<value>[^\s\"'<>{}\[\]"
    rb"][^\s\"'<>]{2,4095})[\"']?(?:\]\]>)?(?:</\w{1,64}>)?,?\s{0,8}$",
    re.IGNORECASE,
)
LIST_ITEM = re.compile(rb"\s{0,80}-\s|\s{0,80}[\"']")
ASSIGNED = re.compile(rb"\s{0,80}[\w\"'.-]{1,64}\s{0,8}[=:]\s{0,8}[\"']?(?P<value>[^\s\"']{8,1024})")
TEXT = re.compile(rb"\s{0,200}(?P<value>\S[^\n]{0,65535})")
INDENT = re.compile(rb"[ \t]*")

# A part of a form, and its value behind an empty line (RFC 7578).
PART = re.compile(rb"\bname=\\{0,3}\"(?P<name>[\w.-]{2,128})\\{0,3}\"\s{0,8}$")
MEMBER = re.compile(rb"\b(?:name|key)[\"']?\s{0,8}:\s{0,8}[\"']?(?P<name>[\w.-]{2,128})[\"']?,?\s{0,8}$")
ITS_VALUE = re.compile(
    rb"\s{0,80}[\"']?value[\"']?\s{0,8}:\s{0,8}[\"']?(?P<value>[^\s\"'][^\"'\n]{0,4095}?)[\"'"
    rb"]?,?\s{0,8}$"
)
CODES = re.compile(rb"(?i)(?:scratch|backup|recovery|emergency) codes?\b[^\n]{0,80}:\s{0,8}$")
CODE = re.compile(
    rb"\s{0,80}(?:[-*]\s|\d{1,2}[.)]\s)?\s{0,8}(?P<value>[A-Za-z0-9]{4,12}(?:[ -][A-Za-z0-9]{4,12}"
    rb"){0,3})\s{0,8}$"
)

# OpenVPN's logins inside its configuration: user and password, a line each.
LOGIN = re.compile(rb"<(?:auth|http-proxy|socks-proxy)-user-pass>\s{0,8}$")
# Which part of a line is hidden; None ends the secret.
Taker = Callable[[int, bytes], "Span | None"]


def hide_continued(data: bytes) -> tuple[bytes, int]:
    """The text without such secrets, and how many lines of them there were.

    >>> hide_continued(b"private_key: |\\n  abc def\\nnext: 1")
    (b'private_key: |\\n  _hidden_continued_\\nnext: 1', 1)
    """
    pieces: list[bytes] = []
    done = total = 0
    for _, _, spans in _windows(data):
        for start, end in spans:
            pieces += (data[done:start], MARKER)
            done, total = end, total + 1
    return (b"".join((*pieces, data[done:])), total) if total else (data, 0)


def undecided(data: bytes) -> int:
    """Where a text must be cut so that what comes after it may still belong to a secret; its length if nowhere."""
    return next((start for start, open_end, _ in _windows(data) if open_end), len(data))


def _windows(data: bytes) -> Iterator[tuple[int, bool, list[Span]]]:
    """Of every opening line: where it starts, whether it goes on at the text's end, what is hidden in the next ones."""
    done = 0
    for start, end in LOOKS.lines(data):
        if start < done:
            continue
        prefix = PREFIX.match(data, start, end)
        line = data[prefix.end() if prefix else start : end]
        taker = _taker(line)
        if taker is not None:
            spans, done, is_open = _taken(data, end, bool(prefix and prefix[0]), taker)
            yield start, is_open, spans


def _taken(data: bytes, end: int, prefixed: bool, taker: Taker) -> tuple[list[Span], int, bool]:
    """What is hidden in the lines behind an opening one, where these end, and whether the text ended before them."""
    spans: list[Span] = []
    at = end + 1
    for number in range(MOST_LINES):
        if at >= len(data) or at - end > MOST_BYTES:
            return spans, at, at >= len(data)
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        prefix = PREFIX.match(data, at, stop)
        begin = prefix.end() if prefix and prefixed else at
        span = taker(number, data[begin:stop])
        if span is None:
            return spans, at, False
        value = data[begin + span[0] : begin + span[1]]
        if value and b"_hidden_" not in value and not is_done(value):
            spans.append((begin + span[0], begin + span[1]))
        at = stop + 1
    return spans, at, False


def _taker(line: bytes) -> Taker | None:
    """What takes the lines behind an opening one; None where it opens nothing."""
    if b"$ANSIBLE_VAULT;" in line:
        return _hex_line
    if LOGIN.search(line):
        return _until_closed
    counted = COUNTED.search(line)
    if counted:
        return _counted(int(counted["count"]))
    if BRACES.search(line):
        return _in_braces
    if DUMP.search(line):
        return _hex_line
    if CODES.search(line):
        return _code
    member = MEMBER.search(line)
    if member and speaks(member["name"]) is not Speaks.NO:
        return _its_value
    part = PART.search(line)
    if part:
        return _behind_blank if speaks(part["name"]) is Speaks.SURE else None
    named = NAMED.search(line)
    if named:
        return _behind_name(line, named)
    element = ELEMENT.search(line)
    return _one(Speaks.SURE) if element and speaks(element["name"]) is Speaks.SURE else None


def _behind_name(line: bytes, named: re.Match[bytes]) -> Taker | None:
    found = speaks(named["name"])
    if found is not Speaks.NO and named["sign"] in (b"|", b">", b"!"):
        return _indented(len(_indent(line)))
    if named["name"] == b"list" and named["sign"] in (b"|", b">"):
        return _accounts(len(_indent(line)))
    return _one(found) if found is Speaks.SURE else None


def _indent(line: bytes) -> bytes:
    match = INDENT.match(line)
    return match[0] if match else b""


def _span(match: re.Match[bytes] | None) -> Span | None:
    return match.span("value") if match else None


def _indented(than: int) -> Taker:
    """Every line that is indented more."""

    def take(_: int, line: bytes) -> Span | None:
        if not line.strip():
            return (0, 0)
        return _span(TEXT.match(line)) if len(_indent(line)) > than else None

    return take


def _accounts(than: int) -> Taker:
    """Indented lines of user:password."""

    def take(_: int, line: bytes) -> Span | None:
        _name, colon, value = line.strip().partition(b":")
        if len(_indent(line)) <= than or not colon or b" " in value or value in (b"R", b"RANDOM", b""):
            return None
        return len(line.rstrip()) - len(value), len(line.rstrip())

    return take


def _one(found: Speaks) -> Taker:
    """The value in the next line, and in those after it that are items of the same list."""

    def take(number: int, line: bytes) -> Span | None:
        match = VALUE.match(line)
        if match is None or (number and not LIST_ITEM.match(line)) or line.strip().endswith(b":"):
            return None
        value = match["value"]
        fits = values.can_be_secret(value) and (values.looks_mixed(value) or values.looks_drawn(value))
        return match.span("value") if fits and found else None

    return take


def _counted(count: int) -> Taker:
    """So many lines."""
    return lambda number, line: _span(TEXT.match(line)) if number < count else None


def _in_braces(_: int, line: bytes) -> Span | None:
    """Values that look drawn, up to the closing brace."""
    if b"}" in line:
        return None
    match = ASSIGNED.match(line)
    return match.span("value") if match and values.looks_drawn(match["value"]) else (0, 0)


def _until_closed(_: int, line: bytes) -> Span | None:
    """Lines up to a closing element."""
    return None if line.lstrip().startswith(b"</") else _span(TEXT.match(line)) or (0, 0)


def _hex_line(_: int, line: bytes) -> Span | None:
    """Lines of hexadecimal digits."""
    return _span(HEX_LINE.match(line))


def _code(_: int, line: bytes) -> Span | None:
    """Lines that hold one code each."""
    return _span(CODE.match(line))


def _behind_blank(number: int, line: bytes) -> Span | None:
    """The line behind an empty one."""
    if number > 1 or (number == 0 and line.strip()):
        return None
    return _span(TEXT.match(line.rstrip(b"\r"))) or (0, 0)


def _its_value(number: int, line: bytes) -> Span | None:
    """The value of a member whose name was said in the line before."""
    match = ITS_VALUE.match(line) if not number else None
    return match.span("value") if match and values.can_be_secret(match["value"]) else None
