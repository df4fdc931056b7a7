"""True names for what this machine itself made: only a bundle that its own key signed is turned back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from caseprobe import ids
from caseprobe.bundle import Verification
from caseprobe_agent.app.sending import IMPORTED, LABEL
from caseprobe_agent.identity import ENROLLED, ONE_SHOT, keys
from caseprobe_agent.identity.state import load_key as load_private_key
from caseprobe_agent.seal.form import load_key


def restore_of(proof: Verification, state_folder: Path) -> Callable[[str], str] | None:
    """What puts true names into a bundle's text; None where it is another machine's, or nothing proves whose it is.

    Under another key a stand-in would turn into the name of something else.
    """
    if proof.signed_by not in ("enrolled", "one-shot") or not proof.hashes_ok:
        return None
    if proof.key_id not in _own_ids(state_folder):
        return None
    from caseprobe.redaction import Redactor

    return Redactor(load_key(state_folder), asset_masked=True).unmask


def _own_ids(state_folder: Path) -> Iterator[str]:
    """The ids of the keys that this user signs with."""
    imported = sorted((state_folder / IMPORTED).glob("agent_*"))
    for kind, folder in ((ENROLLED, state_folder), *((ONE_SHOT, one) for one in (state_folder / LABEL, *imported))):
        if private := load_private_key(folder, kind):
            yield ids.agent_id(keys.unpack(keys.own(private))[1])
