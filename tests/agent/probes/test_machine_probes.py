"""The probes cpu, hardware, disks and sensors over machines in memory."""

from __future__ import annotations

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout
from caseprobe.v1 import section_pb2
from caseprobe_agent.probes import cpu, disks, hardware, sensors
from caseprobe_agent.probes.probe import Measured
from tests.fakes_machine import FakeClock, FakeMachine, File

CPUS = "/sys/devices/system/cpu"


def missing(measured: Measured) -> list[tuple[str, str]]:
    """Field and outcome of everything that is missing."""
    name = section_pb2.ProbeOutcome.Name
    return [(s.field, name(s.outcome).removeprefix("PROBE_OUTCOME_")) for s in measured.shortfalls]


def quoted(measured: Measured) -> list[tuple[str, int, str]]:
    """Every line that a finding may quote."""
    return [(line.source, line.line, line.text) for line in measured.lines]


def cpu_files() -> dict[str, File]:
    """Two threads of one core, a bit of everything."""
    return {
        "/proc/stat": "cpu  100 0 50 800 30 5 5 10 0 0\ncpu0 50 0 25 400 15 5 0 5 0 0\ncpu1 50 0 25 400 15 0 5 5 0 0\n",
        "/proc/cpuinfo": "processor\t: 0\nmodel name\t: X\n\nprocessor\t: 1\nmodel name\t: X\ncpu MHz\t: 900\n",
        "/proc/loadavg": "0.15 0.14 0.08 1/96 12208\n",
        "/proc/pressure/cpu": "some avg10=5.00 avg60=1.00 avg300=0.00 total=1\n",
        f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": "7\n",
        f"{CPUS}/cpu0/topology/thread_siblings_list": "0-1\n",
        f"{CPUS}/cpu1/thermal_throttle/core_throttle_count": "7\n",
        f"{CPUS}/cpu1/topology/thread_siblings_list": "0-1\n",
        f"{CPUS}/cpufreq/policy0/scaling_cur_freq": "1200000\n",
        f"{CPUS}/cpufreq/policy0/cpuinfo_max_freq": "3000000\n",
        f"{CPUS}/vulnerabilities/meltdown": "Mitigation: PTI\n",
        f"{CPUS}/vulnerabilities/mds": "Vulnerable: no microcode\n",
        "/sys/fs/cgroup/cpu.stat": "usage_usec 1\nnr_periods 10\nnr_throttled 4\n",
    }


def test_processors_are_measured_over_the_sample() -> None:
    """Shares of the ticks between the samples and since boot; threads of one core are asked once."""
    clock = FakeClock()
    machine = FakeMachine(cpu_files(), clock=clock)
    earlier = cpu.sample(machine)
    clock.advance(0.5)
    machine.files["/proc/stat"] = (
        "cpu  120 0 60 840 40 5 15 10 0 0\ncpu0 60 0 30 420 20 5 0 5 0 0\ncpu1 60 0 30 410 20 0 15 5 0 0\n"
    )
    measured = cpu.measure(machine, earlier)
    facts = measured.facts
    assert isinstance(facts, section_pb2.CpuFacts)
    assert (facts.model, facts.logical_total, facts.sample_seconds) == ("X", 2, 0.5)
    assert facts.user_ratio == pytest.approx(20 / 90)
    assert facts.iowait_ratio == pytest.approx(10 / 90)
    assert facts.softirq_ratio == pytest.approx(10 / 90)
    assert facts.busiest_core_softirq_ratio == pytest.approx(10 / 40)
    assert facts.boot_iowait_ratio == pytest.approx(40 / 1090)
    assert facts.boot_steal_ratio == pytest.approx(10 / 1090)
    assert (facts.load1, facts.load5, facts.load15) == (0.15, 0.14, 0.08)
    assert facts.pressure.some_avg10_ratio == 0.05
    assert facts.throttle_total == 7
    assert (facts.frequency_hertz, facts.frequency_max_hertz) == (1.2e9, 3e9)
    assert [(v.name, v.status) for v in facts.vulnerabilities] == [
        ("mds", "Vulnerable: no microcode"),
        ("meltdown", "Mitigation: PTI"),
    ]
    assert (facts.cgroup_periods_total, facts.cgroup_throttled_total) == (10, 4)
    assert measured.shortfalls == ()
    assert ("/proc/loadavg", 1, "0.15 0.14 0.08 1/96 12208") in quoted(measured)
    assert (f"{CPUS}/vulnerabilities/mds", 1, "Vulnerable: no microcode") in quoted(measured)


def test_processors_of_a_bare_kernel_lack_much() -> None:
    """What is not there is a shortfall or unset, never zero."""
    measured = cpu.measure(FakeMachine({"/proc/stat": "cpu  1 0 0 1 0 0 0 0\n"}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.CpuFacts)
    assert missing(measured) == [
        ("cpu.model", "ABSENT"),
        ("cpu.load1", "ABSENT"),
        ("cpu.pressure", "ABSENT"),
        ("cpu.vulnerabilities", "ABSENT"),
    ]
    for field in ("pressure", "throttle_total", "frequency_hertz", "cgroup_periods_total"):
        assert not facts.HasField(field)


DMI, MC = "/sys/class/dmi/id", "/sys/devices/system/edac/mc"
PCI = "/sys/bus/pci/devices/0000:00:1c.0"


def test_hardware_tells_maker_memory_and_bus() -> None:
    """Serials need a right, the module with errors is named, error counters of a device are summed."""
    machine = FakeMachine(
        {
            f"{DMI}/sys_vendor": "Dell Inc.\n",
            f"{DMI}/product_name": "PowerEdge R740\n",
            f"{DMI}/product_serial": MachineDenied("x", needs="root"),
            f"{DMI}/product_uuid": MachineDenied("x", needs="root"),
            f"{DMI}/bios_vendor": "Dell Inc.\n",
            f"{DMI}/bios_version": "2.19.1\n",
            f"{DMI}/bios_date": "06/04/2023\n",
            f"{DMI}/board_vendor": "Dell Inc.\n",
            f"{DMI}/board_name": "0JM3W2\n",
            f"{DMI}/chassis_type": "23\n",
            f"{MC}/mc0/ce_count": "12\n",
            f"{MC}/mc0/ue_count": "0\n",
            f"{MC}/mc0/dimm0/dimm_label": "CPU_SrcID#0_MC#0_Chan#0_DIMM#0\n",
            f"{MC}/mc0/dimm0/dimm_ce_count": "12\n",
            f"{MC}/mc0/dimm1/dimm_ce_count": "0\n",
            f"{MC}/power/control": "auto\n",
            f"{PCI}/vendor": "0x8086\n",
            f"{PCI}/device": "0xa190\n",
            f"{PCI}/class": "0x060400\n",
            f"{PCI}/aer_dev_correctable": "RxErr 3\nBadTLP 0\nTOTAL_ERR_COR 3\n",
            f"{PCI}/aer_dev_nonfatal": "Undefined 0\nTOTAL_ERR_NONFATAL 1\n",
            f"{PCI}/aer_dev_fatal": "Undefined 0\nTOTAL_ERR_FATAL 1\n",
        },
        links={f"{PCI}/driver": "../../../bus/pci/drivers/pcieport"},
    )
    measured = hardware.measure(machine, None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.HardwareFacts)
    assert (facts.vendor, facts.product, facts.board, facts.chassis) == (
        "Dell Inc.",
        "PowerEdge R740",
        "Dell Inc. 0JM3W2",
        "rack mount",
    )
    assert (facts.bios_version, facts.bios_date, facts.serial) == ("2.19.1", "06/04/2023", "")
    assert missing(measured) == [("hardware.serial", "DENIED"), ("hardware.uuid", "DENIED")]
    assert measured.shortfalls[0].needs == "root"
    (controller,) = facts.memory_controllers
    assert (controller.name, controller.corrected_errors_total, controller.uncorrected_errors_total) == ("mc0", 12, 0)
    (device,) = facts.pci_devices
    assert (device.slot, device.vendor_id, device.device_id, device.class_id, device.driver) == (
        "0000:00:1c.0",
        "8086",
        "a190",
        "060400",
        "pcieport",
    )
    assert (device.aer_correctable_total, device.aer_uncorrectable_total) == (3, 2)
    assert (f"{MC}/mc0/ce_count", 1, "12") in quoted(measured)
    assert (f"{MC}/mc0/dimm0/dimm_label", 1, "CPU_SrcID#0_MC#0_Chan#0_DIMM#0") in quoted(measured)
    assert (f"{PCI}/aer_dev_correctable", 1, "RxErr 3") in quoted(measured)


def test_a_small_board_has_a_device_tree() -> None:
    """Its model stands in for the DMI table; there is no shortfall of a maker then."""
    measured = hardware.measure(FakeMachine({"/proc/device-tree/model": "Raspberry Pi 4 Model B\0"}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.HardwareFacts) and facts.product == "Raspberry Pi 4 Model B"
    assert missing(measured) == [("hardware.memory_controllers", "ABSENT")]


def test_a_container_shows_no_hardware() -> None:
    """Which is said, and not an empty list."""
    with pytest.raises(MachineAbsent, match="neither a maker"):
        hardware.measure(FakeMachine({}), None)


DISKSTATS = "   8 0 sda {reads} 0 {sectors} {ms} 0 0 0 0 0 {busy} {weighted}\n 254 0 vda 0 0 0 0 0 0 0 0 0 0 0\n"
MOUNTS = """\
27 1 8:1 / / rw - ext4 /dev/sda1 rw
28 1 254:0 / /data rw - xfs /dev/vda rw
29 1 8:1 / /b rw - ext4 /dev/sda1 rw
"""


def disk_files() -> dict[str, File]:
    """A spinning disk with a partition, a virtual one without, and devices that are no disks."""
    return {
        "/proc/diskstats": DISKSTATS.format(reads=10, sectors=80, ms=100, busy=90, weighted=110),
        "/proc/self/mountinfo": MOUNTS,
        "/proc/mdstat": "md0 : active raid1 sdb1[1](F) sda1[0]\n      9 blocks [2/1] [U_]\n",
        "/sys/block/sda/size": "2048\n",
        "/sys/block/sda/dev": "8:0\n",
        "/sys/block/sda/queue/rotational": "1\n",
        "/sys/block/sda/removable": "0\n",
        "/sys/block/sda/ro": "0\n",
        "/sys/block/sda/device/vendor": "ATA     \n",
        "/sys/block/sda/device/model": "ST4000NM0035-1V4\n",
        "/sys/block/sda/device/serial": "ZC1\n",
        "/sys/block/sda/sda1/size": "1024\n",
        "/sys/block/sda/sda1/dev": "8:1\n",
        "/sys/block/vda/size": "100\n",
        "/sys/block/vda/dev": "254:0\n",
        "/sys/block/vda/serial": "disk-1\n",
        "/sys/block/vda/queue/rotational": "1\n",
        "/sys/block/loop0/size": "100\n",
        "/sys/block/dm-0/size": "100\n",
        "/sys/block/sdc/size": "0\n",
    }


def test_disks_have_partitions_rates_and_arrays() -> None:
    """Rates and times are over the sample; what did nothing has no time of a request."""
    clock = FakeClock()
    machine = FakeMachine(disk_files(), clock=clock)
    earlier = disks.sample(machine)
    clock.advance(0.5)
    machine.files["/proc/diskstats"] = DISKSTATS.format(reads=20, sectors=1104, ms=300, busy=340, weighted=360)
    measured = disks.measure(machine, earlier)
    facts = measured.facts
    assert isinstance(facts, section_pb2.DisksFacts)
    sda, vda = facts.disks
    assert (sda.name, sda.model, sda.serial, sda.kind, sda.size_bytes) == (
        "sda",
        "ST4000NM0035-1V4",
        "ZC1",
        "hdd",
        1 << 20,
    )
    assert [(p.name, p.size_bytes, p.mount_point) for p in sda.partitions] == [("sda1", 524288, "/")]
    assert (sda.reads_per_second, sda.read_bytes_per_second) == (20, 1 << 20)
    assert sda.await_seconds == pytest.approx(0.020)
    assert sda.boot_await_seconds == pytest.approx(0.015)
    assert (sda.busy_ratio, sda.queue_length) == (0.5, 0.5)
    assert (vda.kind, vda.serial) == ("virtual", "disk-1")
    assert [(p.name, p.mount_point) for p in vda.partitions] == [("vda", "/data")]
    assert not vda.HasField("await_seconds") and not vda.HasField("boot_await_seconds")
    (array,) = facts.arrays
    assert (array.name, array.state, list(array.failed_members)) == ("md0", "degraded", ["sdb1"])
    assert [line for source, line, _ in quoted(measured) if source == "/proc/diskstats"] == [1, 2]
    assert [line for source, line, _ in quoted(measured) if source == "/proc/mdstat"] == [1, 2]
    assert missing(measured) == [("disks.pressure", "ABSENT")]


@pytest.mark.parametrize(
    ("name", "model", "rotational", "expected"),
    [
        ("sda", "QEMU HARDDISK", 1, "virtual"),
        ("nvme0n1", "Amazon Elastic Block Store", 0, "virtual"),
        ("nvme0n1", "SAMSUNG MZQL2", 0, "nvme"),
        ("sda", "Samsung SSD 870", 0, "ssd"),
        ("sda", "ST4000", 1, "hdd"),
        ("sda", "", None, "unknown"),
    ],
)
def test_the_kind_of_a_disk(name: str, model: str, rotational: int | None, expected: str) -> None:
    """By its name, by its model, by whether it turns."""
    assert disks.kind_of(section_pb2.Disk(name=name, model=model), rotational) == expected


def test_no_software_raid_is_no_shortfall() -> None:
    """Most machines have none."""
    files = disk_files()
    del files["/proc/mdstat"]
    assert missing(disks.measure(FakeMachine(files), None)) == [("disks.pressure", "ABSENT")]


CHIP, DRIVE, NVME = "/sys/class/hwmon/hwmon0", "/sys/class/hwmon/hwmon1", "/sys/class/hwmon/hwmon2"


def test_sensors_have_limits_and_alarms() -> None:
    """In degrees and rotations; a broken or unreadable sensor is left out; disks are named; ten stands after two."""
    machine = FakeMachine(
        {
            f"{CHIP}/name": "coretemp\n",
            f"{CHIP}/temp2_input": "45000\n",
            f"{CHIP}/temp2_label": "Core 0\n",
            f"{CHIP}/temp2_max": "80000\n",
            f"{CHIP}/temp2_crit": "100000\n",
            f"{CHIP}/temp2_crit_alarm": "1\n",
            f"{CHIP}/temp10_input": "-5500\n",
            f"{CHIP}/temp3_input": MachineTimeout("x"),
            f"{CHIP}/temp4_input": "127000\n",
            f"{CHIP}/temp4_fault": "1\n",
            f"{CHIP}/fan1_input": "0\n",
            f"{CHIP}/fan1_min": "600\n",
            f"{CHIP}/fan1_alarm": "1\n",
            f"{CHIP}/in0_input": "900\n",
            f"{DRIVE}/name": "drivetemp\n",
            f"{DRIVE}/temp1_input": "31000\n",
            f"{DRIVE}/device/block/sda/size": "1\n",
            f"{NVME}/name": "nvme\n",
            f"{NVME}/temp1_input": "38850\n",
            f"{NVME}/temp1_label": "Composite\n",
        },
        links={f"{NVME}/device": "../../nvme0"},
    )
    facts = sensors.measure(machine, None).facts
    assert isinstance(facts, section_pb2.SensorsFacts)
    assert [(t.chip, t.label, t.current_celsius) for t in facts.temperatures] == [
        ("coretemp", "Core 0", 45.0),
        ("coretemp", "temp10", -5.5),
        ("drivetemp sda", "temp1", 31.0),
        ("nvme nvme0", "Composite", 38.85),
    ]
    core = facts.temperatures[0]
    assert (core.high_celsius, core.critical_celsius, core.alarm) == (80.0, 100.0, True)
    assert not facts.temperatures[1].HasField("high_celsius")
    (fan,) = facts.fans
    assert (fan.label, fan.rotations_per_minute, fan.minimum_rotations_per_minute, fan.alarm) == ("fan1", 0, 600, True)


def test_thermal_zones_stand_in_for_chips() -> None:
    """With the limit at which the machine switches itself off."""
    zone = "/sys/class/thermal/thermal_zone0"
    machine = FakeMachine(
        {
            f"{zone}/type": "cpu-thermal\n",
            f"{zone}/temp": "51000\n",
            f"{zone}/trip_point_0_type": "passive\n",
            f"{zone}/trip_point_0_temp": "80000\n",
            f"{zone}/trip_point_1_type": "critical\n",
            f"{zone}/trip_point_1_temp": "95000\n",
            "/sys/class/thermal/cooling_device0/type": "fan\n",
        }
    )
    facts = sensors.measure(machine, None).facts
    assert isinstance(facts, section_pb2.SensorsFacts)
    (zone_temperature,) = facts.temperatures
    assert (zone_temperature.chip, zone_temperature.label) == ("cpu-thermal", "thermal_zone0")
    assert (zone_temperature.current_celsius, zone_temperature.critical_celsius) == (51.0, 95.0)


def test_a_battery_has_charge_and_health() -> None:
    """The mains are on or off; a mouse's battery is not the machine's."""
    power = "/sys/class/power_supply"
    machine = FakeMachine(
        {
            f"{power}/AC/type": "Mains\n",
            f"{power}/AC/online": "0\n",
            f"{power}/BAT0/type": "Battery\n",
            f"{power}/BAT0/status": "Discharging\n",
            f"{power}/BAT0/capacity": "9\n",
            f"{power}/BAT0/energy_full": "30000000\n",
            f"{power}/BAT0/energy_full_design": "60000000\n",
            f"{power}/hidpp_battery_0/scope": "Device\n",
            f"{power}/hidpp_battery_0/capacity": "1\n",
        }
    )
    measured = sensors.measure(machine, None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.SensorsFacts)
    mains, battery = facts.power_supplies
    assert (mains.type, mains.online, mains.HasField("charge_ratio")) == ("Mains", False, False)
    assert (battery.type, battery.status, battery.charge_ratio, battery.health_ratio) == (
        "Battery",
        "Discharging",
        0.09,
        0.5,
    )
    assert (f"{power}/BAT0/capacity", 1, "9") in quoted(measured)


def test_a_machine_without_sensors_is_absent() -> None:
    """Which is never ok."""
    with pytest.raises(MachineAbsent, match="no sensors"):
        sensors.measure(FakeMachine({}), None)
