"""What may leave: redacted, scanned again, judged; what cannot be made safe is withheld with its reason."""

from __future__ import annotations

import io
import stat
import threading
from pathlib import Path

import pytest
import zstandard

from caseprobe.bundle import BundleReader
from caseprobe.errors import Corrupt, RedactionError
from caseprobe.overrides import Override
from caseprobe.v1 import finding_pb2, link_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.probes.probe import RawArtifact
from caseprobe_agent.seal.form import Hiding, Judging, hiding_of, load_key, pack_request, unpack_parcel, unpack_request
from caseprobe_agent.seal.memory import read_history
from caseprobe_agent.seal.pipe import make_parcel, seal
from tests.fakes_machine import FakeMachine

SECRET = "xkcd-horse-staple"
HIDING = Hiding(bytes(range(32)), asset_masked=True, host_name="db1", forbidden=(SECRET,))


def snapshot(line: str = "MemTotal: 8 kB") -> snapshot_pb2.Snapshot:
    """A snapshot with one section that quotes one line."""
    made = snapshot_pb2.Snapshot(snapshot_id="snap_1", agent_id="agent_1")
    section = made.sections.add(probe="memory", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.memory.total_bytes = 8192
    section.lines.add(source="/proc/meminfo", line=1, text=line)
    return made


def log(data: bytes) -> RawArtifact:
    """A log as it was read."""
    return RawArtifact("artifacts/kernel.log", "/dev/kmsg", data, truncated=False)


def test_a_snapshot_is_judged_after_it_was_redacted() -> None:
    """Findings and coverage are there, and both sides would judge the same bytes."""
    sealed = seal(snapshot("host db1 is well"), [], HIDING)
    assert "db1" not in sealed.snapshot.sections[0].lines[0].text
    assert sealed.snapshot.coverage
    assert "db1" in sealed.redactor.unmask(sealed.snapshot.sections[0].lines[0].text)


def test_a_section_with_a_value_that_must_stay_is_withheld() -> None:
    """Whatever the rules let through, this run's own secret empties the section that holds it, and only that."""
    made = snapshot(f"note {SECRET}")
    made.sections.add(probe="system", outcome=section_pb2.PROBE_OUTCOME_OK).system.system = "linux"
    memory, system = seal(made, [], HIDING).snapshot.sections
    assert (memory.outcome, memory.WhichOneof("facts")) == (section_pb2.PROBE_OUTCOME_FAILED, None)
    assert "withheld" in memory.reason
    assert system.system.system == "linux"


def test_a_value_that_must_stay_outside_of_any_section_stops_everything() -> None:
    """Where it cannot be cut out, nothing leaves."""
    made = snapshot()
    made.profile = SECRET
    with pytest.raises(RedactionError, match="nothing leaves"):
        seal(made, [], HIDING)


@pytest.mark.parametrize("data", [f"a {SECRET} b\n".encode(), b"\xff\xfe" + "text".encode("utf-16-le")])
def test_an_artifact_that_is_not_safe_is_listed_and_withheld(data: bytes) -> None:
    """A reader sees that there was one, and why it is not there."""
    sealed = seal(snapshot(), [log(data)], HIDING)
    assert sealed.artifacts == {}
    (listed,) = sealed.snapshot.artifacts
    assert listed.withheld_reason
    assert list(sealed.snapshot.redaction.withheld) == ["artifacts/kernel.log"]


def test_an_artifact_that_comes_too_late_is_listed_with_that_reason() -> None:
    """Each is asked about when its turn comes; what fits leaves as ever."""
    small = RawArtifact("artifacts/system.log", "journal", b"short\n", truncated=False)
    late = "left out: the deadline"
    sealed = seal(snapshot(), [log(b"x\n" * 9000), small], HIDING, objection=lambda size: late if size > 9000 else "")
    assert list(sealed.artifacts) == ["artifacts/system.log"]
    assert [one.withheld_reason for one in sealed.snapshot.artifacts] == [late, ""]


def test_a_file_of_names_that_hangs_holds_up_nothing() -> None:
    """The others are known all the same."""
    never = threading.Event()

    class Stuck(FakeMachine):
        def read_text(self, path: str, limit_bytes: int = 1 << 20) -> str:
            """As Machine.read_text, but one file lies on a dead mount."""
            if path == "/etc/hosts":
                never.wait()
            return super().read_text(path, limit_bytes)

    machine = Stuck({"/etc/passwd": "anna:x:1000:1000::/home/anna:/bin/sh\n", "/proc/sys/kernel/hostname": "db1\n"})
    hiding = hiding_of(machine, bytes(32), asset_masked=True)
    assert (hiding.host_name, hiding.passwd[:4], hiding.hosts) == ("db1", "anna", "")
    never.set()


def test_a_parcel_is_a_snapshot_or_with_artifacts_a_bundle() -> None:
    """What a child is handed comes back in the form that the spool keeps."""
    small = unpack_parcel(make_parcel(pack_request(snapshot(), [], HIDING, b"")))
    assert small.kind == link_pb2.DATA_KIND_SNAPSHOT
    raw = zstandard.ZstdDecompressor().decompress(small.body, max_output_size=1 << 20)
    assert snapshot_pb2.Snapshot.FromString(raw).snapshot_id == "snap_1"
    large = unpack_parcel(make_parcel(pack_request(snapshot(), [log(b"from 10.1.2.3\n")], HIDING, b"")))
    reader = BundleReader(io.BytesIO(large.body))
    assert (large.kind, reader.complete) == (link_pb2.DATA_KIND_BUNDLE, True)
    assert b"10.1.2.3" not in reader.read("artifacts/kernel.log")
    assert large.hidden_total >= 1


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    """The same pseudonyms in every run; the file is private, and a damaged one is not silently replaced."""
    key = load_key(tmp_path / "state")
    assert load_key(tmp_path / "state") == key
    path = tmp_path / "state" / "pseudonyms.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(Corrupt, match="damaged"):
        load_key(tmp_path / "state")


def busy(swap_free: int, seconds: float) -> snapshot_pb2.Snapshot:
    """A machine with this much of its swap free, so long after its boot."""
    made = snapshot()
    made.boot_id, made.boottime_seconds = "one", 1000 + seconds
    made.sections[0].memory.swap_total_bytes = 1000
    made.sections[0].memory.swap_free_bytes = swap_free
    return made


def test_what_was_kept_of_one_snapshot_is_told_to_the_next() -> None:
    """The history is redacted, goes through a child as bytes, and grows by each snapshot."""
    first = unpack_parcel(make_parcel(pack_request(busy(500, 0), [log(b"secret db1\n")], HIDING, b"")))
    second = unpack_parcel(make_parcel(pack_request(busy(500, 7200), [], HIDING, b"", Judging(history=first.history))))
    kept = read_history(second.history, "agent_1")
    assert [one.boottime_seconds for one in kept] == [8200, 1000]
    assert read_history(second.history, "agent_other") == []


def test_growth_within_a_session_is_seen() -> None:
    """The first look of a watch, as it was shown, is what its last one is compared with."""
    first, last = busy(500, 0), busy(500, 30)
    first.sections[0].memory.oom_kill_total, last.sections[0].memory.oom_kill_total = 2, 5
    said = []
    for judging in (Judging(), Judging(first=first)):
        made, _, hiding, _, handed = unpack_request(pack_request(last, [], HIDING, b"", judging))
        found = seal(made, [], hiding, handed).snapshot.findings
        said += [(one.state, one.parameters[0].number) for one in found if one.check_id == "mem.oom"]
    assert said == [(finding_pb2.SEVERITY_WARN, 5), (finding_pb2.SEVERITY_CRITICAL, 3)]


@pytest.mark.parametrize("damaged", [b"rubbish", b"\x28\xb5\x2f\xfd"])
def test_a_damaged_history_is_no_history(damaged: bytes) -> None:
    """Growth begins anew; the snapshot is judged and kept."""
    parcel = unpack_parcel(make_parcel(pack_request(busy(500, 0), [], HIDING, b"", Judging(history=damaged))))
    assert len(read_history(parcel.history, "agent_1")) == 1


def test_an_operators_statement_holds_for_masked_objects_too() -> None:
    """A pattern and a file's name are masked like the facts, so they still fit and tell no name."""
    made = snapshot()
    section = made.sections.add(probe="filesystems", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.filesystems.filesystems.add(
        mount_point="/mnt/db1", device="/dev/sda1", total_bytes=100, used_bytes=100, measured=True
    )
    override = Override("disk.space", "/home/db1/agent.toml", pattern="/mnt/db1", enabled=False)
    sealed = seal(made, [], HIDING, Judging((override,))).snapshot
    assert not [one for one in sealed.findings if one.check_id == "disk.space"]
    [coverage] = [one for one in sealed.coverage if one.check_id == "disk.space"]
    assert coverage.reason.startswith("1 switched off by /home/")
    assert "db1" not in coverage.reason
