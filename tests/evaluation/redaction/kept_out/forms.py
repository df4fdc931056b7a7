"""Alphabets and forms that the kept-out families share."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from random import Random

from tests.evaluation.redaction.family import ALNUM, DIGITS, Draw, chars, password

HEX = DIGITS + "abcdef"
HEXES = DIGITS + "ABCDEF"
URL_SAFE = ALNUM + "-_"
CRYPT = ALNUM + "./"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Of the 2,048 words of a wallet's seed.
SEED_WORDS = [
    "abandon",
    "ability",
    "absorb",
    "acoustic",
    "amateur",
    "bachelor",
    "balcony",
    "bamboo",
    "cabbage",
    "cactus",
    "catalog",
    "dilemma",
    "dinosaur",
    "donkey",
    "elephant",
    "embrace",
    "fatigue",
    "festival",
    "gadget",
    "galaxy",
    "giraffe",
    "hedgehog",
    "humble",
    "illness",
    "inherit",
    "jaguar",
    "jealous",
    "kangaroo",
    "kitchen",
    "lecture",
    "leopard",
    "mammal",
    "mechanic",
    "nephew",
    "noodle",
    "obscure",
    "oppose",
    "panther",
    "pelican",
    "quantum",
    "rabbit",
    "raccoon",
    "salmon",
    "scissors",
    "tornado",
    "tuition",
    "umbrella",
    "upgrade",
    "vacuum",
    "velvet",
    "walnut",
    "whisper",
    "yellow",
    "zebra",
]


def behind(prefix: str, *contexts: str) -> tuple[str, ...]:
    """Contexts in which every secret stands behind a public beginning: it is no leak when that is left."""
    return tuple(context.replace("{secret}", prefix + "{secret}") for context in contexts)


def groups(alphabet: str, size: int, count: int) -> Draw:
    """Groups of characters with hyphens between them."""
    return lambda random: "-".join("".join(random.choices(alphabet, k=size)) for _ in range(count))


def uuid(random: Random) -> str:
    """Version 4."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def url_password(random: Random) -> str:
    """A password that may stand in an address as it is."""
    return password(random).translate(str.maketrans("@%+^", "-_.~"))


def block(size: int, width: int = 64, indent: str = "") -> Draw:
    """Random bytes in lines of base 64."""

    def draw(random: Random) -> str:
        body = b64encode(random.randbytes(size)).decode()
        return f"\n{indent}".join(body[at : at + width] for at in range(0, len(body), width))

    return draw


def hex_block(lines: int, width: int, indent: str = "") -> Draw:
    """Lines of hexadecimal digits."""
    line = chars(HEX, width)
    return lambda random: f"\n{indent}".join(line(random) for _ in range(lines))


def octets(count: int, between: str, per_line: int = 0, indent: str = "") -> Draw:
    """Bytes as two digits each, with something between them."""

    def draw(random: Random) -> str:
        data = [f"{one:02x}" for one in random.randbytes(count)]
        step = per_line or count
        lines = [between.join(data[at : at + step]) for at in range(0, count, step)]
        return f"{between.strip()}\n{indent}".join(lines)

    return draw


def checked58(head: bytes, size: int, tail: bytes = b"") -> Draw:
    """Random bytes behind a version in base 58 with the checksum that wallets use."""

    def draw(random: Random) -> str:
        data = head + random.randbytes(size) + tail
        data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
        number, text = int.from_bytes(data, "big"), ""
        while number:
            number, rest = divmod(number, 58)
            text = BASE58[rest] + text
        return text

    return draw


def recovery_key(random: Random) -> str:
    """Eight groups of six digits, each divisible by eleven."""
    return "-".join(f"{11 * random.randrange(65536):06d}" for _ in range(8))


def seed_words(random: Random) -> str:
    """Twelve words."""
    return " ".join(random.sample(SEED_WORDS, k=12))


def base64_of(draw: Draw, before: str = "", after: str = "", encoding: str = "utf-8") -> Draw:
    """What is drawn, in base 64 together with what stands around it."""
    return lambda random: b64encode(f"{before}{draw(random)}{after}".encode(encoding)).decode()


def salted(salt: int, digest: int) -> Draw:
    """Salt and digest of a crypt(3) form, without the name of the form."""
    return lambda random: f"{''.join(random.choices(CRYPT, k=salt))}${''.join(random.choices(CRYPT, k=digest))}"
