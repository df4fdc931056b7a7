"""The bundle proves itself before it may leave: a sentinel in every source, a second scanner over the final bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader
from caseprobe.errors import RedactionError
from caseprobe.sentinel import sentinel_hits
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot.file import BundleFile
from caseprobe_agent.probes import PROFILES
from caseprobe_agent.seal.guard import Guard
from caseprobe_agent.seal.pipe import Sealed, seal, write_guarded
from caseprobe_agent.seal.plant import sentinels_in
from caseprobe_agent.snapshot import take_snapshot
from tests.fakes_preview import HIDING, LOG, taken

TOKEN = "ghp_" + "x9Q2" * 10


def sealed(log: bytes = LOG, strict: bool = True) -> Sealed:
    """A small machine's bundle before it is written."""
    raw = taken(log)
    return seal(raw.snapshot, raw.artifacts, HIDING, strict=strict)


def leaking(log: bytes, strict: bool = True) -> Sealed:
    """The same where the pipe overlooked something: its log holds the run's own sentinel once more, backwards."""
    raw = taken()
    (sentinel,) = sentinels_in(raw.snapshot.sections)
    raw = taken(log + sentinel[::-1].encode() + b"\n")
    for section in raw.snapshot.sections:
        section.lines[-1].text = section.lines[-1].text.partition("=")[0] + "=" + sentinel
    return seal(raw.snapshot, raw.artifacts, HIDING, strict=strict)


async def test_every_source_of_a_real_run_has_the_sentinel() -> None:
    """Whatever a probe gave, or why it gave nothing, the value stands in it before the pipe."""
    found = await take_snapshot(PROFILES["quick"], Machine(), 30.0, "quick", sentinel="q7Zk2vXw9Lm4Tn8R")
    assert sentinels_in(found.snapshot.sections) == ("q7Zk2vXw9Lm4Tn8R",)
    ended = [one for one in found.snapshot.sections if one.outcome != section_pb2.PROBE_OUTCOME_TIMEOUT]
    assert all(sentinels_in([section]) for section in ended)
    assert all(sentinel_hits(artifact.data, "q7Zk2vXw9Lm4Tn8R") for artifact in found.artifacts)


def test_the_sentinel_is_in_no_byte_that_leaves_and_in_no_count(tmp_path: Path) -> None:
    """It goes through the pipe like a secret, and is gone from the text afterwards, line and number."""
    raw = taken()
    made = seal(raw.snapshot, raw.artifacts, HIDING)
    path = tmp_path / "bundle.zip"
    BundleFile(path, None, "en", strict=True).write(made)
    (sentinel,) = sentinels_in(raw.snapshot.sections)
    reader = BundleReader(io.BytesIO(path.read_bytes()))
    assert not any(sentinel_hits(reader.read(name), sentinel) for name in reader.names())
    assert not any(b"caseprobe_sentinel" in reader.read(name) for name in reader.names())
    assert made.artifacts["artifacts/kernel.log"].count(b"\n") == LOG.count(b"\n")
    counts = {one.rule: one.total for one in made.snapshot.redaction.counts}
    assert counts["assignment"] == 1


def test_what_no_child_planted_gets_its_sentinel_before_the_pipe() -> None:
    """A path, a clock: sections that were made elsewhere prove the pipe as well."""
    raw = taken()
    for section in raw.snapshot.sections:
        del section.lines[-1]
    assert seal(raw.snapshot, [], HIDING).guard.sentinels


def test_a_pipe_that_let_the_sentinel_through_stops_the_bundle() -> None:
    """One source in which it survives is proof enough: nothing leaves."""
    with pytest.raises(RedactionError, match="sentinel"):
        leaking(LOG)


def test_in_streaming_mode_a_hit_withholds_that_member_only() -> None:
    """The rest of the bundle is sent, and says what is missing and why."""
    made = leaking(LOG, strict=False)
    assert made.artifacts == {}
    assert "sentinel" in made.snapshot.artifacts[0].withheld_reason
    assert list(made.snapshot.redaction.withheld) == ["artifacts/kernel.log"]


def test_what_follows_from_a_source_with_a_hit_is_withheld_too() -> None:
    """Later parts of one source stay here; another source is not concerned."""
    guard = Guard()
    assert guard.objection("artifacts/a.log.part-0001", b"well") == ""
    assert "github token" in guard.objection("artifacts/a.log.part-0002", TOKEN.encode())
    assert "follows from a source" in guard.objection("artifacts/a.log.part-0003", b"well")
    assert guard.objection("artifacts/b.log", b"well") == ""


def test_a_secret_in_what_is_made_after_the_pipe_stops_the_file(tmp_path: Path) -> None:
    """The scanner reads the final bytes: what got into them after redaction is seen, and no file is left."""
    made = sealed()
    made.snapshot.sections[0].system.kernel_release = TOKEN
    path = tmp_path / "bundle.zip"
    with pytest.raises(RedactionError, match="github token"):
        BundleFile(path, None, "en", strict=True).write(made)
    assert not path.exists()


def test_a_secret_in_the_report_alone_is_fatal_when_reviewed_and_left_out_when_streamed(tmp_path: Path) -> None:
    """A page that says more than its snapshot: in review there is no bundle, in streaming there is no page."""
    stream = io.BytesIO()
    write_guarded(stream, sealed(), f"<p>{TOKEN}</p>", None)
    reader = BundleReader(stream)
    assert "report.html" not in reader.names()
    assert [one.name for one in reader.manifest().left_out] == ["report.html"]
    assert reader.verify().hashes_ok
    made = sealed()
    made.guard.closed.add("report.html")
    with pytest.raises(RedactionError, match="made from the snapshot"):
        BundleFile(tmp_path / "bundle.zip", None, "en", strict=True).write(made)


def test_the_finished_file_is_read_once_more() -> None:
    """A member that was never shown to the guard is found in the file itself."""
    made = sealed()
    stream = io.BytesIO()
    write_guarded(stream, made, f"<p>{made.guard.sentinels[0]}</p>", None)
    made.guard.check_file(stream)
    other = Guard(forbidden=("snap_1",))
    with pytest.raises(RedactionError, match=r"must stay here in snapshot\.json"):
        other.check_file(stream)
