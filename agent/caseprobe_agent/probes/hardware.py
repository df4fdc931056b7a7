"""What the machine is made of: maker and serials (DMI), memory error counters (EDAC), PCI devices and their errors."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.counters import parse_counters
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, number_of, value_of

DMI, EDAC, PCI = "/sys/class/dmi/id", "/sys/devices/system/edac/mc", "/sys/bus/pci/devices"
DEVICE_TREE_MODEL = "/proc/device-tree/model"
DEVICES_AT_MOST = 1000
TEXTS = (
    ("vendor", "sys_vendor"),
    ("product", "product_name"),
    ("serial", "product_serial"),
    ("uuid", "product_uuid"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("bios_date", "bios_date"),
)
# SMBIOS 3.7, table 17.
CHASSIS = {
    3: "desktop",
    4: "low profile desktop",
    6: "mini tower",
    7: "tower",
    8: "portable",
    9: "laptop",
    10: "notebook",
    11: "hand held",
    13: "all in one",
    14: "sub notebook",
    17: "main server",
    23: "rack mount",
    25: "multi-system",
    28: "blade",
    30: "tablet",
    31: "convertible",
    32: "detachable",
    34: "embedded",
    35: "mini pc",
    36: "stick pc",
}


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Facts of every source that this machine has; absent where it shows none of them."""
    notes = Notes()
    facts = section_pb2.HardwareFacts()
    _add_maker(facts, machine, notes)
    _add_memory_controllers(facts, machine, notes)
    for slot in notes.names("hardware.pci_devices", machine, PCI)[:DEVICES_AT_MOST]:
        facts.pci_devices.append(_pci_device(slot, machine, notes))
    if not facts.ByteSize() and not notes.denied:
        raise MachineAbsent("this machine shows neither a maker (DMI) nor memory controllers (EDAC) nor PCI devices")
    return notes.measured(facts)


def _add_maker(facts: section_pb2.HardwareFacts, machine: Machine, notes: Notes) -> None:
    if not names_in(machine, DMI):
        facts.product = (value_of(machine, DEVICE_TREE_MODEL) or "").rstrip("\0")
        if not facts.product:
            notes.lack("hardware.vendor", MachineAbsent("this machine shows no maker: it has no DMI table"))
        return
    for field, name in TEXTS:
        try:
            setattr(facts, field, machine.read_text(f"{DMI}/{name}").strip())
        except MeasurementError as error:
            notes.lack(f"hardware.{field}", error)
    board = (value_of(machine, f"{DMI}/board_vendor"), value_of(machine, f"{DMI}/board_name"))
    facts.board = " ".join(part for part in board if part)
    facts.chassis = CHASSIS.get(number_of(machine, f"{DMI}/chassis_type") or 0, "")


def _add_memory_controllers(facts: section_pb2.HardwareFacts, machine: Machine, notes: Notes) -> None:
    fact = "hardware.memory_controllers"
    shown = notes.names(fact, machine, EDAC)
    controllers = [name for name in shown if name.startswith("mc") and name[2:].isdecimal()]
    if not controllers and not any(one.field == fact for one in notes.shortfalls):
        notes.lack(fact, MachineAbsent("this machine counts no memory errors: it has no EDAC"))
    for name in controllers:
        corrected = notes.number(fact, machine, f"{EDAC}/{name}/ce_count")
        uncorrected = notes.number(fact, machine, f"{EDAC}/{name}/ue_count")
        controller = facts.memory_controllers.add(
            name=name, corrected_errors_total=corrected or 0, uncorrected_errors_total=uncorrected or 0
        )
        _add_modules(controller, f"{EDAC}/{name}", notes.noted(fact, machine))
        _quote_controller(f"{EDAC}/{name}", machine, notes)


def _add_modules(controller: section_pb2.MemoryController, folder: str, machine: Reads) -> None:
    for name in names_in(machine, folder):
        if name.startswith(("dimm", "rank")):
            controller.modules.add(
                name=name,
                label=value_of(machine, f"{folder}/{name}/dimm_label") or "",
                corrected_errors_total=max(0, number_of(machine, f"{folder}/{name}/dimm_ce_count") or 0),
                uncorrected_errors_total=max(0, number_of(machine, f"{folder}/{name}/dimm_ue_count") or 0),
            )


def _quote_controller(folder: str, machine: Machine, notes: Notes) -> None:
    """The counters, and for each module of memory that has errors its own and where it sits."""
    for name in ("ce_count", "ue_count"):
        notes.quote(f"{folder}/{name}", value_of(machine, f"{folder}/{name}") or "")
    for module in (name for name in names_in(machine, folder) if name.startswith(("dimm", "rank"))):
        for counter in ("dimm_ce_count", "dimm_ue_count"):
            if number_of(machine, f"{folder}/{module}/{counter}"):
                label = value_of(machine, f"{folder}/{module}/dimm_label") or module
                notes.keep(f"{folder}/{module}/dimm_label", 1, label)
                notes.keep(f"{folder}/{module}/{counter}", 1, value_of(machine, f"{folder}/{module}/{counter}") or "")


def _pci_device(slot: str, machine: Machine, notes: Notes) -> section_pb2.PciDevice:
    folder = f"{PCI}/{slot}"

    def number(name: str) -> str:
        return (value_of(machine, f"{folder}/{name}") or "").removeprefix("0x")

    device = section_pb2.PciDevice(
        slot=slot, vendor_id=number("vendor"), device_id=number("device"), class_id=number("class")
    )
    try:
        device.driver = machine.read_link(f"{folder}/driver").rpartition("/")[2]
    except MeasurementError:
        device.driver = ""
    _add_bus_errors(device, folder, machine, notes)
    return device


def _add_bus_errors(device: section_pb2.PciDevice, folder: str, machine: Machine, notes: Notes) -> None:
    """Totals of the PCI Express error counters; a device that counts none of them has no such file."""
    totals: dict[str, int] = {}
    for kind in ("correctable", "nonfatal", "fatal"):
        text = notes.text("hardware.pci_devices", machine, f"{folder}/aer_dev_{kind}")
        lines = parse_counters(text or "")
        total = next((count for name, count in lines.items() if name.startswith("TOTAL_")), None)
        if total is not None:
            totals[kind] = total
        if text is not None and total:
            notes.quote(f"{folder}/aer_dev_{kind}", text, tuple(name for name, count in lines.items() if count))
    if "correctable" in totals:
        device.aer_correctable_total = totals["correctable"]
    if "nonfatal" in totals or "fatal" in totals:
        device.aer_uncorrectable_total = totals.get("nonfatal", 0) + totals.get("fatal", 0)
