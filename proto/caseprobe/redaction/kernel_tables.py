"""Addresses in the kernel's own tables, which it writes in hexadecimal digits without any sign between.

/proc/net/tcp, udp, raw     -> "0301060A:01BB" is 10.6.1.3: each word of 32 bits in the machine's order, which is little
and those of IPv6              endian wherever we run; IPv6 is four such words, the last of which may be an IPv4 address
/proc/net/route             -> the same, between tabs
/proc/net/ipv6_route, if_inet6 -> 32 digits in the order of an address

A row has a form that nothing else has, so it is known without the table's head: in the middle of a file, or quoted. An
address becomes what its dotted form becomes. The pseudonym of a public one begins with a number over 255, so it is
written in nine digits: whoever reads the table as numbers gets the pseudonym.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address

from caseprobe.kernel_address import kernel_address

# Eight digits a word; a pseudonym's last word may have nine.
_FORM = {b"a": rb"[0-9A-F]{32,33}|[0-9A-F]{8,9}", b"b": rb"[0-9a-f]{32}", b"w": rb"[0-9A-F]{8}", b"o": rb"[0-9a-f]{2}"}
SOCKET = rb"[0-9]{1,10}: (?P<local>%(a)s):[0-9A-F]{4} (?P<remote>%(a)s):[0-9A-F]{4} [0-9A-F]{2} %(w)s(?=:)"
ROUTE = rb"(?<=\t)(?P<to>%(a)s)\t(?P<by>%(a)s)\t[0-9A-F]{4}\t(?:[0-9]{1,10}\t){3}%(w)s"
ROUTE_6 = rb"(?P<to6>%(b)s) %(o)s (?P<from6>%(b)s) %(o)s (?P<by6>%(b)s) [0-9a-f]{8} [0-9a-f]{8}"
OWN_6 = rb"(?P<own6>%(b)s) [0-9a-f]{2,4} %(o)s %(o)s %(o)s"
ROW = re.compile(
    rb"(?<![0-9A-Za-z])(?:" + b"|".join((SOCKET, ROUTE, ROUTE_6, OWN_6)) % _FORM + rb")(?![0-9A-Za-z])",
)
IN_ORDER = frozenset(("to6", "from6", "by6", "own6"))
# In RE2's syntax.
LOOK = (
    rb"[0-9]+: (?:%(w)s|%(b)s):[0-9A-F]{4} (?:%(w)s|%(b)s):[0-9A-F]{4} [0-9A-F]{2} %(w)s:"
    rb"|\t%(w)s\t%(w)s\t[0-9A-F]{4}\t(?:[0-9]+\t){3}%(w)s\b"
    rb"|\b%(b)s %(o)s (?:%(b)s %(o)s %(b)s %(w)s %(w)s|%(o)s %(o)s %(o)s)\b"
) % _FORM
# ::ffff:0:0/96 in four words.
MAPPED = "0000000000000000FFFF0000"
WORD = 8


def rewritten(row: re.Match[bytes], change: Callable[[str], str]) -> bytes:
    """The row with each of its addresses changed; change: of an address in its usual spelling."""
    text, start = row[0], row.start()
    for name, digits in reversed([(name, digits) for name, digits in row.groupdict().items() if digits]):
        begin, end = row.span(name)
        text = text[: begin - start] + changed(digits.decode(), change, name in IN_ORDER).encode() + text[end - start :]
    return text


def changed(digits: str, change: Callable[[str], str], in_order: bool = False) -> str:
    """The digits of an address changed; in_order: they stand as in the address, and not in little endian words.

    >>> changed("0301060A", lambda dotted: dotted.replace("10.", "266."))
    '03010610A'
    """
    if in_order:
        return IPv6Address(change(str(IPv6Address(bytes.fromhex(digits))))).packed.hex()
    if len(digits) < 4 * WORD:
        return _word(change(kernel_address(digits)))
    if digits.startswith(MAPPED):
        return MAPPED + changed(digits[len(MAPPED) :], change)
    masked = IPv6Address(change(kernel_address(digits))).packed
    return b"".join(masked[at : at + 4][::-1] for at in range(0, len(masked), 4)).hex().upper()


def _word(dotted: str) -> str:
    """A dotted address as one word."""
    return "".join(f"{int(octet):02X}" for octet in reversed(dotted.split(".")))
