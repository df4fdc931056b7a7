"""Where data lies: filesystems, disks and arrays."""

from __future__ import annotations

from caseprobe.report.facts.group import MOST_ROWS, Gist, dotted
from caseprobe.report.markup import Markup, element, joined, meter, table
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2


def filesystems(section: section_pb2.Section, words: Words) -> Gist:
    """How full each one is, the fullest first."""
    found = sorted(section.filesystems.filesystems, key=_used_ratio, reverse=True)
    rows = [_filesystem(one, words) for one in found[:MOST_ROWS]]
    head = (words("mount_point"), words("used"), words("available_bytes"), words("size"), words("type"))
    line = words.filled("filesystems_total", n=len(found))
    if found and found[0].measured:
        share = words.value("_ratio", _used_ratio(found[0]))
        line = dotted(line, words.filled("fullest", object=found[0].mount_point, share=share))
    return Gist(line, table(head, rows, numbers=(2, 3)))


def _used_ratio(one: section_pb2.Filesystem) -> float:
    usable = one.used_bytes + one.available_bytes
    return one.used_bytes / usable if usable else 0.0


def _filesystem(one: section_pb2.Filesystem, words: Words) -> tuple[str, ...]:
    name = joined(element("b", one.mount_point), " ", element("small", one.device))
    if not one.measured:
        return name, one.reason or words("not_measured"), NONE, NONE, one.type
    ratio = _used_ratio(one)
    kind = dotted(one.type, words("read_only") if one.read_only else "")
    sizes = (words.value("_bytes", size) for size in (one.available_bytes, one.total_bytes))
    return name, meter(ratio, words.value("_ratio", ratio)), *sizes, kind


def disks(section: section_pb2.Section, words: Words) -> Gist:
    """Disks with their work at the moment, and software arrays."""
    facts = section.disks
    rows = [
        (
            joined(element("b", one.name), " ", element("small", one.model)),
            one.kind or NONE,
            words.value("_bytes", one.size_bytes),
            words.value("_bytes_per_second", one.read_bytes_per_second),
            words.value("_bytes_per_second", one.written_bytes_per_second),
            words.value("_seconds", one.await_seconds) if one.HasField("await_seconds") else NONE,
        )
        for one in facts.disks[:MOST_ROWS]
    ]
    head = (words("disk"), words("kind"), words("size"), words("reads"), words("writes"), words("response"))
    body = joined(table(head, rows, numbers=(2, 3, 4, 5)), _arrays(section, words))
    arrays = words.filled("arrays_total", n=len(facts.arrays)) if facts.arrays else ""
    return Gist(dotted(words.filled("disks_total", n=len(facts.disks)), arrays), body)


def _arrays(section: section_pb2.Section, words: Words) -> Markup:
    rows = [
        (one.name, one.level, f"{one.members_active} / {one.members_total}", one.state)
        for one in section.disks.arrays[:MOST_ROWS]
    ]
    return table((words("array"), words("level"), words("members"), words("state")), rows)
