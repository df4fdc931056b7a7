"""Win32_OperatingSystem and Win32_ComputerSystem: the system, its memory, the machine."""

from __future__ import annotations

from caseprobe.parse.windows.cim import Record, moment, only, whole, word
from caseprobe.v1 import section_pb2

# Win32_OperatingSystem counts memory in KiB.
KIB = 1024
# Windows never promises more than memory and page files can hold, as Linux does with vm.overcommit_memory = 2.
STRICT = 2


def parse_system(text: str) -> section_pb2.SystemFacts:
    """The system and since when it runs; ValueError where the class is another one or cut."""
    record = _of_class(text)
    facts = section_pb2.SystemFacts(
        host_name=word(record, "CSName"),
        system="windows",
        os_name=word(record, "Caption"),
        os_version=word(record, "Version"),
        kernel_release=word(record, "BuildNumber"),
        architecture=word(record, "OSArchitecture"),
        init_system="service control manager",
    )
    booted, now = moment(record, "LastBootUpTime"), moment(record, "LocalDateTime")
    if booted is not None and now is not None and 0 < now - booted < 1e10:
        facts.uptime_seconds = now - booted
        facts.booted_at.FromMilliseconds(round(booted * 1000))
        facts.measured_at.FromMilliseconds(round(now * 1000))
    return facts


def parse_memory(text: str) -> section_pb2.MemoryFacts:
    """Memory, page files and what is promised of both; ValueError where the sizes are missing.

    FreePhysicalMemory is what Windows calls available: free, zeroed and standby pages.
    """
    record = _of_class(text)
    total, available = whole(record, "TotalVisibleMemorySize"), whole(record, "FreePhysicalMemory")
    if not total or available is None:
        raise ValueError("the sizes of the memory are missing")
    facts = section_pb2.MemoryFacts(total_bytes=total * KIB, available_bytes=min(available, total) * KIB)
    facts.free_bytes = facts.available_bytes
    swap, swap_free = whole(record, "SizeStoredInPagingFiles"), whole(record, "FreeSpaceInPagingFiles")
    facts.swap_total_bytes, facts.swap_free_bytes = (swap or 0) * KIB, (swap_free or 0) * KIB
    limit, left = whole(record, "TotalVirtualMemorySize"), whole(record, "FreeVirtualMemory")
    if limit and left is not None:
        facts.commit_limit_bytes, facts.committed_bytes = limit * KIB, max(limit - left, 0) * KIB
        facts.overcommit_mode = STRICT
    return facts


def parse_machine(text: str) -> section_pb2.HardwareFacts:
    """Who made the machine (Win32_ComputerSystem); ValueError where the class is another one."""
    record = only(text)
    if "TotalPhysicalMemory" not in record and "Manufacturer" not in record:
        raise ValueError("this is no instance of Win32_ComputerSystem")
    return section_pb2.HardwareFacts(vendor=word(record, "Manufacturer"), product=word(record, "Model"))


def _of_class(text: str) -> Record:
    record = only(text)
    if not word(record, "Caption") or "TotalVisibleMemorySize" not in record:
        raise ValueError("this is no instance of Win32_OperatingSystem")
    return record
