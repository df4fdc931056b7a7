"""Pseudonyms of names, hardware addresses and ids: one each, restorable with the key, and seen to be masked.

host, user, serial ... -> host-<letters and digits>: the permuted name in base 32 and three check characters, by which
                          a pseudonym is known again without the key. Its letters carry the case of the name's.
card, IBAN, phone      -> the same, of the digits alone; how they were grouped stands behind it.
52:54:00:12:34:56      -> 52:54:00:gk:mx:qy: the vendor's half stays (it is a model), the rest is written in sixteen
                          letters that no hexadecimal number has; separators and case stay.
UUID                   -> the same letters in the same groups.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from binascii import crc32
from collections.abc import Callable

from caseprobe.redaction.casing import dressed, lowered, undressed
from caseprobe.redaction.permutation import derive, permute_bytes, restore_bytes

KINDS = ("host", "user", "serial", "id", "addr", "person", "card", "iban", "phone")
HEX = "0123456789abcdef"
LETTERS = "ghjkmnqrstuvwxyz"
TO_LETTERS = str.maketrans(HEX + HEX.upper(), LETTERS + LETTERS)
TO_HEX = str.maketrans(LETTERS + LETTERS.upper(), HEX + HEX)
CHECK_LETTERS = 3
MAC_OCTETS = 6
# Shorter names are padded, so that a pseudonym does not show how short they are.
SHORTEST = 4
TOKEN = re.compile(f"(?i)({'|'.join(KINDS)})-([a-z2-7]{{10,}})")
# A masked address in a host's name; none of its kind is real.
DASHED = re.compile(
    r"(?i)(?:[a-z0-9]{1,12}-)?(?:25[01]|25[6-9]|2[6-9][0-9]|[34][0-9]{2}|50[0-9]|51[01])(?:-[0-9]{1,3}){3}"
)
SEPARATOR = re.compile(r"[^0-9A-Za-z]")
# What every machine has; hiding it hides nobody and costs the reader the meaning.
KEPT_HOSTS = frozenset(("localhost", "localhost.localdomain", "localdomain", "local", "ip6-localhost", "ip6-loopback"))
_KEPT_USERS = """
root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody _apt nginx apache
systemd-network systemd-resolve systemd-timesync systemd-coredump systemd-oom messagebus sshd tss rtkit polkitd syslog
uuidd tcpdump landscape pollinate dbus avahi colord cups geoclue saned usbmux dnsmasq chrony ntp statd rpc postgres
mysql redis mongodb rabbitmq elasticsearch grafana prometheus docker git jenkins tomcat postfix dovecot bind named
haproxy varnish memcache zabbix nagios node_exporter libvirt-qemu kvm operator adm sudo users wheel audio video cdrom
plugdev dip netdev lpadmin tty disk kmem dialout floppy tape staff input render sgx ssl-cert systemd-journal nogroup
shadow utmp crontab fuse scanner bluetooth libvirt ssh _ssh src voice sasl reboot wtmp btmp gdm lightdm sddm hwclock
swtpm lxd www http squid mqtt _chrony pcp oracle ftp halt shutdown admin guest test user caseprobe
"""
# Accounts and groups that come with systems and their services.
KEPT_USERS = frozenset(_KEPT_USERS.split())
KEPT_SERIALS = frozenset(
    ("", "none", "n/a", "not specified", "not available", "unknown", "default string", "system serial number", "0")
)
PLACEHOLDER = re.compile(r"(?i)to be filled by o\.?e\.?m\.?|not (?:specified|applicable|present)|[0.\-\s]*")


class Pseudonyms:
    """Masks and restores names, hardware addresses and ids with one key."""

    def __init__(self, key: bytes) -> None:
        """key: the machine's redaction key."""
        self._keys = {kind: derive(key, kind) for kind in (*KINDS, "mac", "uuid")}

    def name(self, kind: str, value: str) -> str:
        """The pseudonym of a name of one of KINDS; what is masked already stays.

        >>> token = Pseudonyms(b"key").name("host", "db1")
        >>> token.startswith("host-"), Pseudonyms(b"key").unmask_name(token)
        (True, 'db1')
        """
        if not value or is_masked_name(value):
            return value
        token = dressed(self._token(kind, lowered(value)), value)
        return self._token(kind, value) if token is None else token

    def unmask_name(self, token: str) -> str:
        """The name that a pseudonym stands for; text that is none, as it is."""
        if not is_masked_name(token):
            return token
        kind, _, rest = token.lower().partition("-")
        body = rest[:-CHECK_LETTERS].upper()
        data = b32decode(body + "=" * (-len(body) % 8))
        name = restore_bytes(self._keys[kind], data).rstrip(b"\0").decode("utf-8", "surrogateescape")
        return undressed(name, token)

    def _token(self, kind: str, value: str) -> str:
        """The pseudonym of a name in lower case."""
        data = value.encode("utf-8", "surrogateescape").ljust(SHORTEST, b"\0")
        body = b32encode(permute_bytes(self._keys[kind], data)).decode().rstrip("=").lower()
        return f"{kind}-{body}{_check(kind, body)}"

    def host(self, value: str, own: Callable[[str], str | None] | None = None) -> str:
        """A host name, label by label, so that short and full name share a pseudonym; the last of several labels stays.

        own: what stands for a label that is no name but holds an address; None for all others.

        >>> masked = Pseudonyms(b"key").host("db1.corp.example.com").split(".")
        >>> masked[0] == Pseudonyms(b"key").host("db1"), masked[-1]
        (True, 'com')
        """
        if value.lower().rstrip(".") in KEPT_HOSTS:
            return value
        labels = value.split(".")
        last = next((index for index in reversed(range(len(labels))) if labels[index]), 0)
        masked = [label if 0 < last == index else self._label(label, own) for index, label in enumerate(labels)]
        return ".".join(masked)

    def _label(self, label: str, own: Callable[[str], str | None] | None) -> str:
        found = own(label) if own else None
        return self.name("host", label) if found is None else found

    def user(self, value: str) -> str:
        """A user's name; those that come with the system stay."""
        return value if value.lower() in KEPT_USERS or value.isdigit() else self.name("user", value)

    def serial(self, value: str) -> str:
        """A serial number; a vendor's placeholder stays.

        >>> Pseudonyms(b"key").serial("To be filled by O.E.M.")
        'To be filled by O.E.M.'
        """
        return value if value.lower() in KEPT_SERIALS or PLACEHOLDER.fullmatch(value) else self.name("serial", value)

    def mac(self, value: str) -> str:
        """A hardware address of twelve hex digits with any separators; broadcast, multicast and zero stay."""
        digits = SEPARATOR.sub("", value)
        if not _is_hex(digits, 12) or int(digits[:2], 16) & 1 or int(digits, 16) == 0:
            return value
        vendor, rest = digits[:6], digits[6:]
        key = derive(self._keys["mac"], vendor.lower())
        masked = permute_bytes(key, bytes.fromhex(rest)).hex().translate(TO_LETTERS)
        # Six letters carry any case of six digits.
        return _spread(vendor + (dressed(masked, rest) or masked), value)

    def macs(self, value: str) -> str:
        """A run of hardware addresses, as packet filters log them (destination, source, type): each by itself.

        >>> Pseudonyms(b"key").macs("33:33:00:00:00:01:33:33:00:00:00:02:08:00")
        '33:33:00:00:00:01:33:33:00:00:00:02:08:00'
        """
        pairs = value.split(":")
        if len(pairs) <= MAC_OCTETS:
            return self.mac(value)
        groups = [":".join(pairs[at : at + MAC_OCTETS]) for at in range(0, len(pairs), MAC_OCTETS)]
        return ":".join(map(self.mac, groups))

    def unmask_mac(self, value: str) -> str:
        """What mac was given, for twelve digits of which the last six are letters of the masked alphabet."""
        digits = SEPARATOR.sub("", value)
        vendor, letters = digits[:6], digits[6:]
        key = derive(self._keys["mac"], vendor.lower())
        plain = restore_bytes(key, bytes.fromhex(letters.translate(TO_HEX))).hex()
        return _spread(vendor + undressed(plain, letters), value)

    def uuid(self, value: str) -> str:
        """A UUID with or without dashes; all zeros and all ones stay; what is none is masked as a serial number."""
        digits = SEPARATOR.sub("", value)
        if not _is_hex(digits, 32):
            return value if is_masked_uuid(value) else self.serial(value)
        if set(digits.lower()) in ({"0"}, {"f"}):
            return value
        masked = permute_bytes(self._keys["uuid"], bytes.fromhex(digits)).hex().translate(TO_LETTERS)
        return _spread(dressed(masked, digits) or masked, value)

    def unmask_uuid(self, value: str) -> str:
        """What uuid was given, for 32 letters of the masked alphabet."""
        letters = SEPARATOR.sub("", value)
        plain = restore_bytes(self._keys["uuid"], bytes.fromhex(letters.translate(TO_HEX))).hex()
        return _spread(undressed(plain, letters), value)


def is_masked_name(text: str) -> bool:
    """Whether a text is one of our pseudonyms of a name, whatever its key.

    >>> is_masked_name("host-01"), is_masked_name(Pseudonyms(b"key").name("host", "host-01"))
    (False, True)
    """
    found = TOKEN.fullmatch(text)
    if not found:
        return False
    kind, rest = found[1].lower(), found[2].lower()
    return _check(kind, rest[:-CHECK_LETTERS]) == rest[-CHECK_LETTERS:]


def is_masked_uuid(text: str) -> bool:
    """Whether a text is one of our pseudonyms of a UUID."""
    letters = SEPARATOR.sub("", text).lower()
    return len(letters) == 32 and set(letters) <= set(LETTERS)


def _check(kind: str, body: str) -> str:
    """Three base 32 characters: one in 32,768 texts that look like a pseudonym passes for one."""
    return b32encode((crc32(f"{kind}-{body}".encode()) & 0x7FFF).to_bytes(5, "big"))[-CHECK_LETTERS:].decode().lower()


def _is_hex(digits: str, length: int) -> bool:
    return len(digits) == length and all(digit in HEX for digit in digits.lower())


def _spread(digits: str, form: str) -> str:
    """Digits put into the places that the form's digits have, between its separators."""
    rest = iter(digits)
    return "".join(next(rest) if char.isalnum() else char for char in form)
