"""Words that look like passwords soon behind a word that speaks of one, whatever stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span, can_be_secret

SPOKEN = re.compile(
    rb"(?i)(?:passw(?:or)?[dt]|pass-?phrase|passcode|(?<![a-z])pwd|secret|(?<![a-z])psk|credential|assword|sudo_pass|(?<![a-z])[pc]ap\b"
    rb"|hmac|secure-?string|encrypt|jwt\.|fernet|(?:bind|root|user|db)_?pw|ldap_\w{0,16}bind|basicauth|authenticator)"
)
# As people and their generators make them: words and digits, with signs or capitals between, and no name of a file.
WORD = re.compile(
    rb"(?<![A-Za-z0-9_./:@%+=-])(?P<value>(?=[^\s\"']{0,40}?[0-9])[A-Za-z][A-Za-z0-9!%*^~@#$&+_.-]{6,40}[A-Za-z0-9!%*^~@#$&+])"
    rb"(?![A-Za-z0-9_/:@%+=-]|\.\w)"
)
MADE = re.compile(rb"[A-Za-z]{3,16}[-_.!*+~^@#$%&][A-Za-z]{3,16}[0-9]{2,6}")
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
LOOK = (
    rb"passw|assword|pass-?phrase|passcode|\bpwd|secret|\bpsk|credential|\b[pc]ap\b|hmac|securestring|encrypt|jwt\.|fernet"
    rb"|(?:bind|root|user|db)_?pw|ldap_\w*bind|basicauth|authenticator"
)


def near_secrets(line: bytes) -> Iterator[Span]:
    """Where such words stand.

    >>> line = b'secret: ["anna", "orange-harbour12"] from web-server12'
    >>> [line[start:end] for start, end in near_secrets(line)]
    [b'orange-harbour12']
    """
    done = 0
    for spoken in SPOKEN.finditer(line):
        found = 0
        for match in WORD.finditer(line, max(spoken.end(), done), min(spoken.end() + REACH, len(line))):
            if found < MOST and _is_password(line, match):
                found, done = found + 1, match.end()
                yield match.span("value")


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
