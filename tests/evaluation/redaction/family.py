"""A family of secrets: how one is drawn, and the lines in which machines write it down."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
WORDS = ("orange", "harbour", "Copper", "lantern", "meadow", "Falcon", "winter", "granite", "violet", "Comet")

Draw = Callable[[Random], str]


@dataclass(frozen=True)
class Family:
    """A name, a way to draw a secret, and contexts: lines that hold "{secret}" once or more.

    "{user}", "{host}" and "{hex}" in a context are filled with something drawn that is no secret.
    """

    name: str
    draw: Draw
    contexts: tuple[str, ...]


def chars(alphabet: str, length: int) -> Draw:
    """So many characters of an alphabet."""
    return lambda random: "".join(random.choices(alphabet, k=length))


def token(prefix: str, alphabet: str, length: int) -> Draw:
    """A prefix and so many characters."""
    rest = chars(alphabet, length)
    return lambda random: prefix + rest(random)


def one_of(*draws: Draw) -> Draw:
    """One of several forms."""
    return lambda random: random.choice(draws)(random)


def encoded(length: int) -> Draw:
    """So many random bytes in base 64."""
    return lambda random: base64.b64encode(random.randbytes(length)).decode()


def password(random: Random) -> str:
    """A password as people and generators make them: two words and a number, or twelve characters of any kind."""
    if random.random() < 0.5:
        return f"{random.choice(WORDS)}{random.choice('-_.!')}{random.choice(WORDS)}{random.randint(10, 9999)}"
    return "".join(random.choices(ALNUM, k=8)) + random.choice("!%*+@^~") + "".join(random.choices(ALNUM, k=5))


def basic(random: Random) -> str:
    """User and password in base 64, as HTTP sends them."""
    return base64.b64encode(f"svc-{random.choice(WORDS)}:{password(random)}".encode()).decode()


def jwt(random: Random) -> str:
    """Header, claims and signature."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    claims = b'{"sub":"%d","iat":%d}' % (random.randint(10**6, 10**9), random.randint(10**9, 2 * 10**9))
    return ".".join((part(b'{"alg":"RS256","typ":"JWT"}'), part(claims), part(random.randbytes(96))))


def pem(label: str, size: int = 600) -> Draw:
    """A private key block; its lines are the secret."""

    def draw(random: Random) -> str:
        body = base64.b64encode(random.randbytes(size)).decode()
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"))

    return draw
