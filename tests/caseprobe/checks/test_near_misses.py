"""What looks like a fault and is none: each of these machines is well in the check's eyes."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from caseprobe.checks import ALL, check_snapshot
from tests import fakes_sections
from tests.fakes_faults import fault
from tests.fakes_near_misses import NEAR
from tests.fakes_near_storage import NEAR_STORAGE

CHECKS = {check.id: check for check in ALL}


ALL_NEAR = {**{name: (*near, ()) for name, near in NEAR.items()}, **NEAR_STORAGE}


@pytest.mark.parametrize(("check_id", "facts", "earlier"), ALL_NEAR.values(), ids=ALL_NEAR)
def test_a_near_miss_is_no_finding(check_id: str, facts: Message, earlier: tuple[Message, ...]) -> None:
    """The check ran and said nothing."""
    near = fault(check_id, facts, ("", "", ""), earlier=earlier)
    now = fakes_sections.snapshot(near.section)
    findings, [coverage] = check_snapshot(now, [CHECKS[check_id]], earlier=near.snapshots())
    assert findings == []
    assert coverage.message_id == ""


def test_every_check_has_a_near_miss() -> None:
    """What a check must not call a fault is stated for each of them; the two logs share one judge."""
    stated = {check_id for check_id, *_ in (*NEAR.values(), *NEAR_STORAGE.values())}
    assert {check.id for check in ALL} - stated - {"log.system"} == set()
