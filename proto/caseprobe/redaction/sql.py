"""Secrets in statements that write rows: in the place of a column that is named so, or in a table of accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.secret_names import Speaks, speaks
from caseprobe.redaction.secret_values import Span, can_be_secret, looks_drawn, looks_mixed

INSERT = re.compile(
    rb"(?i)\b(?:insert|replace)\s{1,8}(?:ignore\s{1,8})?into\s{1,8}(?P<table>[\w.`\"\[\]$-]{1,128})\s{0,8}"
    rb"(?:\((?P<columns>[^()\n]{1,2048})\)\s{0,8})?values\s{0,8}(?=\()"
)
ACCOUNTS = re.compile(rb"(?i)(?:user|account|credential|secret|passw|radcheck|radreply|subscriber|login|auth|member)")
# Possessive throughout: two quotes in a row may be read in more ways than one, and no way is tried twice.
ROW = re.compile(rb"\((?:[^()'\"\n]|'(?:[^'\n]|''){0,65536}+'|\"[^\"\n]{0,65536}+\"){0,65536}+\)")
NEXT_ROW = re.compile(rb"\s{0,8},?\s{0,8}")
VALUE = re.compile(
    rb"\s{0,8}(?:N?\\{0,3}'(?P<one>(?:[^'\\\n]|''){0,65536})\\{0,3}'|\\{0,3}\"(?P<two>[^\"\\\n]{0,65536})\\{0,3}\"|[^,()'\"]{1,256})"
    rb"\s{0,8}[,)]"
)
# What stands beside accounts and is none of their secrets: dates, addresses, mail.
OPEN = re.compile(rb"\d{4}-\d\d-\d\d.*|[\d.:/]+|[^\s@]+@[^\s@]+\.\w+|:?=|(?:[\w-]+\.){2,}\w+")
LOOK = rb"(?:insert|replace)\s.*\bvalues\s*\("


def row_secrets(line: bytes) -> Iterator[Span]:
    """Where secrets stand in rows.

    >>> line = b"INSERT INTO t (id, password) VALUES (1, 'orange1'), (2, 'violet2')"
    >>> [line[start:end] for start, end in row_secrets(line)]
    [b'orange1', b'violet2']
    """
    at = 0
    while match := INSERT.search(line, at):
        columns = [speaks(name.strip(b" `\"'[]\\")) for name in (match["columns"] or b"").split(b",")]
        of_accounts = bool(ACCOUNTS.search(match["table"]))
        at = match.end()
        while row := ROW.match(line, at):
            yield from _of_row(line, row.start() + 1, row.end(), columns, of_accounts)
            behind = NEXT_ROW.match(line, row.end())
            at = behind.end() if behind else row.end()


def _of_row(line: bytes, at: int, end: int, columns: list[Speaks], of_accounts: bool) -> Iterator[Span]:
    """The secrets of one row: columns tell how sure each place is."""
    number = 0
    while at < end and (value := VALUE.match(line, at, end)):
        kind = "one" if value["one"] is not None else "two"
        text = value[kind]
        if text and can_be_secret(text) and _is_secret(text, columns[number : number + 1], of_accounts):
            yield value.span(kind)
        at, number = value.end(), number + 1


def _is_secret(text: bytes, column: list[Speaks], of_accounts: bool) -> bool:
    if column and column[0] is Speaks.SURE:
        return True
    drawn = looks_drawn(text) or (looks_mixed(text) and len(text) >= 8)
    return drawn and not OPEN.fullmatch(text) and (of_accounts or bool(column and column[0]))
