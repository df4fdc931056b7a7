"""Secrets that stand in the path of an address of one use, or behind a user in a line of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.bare import CHANGES
from caseprobe.redaction.secret_values import MADE, Span, is_drawn, looks_drawn, looks_mixed

# What an address does once: who has it, may do it.
ONCE = re.compile(
    rb"(?i)(?<!/usr)(?<!/local)/(?!(?:sys|srv|snap|sbin)/)(?:reset|password|verif|confirm|activat|invit|magic|unsubscri|log-?in|sign-?in|signup|auth|token"
    rb"|share|hook|webhook|recover|unlock"
    rb"|approve|accept|download|s|key|services?|catch|trigger|bot|access|join"
    rb"|guest)[\w-]{0,24}(?:/[\w-]{1,24}){0,2}?/(?P<value>[A-Za-z0-9_:.=-]{16,512}+)"
)
# The same where only what comes at once, or behind a number, can be one.
AT_ONCE = re.compile(
    rb"(?i)/(?:api|rest|feeds?|rss|ical|calendar|incoming|inbound|callback|private|secret|notify|ingest)(?:/v?\d{1,4})?/"
    rb"(?:private-)?(?P<value>[A-Za-z0-9]{24,128}+)"
)
FILE = re.compile(rb"\.[a-z]{1,5}[0-9]?\Z")
# A key in a path of its own, and a query that is nothing but one.
ALONE = re.compile(
    rb"/private-(?P<hex>[0-9a-f]{16,128})|\?(?P<value>[A-Za-z0-9_-]{14,128}+)(?=[\s\"']|$)",
)
BEGIN = rb"(?m)(?:^|(?<=\]: )|(?<=[\"']))[ \t]{0,16}(?:-[ \t]{1,8}[\"']?)?"
END = rb"(?:[ \t]{1,8}#[^\n]{0,128})?[ \t]{0,8}(?=$|[\"'\\\r])"
VALUE = rb"[\"']?(?P<value>[^\s\"':/\\][^\s\"'\\]{5,255}+)[\"']?"
LINES = (
    # user:password
    re.compile(BEGIN + rb"(?P<name>[A-Za-z_][\w.@-]{1,63}):(?P<value>[^\s\"':/\\][^\s\"':/\\]{5,255}+)" + END),
    # host user:password, as mail servers keep them
    re.compile(
        BEGIN + rb"(?P<name>\[?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\]?(?::\d{1,5})?)[ \t]{1,16}"
        rb"(?![0-9A-Fa-f:./]{3,60}(?:[\s\"'\\]|$))[A-Za-z_][\w.@+-]{0,127}:" + VALUE + END
    ),
    # host secret, with a timeout, as clients of RADIUS and racoon keep them
    re.compile(
        BEGIN
        + rb"(?P<name>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?::\d{1,5})?)[ \t]{1,16}"
        + VALUE
        + rb"(?:[ \t]{1,8}\d{1,3})?"
        + END
    ),
    # the same with a timeout
    re.compile(
        BEGIN
        + rb"(?P<name>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?::\d{1,5})?)[ \t]{1,16}"
        + VALUE
        + rb"[ \t]{1,8}\d{1,3}"
        + END
    ),
    # address or folder, user, password, as davfs keeps them
    re.compile(
        BEGIN + rb"(?P<name>https?://[^\s\"']{1,255}|/[\w./-]{1,255})[ \t]{1,16}[\w.@-]{1,64}[ \t]{1,16}" + VALUE + END
    ),
)
# What nothing else is written like: any value that nobody writes as prose is a password there.
SURE_LINES = (LINES[1], LINES[3], LINES[4])
# A line of /etc/hosts.
HOSTS = re.compile(rb"\s{0,16}[0-9.]{7,15}[ \t]{1,16}[\w.-]{1,255}\s{0,8}")
NO_USER = re.compile(
    rb"(?i)(?:.*[._-])?(?:sha\d*|md5|image|tag|version|commit|ref|rev|build|date|time|id|host|http|https|port"
    rb"|file|line|name|type|size|at|in|from|to|on|v\d*|digest|status|state|uid|gid|pid|tcp|udp|etag|arn|urn"
    rb"|localhost|latest|[a-z]{2,3}_[A-Z]{2}[.@].*)"
)


# user:password@host without the scheme of an address; what no user is called.
LOGIN_AT = re.compile(
    rb"(?<![\w./:@-])(?P<name>[A-Za-z][\w.+-]{0,63}):(?P<value>[^\s:@/\"'<>,]{4,128})@(?!sha\d)(?=[\w\[(])"
)
NO_LOGIN = re.compile(
    rb"(?i)(?:mailto|to|from|cc|bcc|sips?|xmpp|im|tel|user|uid|e?mail|login|id|rcpt|by|sender|acct|jid|host|for|and|via)"
)


def logins_at(line: bytes) -> Iterator[Span]:
    """Where passwords stand in user:password@host.

    >>> list(logins_at(b"anna:S3cretHarb12@tcp(db:3306)")), list(logins_at(b"mailto:anna1@example.net"))
    ([(5, 17)], [])
    """
    for match in LOGIN_AT.finditer(line):
        if looks_mixed(match["value"]) and not NO_LOGIN.fullmatch(match["name"]):
            yield match.span("value")


def path_tokens(line: bytes) -> Iterator[Span]:
    """Where tokens stand in paths that one opens once: reset links, invitations, hooks.

    >>> list(path_tokens(b"/invite/T3JhbmdlSGFyYm91cjEyZz12"))
    [(8, 32)]
    """
    for match in (*ONCE.finditer(line), *AT_ONCE.finditer(line)):
        if looks_drawn(match["value"]) and (not FILE.search(match["value"]) or is_drawn(match["value"], 3, CHANGES)):
            yield match.span("value")
    for match in ALONE.finditer(line):
        if match["hex"]:
            yield match.span("hex")
        elif is_drawn(match["value"], 3, CHANGES):
            yield match.span("value")


def user_secrets(line: bytes) -> Iterator[Span]:
    """Where passwords stand in lines that hold a user or host, and nothing else than its password.

    >>> list(user_secrets(b"anna:S3cretHarb12")), list(user_secrets(b"nginx:1.25-alpine"))
    ([(5, 17)], [])
    """
    for pattern in LINES:
        for match in pattern.finditer(line):
            value = match["value"]
            is_secret = looks_mixed(value) if pattern in SURE_LINES else _is_password(value) or MADE.fullmatch(value)
            if (
                is_secret
                and not NO_USER.fullmatch(match["name"])
                and not (pattern is LINES[2] and HOSTS.fullmatch(match[0]))
            ):
                yield match.span("value")


def _is_password(value: bytes) -> bool:
    """Whether a word has small letters, digits, and capitals or signs that stand in passwords only."""
    small, digits = re.search(rb"[a-z]", value), re.search(rb"[0-9]", value)
    return bool(small and digits and re.search(rb"[A-Z!%*+^~#$@]", value)) and not re.match(rb"\d{1,3}\.|\d{4}-", value)
