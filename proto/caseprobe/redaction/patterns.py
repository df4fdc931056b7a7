"""What identifiers look like in a text. All patterns take linear time: repeats are bounded or cannot be split."""

from __future__ import annotations

import re

HEX = rb"[0-9A-Fa-f]"
IPV4 = re.compile(rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
DASHED_IPV4 = re.compile(rb"(?i)(?<![a-z0-9])(ip-)(\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3})(?![0-9-])")
IPV6 = re.compile(
    rb"(?i)(?<![0-9a-z:.])(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):(?:[0-9a-f]{0,4}:){0,6}[0-9a-f]{0,4}"
    rb"(?![0-9a-z:])"
)
MAC = re.compile(
    rb"(?<![0-9A-Za-z:-])(?:%(h)s{2}:(?:%(h)s{2}:){4,18}%(h)s{2}"
    rb"|%(h)s{2}-(?:%(h)s{2}-){4}%(h)s{2})(?![0-9A-Za-z]|[:-]%(h)s)" % {b"h": HEX}
)
DOTTED_MAC = re.compile(rb"(?<![0-9A-Za-z.])%(h)s{4}\.%(h)s{4}\.%(h)s{4}(?![0-9A-Za-z]|\.[0-9A-Za-z])" % {b"h": HEX})
UUID = re.compile(
    rb"(?<![0-9A-Za-z-])"
    + rb"-".join(HEX + b"{%d}" % length for length in (8, 4, 4, 4, 12))
    + rb"(?![0-9A-Za-z]|-[0-9A-Za-z])"
)
EMAIL = re.compile(
    rb"(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-]{1,64})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})(?![A-Za-z"
    rb"0-9-])"
)
# systemd writes instances of units as name@instance.type.
UNIT = re.compile(rb"(?i)\.(?:service|socket|timer|mount|automount|target|slice|scope|path|device|swap)\Z")
USER = rb"([A-Za-z_\x80-\xff](?:[A-Za-z0-9._\x80-\xff-]{0,63}[A-Za-z0-9_$\x80-\xff])?)"
HOME = re.compile(rb"(?i)(?<![a-z0-9])(?:/export)?(?:/home/|/users/|\\users\\)" + USER)
LOGGED_USER = re.compile(
    rb"(?:\b(?:Accepted|Failed) \S{1,40} for (?:invalid user )?|\b[Ii]nvalid user "
    rb"|\bsession (?:opened|closed) for user "
    rb"|\b(?:r?user|logname|acct|LOGNAME|USER|SUDO_USER|USERNAME)=[\"']?)" + USER + rb"(?=[\s\"',;(]|$)",
    re.MULTILINE,
)
TOKEN = rb"(?:host|user|serial|id|addr)-[a-z2-7]{10,512}|_hidden_[a-z0-9_]{1,40}_"
# A dotted quad may be a version. For private ranges only the surest signs count: an address that leaks is worse than a
# version that is hidden.
VERSION_BEFORE = re.compile(
    rb"(?i)(?<![a-z])(?:(?:version|ver|firmware|fw|bios|build)[\s:=\"'(v#-]{0,4}|(?:kernel|driver|linux)[ -]v?)\Z"
)
MAYBE_BEFORE = re.compile(
    rb"(?:(?i:(?<![a-z])(?:release|rel|rev|revision|oid)[\s:=\"'(v#-]{0,4})|\b[A-Z][A-Za-z]{1,16}/)\Z"
)
VERSION_AFTER = re.compile(
    rb"(?i)[-~+_.](?:amd64|arm64|i386|i686|x86|generic|el\d|fc\d|deb|ubuntu|dfsg|bpo|rc\d|alpha|beta|cloud|aws"
    rb"|azure|lts)"
)
MAYBE_AFTER = re.compile(rb"[-~+_](?:[A-Za-z]|\d{1,4}(?:[-~+_A-Za-z]|\.[A-Za-z]|\b(?![.:\d/])))")
GLUED_BEFORE = re.compile(rb"(?:[0-9.]|[A-Za-z]-?)\Z")
ESCAPE_BEFORE = re.compile(rb"(?:\\[nrt]|%[0-9A-Fa-f]{2})\Z")
GLUED_AFTER = re.compile(rb"\.?[0-9A-Za-z]")
LOOK_BACK = 20
# What neither goes on a number or word nor begins a version's tail: most addresses stand between these.
APART = frozenset((b"", *(bytes((code,)) for code in b" \t\r\n\"'()[]<>{}=,;:/@|")))

# Looks in RE2's syntax, all taken at once; only a line that passes one is searched with the pattern that it is for.
MAYBE_EMAIL, MAYBE_DASHED = rb"@", rb"ip-[0-9]"
MAYBE_HOME = rb"/home/|/users/|\\users\\"
MAYBE_USER = rb" for |invalid user |user=|logname=|acct=|username="
MAYBE_UUID = b"-" + b"-".join([HEX + b"{4}"] * 3) + b"-"
MAYBE_COLONS = b":" + b":".join([HEX + b"{1,4}"] * 3) + b":|::"
MAYBE_DASHES = b"-" + b"-".join([HEX + b"{2}"] * 3) + b"-"
MAYBE_DOTS = rb"\." + HEX + rb"{4}\."
MAYBE_IPV4 = rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
# What the text before a version ends with, after VERSION_GAP is cut off; then the patterns decide.
VERSION_GAP = b" \t:=\"'(v#-V"
VERSION_ENDS = (
    b"version",
    b"ver",
    b"firmware",
    b"fw",
    b"bios",
    b"build",
    b"kernel",
    b"driver",
    b"linux",
    b"release",
    b"rel",
    b"rev",
    b"revision",
    b"oid",
    b"/",
)
