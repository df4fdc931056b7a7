"""Codes: keys of products, of disks and of wallets by their form, and short codes behind the word for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span, is_drawn

# Letters and digits that Microsoft's product keys consist of, and forms that others have taken over.
PRODUCT = re.compile(rb"(?<![A-Za-z0-9-])(?:[A-Z0-9]{5}-){3,5}[A-Z0-9]{5}(?![A-Za-z0-9-])")
# Of a BitLocker recovery password every group is a multiple of eleven.
DISK = re.compile(rb"(?<![0-9-])(?:[0-9]{6}-){7}[0-9]{6}(?![0-9-])")
# Base 32, as seeds of one-time codes are written.
SEED = re.compile(rb"(?<![A-Za-z0-9/_.=-])[A-Z2-7]{24,128}={0,6}(?![A-Za-z0-9/_.-])")
# Twelve words or more of a wallet's list: three to eight letters, none of those that join a sentence (BIP 39).
WORDS = re.compile(rb"(?<![a-z] )(?<![\w-])[a-z]{3,8}(?: [a-z]{3,8}){11,23}(?! ?[\w,-])")
JOINING = frozenset(
    b"and are but can for from had has have her his into its may not now one our out see that the then there they this "
    b"too was were what when which will with would you your been being does did done each than them these those use "
    b"used using because".split()
)
# What a short code is for; behind it "code", "is", a sign.
CODE = re.compile(
    rb"(?:\b(?:otp|2fa|mfa|sms|verification|security|authentication|confirm(?:ation)?|pairing|unlock|access"
    rb"|one[- ]?time|backup|recovery|scratch|emergency|door|alarm|activation|login|reset|device|user|sim|card"
    rb"|so|wps|setup|voicemail|conference|entry)[ -]?"
    rb"(?:code|password|passcode|pin|key)s?|\bpin(?: ?code)?|\bpasskey|\bpasscode"
    rb"|\botp|\btan|\bpuk)"
    rb"(?:\s{0,4}[:=]\s{0,4}|\s(?:is|was|=)\s|\s)[\"'(\[]{0,2}"
    rb"(?P<value>[0-9]{3}-[0-9]{2}-[0-9]{3}|[0-9]{4,10}|(?=[a-z-]{0,20}[0-9])[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,3})"
    rb"(?:, ?(?P<next>(?=[a-z-]{0,20}[0-9])[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,3}))?(?![\w./:%]|-\d)"
)
CODE_LOOK = (
    rb"(?:code|password|passcode|passkey|pin|key|otp|tan|puk)s?(?:\s*[:=]\s*|\s(?:is|was|=)\s|\s)[\"'(\[]*"
    rb"(?:[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{3}|[a-z0-9]{4,8}-[a-z0-9]{4})"
)
TOLD = re.compile(
    rb"(?<![\w.-])(?P<value>(?:g-)?[0-9]{4,8})(?: is your \S{0,32} ?\S{0,32} ?(?:code|pin|password)| to verify your)"
)


def codes(line: bytes) -> Iterator[Span]:
    """Where keys of a known form stand.

    >>> list(codes(b"VK7JG-NPHTM-C97JM-9MPGT-3V66T")), list(codes(b"2024A-00001-00002-00003"))
    ([(0, 29)], [])
    """
    for match in PRODUCT.finditer(line):
        groups = match[0].split(b"-")
        if len(groups) != 5 and not re.search(rb"[A-Z][0-9]|[0-9][A-Z]", match[0]):
            continue
        if sum(not group.isdigit() for group in groups) >= len(groups) - 1 and re.search(rb"[0-9]", match[0]):
            yield match.span()
    for match in DISK.finditer(line):
        if all(int(group) % 11 == 0 for group in match[0].split(b"-")):
            yield match.span()
    for match in SEED.finditer(line):
        if is_drawn(match[0], 2, LEAST_CHANGES):
            yield match.span()
    for match in WORDS.finditer(line):
        if JOINING.isdisjoint(match[0].split()):
            yield match.span()


def spoken_codes(line: bytes) -> Iterator[Span]:
    """Where short codes stand behind the word for them.

    >>> list(spoken_codes(b"Your verification code is 986211")), list(spoken_codes(b"exit code 1001"))
    ([(26, 32)], [])
    """
    lowered = line.lower()
    for match in CODE.finditer(lowered):
        yield from (match.span(group) for group in ("value", "next") if match[group])
    for match in TOLD.finditer(lowered):
        yield match.span("value")


LEAST_CHANGES = 0.2
CODES = (
    Rule(
        "code_form",
        (),
        b"",
        "Registering with VK7JG-NPHTM-C97JM-9MPGT-3V66T",
        "the quick fox jumps over the lazy dog and then some more words follow",
        look=rb"(?-i:\b(?:[A-Z0-9]{5}-){3}[A-Z0-9]{5}\b|\b[0-9]{6}-[0-9]{6}-[0-9]{6}-|\b[A-Z2-7]{24}"
        rb"|\b[a-z]{3,8}(?: [a-z]{3,8}){11})",
        find=codes,
    ),
    Rule(
        "code_spoken",
        (),
        b"",
        "Your verification code is 986211",
        "exit code 1001, key 2048 bits",
        look=CODE_LOOK + rb"|[0-9]{4} is your|[0-9]{4} to verify",
        find=spoken_codes,
    ),
)
