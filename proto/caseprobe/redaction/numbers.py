"""Numbers of cards, accounts and telephones: known by checksum or form, hidden with their grouping kept."""

from __future__ import annotations

import re

from caseprobe.redaction.pseudonyms import Pseudonyms

# Lengths of account numbers by land. Source: SWIFT IBAN registry (ISO 13616), release 99.
_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18
FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21
MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25
SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
IBAN_LENGTHS = {word[:2]: int(word[2:]) for word in _LENGTHS.split()}
# Sizes, places and times are long numbers too, and every tenth number has a check digit that fits.
_COUNTED = rb"\b(?:size|bytes|offset|sectors?|blocks?|inode|seq|ts|time|timestamp|total|count|[num]s|len|pos|id)[=: ]"
CARD = re.compile(
    rb"(?i)(?<![\w.+-])(?P<counted>" + _COUNTED + rb")?(?P<card>3[47][0-9]{2}(?P<a>[ -]?)[0-9]{6}(?P=a)[0-9]{5}"
    rb"|(?:3(?:0[0-5]|[689][0-9])[0-9])(?P<b>[ -]?)[0-9]{6}(?P=b)[0-9]{4}"
    rb"|[2-6][0-9]{3}(?P<c>[ -]?)[0-9]{4}(?P=c)[0-9]{4}(?P=c)[0-9]{4}(?:(?P=c)[0-9]{1,3})?)(?![\w+-]|\.[0-9])"
)
IBAN = re.compile(rb"(?i)(?<![\w.+-])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CUE = (
    rb"\b(?:tele?(?:phone|fon)?|phone|mobile|cell|fax|msisdn|handy|sms|call(?:er|ee)?(?:id|[ _-]number)?)"
    rb"(?:[ _-]?(?:no|nr|number))?"
)
PHONE = re.compile(
    rb"(?i)(?<![\w.+-])(?P<plus>\+[1-9][0-9]{0,3}(?:[ ./-]?\(?[0-9]{1,5}\)?){2,6})(?![\w.]?[0-9])"
    rb"|(?<![\w.+/:-])(?P<nanp>(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4})(?![\w-])"
    rb"|" + _CUE + rb"[\"']?[.:= \t]{1,8}[\"'<]?(?P<cued>[+(]?[0-9](?:[ ()./-]{0,2}[0-9]){5,17})(?![\w-])"
)
# Their looks in RE2's syntax, with what may stand glued to them; and a word before, beside which something else might
# be looked for that would cut a grouped number.
_KEY = rb"(?:\b[a-z_]+[\"']?[=: ] ?[\"'<]?)?"
LOOK_CARD = (
    _KEY + rb"[\w.+-]*(?:3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4}|[2-6][0-9]{3}(?:[ -]?[0-9]{4}){3})"
    rb"[\w.+-]*(?: [0-9]+)?[\w.+-]*"
)
LOOK_IBAN = _KEY + rb"[\w.+-]*\b[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?\w*"
LOOK_PHONE = (
    _KEY + rb"[\w.+-]*\+[1-9][0-9]{0,3}(?:[ ./-]?\(?[0-9]{1,5}\)?){2,}[\w.]*"
    rb"|[\w.+-]*(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}[\w-]*"
    rb"|" + _CUE + rb"[\"']?[.:= \t]{1,8}[\"'<]?[+(]?[0-9](?:[ ()./-]{0,2}[0-9]){5,}[\w-]*"
)
FEWEST_DIGITS, MOST_DIGITS = 7, 15
SEPARATORS = re.compile(r"[^0-9A-Za-z+]")
# How a number was grouped, in letters that base 32 does not need: a separator each, behind the digits since the last.
GROUPING = " -.()/"


def card(pseudonyms: Pseudonyms, text: str) -> str:
    """The pseudonym of a card's number, or the text itself where its check digit does not fit."""
    digits = SEPARATORS.sub("", text)
    return laid_out(pseudonyms, "card", digits, text) if _luhn(digits) and len(set(digits)) > 1 else text


def iban(pseudonyms: Pseudonyms, text: str) -> str:
    """The pseudonym of an account's number, with what follows it; the text itself where the checksum does not fit."""
    length = IBAN_LENGTHS.get(text[:2].upper(), 0)
    end = _end_of(text, length)
    digits = SEPARATORS.sub("", text[:end])
    if not length or len(digits) != length or text[end : end + 1].isalnum() or not _mod_97(digits):
        return text
    return laid_out(pseudonyms, "iban", digits, text[:end]) + text[end:]


def phone(pseudonyms: Pseudonyms, text: str) -> str:
    """The pseudonym of a telephone number; the text itself where it has too few or too many digits."""
    digits = SEPARATORS.sub("", text)
    fits = FEWEST_DIGITS <= len(digits.lstrip("+")) <= MOST_DIGITS and len(set(digits)) > 3
    return laid_out(pseudonyms, "phone", digits, text) if fits else text


def laid_out(pseudonyms: Pseudonyms, kind: str, digits: str, text: str) -> str:
    """A number's pseudonym, and behind it how it was grouped, where it was.

    >>> laid_out(Pseudonyms(b"key"), "phone", "+4930", "+49 30").removeprefix(Pseudonyms(b"key").name("phone", "+4930"))
    '.d0'
    """
    token, grouping, since = pseudonyms.name(kind, digits), "", 0
    for char in text:
        if char in GROUPING:
            grouping += f"{'abcdefghijklmnopqrstuvwxyz'[since]}{GROUPING.index(char)}"
            since = -1
        since += 1
    return f"{token}.{grouping}" if grouping else token


def laid_back(pseudonyms: Pseudonyms, token: str) -> str:
    """What laid_out was given as text."""
    name, _, grouping = token.partition(".")
    digits, pieces, at = pseudonyms.unmask_name(name), "", 0
    if digits == name:
        return token
    for letter, number in zip(grouping[::2].lower(), grouping[1::2], strict=True):
        step = ord(letter) - ord("a")
        pieces += digits[at : at + step] + GROUPING[int(number)]
        at += step
    return pieces + digits[at:]


def _end_of(text: str, length: int) -> int:
    """Behind so many characters that are no separators."""
    seen = 0
    for at, char in enumerate(text):
        if seen == length:
            return at
        seen += char != " "
    return len(text)


def _luhn(number: str) -> bool:
    """Whether the check digit fits. Source: ISO/IEC 7812-1, annex B."""
    total = sum(int(digit) for digit in number[::-2])
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])) % 10 == 0


def _mod_97(number: str) -> bool:
    """Whether the checksum fits. Source: ISO 7064, MOD 97-10."""
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1
