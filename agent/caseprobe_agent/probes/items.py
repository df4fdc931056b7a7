"""The items of a bundle: what each probe is for, what it costs, and how private is what it yields.

Why an item is there stands in words in the catalogue items.toml, in every language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caseprobe.v1 import privacy_pb2, section_pb2
from caseprobe_agent.config.bundles import CLASSES


@dataclass(frozen=True)
class Item:
    """A probe as an item of a bundle: it yields a section of the same name, and the artifacts that are named.

    cost_seconds, programs: roughly, on a machine of a usual size: the time, and how many foreign programs it starts.
    more: artifacts that only the full profile has. why, stated_privacy: an operator's own words for a site probe.
    """

    name: str
    area: str
    cost_seconds: float
    programs: int = 0
    artifacts: tuple[str, ...] = ()
    why: str = ""
    stated_privacy: str = ""
    more: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """By what it can be chosen: its name, its area, each of its artifacts."""
        return (self.name, self.area, *self.artifacts, *self.more)

    @property
    def privacy(self) -> str:
        """The most private class that a field of its facts can have; raw text may hold anything before the pipe."""
        if self.stated_privacy:
            return self.stated_privacy
        if self.artifacts:
            return CLASSES[-1]
        facts = section_pb2.Section.DESCRIPTOR.fields_by_name[self.name].message_type
        return CLASSES[max(_classes(facts, set()), default=privacy_pb2.PRIVACY_CLASS_PUBLIC) - 1]


def _classes(message: Descriptor | None, seen: set[str]) -> Iterator[int]:
    """The class of every field of text in a message and in all that it may hold."""
    if message is None or message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from _classes(field.message_type, seen)
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            yield field.GetOptions().Extensions[privacy_pb2.privacy].privacy_class


ALL: tuple[Item, ...] = (
    Item("system", "system", 0.002),
    Item("cpu", "cpu", 0.002),
    Item("memory", "memory", 0.01),
    Item("filesystems", "disks", 0.005),
    Item("interfaces", "network", 0.02),
    Item("hardware", "system", 0.002),
    Item("disks", "disks", 0.002),
    Item("sensors", "system", 0.001),
    Item("processes", "processes", 0.02),
    Item("routes", "network", 0.001),
    Item("resolvers", "network", 0.001),
    Item("sockets", "network", 0.02),
    Item("volumes", "disks", 0.1, programs=3),
    Item("wireless", "network", 0.1, programs=2),
    Item("kernel_log", "logs", 0.05, artifacts=("artifacts/kernel.log",)),
    Item("system_log", "logs", 0.3, artifacts=("artifacts/system.log",)),
    Item("cgroups", "containers", 0.01),
    Item("time_sync", "system", 0.001),
    Item("certificates", "security", 0.01),
    Item("crashes", "logs", 0.001),
    Item("history", "system", 0.05),
    Item("smart", "disks", 0.5, programs=8),
    Item("services", "services", 0.2, programs=3),
    Item("packages", "packages", 0.02, programs=1, more=("artifacts/packages.log",)),
    Item("dns", "network", 0.1),
    Item("reachability", "network", 0.1),
    Item("deleted_files", "disks", 0.01),
    Item("settings", "system", 0.01),
    Item("network_cards", "network", 0.01),
    Item("containers", "containers", 0.3, programs=3),
    Item("firewall", "security", 0.1, programs=2, artifacts=("artifacts/firewall.rules",)),
    Item("near_paths", "network", 0.5),
    Item("ipmi", "system", 10.0, programs=1),
)
