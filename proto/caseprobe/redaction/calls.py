"""Secrets among the arguments of a call, as source code and traces have it: login("anna", "orange-harbour12")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span, looks_chosen

CALL = re.compile(rb"(?<![\w])(?P<name>[A-Za-z_]\w{2,64}+)\s?\(")
# What opens something as somebody; the arguments before the secret: a user, or a place and a user.
LOGS_IN = re.compile(
    rb"(?i)log_?[io]n|sign_?in|auth|credential|passw|register|begin|bind|crypt|(?P<place>connect|open|session)"
)
ARGUMENT = re.compile(
    rb"\s{0,8}(?:[brfuBRFU]{0,2}\\{0,3}[\"'](?P<value>[^\"'\\\n]{0,256})\\{0,3}[\"']|[^,()\"'\n]{1,128})\s{0,8}(?P<end>[,)])"
)
MOST = 8
LOOK = (
    rb"(?:log_?[io]n|sign_?in|auth|credential|passw|register|begin|bind|crypt|connect|open|session)\w*\s?\("
    rb"[^)]*,\s*[bru]*\\*[\"'][A-Za-z0-9]"
)


def call_secrets(line: bytes) -> Iterator[Span]:
    """Where such arguments stand.

    >>> line = b'connect("db", 22, "anna", "orange-harbour12")'
    >>> [line[start:end] for start, end in call_secrets(line)]
    [b'orange-harbour12']
    """
    for call in CALL.finditer(line):
        opens = LOGS_IN.search(call["name"])
        if opens is None:
            continue
        at, first = call.end(), 2 if opens["place"] else 1
        for number in range(MOST):
            argument = ARGUMENT.match(line, at)
            if argument is None:
                break
            if number >= first and looks_chosen(argument["value"] or b""):
                yield argument.span("value")
            at = argument.end()
            if argument["end"] == b")":
                break


CALLS = Rule(
    "call",
    (),
    b"",
    'WiFi.begin("home", "orange-harbour12");',
    'connect("tcp", "web-server12")',
    look=LOOK,
    find=call_secrets,
)
