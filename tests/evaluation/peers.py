"""Rules of other tools over attributes, written anew from what they publish; they see a drive as our parser read it.

scrutiny: webapp/backend/pkg/thresholds/ata_attribute_metadata.go and models/measurements/smart_ata_attribute.go
(annual failure rates in Backblaze's fleet by bucket; "failed" turns the device's status, "warn" an attribute's).
Backblaze: the five attributes that it watches, any above 0. Checkmk: growth of its list since discovery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from caseprobe.v1 import section_smart_pb2 as smart

Rule = Callable[[smart.SmartDisk], bool]
GrowthRule = Callable[[smart.SmartDisk, smart.SmartDisk], bool]
FAILED, WARN = 2, 1
# Attribute -> (above, up to and with, verdict); a value in none of a critical attribute's buckets is a warning.
Buckets = tuple[tuple[float, float, int], ...]
CRITICAL: Mapping[int, Buckets] = {
    5: ((-1, 0, 0), (1, 16, 0), (16, 70_000, FAILED)),
    10: ((-1, 0, 0), (1, 80, FAILED)),
    184: ((93, 94, FAILED), (94, 97, 0), (97, 99, FAILED), (99, 100, 0)),
    187: ((-1, 0, 0), (0, 120, FAILED)),
    188: ((0, 100, 0), (100, 104_000_000_000, FAILED)),
    196: ((-1, 11, 0), (11, 17, FAILED), (17, 27, 0), (27, 45, FAILED)),
    197: ((-1, 0, 0), (1, 1600, FAILED)),
    198: ((-1, 0, 0), (1, 16, FAILED)),
    201: (),
}
OTHERS: Mapping[int, Buckets] = {
    3: ((78, 96, WARN),),
    4: ((26, 91, WARN),),
    11: ((1, 80, FAILED),),
    183: ((2, 130, FAILED),),
    189: ((13, 30, WARN), (30, 150, FAILED), (150, 350, WARN)),
    192: ((6, 16, WARN),),
    195: ((12, 24, FAILED), (24, 36, WARN), (36, 48, FAILED)),
    199: ((1, 16, WARN), (16, 35, FAILED), (35, 70, WARN), (70, 130, FAILED), (130, 260, WARN)),
}
NORMALIZED = frozenset((3, 184, 195, 201))


def raw(disk: smart.SmartDisk, number: int, name: str = "") -> int:
    """The raw value of an attribute, 0 where the drive does not have it or its name holds something else."""
    return next((one.raw for one in disk.attributes if one.id == number and name in one.name), 0)


def _scrutiny_value(one: smart.SmartAttribute) -> int:
    words = one.raw_text.split()
    if one.id == 188 and len(words) == 3 and all(word.isdigit() for word in words):
        low, middle, high = (int(word) for word in words)
        return high if low <= middle <= high else one.raw
    return one.value if one.id in NORMALIZED else one.raw


def _scrutiny_attribute(one: smart.SmartAttribute) -> int:
    if one.when_failed == "now":
        return FAILED
    past = WARN if one.when_failed == "past" else 0
    known, value = CRITICAL.get(one.id, OTHERS.get(one.id, ())), _scrutiny_value(one)
    for above, to, verdict in known:
        if above < value <= to:
            return max(past, verdict)
    return max(past, WARN if one.id in CRITICAL else 0)


def scrutiny(disk: smart.SmartDisk) -> int:
    """The worst verdict over all attributes; a failed overall status fails too."""
    worst = max((_scrutiny_attribute(one) for one in disk.attributes), default=0)
    return worst if disk.passed else FAILED


def status(disk: smart.SmartDisk) -> bool:
    """The overall status alone."""
    return not disk.passed


def any_of_four(disk: smart.SmartDisk) -> bool:
    """5, 187, 197 or 198 above 0."""
    return any(raw(disk, number) > 0 for number in (5, 187, 197, 198))


def backblaze(disk: smart.SmartDisk) -> bool:
    """5, 187, 188, 197 or 198 above 0."""
    return any_of_four(disk) or raw(disk, 188) > 0


def name_checked(disk: smart.SmartDisk) -> bool:
    """197, 198 or 187 above 0 under their usual names, or 5 above 16."""
    named = ((197, "Current_Pending"), (198, "Uncorrect"), (187, "Reported_Uncorrect"))
    return any(raw(disk, number, name) > 0 for number, name in named) or raw(disk, 5, "Reallocated_Sector") > 16


ONE_REPORT: Mapping[str, Rule] = {
    "overall status alone": status,
    "scrutiny failed": lambda disk: scrutiny(disk) >= FAILED,
    "scrutiny warn or failed": lambda disk: scrutiny(disk) >= WARN,
    "Backblaze five > 0": backblaze,
    "5/187/197/198 > 0": any_of_four,
    "name-checked 197, 198, 187 > 0 or 5 > 16": name_checked,
}


def _grew(numbers: tuple[int, ...]) -> GrowthRule:
    return lambda first, second: any(raw(second, number) > raw(first, number) for number in numbers)


def grew_or_many(first: smart.SmartDisk, second: smart.SmartDisk) -> bool:
    """Growth of 187, 197 or 198, or 5 growing to more than 16."""
    return _grew((187, 197, 198))(first, second) or (raw(second, 5) > 16 and raw(second, 5) > raw(first, 5))


def _second(rule: Rule) -> GrowthRule:
    return lambda _first, second: rule(second)


TWO_REPORTS: Mapping[str, GrowthRule] = {
    "Checkmk list grew (5, 10, 184, 187, 196, 197, 199)": _grew((5, 10, 184, 187, 196, 197, 199)),
    "5/187/197/198 grew": _grew((5, 187, 197, 198)),
    "187/197/198 grew, or 5 grew to > 16": grew_or_many,
    **{f"{name} (second report)": _second(rule) for name, rule in ONE_REPORT.items()},
}
