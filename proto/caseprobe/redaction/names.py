"""Names that a machine knows to be its own, so that they are found wherever they stand in a text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caseprobe.redaction.pseudonyms import KEPT_HOSTS, KEPT_USERS

# Accounts of people start here on every Linux distribution; below are those of the system.
FIRST_PERSON_UID = 1000
NOBODY_UID = 65534
# A shorter name is hidden in its own field, but in running text it would be part of every second word.
SHORTEST_IN_TEXT = 3


@dataclass(frozen=True)
class KnownNames:
    """Names to hide in text: hosts are the machine's own, peers other hosts and domains, homes whole paths.

    persons: people's names as accounts have them.
    """

    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()

    def joined(self, other: KnownNames) -> KnownNames:
        """The names of both.

        >>> KnownNames(users=("anna",)).joined(KnownNames(users=("boris", "anna"))).users
        ('anna', 'boris')
        """
        return KnownNames(
            _once(self.hosts + other.hosts),
            _once(self.users + other.users),
            _once(self.homes + other.homes),
            _once(self.peers + other.peers),
            _once(self.serials + other.serials),
            _once(self.persons + other.persons),
        )

    def machine_hosts(self) -> tuple[str, ...]:
        """The machine's own names, full and short."""
        return _in_text(_with_short(self.hosts), KEPT_HOSTS)

    def other_hosts(self) -> tuple[str, ...]:
        """Peers, and the domain that the machine's own full names are in."""
        domains = [name.partition(".")[2] for name in self.hosts if name.count(".") >= 2]
        return _in_text((*self.peers, *domains), KEPT_HOSTS)

    def people(self) -> tuple[str, ...]:
        """Users that did not come with the system."""
        return _in_text((*self.users, *(home.rpartition("/")[2] for home in self.homes)), KEPT_USERS)

    def whole_names(self) -> tuple[str, ...]:
        """People's names as they are spoken: those of two words or more."""
        return _in_text((name for name in self.persons if " " in name), frozenset())


def known_names(host_name: str, passwd: str = "", hosts: str = "") -> KnownNames:
    """The names in a machine's host name and in the text of /etc/passwd and /etc/hosts.

    Lines that do not parse are left out.

    >>> known_names("db1", "root:x:0:0::/root:/bin/sh\\nanna:x:1000:1000:Anna:/home/anna:/bin/sh\\n").users
    ('anna',)
    """
    accounts = [fields for fields in (line.split(":") for line in passwd.splitlines()) if _is_person(fields)]
    listed = [name for line in hosts.splitlines() for name in line.partition("#")[0].split()[1:]]
    own = _once(name for name in (host_name, *listed) if name and _short(name) == _short(host_name))
    peers = _once(name for name in listed if name not in own and not name.startswith("ip6-"))
    users = tuple(fields[0] for fields in accounts)
    homes = tuple(fields[5] for fields in accounts if fields[5].count("/") >= 2)
    persons = _once(name for fields in accounts if (name := fields[4].partition(",")[0].strip()))
    return KnownNames(own, users, homes, peers, persons=persons)


def _is_person(fields: list[str]) -> bool:
    return len(fields) >= 7 and fields[2].isdigit() and FIRST_PERSON_UID <= int(fields[2]) < NOBODY_UID


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def _with_short(names: Iterable[str]) -> tuple[str, ...]:
    return _once(part for name in names for part in (name, name.partition(".")[0]))


def _in_text(names: Iterable[str], kept: frozenset[str]) -> tuple[str, ...]:
    """Names that can be looked for in running text: long enough, no bare number, longest first."""
    usable = (name for name in names if len(name) >= SHORTEST_IN_TEXT and not name.isdigit())
    return tuple(sorted(_once(name for name in usable if name.lower() not in kept), key=len, reverse=True))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
