"""Lines that give a key a value, as most settings are written."""

from __future__ import annotations

KEY = rb"[ \t]*(?:export[ \t]+)?[\"']?"
IS = rb"[\"']?[ \t]*[:=][ \t]*[\"']?"
VALUE = rb"([^\r\n]*?)[\"']?[,;]?[ \t]*\r?$"
# Values of files that are nothing but settings of a program: what tells nobody anything stays.
HARMLESS = (
    rb"(?!(?:true|false|yes|no|on|off|null|none|debug|info|warn(?:ing)?|error|production|development|staging|test|utf-?8"
    rb"|[0-9]{1,6}|[A-Z][a-z]+/[A-Z][a-z]+)[\"']?[ \t]*\r?$)"
)


def keyed(*keys: bytes) -> bytes:
    """A line that gives one of some keys a value."""
    return rb"^" + KEY + rb"(?:" + rb"|".join(keys) + rb")" + IS + VALUE
