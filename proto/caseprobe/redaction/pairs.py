"""Secrets behind their name in a line: settings, JSON, YAML, headers, query parameters, elements, tables of names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction import secret_values as values
from caseprobe.redaction.secret_names import Speaks, speaks
from caseprobe.redaction.secret_values import Span, accepts

# A name, what closes it, and the sign between it and its value. Names begin where nothing of a name stands before.
NAME = rb"(?<![\w.$\x80-\xff-])(?P<name>(?:[\w.$@#%-]|(?!\xef\xbc\x9a)[\x80-\xff]){1,256}+)"
# A sign as it is typed, in East Asian width, or escaped for JSON or HTML.
SIGN = (
    rb"\s{0,24}+(?P<sign>=>|->|\xef\xbc\x9a|\\{1,3}u003[ad]|&#(?:58|61);|:=|\?=|\+=|<<<|={1,2}|:{1,2}"
    rb"|,(?=\s{0,24}\\{0,3}[\"'])|\((?=\\{0,3}[\"']))\s{0,24}+(?:&quot;|&#3[49];)?"
)
PAIR = re.compile(NAME + rb"(?P<close>(?:\\{0,3}[\"'`]|&quot;|&#3[49];)?\]?\)?\}?)" + SIGN)
# Where a statement begins; ":" there is no prose.
BEGINS = (
    *(b"\n", b"{", b",", b";", b"&", b"?", b"(", b"|", b">", b"[", b": ", b"\\n", b"\\r", b"\\t", b"--", b" -", b"-D"),
    *(b"export", b" set", b" env", b" with", b" and", b" using", b" as", b"\t-", b"+", b"#", b"*", b"!"),
)
BEFORE = b" \t\"'\\>+#*/$-"
LOOK_BACK = 60
# What may be a drawn value begins like one: no end within so many characters, and not only letters.
NEAR = re.compile(rb"[^0-9\n]{0,200}[0-9]")
LABEL_WORDS = 3
LABEL_WORD = re.compile(rb"\(?\[?[A-Za-z][\w'.-]{0,39}\]?\)?")
CODES = re.compile(rb"(?i)(?:pin|puk|otp|code|tan|password|passkey|passcode)[0-9]?\Z")
# Between a name in quotes and the next argument or member of a list.
ARGUMENTS = (b",", b"(")
SIGNS_OF_LABELS = (b":", b"=")
# An element, its text, and perhaps an element between them: <Password><Value>…
ELEMENT = re.compile(
    rb"<(?P<name>[\w:.-]{1,64})(?:\s[^<>\n]{0,512}+)?>\s{0,80}(?:<[\w:.-]{1,64}>\s{0,80})?(?:<!\[CDATA\[)?"
    rb"(?P<value>[^<>\s][^<\n]{0,65535}?)\s{0,80}(?:\]\]>|</|$)"
)
# A name in one attribute or member and its value in the next, or in the element's text.
NAMED = re.compile(
    rb"(?<![\w-])(?:name|key|id|property|variable|option|field|k|attr"
    rb"|header)\\{0,3}[\"']?\s{0,4}[=:]\s{0,4}\\{0,3}[\"']?(?P<name>[\w.$-]{2,128}+)"
    rb"(?P<between>\\{0,3}[\"']?[^<>{}\n]{0,160}?)(?<![\w-])(?:value|val|v|data|content|default|string_value"
    rb"|secret_value|text)\\{0,3}[\"']?\s{0,4}[=:]\s{0,4}"
)
NAMED_TEXT = re.compile(
    rb"(?:name|key|id|variable)=\\{0,3}[\"']?(?P<name>[\w.$-]{2,128}+)[^<>\n\]]{0,160}[>\]]\s{0,40}(?P<value>[^<"
    rb"\s][^<\n]{0,4095}+)"
)
# An element that is named so, and its value in an attribute.
ATTRIBUTE = re.compile(
    rb"<(?P<name>[\w:.-]{1,64})\s[^<>\n]{0,255}?(?<![\w-])(?:value|val|text|data|content)\s{0,4}=\s{0,4}"
    rb"\\{0,3}[\"'](?P<value>[^\"'<>\\\n]{3,4096}+)"
)
# <key>password</key><string>…
LISTED = re.compile(
    rb"<(?:key|name|id)>(?P<name>[\w .-]{2,128})</\w{2,8}>\s{0,80}<(?:string|value"
    rb"|data)>\s{0,80}(?P<value>[^<\n]{1,4096})<"
)
# A member that is marked as sensitive, whatever its name.
SENSITIVE = re.compile(
    rb"(?:value|result)\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"(?P<value>[^\"\\\n]{1,4096})\\{0,3}\"[^{}\n]{0,200}sensi"
    rb"tive\\{0,3}\"\s{0,4}:\s{0,4}true"
)


def pair_secrets(line: bytes) -> Iterator[Span]:
    """Where the values of secret names stand in a line; spans may overlap.

    >>> [b"x password=hunter2 y"[start:end] for start, end in pair_secrets(b"x password=hunter2 y")]
    [b'hunter2']
    """
    done = 0
    for match in PAIR.finditer(line):
        # What stands in a value that is hidden needs no look of its own: so no line is read again and again.
        found = _speaks(line, match) if match.start() >= done else Speaks.NO
        if found:
            for start, end in _value(line, match, found):
                done = max(done, end)
                yield start, end


def element_secrets(line: bytes) -> Iterator[Span]:
    """Where the texts of secret elements and the values of attributes with a secret's name stand."""
    for pattern in (ELEMENT, NAMED_TEXT, LISTED, ATTRIBUTE):
        for match in pattern.finditer(line):
            if accepts(speaks(match["name"]), match["value"]):
                yield match.span("value")
    for match in NAMED.finditer(line):
        found = speaks(match["name"])
        if found:
            yield from _accepted(found, line, _quoted_or_bare(line, match.end()))
    for match in SENSITIVE.finditer(line):
        yield match.span("value")


def _speaks(line: bytes, match: re.Match[bytes]) -> Speaks:
    """How sure a pair's name is, with the words before it where they belong to it: "Unseal Key 1:"."""
    found, at = speaks(match["name"]), match.start("name")
    # Tests that passed are counted behind that word, too, but behind a colon.
    if match["name"] == b"PASS" and b"=" in match["sign"]:
        return Speaks.SURE
    if found is Speaks.SURE or match["sign"] not in SIGNS_OF_LABELS or line[at - 1 : at] != b" ":
        return found
    # In 52:54:00 the colon stands between two halves of one word.
    if match["sign"] == b":" and not line[match.end() - 1 : match.end()].isspace():
        return found
    words = line[max(at - LOOK_BACK, 0) : at].split(b" ")[:-1][-LABEL_WORDS:]
    for start in range(len(words) - 1, -1, -1):
        if not LABEL_WORD.fullmatch(words[start]):
            break
        found = max(found, speaks(b" ".join((*words[start:], match["name"]))))
    return found


def _value(line: bytes, match: re.Match[bytes], found: Speaks) -> Iterator[Span]:
    """The value behind a pair's sign, where it is a secret."""
    loose = _is_loose(line, match)
    if not loose and not values.MIXED_NEAR.match(line, match.end()):
        return
    for start, end in _accepted(found, line, _spans(line, match, match.end(), found)):
        quoted = match["sign"] not in ARGUMENTS and line[start - 1 : start] in (b'"', b"'")
        if loose or quoted or _is_mixed(match["name"], line[start:end]):
            yield start, end


def _is_mixed(name: bytes, value: bytes) -> bool:
    """Whether a value is none of prose; a number counts behind a name of codes."""
    return values.looks_mixed(value) or (len(value) >= 4 and value.isdigit() and bool(CODES.search(name)))


def _is_loose(line: bytes, match: re.Match[bytes]) -> bool:
    """Whether any value counts behind a sign; ":" in running text, "," and "(" want one that nobody writes as prose."""
    sign = match["sign"]
    if sign in ARGUMENTS or sign == b"::":
        return False
    return b"=" in sign or bool(match["close"]) or _starts(line, match.start("name"))


def _starts(line: bytes, at: int) -> bool:
    """Whether a name stands at the beginning of a statement."""
    before = line[max(at - LOOK_BACK, 0) : at]
    return not before.strip(BEFORE) or before.endswith(BEGINS) or before.rstrip(BEFORE).endswith(BEGINS)


def _accepted(found: Speaks, line: bytes, span: Span | None) -> Iterator[Span]:
    if span is not None and accepts(found, line[span[0] : span[1]]):
        yield span


def _spans(line: bytes, match: re.Match[bytes], at: int, found: Speaks) -> Span | None:
    """The value that begins at a place: to the end of the line where the line holds nothing but this pair."""
    if match["sign"] in (b"=", b":") and not match["close"] and _is_alone(line, match.start("name")):
        whole = values.WHOLE.fullmatch(line.rstrip(b"\r;"), at)
        if whole and values.is_one(whole["value"]):
            form = values.FORM.match(line, at)
            return (form.end() if form else at), whole.end("value")
    if found is not Speaks.SURE and not NEAR.match(line, at):
        return None
    return _quoted_or_bare(line, at)


def _is_alone(line: bytes, at: int) -> bool:
    """Whether nothing but a logger's words stand before a place."""
    before = line[:at]
    return not before.strip(b" \t-+#\"'$") or before.endswith(b"]: ")


def _quoted_or_bare(line: bytes, at: int) -> Span | None:
    """The value that begins at a place, in quotes or not, behind words that say how it is written."""
    form = values.FORM.match(line, at)
    at = form.end() if form else at
    if values.REFERENCE.match(line, at):
        return None
    quoted = values.QUOTED.match(line, at)
    if quoted:
        return quoted.span("value")
    for pattern in (values.OPEN_QUOTE, values.OCTETS, values.WRAPPED, values.BARE):
        found = pattern.match(line, at)
        if found:
            call = pattern is values.BARE and found["call"]
            return None if call else found.span("value")
    return None
