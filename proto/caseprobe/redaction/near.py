"""Words that look like passwords soon behind a word that speaks of one, whatever stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations

from caseprobe.redaction.lines import Search, search_of
from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import MADE, Span, can_be_secret

SPOKEN = re.compile(
    rb"(?i)(?:passw(?:or)?[dt]|pass-?phrase|passcode|(?<![a-z])pwd|secret|(?<![a-z])psk|credential|assword|sudo_pass|(?<![a-z])[pc]ap\b"
    rb"|hmac|secure-?string|encrypt|jwt\.|fernet|(?:bind|root|user|db)_?pw|ldap_\w{0,16}bind|basicauth|authenticator)"
)
# What passwords are used for: behind these words only two words and a number count.
USED = re.compile(
    rb"(?i)(?<![a-z])(?:auth(?:enticat\w{0,4})?|cred|basic|radius|tacacs|chap|pap|ppp|dial(?:er)?|community|unlock|sasl"
    rb"|wpa|wlan|wifi|l2tp|pptp|xauth|psk|smtp|imap|snmp|ipmi|bmc|vnc|keystore|truststore)(?![a-z])"
)
# A user and such a password in one word.
PAIR = re.compile(rb"(?<![\w./:@%-])[A-Za-z_][\w.-]{0,31}:(?P<value>" + MADE.pattern + rb")(?![\w./:@-])")
# A value whose comment says what it is.
COMMENTED = re.compile(
    rb"(?i)[=:]\s{0,4}[\"'](?P<value>[^\"'\n]{6,64})[\"'][;,]?\s{0,8}(?:#|//|--|;|/\*)[^\n]{0,80}?(?:passw|secret|\bpwd)"
)
# As people and their generators make them: words and digits, with signs or capitals between, and no name of a file.
WORD = re.compile(
    rb"(?<![A-Za-z0-9_./:@%+=-])(?P<value>(?=[^\s\"']{0,40}?[0-9])[A-Za-z][A-Za-z0-9!%*^~@#$&+_.-]{6,40}[A-Za-z0-9!%*^~@#$&+])"
    rb"(?![A-Za-z0-9_/:@%+=-]|\.\w)"
)
MIXED = re.compile(rb"(?=.{0,40}[a-z])(?=.{0,40}[A-Z])[^-_.]{8,42}")
# What a machine, an account or a file is announced by.
ANNOUNCED = re.compile(
    rb"(?i)(?:\b(?:from|host|on|at|by|user|for|in|node|server|of|group|realm|domain|file|via)|[a-z]\.)[ \"'=]{1,3}\Z"
)
TECHNICAL = re.compile(
    rb"(?i)(?:sha|md5|aes|des|hmac|pbkdf2?|rsa|ecdsa|ed25519|curve|tls|ssl|utf|iso|x86|x509|amd|arm|ipv|pkcs|oauth|base|pam|ntlm|krb|http)"
    rb"[-_.0-9a-z]{0,32}|.{0,40}(?:sha|aes|md|cbc|gcm|hmac|utf|tls|ssl|v)[-_]?[0-9]{1,4}"
)
REACH, MOST = 80, 2
# A word like MADE, or small and capital letters and a digit in any order; for a line that one of LOOK's stands in.
_IN = rb"[A-Za-z0-9!%*^~@#$&+]*"
LIKELY = [
    rb"(?-i:[A-Za-z]{3}[-_.!*+~^@#$%&][A-Za-z]{3}[A-Za-z]*[0-9]{2})",
    *(b"(?-i:" + _IN.join(order) + b")" for order in permutations((b"[a-z]", b"[A-Z]", b"[0-9]"))),
]
AUTOMATON_BYTES = 1 << 20
LOOK_MADE = rb"[a-z]{3}[-_.!*+~^@#$%&][a-z]{3}[a-z]*[0-9]{2}"
LOOK = (
    rb"(?:\b(?:auth|cred|basic|radius|tacacs|chap|pap|ppp|dial|community|unlock|sasl|wpa|wlan|wifi|l2tp|pptp|xauth|psk|smtp"
    rb"|imap|snmp|ipmi|bmc|vnc|keystore|truststore)|[a-z]:).*"
    + LOOK_MADE
    + rb"|passw|assword|pass-?phrase|passcode|\bpwd|secret|\bpsk|credential|\b[pc]ap\b|hmac|securestring|encrypt|jwt\."
    rb"|fernet|(?:bind|root|user|db)_?pw|ldap_\w*bind|basicauth|authenticator"
)


def near_secrets(line: bytes) -> Iterator[Span]:
    """Where such words stand.

    >>> line = b'secret: ["anna", "orange-harbour12"] from web-server12'
    >>> [line[start:end] for start, end in near_secrets(line)]
    [b'orange-harbour12']
    """
    if _likely()(line, 0, len(line))[0] < 0:
        return
    done = 0
    for spoken in SPOKEN.finditer(line):
        found = 0
        for match in _words(line, max(spoken.end(), done), spoken.end()):
            if found < MOST and _is_password(line, match):
                found, done = found + 1, match.end()
                yield match.span("value")
    yield from (match.span("value") for match in COMMENTED.finditer(line) if can_be_secret(match["value"]))
    used = [word.end() for word in USED.finditer(line)]
    for end in used:
        for match in _words(line, end, end):
            if MADE.fullmatch(match["value"]) and _is_password(line, match):
                yield match.span("value")
    if used:
        yield from (match.span("value") for match in PAIR.finditer(line))


@cache
def _likely() -> Search:
    """What tells whether any word of a line could be a password: few lines that speak of one have one."""
    return search_of(LIKELY, AUTOMATON_BYTES)


def _words(line: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
    """The words that begin in the reach of one that ends there."""
    return WORD.finditer(line, start, min(end + REACH, len(line)))


def _is_password(line: bytes, match: re.Match[bytes]) -> bool:
    value, before = match["value"], line[max(match.start() - 12, 0) : match.start()]
    return (
        (MADE.fullmatch(value) or MIXED.fullmatch(value)) is not None
        and TECHNICAL.fullmatch(value) is None
        and ANNOUNCED.search(before) is None
        and can_be_secret(value)
        and b"hidden" not in value
    )


NEAR = Rule(
    "near",
    (),
    b"",
    'secret: ["anna", "orange-harbour12"]',
    "Failed password for anna from web-server12 port 22 ssh2, secret uses HmacSHA256",
    look=LOOK,
    find=near_secrets,
)
