"""The machine itself: system, hardware, processors, memory, sensors."""

from __future__ import annotations

from caseprobe.report.facts.group import Gist, listed, plain_list
from caseprobe.report.markup import NOTHING, dotted, element, facts_list, joined, meter
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1.section_storage_pb2 import IpmiSensor

NO_LIMIT = 1 << 62


def system(section: section_pb2.Section, words: Words) -> Gist:
    """Which system it is and since when it runs."""
    facts = section.system
    name = f"{facts.os_name} {facts.os_version}".strip() or facts.system
    uptime = words.value("uptime_seconds", facts.uptime_seconds)
    body = facts_list(
        [
            (words("host_name"), facts.host_name),
            (words("os"), name),
            (words("kernel"), dotted(facts.kernel_release, facts.architecture)),
            (words("uptime"), uptime),
            (words("booted_at"), words.moment(facts.booted_at)),
            (words("virtualization"), dotted(facts.virtualization, facts.container)),
            (words("timezone"), facts.timezone),
            (words("open_files"), _of(words, facts.open_files_total, facts.open_files_limit)),
            (words("tasks"), _of(words, facts.tasks_total, facts.tasks_limit)),
            (words("privileged"), words("yes" if facts.privileged else "no")),
        ]
    )
    return Gist(dotted(name, words.filled("up_for", uptime=uptime)), body)


def _of(words: Words, part: int, whole: int) -> str:
    """How many of how many; the kernel writes the largest number there is where it sets no limit."""
    if not whole:
        return ""
    return f"{words.count(part)} / {words.count(whole) if whole < NO_LIMIT else words('no_limit')}"


def hardware(section: section_pb2.Section, words: Words) -> Gist:
    """Maker, model, firmware and what sits on the bus."""
    facts = section.hardware
    firmware = dotted(f"{facts.bios_vendor} {facts.bios_version}".strip(), facts.bios_date)
    machine = facts_list(
        [
            (words("product"), dotted(facts.vendor, facts.product)),
            (words("serial"), facts.serial),
            (words("board"), facts.board),
            (words("firmware"), firmware),
        ]
    )

    def row(device: section_pb2.PciDevice) -> tuple[str, ...]:
        return device.slot, f"{device.vendor_id}:{device.device_id}", device.driver or NONE

    devices = listed((words("pci_device"), words("id"), words("driver")), facts.pci_devices, row, words)
    line = dotted(facts.vendor, facts.product) or words.filled("devices_total", n=len(facts.pci_devices))
    return Gist(line, joined(machine, devices))


def cpu(section: section_pb2.Section, words: Words) -> Gist:
    """Model, load, and where the time went."""
    facts = section.cpu
    load = " ".join(words.count(round(value, 2)) for value in (facts.load1, facts.load5, facts.load15))
    shares = ("user", "system", "iowait", "softirq", "steal", "idle")
    body = facts_list(
        [
            (words("model"), facts.model),
            (words("processors"), words.count(facts.logical_total)),
            (words("load"), load),
            *((words(f"cpu_{name}"), words.value("_ratio", getattr(facts, f"{name}_ratio"))) for name in shares),
            (words("pressure"), _pressure(facts, words)),
        ]
    )
    processors = words.filled("processors_total", n=facts.logical_total)
    return Gist(dotted(facts.model, processors, words.filled("load_is", load=load)), body)


def _pressure(facts: section_pb2.CpuFacts | section_pb2.MemoryFacts | section_pb2.DisksFacts, words: Words) -> str:
    """Waiting over the last minute, empty where the kernel does not count it."""
    if not facts.HasField("pressure"):
        return ""
    return words.value("_ratio", facts.pressure.some_avg60_ratio)


def memory(section: section_pb2.Section, words: Words) -> Gist:
    """What there is, what is left, and swap."""
    facts = section.memory
    used = facts.total_bytes - min(facts.available_bytes, facts.total_bytes)
    swapped = facts.swap_total_bytes - min(facts.swap_free_bytes, facts.swap_total_bytes)
    names = ("available_bytes", "cached_bytes", "slab_bytes", "dirty_bytes", "committed_bytes")
    body = facts_list(
        [
            (words("memory_used"), _meter(words, used, facts.total_bytes)),
            (words("swap_used"), _meter(words, swapped, facts.swap_total_bytes)),
            *((words(name), words.value(name, getattr(facts, name))) for name in names),
            (words("pressure"), _pressure(facts, words)),
            (words("container_limit"), _meter(words, facts.cgroup_current_bytes, facts.cgroup_limit_bytes)),
        ]
    )
    available, total = (words.value("_bytes", size) for size in (facts.available_bytes, facts.total_bytes))
    return Gist(words.filled("available_of", available=available, total=total), body)


def _meter(words: Words, used: int, total: int) -> str:
    if not total:
        return ""
    sizes = f"{words.value('_bytes', used)} / {words.value('_bytes', total)}"
    return meter(used / total, f"{words.share(used, total)} ({sizes})")


def sensors(section: section_pb2.Section, words: Words) -> Gist:
    """Temperatures, fans and power supplies."""

    def heat(one: section_pb2.Temperature) -> tuple[str, ...]:
        high = words.value("_celsius", one.high_celsius) if one.HasField("high_celsius") else NONE
        critical = words.value("_celsius", one.critical_celsius) if one.HasField("critical_celsius") else NONE
        return f"{one.chip} {one.label}".strip(), words.value("_celsius", one.current_celsius), high, critical

    def fan(one: section_pb2.Fan) -> tuple[str, ...]:
        return f"{one.chip} {one.label}".strip(), words.count(one.rotations_per_minute)

    def supply(one: section_pb2.PowerSupply) -> tuple[str, ...]:
        return one.name, one.type, words.value("_ratio", one.charge_ratio) if one.HasField("charge_ratio") else NONE

    facts = section.sensors
    degrees = (words("sensor"), words("now"), words("high"), words("critical"))
    body = joined(
        listed(degrees, facts.temperatures, heat, words, numbers=(1, 2, 3)),
        listed((words("fan"), words("turns")), facts.fans, fan, words, numbers=(1,)),
        listed((words("power_supply"), words("type"), words("charge")), facts.power_supplies, supply, words, (2,)),
    )
    hottest = max((one.current_celsius for one in facts.temperatures), default=None)
    line = "" if hottest is None else words.filled("hottest", hottest_celsius=hottest)
    return Gist(dotted(line, words.filled("fans_total", n=len(facts.fans)) if facts.fans else ""), body)


def ipmi(section: section_pb2.Section, words: Words) -> Gist:
    """What the board's management controller measures."""

    def row(one: IpmiSensor) -> tuple[str, ...]:
        return element("b", one.name), f"{one.value} {one.unit}".strip(), one.state

    found = section.ipmi.sensors
    table = listed((words("sensor_name"), words("now"), words("state")), found, row, words)
    return Gist(words.filled("sensors_total", n=len(found)), table)


def settings(section: section_pb2.Section, words: Words) -> Gist:
    """How the kernel is set, by name."""
    found = section.settings.settings
    lines = (f"{one.name} = {one.value}" for one in found)
    total = words.filled("settings_total", n=len(found))
    return Gist(total, plain_list(words("all_settings"), lines, len(found), words))


def reveal(section: section_pb2.Section, words: Words) -> Gist:
    """The one name that the owner told."""
    facts = section.reveal
    return Gist(dotted(facts.stand_in, facts.value), NOTHING)
