"""A bundle of a small machine that waits for its owner's yes, and an owner who types what a test says."""

from __future__ import annotations

import io
from pathlib import Path

from caseprobe.sentinel import planted_text, sentinel_line
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.oneshot.file import BundleFile
from caseprobe_agent.oneshot.preview import Addressee, Preview
from caseprobe_agent.probes.probe import RawArtifact
from caseprobe_agent.seal.form import Hiding
from caseprobe_agent.seal.pipe import seal
from caseprobe_agent.snapshot import SENTINEL_SOURCE, Taken, new_sentinel

SECRET = "hunter2-Xk9-staple"
LOG = f"10.1.2.3 came\nlogin password={SECRET}\nhost db1 is well\n".encode()
HIDING = Hiding(bytes(range(32)), asset_masked=True, host_name="db1")


def taken(log: bytes = LOG) -> Taken:
    """What a small machine measured, with its run's sentinel planted: its name, its memory, its kernel's log."""
    sentinel = new_sentinel()
    snapshot = snapshot_pb2.Snapshot(snapshot_id="snap_1", agent_id="agent_1", profile="quick")
    system = snapshot.sections.add(probe="system", outcome=section_pb2.PROBE_OUTCOME_OK)
    system.system.host_name = "db1"
    memory = snapshot.sections.add(probe="memory", outcome=section_pb2.PROBE_OUTCOME_OK)
    memory.memory.total_bytes = 8192
    kernel = snapshot.sections.add(probe="kernel_log", outcome=section_pb2.PROBE_OUTCOME_OK)
    kernel.lines.add(source="/dev/kmsg", line=1, text="10.1.2.3 came")
    for section in snapshot.sections:
        section.lines.add(source=SENTINEL_SOURCE, text=sentinel_line(sentinel))
    return Taken(snapshot, (RawArtifact("artifacts/kernel.log", "/dev/kmsg", planted_text(log, sentinel), False),))


def waiting(folder: Path, log: bytes = LOG) -> Preview:
    """A bundle in a folder, sealed and written, of which nothing has left."""
    raw = taken(log)
    sealed = seal(raw.snapshot, raw.artifacts, HIDING)
    file = BundleFile(folder / "bundle.zip", None, "en", strict=True)
    return Preview(
        path=file.path,
        sha256=file.write(sealed),
        sealed=sealed,
        raw=raw,
        addressee=Addressee("Example support", "case_1", "Disk slow", "You agree to send it."),
        overrides=(),
        rewrite=file.rewrite,
    )


class Typed(io.StringIO):
    """A keyboard on which these lines were typed; a terminal to whoever asks."""

    def isatty(self) -> bool:
        """Yes."""
        return True
