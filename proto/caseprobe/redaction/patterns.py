"""What identifiers look like in a text. All patterns take linear time: repeats are bounded or cannot be split."""

from __future__ import annotations

import re

HEX = rb"[0-9A-Fa-f]"
IPV4 = re.compile(rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
BARE_IPV4 = re.compile(rb"[\s\[(=/:,\"'<>@](\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})[\s\])/:,;\"'<>]")
# Names of machines that hold their address: in clouds, and where providers name their lines.
DASHED_WORDS = (
    rb"ip|ec2|host|dhcp|static|dynamic|dyn|pool|client|cpe|ppp|dsl|adsl|vdsl|cable|user|node|vm|nat|pc|server|srv|rev|ptr"
    rb"|internal|customer|broadband|mobile|cust|lan|wan|vpn|i|h|p|s"
)
DASHED_IPV4 = re.compile(
    rb"(?i)(?<![a-z0-9])((?:" + DASHED_WORDS + rb")-|(?<![\w.-]))(\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3})"
    rb"(?![0-9-]|\w)(?:(?<=-[0-9])|(?<=[0-9]{2}))"
)
ARPA6 = re.compile(rb"(?i)(?<![\w.-])((?:[0-9a-f]\.){31}[0-9a-f])(?=\.ip6\.arpa)")
ARPA = re.compile(rb"(?i)(?<![\w.-])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?=\.in-addr\.arpa)")
IPV6 = re.compile(
    rb"(?i)(?<![0-9a-z:.])(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):(?:[0-9a-f]{0,4}:){0,7}[0-9a-f]{0,5}"
    rb"(?![0-9a-z:])"
)
MAC = re.compile(
    rb"(?<![0-9A-Za-z:-])(?:%(h)s{2}:(?:%(h)s{2}:){4,18}%(h)s{2}|%(h)s{2}-(?:%(h)s{2}-){4}%(h)s{2})(?![0-9A-Za-z]|[:-]%(h)s)"
    % {b"h": HEX}
)
DOTTED_MAC = re.compile(rb"(?<![0-9A-Za-z.])%(h)s{4}\.%(h)s{4}\.%(h)s{4}(?![0-9A-Za-z]|\.[0-9A-Za-z])" % {b"h": HEX})
UUID = re.compile(
    rb"(?<![0-9A-Za-z-])"
    + rb"-".join(HEX + b"{%d}" % length for length in (8, 4, 4, 4, 12))
    + rb"(?![0-9A-Za-z]|-[0-9A-Za-z])"
)
EMAIL = re.compile(
    rb"(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-]{1,64})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8})(?![A-Za-z0-9-])"
)
# systemd writes instances of units as name@instance.type.
UNIT = re.compile(rb"(?i)\.(?:service|socket|timer|mount|automount|target|slice|scope|path|device|swap)\Z")
USER = rb"([A-Za-z_\x80-\xff](?:[A-Za-z0-9._\x80-\xff-]{0,63}[A-Za-z0-9_$\x80-\xff])?)"
TOKEN = rb"(?:host|user|serial|id|addr|person|card|iban|phone)-[a-z2-7]{10,512}|_hidden_[a-z0-9_]{1,40}_"
# A dotted quad may be a version. For private ranges only the surest signs count: an address that leaks is worse than a
# version that is hidden.
BUILT = rb"gcc|clang|python|php|java|jdk|openssl|glibc|libc|microcode|uefi|bootloader|schema|api|protocol"
VERSION_BEFORE = re.compile(
    rb"(?i)(?<![a-z])(?:(?:version|ver|firmware|fw|bios|build|"
    + BUILT
    + rb")[\s:=\"'(v#-]{0,4}|(?:kernel|driver|linux)[ -]v?)\Z"
)
MAYBE_BEFORE = re.compile(
    rb"(?:(?i:(?<![a-z])(?:release|rel|rev|revision|oid)[\s:=\"'(v#-]{0,4})|\b[A-Z][A-Za-z]{1,16}/)\Z"
)
VERSION_AFTER = re.compile(
    rb"(?i)[-~+_.](?:amd64|arm64|i386|i686|x86|generic|el\d|fc\d|deb|ubuntu|dfsg|bpo|rc\d|alpha|beta|cloud|aws|azure|lts)"
)
MAYBE_AFTER = re.compile(rb"[-~+_](?:[A-Za-z]|\d{1,4}(?:[-~+_A-Za-z]|\.[A-Za-z]|\b(?![.:\d/])))")
GLUED_BEFORE = re.compile(rb"(?:[0-9.]|[A-Za-z]-?)\Z")
ESCAPE_BEFORE = re.compile(rb"(?:\\[nrt]|%[0-9A-Fa-f]{2})\Z")
GLUED_AFTER = re.compile(rb"\.?[0-9A-Za-z]")
LOOK_BACK = 20
# What neither goes on a number or word nor begins a version's tail: most addresses stand between these.
APART = frozenset((b"", *(bytes((code,)) for code in b" \t\r\n\"'()[]<>{}=,;:/@|")))

# Looks in RE2's syntax: what is read closely, with all that decides about it. Runs are as long as they are, so that a
# piece of a longer word is never taken for a whole one.
LOOK_EMAIL = rb"[\w.%+\x80-\xff-]+@[\w.\x80-\xff-]+"
LOOK_UUID = rb"[\w-]*" + HEX + b"{8}-" + b"-".join([HEX + b"{4}"] * 3) + b"-" + HEX + rb"{12}[\w-]*"
LOOK_MAC = rb"[\w:-]*" + HEX + b"{2}(?:[:-]" + HEX + rb"{2}){5}[\w:-]*"
LOOK_DOTTED_MAC = rb"[\w.]*" + HEX + rb"{4}\." + HEX + rb"{4}\." + HEX + rb"{4}[\w.]*"
LOOK_IPV6 = (
    rb"[\w.:]*(?:[23]" + HEX + b"{3}|f[cd]" + HEX + b"{2}|fe[89ab]" + HEX + b"):" + HEX + rb"*:[0-9a-f:]*[\w.:]*"
)
LOOK_IPV4 = (
    rb"(?:\b(?:version|ver|firmware|fw|bios|build|release|rel|rev|revision|oid|" + BUILT + rb")[\s:=\"'(v#-]*"
    rb"|\b(?:kernel|driver|linux)[ -]v?|\b[a-z]+/)?"
    rb"[\w.+~%\\-]*[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9][\w.+~%-]*"
)
LOOK_ARPA = rb"[\w.-]*[0-9]{1,3}(?:\.[0-9]{1,3}){3}\.in-addr\.arpa"
LOOK_ARPA6 = rb"[\w.-]*(?:[0-9a-f]\.){32}ip6\.arpa"
LOOK_DASHED = rb"[\w.-]*\b(?:[0-9]{1,3}-){3}[0-9]{1,3}[\w.-]*"
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
    *BUILT.split(b"|"),
)
