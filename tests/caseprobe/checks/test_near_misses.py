"""What looks like a fault and is none: each of these machines is well in the check's eyes."""

from __future__ import annotations

import re

import pytest
from google.protobuf.message import Message

from caseprobe.checks import ALL, check_snapshot
from tests import fakes_sections
from tests.fakes_faults_storage import fault
from tests.fakes_near_misses import NEAR
from tests.fakes_near_storage import NEAR_STORAGE

CHECKS = {check.id: check for check in ALL}


ALL_NEAR = {**{name: (*near, ()) for name, near in NEAR.items()}, **NEAR_STORAGE}


@pytest.mark.parametrize(("check_id", "facts", "earlier"), ALL_NEAR.values(), ids=ALL_NEAR)
def test_a_near_miss_is_no_finding(check_id: str, facts: Message, earlier: tuple[Message, ...]) -> None:
    """The check ran and said nothing."""
    near = fault(check_id, facts, ("", "", ""), earlier=earlier)
    now, before = fakes_sections.with_past(near.section, near.earlier, near.step_seconds)
    findings, [coverage] = check_snapshot(now, [CHECKS[check_id]], earlier=before)
    assert findings == []
    assert coverage.message_id == ""


# The two logs share one judge; these checks state what they must not say in tests of their own, or do not yet.
ELSEWHERE = re.compile(
    r"log\.(anomaly|system)|(smart|nvme)\..*|cert\.expiry|cpu\.(busy|freqcap|throttle)|dns\.resolver|pid\.cglimit|svc\.failed"
    r"|mem\.(hugefrag|leak|swapio)|net\.(portal|proxy)|sys\.crash|time\.(server|sync)"
)


def test_every_check_has_a_near_miss() -> None:
    """What a check must not call a fault is stated for each of them."""
    stated = {check_id for check_id, *_ in (*NEAR.values(), *NEAR_STORAGE.values())}
    assert [check.id for check in ALL if check.id not in stated and not ELSEWHERE.fullmatch(check.id)] == []
