"""What the routers of a path are called and whose they are: never waited for while a path is measured."""

from __future__ import annotations

import contextlib
import mmap
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from caseprobe.errors import UsageError
from caseprobe.parse.address_ranges import find_range
from caseprobe.parse.mmdb import open_mmdb
from caseprobe.v1 import path_pb2

LOOK_UPS_AT_ONCE = 4
NAMES_AT_MOST = 500  # of one path; a flood of forged routers is not looked up
LONGEST_NAME = 253
MMDB_SUFFIX = ".mmdb"


@dataclass(frozen=True)
class Origin:
    """Whose network an address is in; what is not known is 0 or empty."""

    as_number: int = 0
    as_name: str = ""
    country: str = ""

    def or_else(self, other: Origin) -> Origin:
        """This one, with what it does not know from another."""
        return Origin(self.as_number or other.as_number, self.as_name or other.as_name, self.country or other.country)


Find = Callable[[bytes], Origin]


class Networks:
    """Files of networks that lie on this machine: what one does not know, the next may."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Raises UsageError for a file that cannot be read or is none of networks."""
        self._finds = [_opened(file) for file in files]

    def origin(self, packed: bytes) -> Origin:
        """Whose network an address is in. A damaged part of a file knows nothing."""
        found = Origin()
        for find in self._finds:
            with contextlib.suppress(ValueError):
                found = found.or_else(find(packed))
        return found


def _opened(path: Path) -> Find:
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if path.suffix != MMDB_SUFFIX:
            return lambda packed: _of_fields(find_range(data, packed))
        database = open_mmdb(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}; give a .mmdb file, or ranges as CSV or TSV sorted by address") from error
    return lambda packed: _of_record(database.find(packed))


def _of_record(record: Mapping[str, object]) -> Origin:
    """As GeoLite2, DB-IP and IPinfo name things."""
    country = record.get("country") or record.get("registered_country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code") or country
    number = record.get("autonomous_system_number") or record.get("asn")
    name = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    return Origin(_number(str(number or "")), _text(name), _country(_text(code)))


def _of_fields(fields: Sequence[str]) -> Origin:
    """The number is the first field, or there is none; a country is two capital letters; what is left is the name."""
    number = _number(fields[0]) if fields else 0
    rest = [field for field in fields[bool(number) :] if field]
    country = next(filter(_country, rest), "")
    return Origin(number, next((field for field in rest if field != country), ""), country)


def _number(text: str) -> int:
    digits = text.upper().removeprefix("AS")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
    return number if number < 1 << 32 else 0


def _country(text: str) -> str:
    return text if len(text) == 2 and text.isascii() and text.isupper() else ""


def _text(value: object) -> str:
    return value[:LONGEST_NAME] if isinstance(value, str) else ""


class HostNames:
    """Names of addresses as the system's resolver tells them, looked up on threads that nothing waits for."""

    def __init__(self, look_up: Callable[[str], str] | None = None) -> None:
        self._look_up = look_up or _reverse
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._known: dict[bytes, str | None] = {}
        self._threads: list[threading.Thread] = []

    def ask(self, packed: bytes) -> None:
        """Have an address looked up, once."""
        if packed in self._known or len(self._known) >= NAMES_AT_MOST or len(packed) not in (4, 16):
            return
        self._known[packed] = None
        self._waiting.put(packed)
        if len(self._threads) < LOOK_UPS_AT_ONCE:
            # A daemon: the program's end does not wait for a resolver that hangs.
            self._threads.append(threading.Thread(target=self._work, name="names", daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """Look nothing more up: threads end, one whose look-up hangs when that does."""
        for _ in self._threads:
            self._waiting.put(None)

    def name(self, packed: bytes) -> str:
        """The name, as far as it is known by now."""
        return self._known.get(packed) or ""

    def settle(self, seconds: float) -> None:
        """Wait until every look-up has ended, but not longer than this."""
        end = time.monotonic() + seconds
        while None in self._known.values() and time.monotonic() < end:
            time.sleep(0.01)

    def _work(self) -> None:
        while (packed := self._waiting.get()) is not None:
            self._known[packed] = self._look_up(str(ip_address(packed)))


def _reverse(address: str) -> str:
    """The name of an address; empty where it has none."""
    try:
        return socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0][:LONGEST_NAME]
    except (OSError, UnicodeError):
        return ""


class Places:
    """Names and networks of whoever answers on a path, as far as either was asked for."""

    def __init__(
        self, names: HostNames | None = None, networks: Networks | None = None, own_domains: Sequence[str] = ()
    ) -> None:
        """own_domains: of this machine; a name in one of them is private, whatever its address."""
        self._names = names
        self._networks = networks
        self._own_domains = tuple(f".{one.strip('.').lower()}" for one in own_domains if one.strip("."))
        self._seen: dict[bytes, Origin] = {}

    def see(self, round_: path_pb2.PathRound) -> None:
        """Have whoever answered in a round looked up."""
        for address in (reply.address for reply in round_.replies):
            if address in self._seen or len(address) not in (4, 16) or len(self._seen) >= NAMES_AT_MOST:
                continue
            self._seen[address] = self._networks.origin(address) if self._networks is not None else Origin()
            if self._names is not None:
                self._names.ask(address)

    def settle(self, seconds: float) -> None:
        """Wait for names that are still to come, but not longer than this."""
        if self._names is not None:
            self._names.settle(seconds)

    def tell(self, header: path_pb2.PathFacts) -> bool:
        """Write what is known into the hops of a path's header; True where that is more than they told before."""
        known = [hop for address in self._seen if (hop := self._known(address)) is not None]
        if known == list(header.hops):
            return False
        del header.hops[:]
        header.hops.extend(known)
        return True

    def close(self) -> None:
        """Look nothing up any more."""
        if self._names is not None:
            self._names.close()

    def _known(self, address: bytes) -> path_pb2.PathHop | None:
        origin, name = self._seen[address], self._names.name(address) if self._names is not None else ""
        if not name and origin == Origin():
            return None
        hop = path_pb2.PathHop(addresses=[address], as_number=origin.as_number)
        hop.as_name, hop.country = origin.as_name, origin.country
        if ip_address(address).is_global and not f".{name.lower()}".endswith(self._own_domains):
            hop.public_name = name
        else:
            hop.host_name = name
        return hop
