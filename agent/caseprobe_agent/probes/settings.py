"""How the kernel is set (sysctl): the folders that administrators tune, each file one setting."""

from __future__ import annotations

import re

from caseprobe.errors import MachineAbsent
from caseprobe.v1 import section_settings_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, value_of

SYSCTL = "/proc/sys"
FOLDERS = ("fs", "kernel", "net/core", "net/ipv4", "vm")
SETTINGS_AT_MOST, VALUE_CHARACTERS = 1000, 200
# What counts instead of setting, what names the machine, and what does something when it is read.
NO_SETTINGS = re.compile(
    r"fs\.(file-nr|inode-nr|inode-state|dentry-state|aio-nr)|kernel\.(hostname|domainname|ns_last_pid|osrelease|version|"
    r"random.*|real-root-dev|tainted|sched_domain.*|bootloader_.*|perf_event_max_sample_rate|pty.*|cap_last_cap|arch|"
    r"ostype|seccomp.*|stack_tracer.*|firmware_config.*)|net\.core\.(netdev_rss_key|flow_limit.*)|vm\.(stat_refresh|"
    r"compact_memory|drop_caches)|net\.ipv4\.(tcp_available.*|tcp_fastopen_key)"
)


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every setting that can be read; absent where the kernel shows none."""
    notes = Notes()
    facts = section_settings_pb2.SettingsFacts()
    for folder in FOLDERS:
        for file in notes.names("settings.settings", machine, f"{SYSCTL}/{folder}"):
            name = f"{folder}/{file}".replace("/", ".")
            if NO_SETTINGS.fullmatch(name) or len(facts.settings) >= SETTINGS_AT_MOST:
                continue
            # Folders and settings that only root may read are passed over.
            if (value := value_of(machine, f"{SYSCTL}/{folder}/{file}")) is not None:
                facts.settings.add(name=name, value=" ".join(value.split())[:VALUE_CHARACTERS])
    if not facts.settings and not notes.denied:
        raise MachineAbsent(f"the kernel shows no settings in {SYSCTL}")
    return notes.measured(facts)
