"""Tokens of issuers that nobody listed: a short beginning, a separator, and a long tail that was drawn by a machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.ids import is_id
from caseprobe.redaction.secret_values import Span, is_drawn

# In RE2's syntax; the pattern and the judge look closer.
LOOK = rb"(?-i:[A-Za-z0-9][_-][A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*[A-Z][A-Za-z0-9_-]*[a-z])"
PREFIXED = re.compile(
    rb"(?<![A-Za-z0-9_.:/$@%+=-])(?:[A-Za-z][A-Za-z0-9]{1,11}[_-])(?:[a-z0-9]{1,8}[_.-]){0,3}(?P<tail>[A-Za-z0-9"
    rb"_-]{20,1024}+)(?![A-Za-z0-9_./@:-]\w)"
)
# Words of a vendor's prefix that say that even a tail of hex digits is a secret.
SPOKEN = re.compile(
    rb"(?i)(?<![A-Za-z0-9_.-])(?:[a-z][a-z0-9]{0,11}[_-]){0,3}(?:sk|sec|secret|pat|tok|tkn|token|apikey|api_key"
    rb"|pk|live|priv|prv|auth)[_-]"
    rb"(?:[a-z0-9]{1,8}[_-]){0,2}(?P<tail>[A-Za-z0-9]{24,1024}+)(?![A-Za-z0-9_.-])"
)
SPOKEN_LOOK = rb"(?:sk|sec|secret|pat|tok|tkn|token|key|pk|live|priv|prv|auth)[_-][a-z0-9_-]{5}[a-z0-9_-]*[0-9]"
# A short beginning and an underscore, as most issuers write them, and a long tail of small letters and digits.
SMALL = re.compile(rb"(?<![A-Za-z0-9_./@%:=-])(?P<prefix>[a-z]{2,8})_(?P<tail>[a-z0-9]{30,512}+)(?![A-Za-z0-9_./-])")
SMALL_LOOK = rb"(?:^|[^a-z0-9_./@%:=-])[a-z]{2,8}_[a-z0-9]{20}"
NO_ISSUER = frozenset(
    b"md sha img image layer hash commit rev cache id uid digest etag file blob run job task node vol volume snap tmp "
    b"container build trace span req request event msg obj ref key sid inode uuid guid wwn dev disk".split()
)
LEAST_CHANGES, SMALL_CHANGES = 0.34, 0.27
LEAST_DIFFERENT = 8


def prefixed_tokens(line: bytes) -> Iterator[Span]:
    """Where such tokens stand.

    >>> list(prefixed_tokens(b"by acme_tGx4Kq9ZpL2mWc7RvB1nYd5s and kube-proxy-configuration-x7"))
    [(3, 32)]
    >>> list(prefixed_tokens(b"sess_01a202a8456b7b08b49ca16e9c5c3059"))
    []
    """
    for match in PREFIXED.finditer(line):
        if is_drawn(match["tail"], 3, LEAST_CHANGES, LEAST_DIFFERENT):
            yield match.span()
    for match in SMALL.finditer(line):
        if match["prefix"] not in NO_ISSUER and _is_small(match["tail"]) and not is_id(match[0]):
            yield match.span()
    for match in SPOKEN.finditer(line):
        if _is_small(match["tail"]):
            yield match.span()


def _is_small(tail: bytes) -> bool:
    """Whether a tail that may be of one case and digits was drawn."""
    return is_drawn(tail, 2, SMALL_CHANGES, LEAST_DIFFERENT)
