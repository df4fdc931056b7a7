"""Walks a message and treats every string and bytes field as its (privacy) option says; no option: dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.pseudonyms import Pseudonyms
from caseprobe.v1 import privacy_pb2
from caseprobe.v1.privacy_pb2 import Privacy
from caseprobe.v1.snapshot_pb2 import Snapshot

# What may leave of a text; None: nothing.
TextRule = Callable[[str], str | None]
# Words that stand where an address is expected.
NO_ADDRESS = frozenset(("", "default", "*", "any", "unspec", "none"))


class Fields:
    """Redacts messages in place."""

    def __init__(
        self,
        key: bytes,
        asset_masked: bool,
        text: TextRule,
        secrets: TextRule,
        host: TextRule,
        counts: Counter[str],
    ) -> None:
        """text: the whole pipe for running text; secrets: only its secrets; host: a host's name as text has it.

        counts: where to count.
        """
        self._addresses, self._pseudonyms = Addresses(key), Pseudonyms(key)
        self._asset_masked, self._text, self._secrets, self._counts = asset_masked, text, secrets, counts
        self._by_kind: dict[int, tuple[str, TextRule]] = {
            privacy_pb2.IDENTIFIER_KIND_HOST_NAME: ("host", host),
            privacy_pb2.IDENTIFIER_KIND_USER_NAME: ("user", self._pseudonyms.user),
            privacy_pb2.IDENTIFIER_KIND_SERIAL: ("serial", self._pseudonyms.serial),
            privacy_pb2.IDENTIFIER_KIND_UUID: ("uuid", self._pseudonyms.uuid),
            privacy_pb2.IDENTIFIER_KIND_MAC_ADDRESS: ("mac", self._pseudonyms.macs),
            privacy_pb2.IDENTIFIER_KIND_IP_ADDRESS: ("ipv4", self._address),
        }

    def redact(self, message: Message) -> None:
        """Changes the message and all in it; fields that this version does not know are dropped first."""
        message.DiscardUnknownFields()
        for field, value in message.ListFields():
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                for inner in value if field.is_repeated else (value,):
                    self.redact(inner)
            elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
                self._redact_field(message, field, value)

    def names(self, snapshot: Snapshot) -> KnownNames:
        """The names in a snapshot's facts, to be looked for in its text."""
        found: dict[int, list[str]] = {}
        for kind, value in _identified(snapshot):
            found.setdefault(kind, []).append(value)
        return KnownNames(
            hosts=(snapshot_host(snapshot),) if snapshot_host(snapshot) else (),
            users=tuple(found.get(privacy_pb2.IDENTIFIER_KIND_USER_NAME, ())),
            peers=tuple(value for value in found.get(privacy_pb2.IDENTIFIER_KIND_HOST_NAME, ()) if "." in value),
            serials=tuple(found.get(privacy_pb2.IDENTIFIER_KIND_SERIAL, ())),
        )

    def _redact_field(self, message: Message, field: FieldDescriptor, value: Any) -> None:
        """One string or bytes field, single or repeated."""
        privacy = _privacy(field)
        values = list(value) if field.is_repeated else [value]
        masked = [one for one in (self._redact_value(privacy, one) for one in values) if one is not None]
        message.ClearField(field.name)
        if field.is_repeated:
            getattr(message, field.name).extend(masked)
        elif masked:
            setattr(message, field.name, masked[0])

    def _redact_value(self, privacy: Privacy, value: str | bytes) -> str | bytes | None:
        """What may leave of one value; None where nothing may."""
        if privacy.privacy_class == privacy_pb2.PRIVACY_CLASS_PUBLIC or self._is_sent(privacy):
            return value if isinstance(value, bytes) else self._secrets(value)
        if privacy.privacy_class not in (privacy_pb2.PRIVACY_CLASS_INTERNAL, privacy_pb2.PRIVACY_CLASS_ASSET):
            self._counts["dropped_field"] += 1
            return None
        return self._bytes(privacy, value) if isinstance(value, bytes) else self._string(privacy, value)

    def _is_sent(self, privacy: Privacy) -> bool:
        return privacy.privacy_class == privacy_pb2.PRIVACY_CLASS_ASSET and not self._asset_masked

    def _bytes(self, privacy: Privacy, value: bytes) -> bytes | None:
        """Only addresses of a path are private and no text; anything else is dropped."""
        if privacy.kind == privacy_pb2.IDENTIFIER_KIND_IP_ADDRESS and len(value) in (0, 4, 16):
            return self._addresses.mask_path(value) if value else value
        self._counts["dropped_field"] += 1
        return None

    def _string(self, privacy: Privacy, value: str) -> str | None:
        kind, mask = self._by_kind.get(privacy.kind, ("", self._text))
        masked = mask(value)
        if kind and masked != value:
            self._counts["ipv6" if kind == "ipv4" and ":" in value else kind] += 1
        return masked

    def _address(self, value: str) -> str | None:
        """An address with or without prefix length and zone; what is none goes through the whole pipe."""
        address, slash, length = value.partition("/")
        address, percent, zone = address.partition("%")
        if value in NO_ADDRESS:
            return value
        try:
            # In its usual spelling, so that two facts about one address are equal.
            masked = self._addresses.mask(str(ip_address(address)))
        except ValueError:
            return self._text(value)
        return masked + percent + zone + slash + length


def snapshot_host(snapshot: Snapshot) -> str:
    """The machine's own host name as its system section has it, or ""."""
    return next((s.system.host_name for s in snapshot.sections if s.WhichOneof("facts") == "system"), "")


def _identified(message: Message) -> Iterator[tuple[int, str]]:
    """Kind and value of every string in a message whose option says what it identifies."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field.is_repeated else (value,):
                yield from _identified(inner)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield from ((_privacy(field).kind, text) for text in (value if field.is_repeated else (value,)))


@cache
def _privacy(field: FieldDescriptor) -> Privacy:
    return field.GetOptions().Extensions[privacy_pb2.privacy]
