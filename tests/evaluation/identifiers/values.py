"""Values as they are drawn: addresses, names, numbers with their checksums; and other spellings of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from random import Random
from uuid import UUID

FIRST = ("marta", "oleg", "junko", "pierre", "sadia", "tomasz", "ingrid", "dmitri", "leila", "kwame", "noor", "hugo")
LAST = ("vasquez", "petrov", "tanaka", "dubois", "rahman", "nowak", "lindholm", "sokolov", "haddad", "mensah", "okafor")
ROLES = ("web", "db", "mail", "cache", "build", "store", "edge", "gw", "vpn", "ldap", "kube", "node")
DOMAINS = ("kestrel", "brightwater", "ovalpine", "sundmark", "tirana-labs", "quellen", "northgrid", "lumenworks")
SUFFIXES = ("com", "net", "org", "de", "fr", "co.uk", "internal", "local", "lan", "corp", "ru", "cn", "com.br")
# Public networks outside every special range and outside the resolvers that everybody knows.
PUBLIC = (5, 23, 37, 45, 62, 78, 91, 109, 134, 151, 176, 185, 194, 212)
OUI = ("00:1b:21", "3c:fd:fe", "a0:36:9f", "f4:52:14", "00:50:56", "b8:27:eb", "dc:a6:32", "52:54:00")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def private_ipv4(random: Random) -> str:
    """An address of one of the private networks."""
    head = random.choice(((10, random.randrange(256)), (172, random.randrange(16, 32)), (192, 168), (100, 64)))
    return ".".join(map(str, (*head, random.randrange(256), random.randrange(1, 255))))


def public_ipv4(random: Random) -> str:
    """An address that is routed."""
    return str(IPv4Address(bytes((random.choice(PUBLIC), *random.randbytes(2), random.randrange(1, 255)))))


def global_ipv6(random: Random) -> str:
    """A global or unique local address; some with small groups and runs of zeros."""
    head = random.choice((0x2A02, 0x2604, 0x2001 << 0, 0x2408, 0xFD00 | random.randrange(256)))
    net = random.randrange(0x100, 0xC00) if head == 0x2001 else random.getrandbits(16)
    rest = random.getrandbits(64) if random.random() < 0.5 else random.randrange(2, 400)
    return str(IPv6Address(head << 112 | net << 96 | random.randrange(4096) << 64 | rest))


def link_local(random: Random) -> str:
    """A link-local address made from a hardware address."""
    mac = bytes.fromhex(mac_address(random).replace(":", ""))
    tail = bytes((mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]))
    return str(IPv6Address(0xFE80 << 112 | int.from_bytes(tail, "big")))


def exploded(value: str) -> str:
    """All 32 digits."""
    return IPv6Address(value).exploded


def with_zeros(value: str) -> str:
    """Eight groups, no run of zeros cut out."""
    return ":".join(f"{int(group, 16):x}" for group in exploded(value).split(":"))


def upper(value: str) -> str:
    """In upper case."""
    return value.upper()


def capital(value: str) -> str:
    """With a capital first letter."""
    return value[:1].upper() + value[1:]


def mac_address(random: Random) -> str:
    """A vendor's hardware address."""
    return f"{random.choice(OUI)}:{random.randbytes(3).hex(':')}"


def dashes(value: str) -> str:
    """A hardware address with dashes."""
    return value.replace(":", "-")


def dotted(value: str) -> str:
    """A hardware address as routers write it."""
    digits = value.replace(":", "")
    return ".".join((digits[:4], digits[4:8], digits[8:]))


def bare(value: str) -> str:
    """A hardware address without separators."""
    return value.replace(":", "")


def short_host(random: Random) -> str:
    """A machine's short name."""
    return f"{random.choice(DOMAINS)[:5].rstrip('-')}-{random.choice(ROLES)}{random.randrange(1, 99):02d}"


def full_host(random: Random) -> str:
    """A machine's full name in a domain of its own."""
    return f"{random.choice(ROLES)}{random.randrange(100, 999)}.{random.choice(DOMAINS)}.{random.choice(SUFFIXES)}"


def own_host(random: Random) -> str:
    """A full name of three or four parts, long enough to be cut off in tables."""
    role = f"{random.choice(DOMAINS)[:6].rstrip('-')}{random.choice(ROLES)}{random.randrange(10, 99)}"
    return f"{role}.{random.choice(('ops', 'prod', 'eu'))}.{random.choice(DOMAINS)}.com"


def user(random: Random) -> str:
    """An account of a person."""
    first, last = random.choice(FIRST), random.choice(LAST)
    return random.choice((f"{first}{last[:2]}{random.randrange(10, 99)}", f"{first}.{last}", f"{first[0]}{last}"))


def long_user(random: Random) -> str:
    """An account whose name is too long for the columns of tables."""
    return f"{random.choice(FIRST)}{random.choice(LAST)}{random.randrange(10, 99)}"


def person(random: Random) -> str:
    """First and last name."""
    return f"{random.choice(FIRST).title()} {random.choice(LAST).title()}"


def email(random: Random) -> str:
    """An address of a person or a role."""
    local = random.choice((user(random), f"{user(random)}+{random.choice(ROLES)}"))
    return f"{local}@{random.choice(DOMAINS)}.{random.choice(SUFFIXES[:6])}"


def uuid(random: Random) -> str:
    """A random UUID."""
    return str(UUID(bytes=random.randbytes(16), version=4))


def hex32(value: str) -> str:
    """A UUID without dashes."""
    return value.replace("-", "")


def serial(random: Random) -> str:
    """A serial number of a disk, board or chassis."""
    letters = "".join(random.choices(LETTERS, k=3))
    digits = str(random.randrange(10**5, 10**7))
    return random.choice(
        (f"S{random.randrange(1, 7)}{letters}{digits}", f"WD-{letters}{digits}", f"{letters}{digits}V")
    )


def card(random: Random) -> str:
    """The number of a payment card, with its check digit."""
    head, length = random.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("37", 15), ("6011", 16), ("62", 16))
    )
    body = head + "".join(random.choices("0123456789", k=length - len(head) - 1))
    return next(body + check for check in "0123456789" if luhn_holds(body + check))


def luhn_holds(number: str) -> bool:
    """Whether the check digit fits. Source: ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def grouped(value: str) -> str:
    """A card's number in its printed groups."""
    return " ".join((value[:4], value[4:10], value[10:]) if len(value) == 15 else fours(value))


def fours(value: str) -> list[str]:
    """Groups of four."""
    return [value[at : at + 4] for at in range(0, len(value), 4)]


def dashed_card(value: str) -> str:
    """A card's number with dashes."""
    return grouped(value).replace(" ", "-")


def iban(random: Random) -> str:
    """An account's number with its checksum. Source: ISO 13616."""
    land, bank = random.choice((("DE", 18), ("FR", 23), ("GB", 18), ("NL", 14), ("CH", 17), ("ES", 20), ("PL", 24)))
    letters = "".join(random.choices(LETTERS, k=4)) if land in ("GB", "NL") else ""
    body = letters + "".join(random.choices("0123456789", k=bank - len(letters)))
    number = "".join(str(int(char, 36)) for char in f"{body}{land}00")
    return f"{land}{98 - int(number) % 97:02d}{body}"


def grouped_iban(value: str) -> str:
    """An account's number in groups of four."""
    return " ".join(fours(value))


def phone(random: Random) -> str:
    """A number with its country's code."""
    land, digits = random.choice((("1", 10), ("49", 10), ("44", 10), ("33", 9), ("7", 10), ("86", 11), ("48", 9)))
    return f"+{land}{random.randrange(2, 9)}" + "".join(random.choices("0123456789", k=digits - 1))


def spaced_phone(value: str) -> str:
    """A number with blanks between its groups."""
    return (
        f"{value[:-10]} {value[-10:-7]} {value[-7:-4]} {value[-4:]}" if len(value) > 11 else f"{value[:3]} {value[3:]}"
    )


def dashed_phone(value: str) -> str:
    """A number with dashes and a code in brackets."""
    return f"{value[:-10] or value[:2]} ({value[-10:-7]}) {value[-7:-4]}-{value[-4:]}"
