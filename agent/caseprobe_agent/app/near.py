"""Which targets are near: this machine's collector."""

from __future__ import annotations

from collections.abc import Callable

from caseprobe.join_code import split_address
from caseprobe_agent.machine import Machine


def near_targets(machine: Machine, link_address: str) -> Callable[[str], bool]:
    """A judge of targets: the collector's name or address."""
    collector = split_address(link_address)[0]
    return lambda target: target == collector
