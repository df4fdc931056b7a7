"""Disks by what they tell about themselves."""

from __future__ import annotations

from caseprobe.report.facts.group import Gist, listed
from caseprobe.report.markup import Markup, dotted, element, facts_list, joined, unfold
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

HOUR_SECONDS = 3600.0
# A rack of disks is read one by one in snapshot.json.
MOST_DISKS = 16


def disks(section: section_pb2.Section, words: Words) -> Gist:
    """Each disk with its own verdict, its age, its temperature and how worn it is."""
    told = section.smart.disks
    head = (words("disk"), words("own_verdict"), words("uptime"), words("temperature"), words("life_used"))
    failing = sum(one.HasField("passed") and not one.passed for one in told)
    line = dotted(words.filled("disks_total", n=len(told)), words.filled("failing_total", n=failing) if failing else "")
    table = listed(head, told, lambda one: _disk(one, words), words, numbers=(2, 3, 4))
    return Gist(line, joined(table, *(_detail(one, words) for one in told[:MOST_DISKS])))


def _detail(one: smart.SmartDisk, words: Words) -> Markup:
    """What the disk is, what it counted of itself and how its last self-tests ended, behind its name."""

    def attribute(of: smart.SmartAttribute) -> tuple[str, ...]:
        levels = (words.count(getattr(of, name)) if of.HasField(name) else NONE for name in ("value", "worst"))
        threshold = words.count(of.threshold) if of.HasField("threshold") else NONE
        return words.count(of.id), element("b", of.name), *levels, threshold, of.raw_text or NONE

    def test(of: smart.SmartSelfTest) -> tuple[str, ...]:
        hours = of.power_on_hours * HOUR_SECONDS
        at = words.value("_seconds", hours) if of.HasField("power_on_hours") else NONE
        return of.test, of.outcome, at, words.count(of.lba) if of.HasField("lba") else NONE

    values = [(named.name.replace("_", " "), words.value(named.name, named.value)) for named in one.values]
    columns = ("id", "attribute", "value", "worst", "threshold", "raw")
    tests = ("self_test", "result", "uptime", "first_bad_sector")
    return unfold(
        joined(element("b", one.name), " ", one.model),
        facts_list(
            [
                (words("serial"), one.serial),
                (words("firmware"), one.firmware),
                (words("size"), words.value("_bytes", one.capacity_bytes) if one.capacity_bytes else ""),
                (words("disk_errors"), words.count(one.errors_total) if one.HasField("errors_total") else ""),
                *((element("span", name, lang="en"), value) for name, value in values),
            ]
        ),
        listed([words(name) for name in columns], one.attributes, attribute, words, numbers=(0, 2, 3, 4)),
        listed([words(name) for name in tests], one.selftests, test, words, numbers=(3,)),
        class_="more",
    )


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
