"""Where data lies: filesystems, disks and arrays."""

from __future__ import annotations

from caseprobe.report.facts.group import Gist, listed
from caseprobe.report.markup import Markup, dotted, element, joined, machine_words, meter
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import section_pb2
from caseprobe.v1.section_storage_pb2 import Btrfs, HeldFile, Multipath, Pool, ThinPool


def filesystems(section: section_pb2.Section, words: Words) -> Gist:
    """How full each one is, the fullest first."""
    found = sorted(section.filesystems.filesystems, key=_used_ratio, reverse=True)
    head = (words("mount_point"), words("used"), words("available_bytes"), words("size"), words("type"))
    line = words.filled("filesystems_total", n=len(found))
    if found and found[0].measured:
        share = words.value("_ratio", _used_ratio(found[0]))
        line = dotted(line, words.filled("fullest", object=found[0].mount_point, share=share))
    return Gist(line, listed(head, found, lambda one: _filesystem(one, words), words, numbers=(2, 3)))


def _used_ratio(one: section_pb2.Filesystem) -> float:
    usable = one.used_bytes + one.available_bytes
    return one.used_bytes / usable if usable else 0.0


def _filesystem(one: section_pb2.Filesystem, words: Words) -> tuple[str, ...]:
    name = joined(element("b", one.mount_point), " ", element("small", one.device))
    if not one.measured:
        return name, machine_words(one.reason) or words("not_measured"), NONE, NONE, one.type
    ratio = _used_ratio(one)
    kind = dotted(one.type, words("read_only") if one.read_only else "")
    sizes = (words.value("_bytes", size) for size in (one.available_bytes, one.total_bytes))
    return name, meter(ratio, words.value("_ratio", ratio)), *sizes, kind


def disks(section: section_pb2.Section, words: Words) -> Gist:
    """Disks with their work at the moment, and software arrays."""

    def row(one: section_pb2.Disk) -> tuple[str, ...]:
        return (
            joined(element("b", one.name), " ", element("small", one.model)),
            one.kind or NONE,
            words.value("_bytes", one.size_bytes),
            words.value("_bytes_per_second", one.read_bytes_per_second),
            words.value("_bytes_per_second", one.written_bytes_per_second),
            words.value("_seconds", one.await_seconds) if one.HasField("await_seconds") else NONE,
        )

    facts = section.disks
    head = (words("disk"), words("kind"), words("size"), words("reads"), words("writes"), words("response"))
    body = joined(listed(head, facts.disks, row, words, numbers=(2, 3, 4, 5)), _arrays(section, words))
    arrays = words.filled("arrays_total", n=len(facts.arrays)) if facts.arrays else ""
    return Gist(dotted(words.filled("disks_total", n=len(facts.disks)), arrays), body)


def _arrays(section: section_pb2.Section, words: Words) -> Markup:
    def row(one: section_pb2.Array) -> tuple[str, ...]:
        return element("b", one.name), one.level, f"{one.members_active} / {one.members_total}", one.state

    head = (words("array"), words("level"), words("members"), words("state"))
    return listed(head, section.disks.arrays, row, words)


def volumes(section: section_pb2.Section, words: Words) -> Gist:
    """Pools and what they are made of: ZFS, btrfs, thin pools, disks with several paths."""
    facts = section.volumes

    def pool(one: Pool) -> tuple[str, ...]:
        size = words.value("_bytes", one.size_bytes) if one.size_bytes else NONE
        used = (
            meter(share, words.value("_ratio", share))
            if (share := _share(one.allocated_bytes, one.size_bytes))
            else NONE
        )
        return element("b", one.name), "ZFS", one.state or NONE, used, size

    def tree(one: Btrfs) -> tuple[str, ...]:
        share = _share(one.allocated_bytes, one.size_bytes)
        missing = ", ".join(device.name for device in one.devices if device.missing)
        state = words.filled("without", names=missing) if missing else NONE
        size = words.value("_bytes", one.size_bytes)
        return element("b", one.name), "btrfs", state, meter(share, words.value("_ratio", share)), size

    def thin(one: ThinPool) -> tuple[str, ...]:
        used = meter(one.data_ratio, words.value("_ratio", one.data_ratio))
        return element("b", one.name), "LVM", NONE, used, words.value("_bytes", one.size_bytes)

    def paths(one: Multipath) -> tuple[str, ...]:
        return element("b", one.name), "multipath", f"{one.paths_active} / {one.paths_total}", NONE, NONE

    head = [words(name) for name in ("volume", "type", "state", "used", "size")]
    rows = [
        *map(pool, facts.pools),
        *map(tree, facts.btrfs),
        *map(thin, facts.thin_pools),
        *map(paths, facts.multipaths),
    ]
    return Gist(", ".join(row[1] for row in rows[:3]), listed(head, rows, tuple, words, numbers=(4,)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def deleted_files(section: section_pb2.Section, words: Words) -> Gist:
    """Room that files hold which no folder shows any more."""

    def row(one: HeldFile) -> tuple[str, ...]:
        return one.path, dotted(one.process, str(one.pid)), words.value("_bytes", one.size_bytes)

    held = section.deleted_files.held
    files = sorted((file for one in held for file in one.files if file.size_bytes), key=lambda file: -file.size_bytes)
    total = sum(one.held_bytes for one in held)
    head = (words("file"), words("process"), words("size"))
    return Gist(words.filled("held_is", held_bytes=total), listed(head, files, row, words, numbers=(2,)))
