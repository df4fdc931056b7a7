"""What a machine is told when it is refused: why, and when to come again."""

from __future__ import annotations

import pytest

from caseprobe.errors import Busy, CaseprobeError, Cloned, StorageDamaged, StorageFull, TooLarge
from caseprobe_collector.rpc.links import refusal_of


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Busy("full", 7.0), 7.0),
        (StorageFull("no room"), 3.0),
        (StorageDamaged("rot"), 60.0),
        (Cloned("two of them"), 60.0),
        (TooLarge("never"), 0.0),
    ],
)
def test_a_refusal_says_when_to_come_again(error: CaseprobeError, seconds: float) -> None:
    """As the error itself knows it, whichever service refuses; 0 where coming again changes nothing."""
    told = refusal_of(error, 4).refusal
    assert (told.code, told.message, told.retry_after_seconds, told.sequence) == (error.code, str(error), seconds, 4)
