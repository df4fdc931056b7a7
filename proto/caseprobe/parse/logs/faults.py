"""Which class of fault a message of the kernel tells of, and of what: a device, a process, a module of memory.

Only text that the kernel itself wrote belongs here: a program may quote any of these messages.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from caseprobe.parse.logs.rules import RULES

# Where in RULES a word stands: each word is looked for once, and the forms are compiled only where one is needed.
PLACES: dict[str, list[int]] = {}
for _place, (_, _words, _) in enumerate(RULES):
    for _word in _words.split("|"):
        PLACES.setdefault(_word, []).append(_place)
NEEDLES = tuple(PLACES)
KERNEL_ITSELF = "kernel"
CLASSES_AT_LARGE = frozenset({"oops", "mce_ce", "mce_ue", "hung_task", "soft_lockup", "hard_lockup"})


# A USB device that goes away is its user's business, unless it was a disk with work to do.
BESIDE = frozenset({"usb_storage", "usb_disconnect", "killed"})
IN_USE = frozenset(
    {"usb_disconnect_storage", "blk_io_error", "blk_transport_error", "fs_error", "fs_remount_ro", "scsi_timeout"}
)
BESIDE_SECONDS = 30.0


@dataclass(frozen=True)
class Message:
    """One message of the kernel; line counts from 1 in the log that we keep, seconds are on any one clock.

    quoted: the whole line as it stands there. words: which of NEEDLES stand in it; None where nobody looked.
    """

    line: int
    seconds: float | None
    text: str
    quoted: str = ""
    words: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Fault:
    """A message with its class and the object that it names; object is empty where it names none."""

    fault_class: str
    object: str
    message: Message


@dataclass(frozen=True)
class Burst:
    """Messages that mean little alone and another class when so many of one object come within so long."""

    fault_class: str
    messages: int
    seconds: float
    alone: str


# Every driver says that its link is down before it is up; a program that crashes once is only its own fault.
BURSTS = {
    "link_down": Burst("link_flap", messages=3, seconds=3600.0, alone=""),
    "segfault": Burst("segfault_storm", messages=5, seconds=600.0, alone="segfault"),
}


def classify(text: str, words: Iterable[str] | None = None) -> tuple[str, str] | None:
    """Class and object of one message, None for most; words: those of NEEDLES in it, where they are known.

    >>> classify("blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0")
    ('blk_io_error', 'sda')
    >>> classify("EXT4-fs (sda1): mounted filesystem with ordered data mode") is None
    True
    """
    found = [word for word in NEEDLES if word in text] if words is None else words
    for place in sorted({place for word in found for place in PLACES[word]}):
        fault_class, _, form = RULES[place]
        if (match := re.search(form, text)) is not None:
            return fault_class, _object(fault_class, match)
    return None


def _object(fault_class: str, match: re.Match[str]) -> str:
    groups = match.groupdict()
    named = groups.get("object") or groups.get("label") or groups.get("otherwise")
    return named or (KERNEL_ITSELF if fault_class in CLASSES_AT_LARGE else "")


def find_faults(messages: Iterable[Message]) -> list[Fault]:
    """Every message of a known class, in the order of the log.

    >>> downs = [Message(n, n * 60.0, "igb 0000:01:00.0 eth0: NIC Link is Down") for n in (1, 2, 3)]
    >>> [(fault.fault_class, fault.object) for fault in find_faults(downs)]
    [('link_flap', 'eth0'), ('link_flap', 'eth0'), ('link_flap', 'eth0')]
    >>> find_faults(downs[:2])
    []
    """
    return settled([Fault(*known, message) for message in messages if (known := classify(message.text, message.words))])


def settled(found: Sequence[Fault]) -> list[Fault]:
    """What classified messages are in view of each other: bursts, disks that went away, processes killed."""
    storms = dict(_bursts(found))
    lost, killed = _lost_storage(found), _killed_alone(found)
    return [fault for one in found if (fault := _renamed(one, storms, {**lost, **killed})) is not None]


def _lost_storage(found: Sequence[Fault]) -> dict[int, Fault]:
    """By line, USB disks that went away while they were in use: input or output failed right beside it."""
    disks = {fault.object for fault in found if fault.fault_class == "usb_storage"}
    failures = [fault.message.seconds for fault in found if fault.fault_class in IN_USE]
    return {
        fault.message.line: Fault("usb_disconnect_storage", f"usb {fault.object}", fault.message)
        for fault in found
        if fault.fault_class == "usb_disconnect"
        and (fault.object in disks or not disks)
        and any(_near(fault.message.seconds, seconds) for seconds in failures)
    }


def _killed_alone(found: Sequence[Fault]) -> dict[int, Fault]:
    """By line, processes killed for memory whose reason no line tells; kernels before 5.0 write it one line before."""
    alone: dict[int, Fault] = {}
    reason: Fault | None = None
    for fault in found:
        if fault.fault_class in ("oom_kill", "cgroup_oom"):
            reason = fault
        elif fault.fault_class == "killed":
            told = reason is not None and _near(reason.message.seconds, fault.message.seconds)
            if not told:
                alone[fault.message.line] = Fault("oom_kill", fault.object, fault.message)
    return alone


def _near(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= BESIDE_SECONDS


def _bursts(found: Iterable[Fault]) -> Iterator[tuple[tuple[str, str], Burst]]:
    """Class and object of everything that came often enough within its time."""
    moments: dict[tuple[str, str], list[float]] = defaultdict(list)
    for fault in found:
        if fault.fault_class in BURSTS and fault.message.seconds is not None:
            moments[fault.fault_class, fault.object].append(fault.message.seconds)
    for key, seconds in moments.items():
        burst = BURSTS[key[0]]
        last = zip(seconds, seconds[burst.messages - 1 :], strict=False)
        if any(end - begin <= burst.seconds for begin, end in last):
            yield key, burst


def _renamed(fault: Fault, storms: dict[tuple[str, str], Burst], beside: dict[int, Fault]) -> Fault | None:
    """What a message is in view of the others; None where it is nothing."""
    if fault.fault_class in BESIDE:
        return beside.get(fault.message.line)
    if fault.fault_class not in BURSTS:
        return fault
    storm = storms.get((fault.fault_class, fault.object))
    name = storm.fault_class if storm else BURSTS[fault.fault_class].alone
    return Fault(name, fault.object, fault.message) if name else None


def newest(faults: Sequence[Fault], at_most: int, of_each: int) -> list[Fault]:
    """The newest faults first; no more than of_each of one class and object, so that a flood hides no other fault."""
    kept: list[Fault] = []
    seen: Counter[tuple[str, str]] = Counter()
    for fault in reversed(faults):
        key = (fault.fault_class, fault.object)
        seen[key] += 1
        if seen[key] <= of_each and len(kept) < at_most:
            kept.append(fault)
    return kept
