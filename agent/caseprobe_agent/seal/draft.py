"""What may be seen of a bundle that is still being made: facts that are redacted by now as they will be in its file.

A name that a later section tells has to be hidden in the running text of an earlier one, too; so a draft has no running
text and no file, and what it has follows from the machine's key and the value alone. Every section passes the second
scanner and the search for the sentinel before the draft exists.
"""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.checks import check_snapshot
from caseprobe.errors import RedactionError
from caseprobe.overrides import NONE, Overrides
from caseprobe.redaction import Redactor
from caseprobe.v1 import finding_pb2, link_pb2, section_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import CONSENT_MODE_STREAMING
from caseprobe_agent.seal.guard import Guard, as_text
from caseprobe_agent.seal.shown import shortened, withheld


class Drafts:
    """Makes the drafts of one bundle, one after the other."""

    def __init__(
        self, snapshot_id: str, items_total: int, redactor: Redactor, guard: Guard, overrides: Overrides = NONE
    ) -> None:
        """items_total: so many probes run. redactor: with the machine's key; it needs no names."""
        self._snapshot_id, self._items_total, self._overrides = snapshot_id, items_total, overrides
        self._redactor, self._guard = redactor, guard
        # The rules compile at their first use, and the first section is waited for.
        redactor.settled(section_pb2.Section(probe=snapshot_id))
        # Raw, for the checks alone: of what they find nothing is told but how much it is.
        self._measured = snapshot_pb2.Snapshot()

    def of(self, sections: Sequence[section_pb2.Section], measured: bool) -> link_pb2.Draft:
        """The next draft: these sections, raw as they were measured; measured: they are the last."""
        draft = link_pb2.Draft(
            snapshot_id=self._snapshot_id,
            consent_mode=CONSENT_MODE_STREAMING,
            items_total=self._items_total,
            measured=measured,
        )
        for section in sections:
            draft.sections.append(self._sealed(section))
        draft.warnings_total, draft.criticals_total = self._faults()
        return draft

    def _sealed(self, section: section_pb2.Section) -> section_pb2.Section:
        """What may leave of a section; only its name and the reason where nothing may."""
        try:
            settled = self._redactor.settled(shortened(section))
            why = self._guard.objection(section.probe, as_text(settled))
        except RedactionError as error:
            why = str(error)
        if why:
            return withheld(section.probe, why)
        self._measured.sections.append(section)
        return settled

    def _faults(self) -> tuple[int, int]:
        """How many findings so far warn, and how many are critical; what follows from another is not counted twice."""
        findings, _ = check_snapshot(self._measured, overrides=self._overrides)
        states = [one.state for one in findings if not one.HasField("folded_under")]
        return states.count(finding_pb2.SEVERITY_WARN), states.count(finding_pb2.SEVERITY_CRITICAL)
