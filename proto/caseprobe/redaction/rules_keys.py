"""Private keys that stand in one line without a frame, known by how their encoding begins, and keys of devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span

START, TAIL = rb"(?<![A-Za-z0-9+/])", rb"[A-Za-z0-9+/]{24,16384}+={0,2}"
# DER of PKCS 1, PKCS 8, PKCS 12 and SEC 1 begins with a sequence and a small number, its version; that of certificates
# and public keys with two sequences (X.690, RFC 8017, RFC 5958, RFC 5915).
LONG, MIDDLE, SHORT = (
    rb"MI[IJKL][A-Za-z0-9+/]{2}[AQgw]IBA",
    rb"MI[GH][A-Za-z0-9+/]AgE[A-D]",
    rb"M[A-P][AEIMQUYcgkosw048]CAQ(?:Aw|EE)",
)
# openssh-key-v1, the stores of Java.
OTHERS = rb"b3BlbnNzaC1rZXktdjEA|/u3\+7QAAAA|zs7OzgAAAA"
DER = b"|".join((LONG, MIDDLE, SHORT, OTHERS))
# All 64 bytes of an Ed25519 key as numbers, as wallets keep it.
NUMBERS = re.compile(rb"\[\s{0,2}(?P<value>[0-9]{1,3}(?:,\s{0,2}[0-9]{1,3}){63})\s{0,2}\]")
FEWEST_DIFFERENT = 40


def byte_lists(line: bytes) -> Iterator[Span]:
    """Where such numbers stand.

    >>> list(byte_lists(b"[" + b",".join(b"%d" % (7 * n % 256) for n in range(64)) + b"]"))
    [(1, 224)]
    """
    for match in NUMBERS.finditer(line):
        numbers = {int(number) for number in match["value"].split(b",")}
        if len(numbers) >= FEWEST_DIFFERENT and max(numbers) < 256:
            yield match.span("value")


KEYS: tuple[Rule, ...] = (
    Rule(
        "der_form",
        (),
        START + rb"(?:" + DER + rb")" + TAIL,
        "key MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49AwEHoUQ",
        "MIIDXTCCAkWgAwIBAgIJAKl2DLO9L0hdMA0GCSqGSIb3DQEBCwUAMEUxCzA",
        cased=True,
        look=rb"(?-i:" + DER + rb")",
    ),
    Rule(
        "byte_list",
        (),
        b"",
        "[" + ",".join(str(7 * number % 256) for number in range(64)) + "]",
        "[" + ",".join(str(number % 8) for number in range(64)) + "]",
        look=rb"\[\s*[0-9]{1,3},\s*[0-9]{1,3},\s*[0-9]{1,3},\s*[0-9]{1,3},\s*[0-9]{1,3},",
        find=byte_lists,
    ),
    Rule(
        "pairing",
        (),
        rb"(?<![A-Za-z0-9])(?:MT:([A-Z0-9.-]{19,96})|X-HM://([A-Z0-9]{9,20}))(?![A-Za-z0-9])",
        "scanned MT:Y.K9042C00KA0648G00",
        "MT: none",
        cased=True,
        look=rb"(?-i:\bMT:[A-Z0-9.-]{10}|X-HM://)",
    ),
)
