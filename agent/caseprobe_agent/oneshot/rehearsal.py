"""What is loaded, made and tried while a child measures, so that nobody waits for it when that is done.

Automata make their states as they read, which takes a cold one ten times as long as a warm one. So the first logs that
come are hidden as soon as they are there, under a key that is thrown away, and nothing is kept of it.
"""

from __future__ import annotations

import contextlib
import secrets
from queue import SimpleQueue

from caseprobe.errors import RedactionError
from caseprobe_agent.oneshot.loading import READY, load
from caseprobe_agent.probes.probe import RawArtifact

# Of a log so much is read: behind that its lines look like those before, and each was read for nothing.
ENOUGH_BYTES = 128 << 10


class Rehearsal:
    """Plays in a thread of its own, beside whoever hands it what was measured."""

    def __init__(self) -> None:
        self._coming: SimpleQueue[bytes] = SimpleQueue()
        self._over = False

    def take(self, artifact: RawArtifact) -> None:
        """A log that has come; never waits."""
        self._coming.put(artifact.data[:ENOUGH_BYTES])

    def end(self) -> None:
        """Everything was measured: what was not read yet is read in earnest now."""
        self._over = True
        self._coming.put(b"")

    def play(self) -> None:
        """Load all that is needed, then read what comes; blocking until the end."""
        load(READY)
        from caseprobe.redaction import Redactor

        redactor = Redactor(secrets.token_bytes(32), asset_masked=True)
        while not self._over:
            with contextlib.suppress(RedactionError):
                redactor.artifact(self._coming.get())
