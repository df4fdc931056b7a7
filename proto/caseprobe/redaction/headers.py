"""The machine's name at the head of a log's line, as syslog and its relatives write it."""

from __future__ import annotations

HOST = rb"[A-Za-z0-9\x80-\xff](?:[\w.\x80-\xff-]{0,253}[\w\x80-\xff])?"
# RFC 3164 and what rsyslog and journalctl make of it; RFC 5424 and ISO times, where a program must follow, since
# applications put their level there.
_OLD = rb"(?:<[0-9]{1,3}>)?[A-Za-z]{3} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})? "
_NEW = (
    rb"(?:<[0-9]{1,3}>1? ?)?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    rb"(?:Z|[+-][0-9:]{4,6})? "
)
_PROGRAM = rb" (?:[\w./()@-]{1,64}(?:\[[0-9]{1,10}\])?: |[\w./-]{1,64} [0-9-]{1,10} [\w.-]{1,32} )"
# What stands before the name.
BEGIN = _OLD + rb"(?=[\w.-]{1,255} )|" + _NEW + rb"(?=[\w.-]{1,255}" + _PROGRAM + rb")"
