"""A second look at the final bytes, built differently from the pipe: words instead of patterns, no shared rule.

It finds less than the pipe hides, but what it finds should not be there; one hit withholds what it was found in.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address
from itertools import pairwise
from math import log2

SPACES = bytes(32 if chr(code) in "\"'`,;()[]{}<>|\\\t\r\n\0" else code for code in range(256))
# Prefix, shortest length and name of tokens that are secret by their form.
PREFIXES = (
    *(
        ("AKIA", 20, "aws key id"),
        ("ASIA", 20, "aws key id"),
        ("ghp_", 40, "github token"),
        ("gho_", 40, "github token"),
    ),
    *(("ghs_", 40, "github token"), ("github_pat_", 40, "github token"), ("glpat-", 26, "gitlab token")),
    *(
        ("xoxb-", 20, "slack token"),
        ("xoxp-", 20, "slack token"),
        ("xoxa-", 20, "slack token"),
        ("npm_", 40, "npm token"),
    ),
    *(
        ("sk_live_", 24, "stripe key"),
        ("rk_live_", 24, "stripe key"),
        ("AIza", 39, "google key"),
        ("ya29.", 25, "google token"),
    ),
    *(
        ("SG.", 50, "sendgrid key"),
        ("hvs.", 28, "vault token"),
        ("dckr_pat_", 30, "docker token"),
        ("CP1-", 40, "join code"),
    ),
)
SECRET_WORDS = ("password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "private_key", "psk", "pwd")
SCHEMES = ("$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$gy$", "$7$", "$argon2")
HEADERS = ("bearer", "basic")
# What a word that announces a secret ends with: the signs, and the last letters of those headers.
ENDS = frozenset(":=rRcC")
# So much is looked at together.
LOOK_BYTES = 16 << 10
MARK = "_hidden_"
SHORTEST_VALUE, LEAST_BITS = 8, 2.75
PRIVATE_NETWORKS = ((10, 0, 255), (172, 16, 31), (192, 168, 168), (100, 64, 127))


def leaks(data: bytes) -> list[str]:
    """Names of the kinds of secrets that bytes still hold, sorted, each once; never a value.

    >>> leaks(b"password=_hidden_assignment_"), leaks(b"password=Tr0ub4dor&3x")
    ([], ['assigned secret'])
    """
    found: set[str] = set()
    last: list[str] = []
    prefixes = [one for one in PREFIXES if one[0].encode() in data]
    for words in _words(data):
        found.update(kind for word in set(words) for kind in _word_kinds(word, prefixes))
        pairs = pairwise((*last, *words))
        found.update(kind for word, after in pairs if word[-1] in ENDS and (kind := _pair_kind(word, after)))
        last = words[-1:]
    if b"PRIVATE KEY-----" in data:
        found.add("private key")
    return sorted(found)


def exposed(data: bytes) -> list[str]:
    """Names of the kinds of identifiers that bytes hold in clear, sorted: "private address", "mac address", "email".

    A path's target and an enrolled machine's label are sent on purpose, so this is for reports and tests, not a gate.

    >>> exposed(b"from 192.168.1.7 to 8.8.8.8")
    ['private address']
    """
    words = {word.strip(".:") for word in data.translate(SPACES).replace(b"=", b" ").decode("latin-1").split()}
    return sorted({kind for word in words if (kind := _identifier_kind(word))})


def _words(data: bytes) -> Iterator[list[str]]:
    """The words of some lines, then of the next: a log has so many that together they would take its size ten times."""
    start, last = 0, len(data)
    while start < last:
        end = data.find(b"\n", start + LOOK_BYTES)
        end = last if end < 0 else end
        # JSON's "key": becomes key: before the quotes go.
        words = data[start:end].replace(b'":', b": ").replace(b"':", b": ").translate(SPACES).decode("latin-1").split()
        if words:
            yield words
        start = end


def _word_kinds(word: str, prefixes: Iterable[tuple[str, int, str]]) -> list[str]:
    """Kinds of secrets that one word holds by itself; prefixes: those of PREFIXES that stand anywhere in its text."""
    if len(word) < SHORTEST_VALUE:
        return []
    kinds = [name for prefix, length, name in prefixes if prefix in word and _token_length(word, prefix) >= length]
    if "$" in word and any(scheme in word and len(word.partition(scheme)[2]) >= 12 for scheme in SCHEMES):
        kinds.append("password hash")
    if "eyJ" in word and _is_jwt(word[word.index("eyJ") :]):
        kinds.append("jwt")
    if "://" in word and _has_login(word.partition("://")[2]):
        kinds.append("password in a url")
    if _is_assigned(word):
        kinds.append("assigned secret")
    return kinds


def _pair_kind(word: str, after: str) -> str:
    """The kind of secret that a word announces and the next one is; empty where none."""
    if word[-1] in ":=" and _speaks_of_secret(word[:-1]) and _is_random(after):
        return "assigned secret"
    if word.lower() in HEADERS and len(after) >= 16 and _is_random(after):
        return "credentials in a header"
    return ""


def _token_length(word: str, prefix: str) -> int:
    """How long the token is that begins with the prefix."""
    rest = word[word.index(prefix) :]
    return next((at for at, char in enumerate(rest) if not (char.isalnum() or char in "_.-")), len(rest))


def _is_jwt(word: str) -> bool:
    head, dot, _ = word.partition(".")
    try:
        return bool(dot) and b'"alg"' in urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (NotBase64, ValueError):
        return False


def _has_login(rest: str) -> bool:
    """Whether what follows "://" begins with a user and a password that is not hidden."""
    login, at, _ = rest.partition("/")[0].rpartition("@")
    password = login.partition(":")[2]
    return bool(at and password) and MARK not in password


def _is_assigned(word: str) -> bool:
    """Whether a word is key=value or key:value with a secret's key and a random value."""
    for sign in "=:":
        key, found, value = word.partition(sign)
        if found and _speaks_of_secret(key) and _is_random(value.lstrip(":=")):
            return True
    return False


def _speaks_of_secret(key: str) -> bool:
    folded = key.lower().replace("-", "_")
    return MARK not in folded and folded.endswith(SECRET_WORDS)


def _is_random(value: str) -> bool:
    """Whether a value looks drawn rather than written: long, with digits, many different characters."""
    if len(value) < SHORTEST_VALUE or MARK in value or value[0] in "$%/" or not any(char.isdigit() for char in value):
        return False
    total = len(value)
    return -sum(n / total * log2(n / total) for n in Counter(value).values()) >= LEAST_BITS


def _identifier_kind(word: str) -> str:
    if word.count(".") == 3 and _is_private(word.partition("/")[0].partition(":")[0]):
        return "private address"
    pairs = word.replace("-", ":").split(":")
    if len(pairs) == 6 and all(len(pair) == 2 and _is_hex(pair) for pair in pairs) and set(pairs) != {"00"}:
        return "mac address" if int(pairs[0], 16) & 1 == 0 else ""
    local, at, domain = word.partition("@")
    is_email = at and local.isascii() and "." in domain and domain.rpartition(".")[2].isalpha()
    return "email" if is_email and not local.startswith("user-") and not domain.endswith(".service") else ""


def _is_private(word: str) -> bool:
    try:
        first, second = IPv4Address(word).packed[:2]
    except AddressValueError:
        return False
    return any(first == one and low <= second <= high for one, low, high in PRIVATE_NETWORKS)


def _is_hex(pair: str) -> bool:
    return all(char in "0123456789abcdefABCDEF" for char in pair)
