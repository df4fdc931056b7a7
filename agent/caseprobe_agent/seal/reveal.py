"""What one stand-in of this machine stands for: found in a child, for the owner to read before they say yes or no."""

from __future__ import annotations

import re

from caseprobe.errors import MachineAbsent, UsageError
from caseprobe_agent import worker
from caseprobe_agent.seal import Run
from caseprobe_agent.seal.form import Hiding, pack_hiding, unpack_hiding

SECONDS = 20.0
# One word: a list of stand-ins, or a text with some in it, would be told under one yes.
TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:@_/-]{2,255}")


async def reveal_apart(token: str, hiding: Hiding, run: Run = worker.call) -> str:
    """The true value behind a stand-in.

    Raises UsageError for what is not one word, MachineAbsent for what is no stand-in of this machine.
    """
    if not TOKEN.fullmatch(token):
        raise UsageError("a reveal asks for one stand-in, such as host-…, and for nothing else")
    true = (await run(revealed, pack_hiding(hiding, token.encode()), SECONDS)).decode()
    if true == token:
        raise MachineAbsent(f"{token} is no stand-in of this machine")
    return true


def revealed(request: bytes) -> bytes:
    """In the child: the true value, or the token itself where it stands for nothing."""
    from caseprobe_agent.seal.pipe import redactor_of  # the rules are never loaded by the resident process

    hiding, token = unpack_hiding(request)
    return redactor_of(hiding).unmask(token.decode()).encode()
