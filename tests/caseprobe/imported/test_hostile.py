"""Archives that somebody made to hurt their reader: each is refused with one line, or read within the limits."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.bundle import BundleReader
from caseprobe.errors import CaseprobeError, Corrupt
from caseprobe.imported import ImportLimits, Tree, read_archive
from caseprobe.imported.layout import LONGEST_NAME
from caseprobe.imported.supplies import complete, replay
from tests import fakes_sos as sos
from tests.fakes_hostile import TAR, Hostile, bombs, deep, entry, seeded

LIMITS = ImportLimits()


def taken(archive: Hostile) -> str:
    """ "refused", "read", or for a bundle what its signature proves."""
    try:
        if archive.reader == TAR:
            tree = read_archive(io.BytesIO(archive.data), LIMITS)
            complete(tree)
            replay(tree)
            check(tree)
            return "read"
        reader = BundleReader(io.BytesIO(archive.data))
        proof = reader.verify()
        reader.snapshot()
        return proof.signed_by if proof.complete and proof.hashes_ok else "not proved"
    except CaseprobeError as error:
        assert "\n" not in str(error) and str(error)
        return "refused"


def check(tree: Tree) -> None:
    """What a reader never gives, whatever it was given."""
    assert len(tree.files) <= LIMITS.files_kept + 200
    assert (
        sum(len(data) for data in {file.data for file in tree.files.values()}) <= LIMITS.kept_bytes + LIMITS.file_bytes
    )
    assert sum(len(path) + len(target) for path, target in tree.links.items()) <= LIMITS.kept_bytes
    assert max((len(target) for target in tree.links.values()), default=0) <= LONGEST_NAME
    for path in (*tree.files, *tree.links):
        assert path.startswith("/") and ".." not in path.split("/"), path
        tree.file(path)


@pytest.mark.parametrize("seed", range(5))
def test_every_family_is_refused_or_read(seed: int) -> None:
    """A slice of what `make bench-archives` reads whole: never another error, never proved where it was changed."""
    for archive in seeded(range(seed, seed + 1)):
        outcome = taken(archive)
        if archive.family in ("foreign signature", "rubbish"):
            assert outcome in ("refused", "invalid"), (archive.family, outcome)


@pytest.mark.parametrize(
    ("family", "why"),
    [
        ("a million folders", "holds no machine"),
        ("a gigabyte in one file", "unpack to far more"),
        ("a dictionary of 64 MiB", "dictionary is larger"),
    ],
)
def test_what_would_take_time_or_memory_is_refused(family: str, why: str) -> None:
    """A gigabyte out of a megabyte, a dictionary of 64 MiB; of a million folders the first are looked at."""
    (bomb,) = bombs(family)
    with pytest.raises(Corrupt, match=why):
        read_archive(io.BytesIO(bomb.data))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([entry("h", b"x" * 70_000, tarfile.XHDTYPE)], "more than any name needs"),
        ([entry("h", b"99 path=x\n", tarfile.XHDTYPE)], "a pax header of it is none"),
        ([entry("s/etc/hosts", b"x"), b"\1" * 512], "a header of it is none"),
    ],
)
def test_a_header_that_lies_is_refused(parts: list[bytes], why: str) -> None:
    """Endless, of another length than it says, or with a checksum that does not fit."""
    with pytest.raises(Corrupt, match=why):
        read_archive(io.BytesIO(b"".join(parts) + bytes(1024)))


def test_members_beyond_the_limits_are_counted_and_the_reading_says_so() -> None:
    """With room for ten files the eleventh is not kept; after fifty members nothing more is read."""
    many = b"".join(entry(f"s/sos_commands/x/df_-al{number}", b"%d" % number) for number in range(100)) + bytes(1024)
    tree = read_archive(io.BytesIO(many), ImportLimits(files_kept=10, members=50))
    assert (len(tree.files), tree.skipped) == (10, {"there was no room left for it": 40})
    assert tree.damage == "only its first 50 members were read"


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """The file at the limit is cut, those after it are counted; of a log its newest lines are kept."""
    many = [entry(f"s/sos_commands/x/df_-al{number}", b"%04d" % number * 100) for number in range(10)]
    log = b"".join(b"line %d\n" % number for number in range(1000))
    limits = ImportLimits(kept_bytes=1000, log_bytes=100)
    tree = read_archive(io.BytesIO(b"".join([entry("s/var/log/syslog", log), *many]) + bytes(1024)), limits)
    assert sum(len(file.data) for file in tree.files.values()) == 1000
    assert tree.skipped == {"there was no room left for it": 7}
    kept = tree.file("/var/log/syslog")
    assert kept is not None and kept.cut and kept.data.endswith(b"line 999\n") and kept.data.startswith(b"line ")


def test_folders_without_end_are_not_kept() -> None:
    """Two thousand files, each below fifty folders of its own: from the limit on there is no room, and it is said."""
    tree = read_archive(io.BytesIO(deep(2000)))
    assert tree.full and tree.skipped["there was no room left for it"] > 1000


def test_members_that_lead_out_are_skipped_with_their_reason() -> None:
    """Absolute names, names with .., devices and second members are counted; what is sound beside them is read."""
    good = entry("s/sos_commands/host/hostname", b"a\n")
    bad = [
        entry("/etc/passwd", b"x"),
        entry("s/../../etc/passwd", b"x"),
        entry("s/etc/hosts", b"", tarfile.CHRTYPE),
        entry("s/sos_commands/host/hostname", b"b\n"),
    ]
    tree = read_archive(io.BytesIO(b"".join([good, *bad]) + bytes(1024)))
    assert tree.output("hostname")[0] == "a\n" and "/etc/passwd" not in tree.files
    assert dict(tree.skipped) == {
        "its name is absolute": 1,
        "its name leads out of the archive": 1,
        "it is a device or a pipe": 1,
        "a second member has its name": 1,
    }


def test_links_are_followed_inside_the_tree_only() -> None:
    """A link to the root of the machine, to itself or out of the archive reaches nothing of ours."""
    links = {"s/proc/self": "../../../../../../etc", "s/proc/net": "net", "s/etc/hosts": "/etc/hostname"}
    parts = [entry(name, b"", tarfile.SYMTYPE, target) for name, target in links.items()]
    parts += [entry("s/etc/hostname", b"there\n"), entry("s/sos_commands/host/uptime", b"up\n")]
    tree = read_archive(io.BytesIO(b"".join(parts) + bytes(1024)))
    assert tree.text("/etc/hosts") == tree.text("/proc/self/hostname") == "there\n"
    assert tree.file("/proc/net/dev") is None and tree.names("/proc/net") is None


@pytest.mark.parametrize("at", [1, 600, 5000])
def test_a_cut_archive_gives_what_was_finished_before_the_cut(at: int) -> None:
    """The files before the cut are there, and the tree says that it is not whole."""
    whole = sos.sosreport("").rstrip(b"\0")
    tree = read_archive(io.BytesIO(whole[: len(whole) - at]))
    assert tree.damage == "the file is cut" and tree.text("/proc/meminfo").startswith("MemTotal")


@settings(max_examples=60)
@given(st.binary(max_size=3000), st.sampled_from(["", "gz"]))
def test_any_bytes_end_in_an_error_of_ours_or_a_tree(data: bytes, mode: str) -> None:
    """Whatever stands there, packed or not."""
    taken(Hostile(TAR, "any", 0, gzip.compress(data) if mode else data))
