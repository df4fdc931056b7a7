"""What is loaded, made and tried while a child measures, so that nobody waits for it when that is done.

Automata make their states as they read, which takes a cold one ten times as long as a warm one. So the first texts that
come are hidden as soon as they are there, under a key that is thrown away, and nothing is kept of it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from queue import SimpleQueue

from caseprobe.errors import RedactionError
from caseprobe.v1 import section_pb2
from caseprobe_agent.oneshot.loading import READY, load
from caseprobe_agent.probes.probe import RawArtifact

# Of a log so much is read: behind that its lines look like those before, and each was read for nothing.
ENOUGH_BYTES = 128 << 10


class Rehearsal:
    """Plays in a thread of its own, beside whoever hands it what was measured."""

    def __init__(self, told: Callable[[section_pb2.Section], None]) -> None:
        """told: who else hears of every section, and first."""
        self._told = told
        self._coming: SimpleQueue[bytes] = SimpleQueue()
        self._over = False

    def hear(self, section: section_pb2.Section) -> None:
        """A section has come; never waits."""
        self._told(section)
        self._coming.put("\n".join(line.text for line in section.lines).encode()[:ENOUGH_BYTES])

    def take(self, artifact: RawArtifact) -> None:
        """A log has come; never waits."""
        self._coming.put(artifact.data[:ENOUGH_BYTES])

    def end(self) -> None:
        """Everything was measured: what was not read yet is read in earnest now."""
        self._over = True
        self._coming.put(b"")

    def play(self) -> None:
        """Load all that is needed, then read what comes; blocking until the end."""
        load(READY)
        from caseprobe.redaction import KnownNames, Redactor

        # With a name, as every machine has some: what is made beside it is what is made beside others.
        redactor = Redactor(secrets.token_bytes(32), asset_masked=True, known=KnownNames(users=("somebody",)))
        while not self._over:
            with contextlib.suppress(RedactionError):
                redactor.artifact(self._coming.get())
