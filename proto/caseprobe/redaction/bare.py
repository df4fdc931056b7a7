"""Secrets without a name: values that a machine drew, and passwords by their form, wherever they stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.ids import is_id
from caseprobe.redaction.blocks import is_inside, open_blocks
from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span, changes_of, is_drawn, kinds_of

# Letters of both cases, and digits between letters, in one run; in RE2's syntax.
RUN = rb"[A-Za-z0-9]*"
DRAWN_LOOK = (
    rb"[a-z][0-9]+[A-Z]|[A-Z][0-9]+[a-z]|[a-z][0-9]+[a-z]" + RUN + rb"[A-Z]|[A-Z][0-9]+[A-Z]" + RUN + rb"[a-z]"
    rb"|[a-z]" + RUN + rb"[A-Z][0-9]+[A-Z]|[A-Z]" + RUN + rb"[a-z][0-9]+[a-z]"
)
SIGNED_LOOK = rb"[=:]\s?\\*[\"']?(?:[a-z0-9]*[g-z][a-z0-9]*[0-9]|[A-Z0-9]*[G-Z][A-Z0-9]*[0-9])[A-Za-z0-9]{6}"
# "$", "@" and "#" stand in names of classes and addresses, too, but not behind digits.
UNSIGNED_LOOK = rb"(?:^|[\s\"'])(?:[a-z0-9]*[g-z][a-z0-9]*[0-9]|[a-z0-9]*[0-9][a-z0-9]*[g-z])[a-z0-9]{12}"
PASSWORD_LOOK = (
    rb"(?:[A-Za-z0-9][!%*^~+&]|[0-9][A-Za-z]*[@#$])[A-Za-z0-9]*(?:[a-z][0-9]*[A-Z]|[A-Z][0-9]*[a-z])"
    rb"|[a-z][A-Z0-9]" + RUN + rb"[!%*^~+&][A-Za-z0-9]{3}|[A-Za-z]![A-Za-z]+[0-9]"
)
LOOK = rb"(?-i:" + DRAWN_LOOK + rb"|" + SIGNED_LOOK + rb"|" + UNSIGNED_LOOK + rb"|" + PASSWORD_LOOK + rb")"
# A run of base 64 or of either alphabet of addresses; what goes on behind it makes it part of something longer.
DRAWN = re.compile(
    rb"(?<![A-Za-z0-9+_@%$&-])(?<![a-z]{3}\.)[A-Za-z0-9+/_-]{20,4096}+={0,2}(?![A-Za-z0-9@]|\.(?!(?:xml|ics|rss|atom|json)\b)[A-Za-z0-9])"
)
# Behind a sign, of one case and digits, with a letter that no hexadecimal number has.
SIGNED = re.compile(
    rb"(?<=[=:\"'\s])(?:(?=[a-z0-9]{0,64}[g-z])[a-z0-9]{24,512}+|(?=[A-Z0-9]{0,64}[G-Z])[A-Z0-9]{24,512}+"
    rb"|[A-Za-z0-9]{16,19}+)(?![\w.@/-])"
)
SIGN = re.compile(rb"[=:]\s{0,4}\\{0,3}[\"']?\Z")
# What passwords are made of: a sign between letters and digits that nobody writes there.
PASSWORD = re.compile(
    rb"(?<![A-Za-z0-9!%*^~+@#&$_./?-])(?:[A-Za-z0-9]{3,24}[!%*^~+@#&$][A-Za-z0-9!%*^~@#&$]{3,24}"
    rb"|[A-Za-z]{3,16}![A-Za-z]{3,16}[0-9]{1,6})(?![A-Za-z0-9!%*^~+@#&$_/=-]|\.\w)"
)
# What a name says of a value that is none: ids, hashes, what is public.
PUBLIC = re.compile(
    rb"(?i)(?:id|ids|uid|uuid|guid|hash|digest|sum|md5|sha-?\d{0,4}|etag|fingerprint|thumbprint|integrity|checksum|public|pub"
    rb"|public_?key|pub_?key|cert|certificate|crt|boundary|bh?|h1|cursor|rev|revision|version|serial|sn|model|wwn|nonce|trace|path|file|class|name|host|build"
    rb"|commit|parent|tree|etag|tag|ref|kid|dm|state|mid|message|msg|user-?agent|image|layer)s?\\{0,3}[\"']?\s{0,4}[=:]\s{0,4}\\{0,3}"
    rb"[\"'<]?\Z"
)
# Names that compilers make, public keys of SSH, sums of packages, ids of volumes.
KNOWN = re.compile(
    rb"_[ZR]|AAAA[BCE]|MI[IG]|LS0tLS1CRUdJTiB(?:DRVJUSUZJQ0FUR|QVUJMSUMgS0VZ|YNTA5|QR1AgUFVCTElD)|PBE?With|sha\d{1,3}[-_]|md5-|[A-Za-z-]{0,24}LVM-[A-Za-z0-9]{64}\Z"
    rb"|[A-Za-z0-9]{6}-(?:[A-Za-z0-9]{4}-){5}[A-Za-z0-9]{6}\Z"
    rb"|[0-9a-fA-F]{1,1024}+(?:-[0-9a-fA-F]{1,64}+){0,15}-?\Z"
)
# A class and the line in it, or an inner class.
LINE_OF_CODE = re.compile(rb"[@$#][0-9]{1,20}\Z")
# A run of one case that is as long needs no sign before it.
UNSIGNED = 30
LOOK_BACK = 40
CHANGES, SHORT_CHANGES, ONE_CASE_CHANGES = 0.34, 0.42, 0.27


def bare_secrets(line: bytes) -> Iterator[Span]:
    """Where such values stand.

    >>> line = b"using kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse now"
    >>> [line[start:end] for start, end in bare_secrets(line)]
    [b'kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse']
    >>> list(bare_secrets(b"sha256=kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse org.apache.FastLeaderElection@774"))
    []
    """
    open_to_all = open_blocks(line)
    for match in DRAWN.finditer(line):
        for start, end in _segments(line, *match.span()):
            if is_drawn(line[start:end], 3, CHANGES) and not (
                _is_public(line, start, end) or is_inside(open_to_all, (start, end))
            ):
                yield start, end
    for match in SIGNED.finditer(line):
        start, end = match.span()
        long = end - start >= 20
        if (
            (end - start >= UNSIGNED or SIGN.search(line, max(start - LOOK_BACK, 0), start))
            and is_drawn(match[0], 2 if long else 3, ONE_CASE_CHANGES if long else SHORT_CHANGES)
            and not _is_public(line, start, end)
        ):
            yield start, end
    for match in PASSWORD.finditer(line):
        if b"!" in match[0] or _is_password(match[0]):
            yield match.span()


def _segments(line: bytes, start: int, end: int) -> Iterator[Span]:
    """The run itself, or in a path each of its parts that is long enough."""
    if line[start : start + 1] != b"/":
        yield start, end
        return
    at = start
    for part in line[start:end].split(b"/"):
        if len(part) >= 20:
            yield at, at + len(part)
        at += len(part) + 1


def _is_password(value: bytes) -> bool:
    """Whether letters of both cases or digits and letters are mixed as nobody writes them."""
    kinds = kinds_of(value)
    return (
        b"a" in kinds and b"A" in kinds and changes_of(kinds) >= len(kinds) * CHANGES and not LINE_OF_CODE.search(value)
    )


def _is_public(line: bytes, start: int, end: int) -> bool:
    """Whether a value is an id, a hash or something else that may be seen."""
    before = line[max(start - LOOK_BACK, 0) : start]
    return bool(KNOWN.match(line, start, end)) or bool(PUBLIC.search(before)) or is_id(line[start:end])


BARE = Rule(
    "drawn",
    (),
    b"",
    "used kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse for it",
    "sha256=kBuET1BylE2D8KKSHn6o5ZiVTkXZBIse org.apache.FastLeaderElection@774",
    look=LOOK,
    find=bare_secrets,
)
