"""What this system runs in: a hypervisor, a container, or neither."""

from __future__ import annotations

from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import value_of

DMI = "/sys/class/dmi/id"
# What hypervisors write where a machine's maker stands.
HYPERVISORS = (
    ("QEMU", "kvm"),
    ("KVM", "kvm"),
    ("Amazon EC2", "kvm"),
    ("Google", "kvm"),
    ("DigitalOcean", "kvm"),
    ("Hetzner", "kvm"),
    ("OpenStack", "kvm"),
    ("VMware", "vmware"),
    ("VirtualBox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("Microsoft Corporation Virtual", "hyper-v"),
    ("Xen", "xen"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Bochs", "bochs"),
)


def virtualization_of(machine: Machine) -> str:
    """The hypervisor's name, "vm" where only the processor tells that there is one, empty on bare metal."""
    told = " ".join(value_of(machine, f"{DMI}/{name}") or "" for name in ("sys_vendor", "product_name", "bios_vendor"))
    for vendor, name in HYPERVISORS:
        if vendor in told:
            return name
    if (kind := value_of(machine, "/sys/hypervisor/type")) is not None:
        return kind
    processor = value_of(machine, "/proc/cpuinfo") or ""
    flags = next((line for line in processor.splitlines() if line.startswith("flags")), "")
    return "vm" if "hypervisor" in flags.split() else ""


def container_of(machine: Machine) -> str:
    """docker, podman, lxc, systemd-nspawn …; empty outside of any container."""
    if (told := value_of(machine, "/run/systemd/container")) is not None:
        return told
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if machine.exists(path):
            return name
    environment = value_of(machine, "/proc/1/environ") or ""
    told_by_init = [entry for entry in environment.split("\0") if entry.startswith("container=")]
    return told_by_init[0].removeprefix("container=") if told_by_init else ""
