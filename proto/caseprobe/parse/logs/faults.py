"""Which class of fault a message of the kernel tells of, and of what: a device, a process, a module of memory.

Only text that the kernel itself wrote belongs here: a program may quote any of these messages.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

DISK = r"(?P<object>(?!fd\d|sr\d)[\w!.-]+)"
BLOCK = r"(?P<object>[\w!.-]+)"
JOURNAL = r"(?P<object>[\w!.-]+?)(?:-\d+)?"
PROCESS = r"(?P<object>.+?)"
INTERFACE = r"(?<![\w.@-])(?P<object>(?!SATA\b)[\w.@-]+)"
PCI = r"(?P<object>[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])"
MODULE = r'(?P<otherwise>MC\d+): .*?(?: on (?!any memory)(?P<object>\S+) \(|label "(?P<label>[^"]+)"|$|\()'

# Class, a word of every such message (looked for first, because that is cheap), its form. The first that fits wins.
# Floppy and CD drives are left out of errors: empty ones report them on healthy machines.
RULES: Sequence[tuple[str, str, str]] = (
    ("cgroup_oom", "emory cgroup out of memory", rf"emory cgroup out of memory: Kill(?:ed)? process \d+ \({PROCESS}\)"),
    ("oom_kill", "Out of memory", rf"Out of memory(?: \([\w ]+\))?: Kill(?:ed)? process \d+ \({PROCESS}\)"),
    ("bad_page", "BUG: Bad ", rf"BUG: Bad (?:page|rss-counter) \w+(?: in process {PROCESS}(?:  |$))?"),
    ("hung_task", "blocked ", rf"INFO: task {PROCESS}:\d+ blocked .*for more than \d+ seconds"),
    ("soft_lockup", "soft lockup", r"BUG: soft lockup - (?P<object>CPU#\d+)"),
    ("hard_lockup", "hard LOCKUP", r"[Ww]atchdog detected hard LOCKUP on (?P<object>cpu ?\d+)"),
    ("rcu_stall", "stall", r"INFO: (?P<object>rcu_\w+) (?:self-detected stall|detected (?:expedited )?stalls) on"),
    ("oops", "BUG: ", r"\bBUG: (?:unable to handle|kernel NULL pointer|KASAN: |stack guard page)"),
    ("oops", "kernel BUG at ", r"kernel BUG at \S+!"),
    ("oops", "[#", r"(?:Oops|general protection fault|Internal error|invalid opcode)\b.*\[#\d+\]"),
    ("oops", "Unable to handle kernel ", r"^Unable to handle kernel "),
    ("oops", "Kernel panic", r"^Kernel panic - not syncing"),
    ("edac_ce", "EDAC MC", rf"EDAC (?=MC\d+: (?:\d+ )?CE ){MODULE}"),
    ("edac_ue", "EDAC MC", rf"EDAC (?=MC\d+: (?:\d+ )?UE ){MODULE}"),
    ("thermal_throttle", "above threshold", r"(?P<object>CPU\d+): \w+ temperature (?:is )?above threshold"),
    ("thermal_throttle", "critical temperature reached", r"(?:(?P<object>thermal_zone\d+).*)?critical temp\w+ reached"),
    ("mce_ue", "Machine Check Exception", r"(?P<object>CPU ?\d+): Machine Check Exception"),
    (
        "mce_ue",
        "Hardware Error",
        r"\[Hardware Error\]: (?:event severity: (?:fatal|recov)|Uncorrected|Deferred|System Fatal)",
    ),
    ("mce_ue", "Uncorrected hardware memory error", r"Uncorrected hardware memory error"),
    ("mce_ce", "Machine Check: ", r"(?P<object>CPU ?\d+): Machine Check: "),
    ("mce_ce", "Machine check events logged", r"Machine check events logged"),
    ("mce_ce", "Hardware Error", r"\[Hardware Error\]: (?:event severity: corrected|Corrected error)"),
    ("pcie_aer", "AER: ", rf"{PCI}: AER: (?:Multiple )?(?:Corrected|Correctable|Uncorrect\w+|Non-?Fatal|Fatal)"),
    ("pcie_aer", "PCIe Bus Error", rf"{PCI}: (?:AER: )?PCIe Bus Error: "),
    ("fs_remount_ro", "ead-only", rf"\({BLOCK}\): (?:Remounting filesystem|Filesystem has been set) read-only"),
    ("fs_remount_ro", "forced readonly", rf"BTRFS\b.*\(device {BLOCK}[^)]*\).*forced readonly"),
    ("fs_error", "-fs error (", rf"-fs error \(device {BLOCK}\)"),
    ("fs_error", "EXT4-fs (", rf"EXT4-fs \({BLOCK}\): (?:error count since|.*will be lost|.*[Cc]orrupt|.*I/O error)"),
    ("fs_error", "Aborting journal", rf"Aborting journal on device {JOURNAL}\.?$"),
    ("fs_error", "JBD2: ", rf"JBD2: .*(?:IO|I/O) errors? .*\b(?:on|for) {JOURNAL}\.?$"),
    ("fs_error", "XFS (", rf"XFS \({BLOCK}\): .*(?:[Cc]orruption|I/O [Ee]rror|[Ii]nternal error|[Ss]hut ?down)"),
    ("fs_error", "BTRFS", rf"BTRFS:? (?:error|critical) \(device {BLOCK}[^)]*\)"),
    ("fs_error", "BTRFS", rf"BTRFS warning \(device {BLOCK}[^)]*\): csum failed"),
    ("fs_error", "FAT-fs (", rf"FAT-fs \({BLOCK}\): error"),
    ("blk_io_error", " error, dev ", rf" error, dev {DISK}, (?:sector|logical block)"),
    ("blk_io_error", "Buffer I/O error", rf"Buffer I/O error on dev(?:ice)? {DISK},"),
    ("blk_io_error", "due to I/O error on", rf"page write due to I/O error on {DISK}"),
    (
        "ata_link_reset",
        "ata",
        r"^(?P<object>ata\d+)(?:\.\d+)?: (?:exception Emask|hard resetting link|COMRESET failed)",
    ),
    ("ata_link_reset", "ata", r"^(?P<object>ata\d+)(?:\.\d+)?: (?:failed command|limiting SATA|SError: \{ \w)"),
    ("nvme_reset", "nvme", r"^nvme (?P<object>nvme\d+): I/O .*\btimeout\b"),
    ("nvme_reset", "nvme", r"^nvme (?P<object>nvme\d+): (?:controller is down|resetting controller|Device not ready)"),
    ("nvme_reset", "nvme", r"^nvme (?P<object>nvme\d+): (?:Removing after probe failure|Disabling device after reset)"),
    (
        "scsi_timeout",
        "hostbyte=DID_",
        r"\[(?P<object>sd\w+)\].*hostbyte=DID_(?:TIME_OUT|NO_CONNECT|BAD_TARGET|TRANSPORT)",
    ),
    ("scsi_timeout", "offline device", r"^sd (?P<object>[\d:]+): rejecting I/O to offline device"),
    ("scsi_timeout", "attempting task abort", r"(?P<object>\d+:\d+:\d+:\d+): attempting task abort"),
    ("nic_reset", "NETDEV WATCHDOG", r"NETDEV WATCHDOG: (?P<object>[\w.@-]+) \(.*transmit queue \d+ timed out"),
    ("nic_reset", "NETDEV WATCHDOG", rf"{INTERFACE}: NETDEV WATCHDOG: .*transmit queue \d+ timed out"),
    ("nic_reset", "Detected Hardware Unit Hang", rf"{INTERFACE}: Detected Hardware Unit Hang"),
    ("conntrack_full", "table full, dropping", r"(?P<object>(?:nf|ip)_conntrack): table full, dropping packet"),
    ("link_down", "ink ", rf"{INTERFACE}:? (?:NIC )?(?:(?:Copper|Fibre|SerDes) )?[Ll]ink (?:is )?[Dd]own"),
    ("link_down", "link status", r"\(slave (?P<object>[\w.@-]+)\): link status definitely down"),
    ("link_down", "link status", r"link status definitely down for interface (?P<object>[\w.@-]+)"),
    ("segfault", "]: segfault at ", r"^(?P<object>.+?)\[\d+\]: segfault at "),
    ("segfault", "traps: ", r"^traps: (?P<object>.+?)\[\d+\] (?:general protection|trap (?:invalid|divide|stack))"),
)
# Where in RULES a word stands: each word is looked for once, and the forms are compiled only where one is needed.
PLACES = {word: [n for n, rule in enumerate(RULES) if rule[1] == word] for word in {rule[1]: None for rule in RULES}}
NEEDLES = tuple(PLACES)
KERNEL_ITSELF = "kernel"
CLASSES_AT_LARGE = frozenset({"oops", "mce_ce", "mce_ue"})


@dataclass(frozen=True)
class Message:
    """One message of the kernel; line counts from 1 in the log that we keep, seconds are on any one clock.

    quoted: the whole line as it stands there.
    """

    line: int
    seconds: float | None
    text: str
    quoted: str = ""


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


def classify(text: str) -> tuple[str, str] | None:
    """Class and object of one message, None for most.

    >>> classify("blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0")
    ('blk_io_error', 'sda')
    >>> classify("EXT4-fs (sda1): mounted filesystem with ordered data mode") is None
    True
    """
    possible = [place for word in PLACES if word in text for place in PLACES[word]]
    for place in sorted(possible):
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
    found = [Fault(*known, message) for message in messages if (known := classify(message.text)) is not None]
    storms = dict(_bursts(found))
    return [fault for one in found if (fault := _renamed(one, storms)) is not None]


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


def _renamed(fault: Fault, storms: dict[tuple[str, str], Burst]) -> Fault | None:
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
