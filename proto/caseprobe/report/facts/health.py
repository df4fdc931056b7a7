"""Disks by what they tell about themselves."""

from __future__ import annotations

from caseprobe.report.facts.group import MOST_ROWS, Gist, dotted
from caseprobe.report.markup import element, joined, table
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

HOUR_SECONDS = 3600.0


def disks(section: section_pb2.Section, words: Words) -> Gist:
    """Each disk with its own verdict, its age, its temperature and how worn it is."""
    told = section.smart.disks
    rows = [_disk(one, words) for one in told[:MOST_ROWS]]
    head = (words("disk"), words("own_verdict"), words("uptime"), words("temperature"), words("life_used"))
    failing = sum(one.HasField("passed") and not one.passed for one in told)
    line = dotted(words.filled("disks_total", n=len(told)), words.filled("failing_total", n=failing) if failing else "")
    return Gist(line, table(head, rows, numbers=(2, 3, 4)))


def _disk(one: smart.SmartDisk, words: Words) -> tuple[str, ...]:
    values = {value.name: value.value for value in one.values}
    used = values.get("used_ratio", next((s.value / 100 for s in one.statistics if (s.page, s.offset) == (7, 8)), None))
    celsius = values.get("temperature_celsius")
    verdict = words("verdict_passed") if one.passed else words("verdict_failing")
    return (
        joined(element("b", one.name), " ", element("small", one.model)),
        verdict if one.HasField("passed") else NONE,
        words.value("_seconds", one.power_on_hours * HOUR_SECONDS) if one.HasField("power_on_hours") else NONE,
        words.value("_celsius", celsius) if celsius is not None else NONE,
        words.value("_ratio", used) if used is not None else NONE,
    )
