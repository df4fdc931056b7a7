"""What stands behind a name: where the value begins and ends, and whether it can be a secret at all."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits

from caseprobe.redaction.secret_names import Speaks

Span = tuple[int, int]

# Nothing is written longer than this in one line; a value that is, is hidden as far as it is read.
LONGEST = 1 << 16
# A quoted value, its quotes perhaps escaped by the JSON that it was put into, once or twice; "N", "b" … belong to
# programming languages and SQL. A quote within it may be escaped.
QUOTED = re.compile(
    rb"[NnbBrRuU@$]{0,2}(?P<quote>\\{0,3}[\"'`])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\n])){1,65536}?)(?P=quote)"
)
OPEN_QUOTE = re.compile(rb"\\{0,3}[\"'](?P<value>[^\n\"']{4,65536}+)")
# {SSHA}…, {AES}…, ENC(…), {AQAA…}: how a value is written belongs to it.
WRAPPED = re.compile(
    rb"(?P<value>(?:\{[A-Za-z0-9., -]{2,24}\}[^\s\"'<>,;]{2,4096}+|[A-Z]{2,16}[\[(][^\s\])]{4,4096}+[\])]"
    rb"|\{[A-Za-z0-9+/=_-]{12,4096}+\}"
    rb"|\$[A-Z_]{3,24};[0-9.]{1,8};[^\s\"'<>,]{4,4096}+))"
)
# Octets one by one, as registries, radios and hex dumps write them.
OCTETS = re.compile(
    rb"(?P<value>(?:hex(?:\([0-9a-f]\))?:|0x)?[0-9A-Fa-f]{2}(?:[ :,-](?:\\\s{0,4})?(?:0x)?[0-9A-Fa-f]{2}){5,2048"
    rb"}+)(?![0-9A-Za-z])"
)
# A word before the value that says how it is written.
FORM = re.compile(
    rb"(?:(?:ENC|REG_(?:SZ|EXPAND_SZ|BINARY|MULTI_SZ)|cleartext|plain(?:text)?|encrypted|hash(?:ed)?|cipher"
    rb"|simple|irreversible-cipher"
    rb"|ascii-text|ascii|hex(?:adecimal)?|unencrypted|clear|is|was|[Bb]asic|[Bb]earer|[Dd]igest|[Tt]oken"
    rb"|[Nn]egotiate|NTLM|[Aa]pi[Kk]ey"
    rb"|level \d{1,2}|sha\d{1,3}|[0-9]|1[0-9])\s{1,4}|(?:sha\d{1,3}|v[01]|hmac-\w{3,8})=)(?=[^\s=:|&])"
)
BARE = re.compile(
    rb"(?P<value>[^\s\"'`,;&|(){}<>\[\]\\][^\s\"'`,;&"
    rb"|){}<>\]\\]{0,65535}+)(?P<call>[({\[](?=[\w\"']))?"
)
# What a value in running text must hold soon, or a quote: a digit, a sign, a capital within a word.
MIXED_NEAR = re.compile(
    rb"[^\s]{0,48}?(?:[0-9!#$%^*+=@~?\"']|[a-z][A-Z]|[A-Z]{8})"
    rb"|\S{1,16}\s{1,4}[\"']?\S{0,64}?[0-9]|(?:[0-9A-Fa-f]{2}[ :,-]){5}"
)
# To the end of a line that holds nothing else.
WHOLE = re.compile(rb"(?P<value>[^\s\"'{\[(<|>#][^\n\"]{0,4095}+)")

# Answers that are no secret, in lower case.
PLAIN = re.compile(
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|required|optional|requisite|sufficient|default|set"
    rb"|unset|empty|auto"
    rb"|enabled?|disabled?|never|always|changed?|expired?|invalid|valid|missing|wrong|incorrect|unknown|denied|failed"
    rb"|string|str|int|integer|bool(?:ean)?|bytes|object|text|varchar.{0,8}|password|passwd|secret|token|key"
    rb"|prompt|ask"
    rb"|session|chauthtok|account|auth|setcred"
    rb"|files|compat|db|systemd|sss|ldap|winbind|nis|unchanged|hidden|redacted|masked|removed|todo|n/a|present|absent"
    rb"|private|public|readonly|read-only|tbd|nopasswd|nopass|x|locked|stdin|file|env|basic|bearer|digest"
    rb"|negotiate|ntlm"
    rb"|md5|sha(?:1|224|256|384|512)?|plain|cleartext|encrypted|plaintext|hash(?:ed)?|crypt|bcrypt|\(null\)|-"
    rb"|\*{1,64}|x{3,64}"
    rb"|\.{1,64}|#{1,64}|_{2,64}|<[^<>\n]{0,40}>|\[[a-z _-]{1,32}\]|\([a-z _-]{1,32}\)|%[a-z_]{1,32}%"
    rb"|0x[0-9a-f]{1,16}|-?[0-9]{1,3}"
    rb"|[0-9]{1,6}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d|kb|mb|gb|%)"
    rb"|(?:scram-)?sha-?[0-9]{1,3}(?:-plus)?|[0-9]{1,5}/(?:tcp|udp|sctp|dccp)|(?:[0-9]{1,2}:)?[0-9]{1,4}(?:\.[0-9]{1,5}){1,3}(?:[-+~][a-z0-9.+~-]{0,40})?"
    rb"|\[\w{1,16}=\w{1,16}\]?|origin|release|(?:0x)?[0: .-]{1,256}"
    rb"|(?:amd64|arm64|armhf|armel|i386|i686|x86_64|aarch64|noarch|all)\.?"
    rb"|(?:[a-z_$][\w$]{0,64}+\.){1,12}+[\w$]{1,64}+@[0-9a-f]{1,16})[.,;:!?)]{0,2}"
)
# What only points to a secret.
REFERENCE = re.compile(
    rb"(?i)(?:%[sdvq(]|%\([a-z]|\$[{(]|\$[a-z_][a-z0-9_]{2,60}(?![^\s\"'.,;)/])|\$env:|\{\{|<%|%\{|\$\d\b(?!\$)"
    rb"|!ref|!vault\b|!getatt|arn:aws:|vault:|ssm:|secret://"
    rb"|(?-i:(?:/[a-z][a-z._-]{0,31}[0-9]{0,3}){2,16}/?(?![^\s\"',;)\\]))"
    rb"|file:/|@?/(?:etc|var|usr|run|proc|home|opt|root|tmp|mnt|srv|lib|dev|sys|boot|bin|sbin|private)(?:/|\Z)"
    rb"|[a-z]:\\\\?(?:users|windows|program)|~/|\./|_hidden_|-----begin|process\.env|os\.(?:environ|getenv)"
    rb"|getenv|pam_\w{1,32}\(|secrets\.|var\.|local\.|data\."
    rb"|module\.|random_password\.|vault_|self\.|this\.|request\.|config\.|env\.|params\.|settings\.)"
)
# Of two neighbours among the letters and digits of a drawn value every third pair differs in kind; in written ones few.
LEAST_CHANGES = 0.22
# Octets of a key; hardware addresses have up to eight.
LEAST_OCTETS = 12
# Two words and a number, with a sign between, as people and their generators make them; or signs among letters.
MADE = re.compile(rb"[A-Za-z]{3,16}[-_.!*+~^@#$%&][A-Za-z]{3,16}[0-9]{2,6}")
SIGNED = re.compile(
    rb"(?=[^!*~^#$%]{1,40}[!*~^#$%][A-Za-z0-9])(?=[^a-z]{0,40}[a-z])(?=[^A-Z0-9]{0,40}[A-Z0-9])[A-Za-z0-9!*~^#$%]{8,42}"
)
AFTER_USER = re.compile(rb"\A[\w.-]{1,64}[:/]")
SIGNS_OF_NOISE, LETTERS_AND_DIGITS = 8, (ascii_lowercase + ascii_uppercase + digits).encode()
# Any sign of the keyboard, and no word among them.
NOISE = re.compile(rb"(?!.{0,512}[A-Za-z]{9})(?:[A-Za-z0-9 ]{0,16}[^A-Za-z0-9 \n]){6,128}+[A-Za-z0-9 ]{0,16}(?<=.{32})")
SIGNS = b"+/=._~!@#$%^*?|-:&,;()[]{}<> "
DRAWN_WORD = re.compile(rb"[A-Za-z0-9+/=._~!@#$%^*?|-]+\Z")


def can_be_secret(value: bytes) -> bool:
    """Whether a value behind a name that surely holds a secret is none of the plain answers.

    >>> can_be_secret(b"hunter2"), can_be_secret(b"required"), can_be_secret(b"${DB_PASSWORD}")
    (True, False, False)
    """
    lowered = value[:256].lower()
    return bool(value.strip(b".,;: ")) and not PLAIN.fullmatch(lowered) and not REFERENCE.match(lowered)


def is_one(value: bytes) -> bool:
    """Whether the rest of a line is one value with blanks in it rather than more pairs, a list or prose.

    >>> is_one(b"orange harbour copper"), is_one(b"files systemd"), is_one(b"x, other: y")
    (True, False, False)
    """
    if b"=" in value[:-2] or b": " in value or b"," in value:
        return False
    return b" " not in value or can_be_secret(value.split(None, 1)[0])


@lru_cache(maxsize=1024)
def looks_drawn(value: bytes) -> bool:
    """Whether a value was drawn by a machine rather than written: long, of several kinds of characters, well mixed.

    >>> looks_drawn(b"9f86d081884c7d65"), looks_drawn(b"session-of-anna"), looks_drawn(b"attempt_1445144423722_0020_m")
    (True, False, False)
    """
    if OCTETS.fullmatch(value):
        return len(value) >= LEAST_OCTETS * 3 - 1
    if NOISE.fullmatch(value):
        return (
            set(b"aA0") <= set(kinds_of(value))
            and len(set(value.translate(None, LETTERS_AND_DIGITS))) >= SIGNS_OF_NOISE
        )
    if len(value) < 12 or not DRAWN_WORD.match(value):
        return False
    kinds = kinds_of(value)
    return len(set(kinds)) >= 2 and len(set(value)) >= 7 and changes_of(kinds) >= max(4, len(kinds) * LEAST_CHANGES)


def looks_chosen(value: bytes) -> bool:
    """Whether a value is one that a person or a generator of passwords chose.

    >>> looks_chosen(b"orange-harbour12"), looks_chosen(b"Xk29%sLq8"), looks_chosen(b"orange")
    (True, True, False)
    """
    return (MADE.fullmatch(value) or SIGNED.fullmatch(value)) is not None


def kinds_of(value: bytes) -> bytes:
    """The kind of every letter and digit of a value; signs are left out.

    >>> kinds_of(b"a-B7")
    b'aA0'
    """
    return value.translate(_KINDS, SIGNS)


def changes_of(kinds: bytes) -> int:
    """How many of their neighbours differ.

    >>> changes_of(b"aaA0")
    2
    """
    return sum(one != other for one, other in pairwise(kinds))


def is_drawn(value: bytes, least_kinds: int, least_changes: float, least_different: int = 9) -> bool:
    """Whether a value stands in no order: so many kinds of characters, neighbours that differ, different characters.

    least_changes: as a share of its letters and digits.

    >>> is_drawn(b"kBuET1BylE2D8KKSHn6o", 3, 0.34), is_drawn(b"FastLeaderElection774", 3, 0.34)
    (True, False)
    """
    kinds = kinds_of(value)
    return (
        len(set(kinds)) >= least_kinds
        and changes_of(kinds) >= len(kinds) * least_changes
        and len(set(value)) >= least_different
    )


@lru_cache(maxsize=1024)
def looks_mixed(value: bytes) -> bool:
    """Whether a value holds a digit or sign that nobody writes into a word: for running text.

    >>> looks_mixed(b"hunter2"), looks_mixed(b"required"), looks_mixed(b"12:30")
    (True, False, False)
    """
    if OCTETS.fullmatch(value) or re.fullmatch(rb"[0-9][0-9-]{7,}", value):
        return True
    letters = re.search(rb"[A-Za-z]", value)
    others = re.search(rb"[0-9!#$%^*+=@~?]|[a-z][A-Z]|^[A-Z]{8,}$", value.rstrip(b".,:;!?)=%"))
    return bool(letters and others) and len(value) >= 6


def accepts(speaks: Speaks, value: bytes) -> bool:
    """Whether a value is a secret behind a name that is so sure."""
    bare = value.strip(b"\"'")
    return can_be_secret(value) and (
        speaks is Speaks.SURE
        or looks_drawn(bare)
        or (speaks is Speaks.LIKELY and looks_chosen(AFTER_USER.sub(b"", bare)))
    )


def _kind_table() -> bytes:
    """Every letter and digit as its kind: lower case, upper case, digit."""
    kinds = {**dict.fromkeys(ascii_lowercase, "a"), **dict.fromkeys(ascii_uppercase, "A"), **dict.fromkeys(digits, "0")}
    return bytes(ord(kinds.get(chr(code), "-")) for code in range(256))


_KINDS = _kind_table()
