"""Secrets behind their name without a sign between: "enable password 7 …", "requirepass …", "key-string …"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction import secret_values as values
from caseprobe.redaction.secret_names import Speaks, speaks
from caseprobe.redaction.secret_values import Span

NAME = re.compile(rb"(?<![\w.$@/-])(?:--?)?(?P<name>[A-Za-z_][\w./-]{1,63}+)[ \t]{1,40}(?=[^\s=:;,|&)}\]])")
# Up to three words that say how the value is written, or whose it is.
FORM = re.compile(
    rb"(?i)(?:(?:enc|reg_(?:sz|expand_sz|binary|multi_sz)|cleartext|plain-?text|plain|encrypted|hash(?:ed)?"
    rb"|(?:irreversible-)?cipher|simple"
    rb"|ascii-text|ascii|hex(?:adecimal)?|unencrypted|clear|md5|sha-?\d{0,3}|hmac-\S{3,12}|aes\S{0,8}"
    rb"|level \d{1,2}|read|write|ro|rw|string|password"
    rb"|(?:manager|operator)|user-name [\"']?[\w.-]{1,64}[\"']?|--(?:iscrypted|plaintext|md5|sha\d{0,3})|text"
    rb"|remote|local|string"
    rb"|is|was|[0-9]|1[0-9]|set to|for \S{1,64}(?= is)|on \S{1,64}(?= is)|to|add|[=:])[ \t]{1,16}){1,3}"
)
# The same in RE2's syntax, for one word after the other.
FORM_LOOK = (
    rb"(?:enc|reg_\w+|cleartext|plain-?text|plain|encrypted|hash(?:ed)?|(?:irreversible-)?cipher|simple|ascii-text|ascii|hex\w*"
    rb"|unencrypted|clear|md5|sha\S*|hmac-\S+|aes\S*|level [0-9]+|read|write|ro|rw|string|password|manager|operator"
    rb"|user-name \S+|--\S+|text|remote|local|is|was|[0-9]+|set to|for \S+|on \S+|to|add|[=:])"
)
QUOTED = re.compile(rb"(?P<quote>\\{0,3}[\"'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\n])){3,1024}?)(?P=quote)")
WORD = re.compile(rb"(?P<value>[^\s\"'`;,(){}<>\\|][^\s\"'`;,{}<>\\]{2,4095}+)")
# What may stand behind a value in a statement: nothing, its end, a comment, a word that goes on with the statement.
END = re.compile(
    rb"[\"']?\s{0,16}(?:\Z|[;#}\n\r|\\\"'<]|/\*|##|//|(?:encrypted|address|privilege|level|role|ro\b|rw\b|group"
    rb"|auth|priv|vrf|timeout|secure|exit|to\b|for\b|view"
    rb"|aes|des|service|profile|type|scope|port|user|host|hostname|[0-9]{1,2}\b|key-index|key-hash|access"
    rb"|retransmit|in|out|both)(?![\w-])|/|-\w|--\w)"
)
# What begins a statement of routers and daemons; then any name that may hold a secret is taken at its word.
CONFIGURES = re.compile(
    rb"(?i)^[\s\"'>]{0,40}(?:set|add|edit|enable|username|user|local-user|crypto|ip|ipv6|neighbor|standby|vrrp"
    rb"|ntp|tacacs(?:-server|-plus)?|radius(?:-server|-host)?|aaa|key"
    rb"|snmp(?:-server|-agent|d)?|failover|tunnel|ppp|wpa|wpa-psk|wireless|option|passwd|password|secret|super"
    rb"|line|area|isis|authentication|auth|server|client"
    rb"|tls|pre-shared-key|ikev[12]|isakmp|psk|psksecret|community|keychain|key-chain|key-string|bind|rootpw"
    rb"|peer|interface|login|vpdn|l2tp|no|security|mgmt-user|radsec)\b"
)
# Prose goes on so, or begins so.
PROSE = re.compile(
    rb"(?i)(?:the|a|an|your|my|this|that|and|or|not|of|in|on|for|from|with|by|at|as|if|must|may|will|has|have"
    rb"|had|was|were|are|be|been)\Z"
)
ONLY_DRAWN = frozenset(
    (b"secret", b"secrets", b"token", b"cookie", b"credential", b"credentials", b"key", b"session", b"sid")
)


def statement_secrets(line: bytes) -> Iterator[Span]:
    """Where values stand behind secret names in statements.

    >>> line = b" username x password 7 0822455D0A16"
    >>> [line[start:end] for start, end in statement_secrets(line)]
    [b'0822455D0A16']
    """
    configures = bool(CONFIGURES.match(line.rpartition(b"]: ")[2]))
    for match in NAME.finditer(line):
        name = match["name"].rpartition(b"/")[2]
        found = speaks(name)
        if found is Speaks.NO and configures and name.lower().endswith(b"key"):
            found = Speaks.LIKELY
        if found:
            yield from _value(line, match, found, configures)


def _value(line: bytes, match: re.Match[bytes], found: Speaks, configures: bool) -> Iterator[Span]:
    form = FORM.match(line, match.end())
    at = form.end() if form else match.end()
    if values.REFERENCE.match(line, at):
        return
    written = QUOTED.match(line, at) or values.WRAPPED.match(line, at) or WORD.match(line, at)
    if written is None:
        return
    value = written["value"]
    # An attribute behind the name of its element, or the next of several settings.
    if value.endswith(b"=") and line[written.end() : written.end() + 1] in (b'"', b"'"):
        return
    if _is_secret(line, match, written, found, configures) and values.can_be_secret(value):
        yield written.span("value")


def _is_secret(line: bytes, match: re.Match[bytes], written: re.Match[bytes], found: Speaks, configures: bool) -> bool:
    """Whether what is written behind a name is its value rather than the next word of a sentence."""
    value, name = written["value"], match["name"].lower()
    if values.looks_drawn(value):
        return True
    if not values.looks_mixed(value):
        return False
    ends = bool(END.match(line, written.end()))
    if configures and ends:
        return True
    if found is not Speaks.SURE or name.rpartition(b"-")[2] in ONLY_DRAWN:
        return ends and _is_first(line, match) and found is Speaks.SURE
    return ends or written.re is QUOTED or len(value) >= 8


def _is_first(line: bytes, match: re.Match[bytes]) -> bool:
    """Whether a name is among the first words of its statement, and none of them is prose."""
    before = line[max(match.start() - 80, 0) : match.start()]
    start = max(before.rfind(sign) for sign in (b"\n", b";", b"{", b'"', b"'", b": ", b"> "))
    words = before[start + 1 :].split()
    return len(words) <= 3 and not any(PROSE.match(word) for word in words)
