"""What a dense log has in every line, replaced at once before anything is looked for: machines' names, bare addresses.

Each piece that the finder finds costs two calls and a look into a table; here a whole text takes one split. Only what
nothing around it could make anything else is taken: an address behind a word that announces no version, and in no form
by which names are known. While the finder reads the rest, a mark stands for each address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from caseprobe.redaction import headers

# Both begin with a sign that `re` finds fastest.
HEAD = re.compile(rb"(\n(?:" + headers.BEGIN + rb"))(" + headers.HOST + rb")(?= )")
# An address from its first point on; what stands before that decides.
TAIL = re.compile(rb"(\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?=[\s\])/:,;\"'<>]))")
# "from 1.2.3.4", "rhost=1.2.3.4": the letters that end no word for a version (patterns.VERSION_BEFORE).
LAST_LETTERS = frozenset(bytes((code,)) for code in b"bfhjmoqtuyzBFHJMOQTUYZ")
BLANKS = frozenset((b" ", b"\t", b"\n"))
SIGNS = ((b" ", LAST_LETTERS), (b"=", LAST_LETTERS), (b"[", BLANKS))
MARK = b"\x01"

# Gives the text in which something stands for each of some values, and how many differ.
Masked = tuple[bytes, int]


def heads(data: bytes, mask: Callable[[bytes], bytes]) -> Masked:
    """The text with the machine's name at the head of each line replaced, and how many were."""
    parts = HEAD.split(b"\n" + data)
    hosts = parts[2::3]
    if not hosts:
        return data, 0
    known = {host: mask(host) for host in set(hosts)}
    changed = {host for host, masked in known.items() if masked != host}
    parts[2::3] = [known[host] for host in hosts]
    return b"".join(parts)[1:], sum(host in changed for host in hosts)


def around_addresses(
    data: bytes, mask: Callable[[Sequence[bytes]], list[bytes]], rest: Callable[[bytes], bytes]
) -> Masked:
    """The text with its bare addresses masked and all else passed through rest, and how many addresses were changed.

    rest: sees a mark in the place of each address. Where it does not give all of them back, or the text holds such a
    mark already, it is given the text as it is.
    """
    marked, addresses = _marked(data) if MARK not in data else (data, [])
    parts = rest(marked).split(MARK) if addresses else []
    if len(parts) != len(addresses) + 1:
        return rest(data), 0
    masked = mask(addresses)
    both = [part for pair in zip(parts, masked, strict=False) for part in pair]
    return b"".join((*both, parts[-1])), sum(one is not other for one, other in zip(addresses, masked, strict=True))


def _marked(data: bytes) -> tuple[bytes, list[bytes]]:
    """The text with a mark for every bare address, and these."""
    parts = TAIL.split(data)
    addresses: list[bytes] = []
    for at in range(0, len(parts) - 1, 2):
        part = parts[at]
        for sign, ends in SIGNS:
            before, _, first = part.rpartition(sign)
            if first.isdigit() and before[-1:] in ends:
                addresses.append(first + parts[at + 1])
                parts[at], parts[at + 1] = part[: -len(first)], MARK
                break
    return b"".join(parts), addresses
