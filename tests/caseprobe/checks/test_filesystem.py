"""Filesystem checks: the fault gives exactly this finding, health gives none."""

from __future__ import annotations

from typing import Any

import pytest

from caseprobe.checks import filesystem
from caseprobe.checks.check import NO_CONTEXT, Unknown
from caseprobe.v1 import finding_pb2, section_pb2
from tests import fakes_sections as fakes

GIB = fakes.GIB


def mounted(
    used_gib: float, total_gib: float, mount_point: str = "/data", device: str = "/dev/sda1", **given: Any
) -> section_pb2.Filesystem:
    """A writable ext4 filesystem that was measured."""
    facts: dict[str, Any] = {"type": "ext4", "measured": True, **given}
    return section_pb2.Filesystem(
        mount_point=mount_point,
        device=device,
        total_bytes=int(total_gib * GIB),
        used_bytes=int(used_gib * GIB),
        available_bytes=int((total_gib - used_gib) * GIB),
        **facts,
    )


def section(
    *filesystems: section_pb2.Filesystem, lines: list[section_pb2.SourceLine] | None = None
) -> section_pb2.Section:
    """A section with these filesystems."""
    return fakes.section(
        "filesystems", filesystems=section_pb2.FilesystemsFacts(filesystems=filesystems), lines=lines or []
    )


def judged_space(*filesystems: section_pb2.Filesystem) -> list[tuple[str, int]]:
    """Mount point and state of each finding about space."""
    return [(finding.object, finding.state) for finding in filesystem.judge_space(section(*filesystems), NO_CONTEXT)]


def test_a_full_filesystem_is_critical_and_names_itself() -> None:
    """20 GiB with 95 % used: exactly one finding, with the sizes as evidence."""
    [finding] = filesystem.judge_space(section(mounted(19, 20)), NO_CONTEXT)
    assert (finding.object, finding.state, finding.threshold) == (
        "/data",
        finding_pb2.SEVERITY_CRITICAL,
        "used_ratio >= 0.9",
    )
    assert [(one.name, one.number) for one in finding.parameters] == [
        ("used_ratio", 0.95),
        ("available_bytes", GIB),
        ("total_bytes", 20 * GIB),
    ]
    assert [(one.source, one.text) for one in finding.evidence] == [
        (
            "filesystems section",
            "mount_point=/data type=ext4 used_bytes=20401094656 available_bytes=1073741824 total_bytes=21474836480",
        )
    ]


@pytest.mark.parametrize(
    ("used_gib", "total_gib", "expected"),
    [
        (15.9, 20, []),
        (16.1, 20, [finding_pb2.SEVERITY_WARN]),
        (850, 1000, []),
        (960, 1000, [finding_pb2.SEVERITY_WARN]),
        (996, 1000, [finding_pb2.SEVERITY_CRITICAL]),
        (0.7, 1, []),
        (0.95, 1, [finding_pb2.SEVERITY_CRITICAL]),
        (0, 0, []),
    ],
)
def test_the_levels_of_space_move_with_the_size(used_gib: float, total_gib: float, expected: list[int]) -> None:
    """A big filesystem may be fuller, and is critical only where little is left in bytes as well."""
    assert [state for _, state in judged_space(mounted(used_gib, total_gib))] == expected


@pytest.mark.parametrize("given", [{"type": "squashfs"}, {"read_only": True}, {"type": "iso9660", "read_only": True}])
def test_what_is_full_by_design_is_no_finding(given: dict[str, Any]) -> None:
    """Images and read-only mounts cannot fill up."""
    assert judged_space(mounted(1, 1, **given)) == []


def test_a_device_mounted_twice_is_one_finding() -> None:
    """A bind mount repeats the same full disk."""
    assert judged_space(mounted(19, 20, "/a"), mounted(19, 20, "/b")) == [("/a", finding_pb2.SEVERITY_CRITICAL)]


def test_datasets_of_one_pool_are_one_finding() -> None:
    """All have the same room left; the one that holds most is told, and one with a quota of its own beside it."""
    pool = [mounted(19, 20, f"/tank/{name}", f"tank/{name}", type="zfs") for name in "ab"]
    pool[1].used_bytes += GIB
    quota = mounted(9.5, 10, "/tank/q", "tank/q", type="zfs")
    critical = finding_pb2.SEVERITY_CRITICAL
    assert judged_space(*pool, quota) == [("/tank/b", critical), ("/tank/q", critical)]


def test_layers_of_containers_are_told_by_the_filesystem_below() -> None:
    """On a machine they repeat its full disk; inside a container the root is all that there is."""
    below = mounted(19, 20, "/", "/dev/sda1")
    layers = [mounted(19, 20, f"/var/lib/docker/overlay2/{name}/merged", "overlay", type="overlay") for name in "ab"]
    assert judged_space(*layers, below) == [("/", finding_pb2.SEVERITY_CRITICAL)]
    inside = mounted(19, 20, "/", "overlay", type="overlay")
    assert judged_space(inside) == [("/", finding_pb2.SEVERITY_CRITICAL)]


def test_a_filesystem_that_did_not_answer_makes_the_rest_unknown() -> None:
    """The full one is still found; then the judge says that it cannot speak for all."""
    silent = section_pb2.Filesystem(mount_point="/nfs", reason="hung")
    found = filesystem.judge_space(section(silent, mounted(19, 20)), NO_CONTEXT)
    assert next(found).object == "/data"
    with pytest.raises(Unknown, match=r"1 of 2 filesystems could not be read \(/nfs: hung\)"):
        next(found)


def test_read_only_against_fstab_is_critical() -> None:
    """The line of the mount table is the proof."""
    broken = mounted(1, 20, read_only=True, fstab_writable=True)
    proof = fakes.lines("/proc/self/mountinfo", "24 1 8:2 / / rw - ext4", "25 24 8:1 / /data ro - ext4 /dev/sda1 ro")
    [finding] = filesystem.judge_read_only(section(broken, lines=proof), NO_CONTEXT)
    assert (finding.object, finding.state, finding.cause) == (
        "/data",
        finding_pb2.SEVERITY_CRITICAL,
        finding_pb2.CAUSE_DISK,
    )
    assert [one.line for one in finding.evidence] == [2]


def test_read_only_as_configured_is_no_finding() -> None:
    """A DVD is no fault."""
    assert list(filesystem.judge_read_only(section(mounted(1, 1, read_only=True)), NO_CONTEXT)) == []
