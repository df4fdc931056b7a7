"""What looks like a fault and is none: each of these machines is well in the check's eyes."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from google.protobuf.message import Message

from caseprobe.checks import ALL, check_snapshot
from caseprobe.v1 import section_pb2
from tests import fakes_sections
from tests.fakes_faults import holding
from tests.fakes_near_host import NEAR_HOST, NEAR_HOST_GROWN
from tests.fakes_near_log import NEAR_LOG
from tests.fakes_near_misses import NEAR
from tests.fakes_near_smart import NEAR_SMART
from tests.fakes_near_storage import NEAR_STORAGE
from tests.fakes_near_traps import NEAR_TRAPS

CHECKS = {check.id: check for check in ALL}


class NearMiss(NamedTuple):
    """A section that a check must say nothing about; earlier ones, newest first, so many seconds between any two."""

    check_id: str
    section: section_pb2.Section
    earlier: tuple[section_pb2.Section, ...] = ()
    step_seconds: float = 1800.0


def _of_facts(
    check_id: str, facts: Message, earlier: tuple[Message, ...] = (), step_seconds: float = 1800.0
) -> NearMiss:
    return NearMiss(check_id, holding(facts), tuple(holding(one) for one in earlier), step_seconds)


# Between any two snapshots, where a check looks at less than two hours.
STEPS = {"wifi.roam": 1200.0}
ALL_NEAR: dict[str, NearMiss] = {
    **{name: _of_facts(*near) for name, near in {**NEAR, **NEAR_HOST, **NEAR_TRAPS}.items()},
    **{name: _of_facts(*near) for name, near in NEAR_HOST_GROWN.items()},
    **{name: _of_facts(*near, step_seconds=STEPS.get(near[0], 7200.0)) for name, near in NEAR_STORAGE.items()},
    **{name: NearMiss(*near) for name, near in NEAR_SMART.items()},
    **{name: NearMiss(*near) for name, near in NEAR_LOG.items()},
}


@pytest.mark.parametrize("near", ALL_NEAR.values(), ids=ALL_NEAR)
def test_a_near_miss_is_no_finding(near: NearMiss) -> None:
    """The check judged it and said nothing."""
    now, before = fakes_sections.with_past(near.section, near.earlier, near.step_seconds)
    findings, [coverage] = check_snapshot(now, [CHECKS[near.check_id]], earlier=before)
    assert findings == []
    assert coverage.message_id == ""


def test_every_check_has_a_near_miss() -> None:
    """What a check must not call a fault is stated for each of them, here and nowhere else."""
    stated = {near.check_id for near in ALL_NEAR.values()}
    assert [check.id for check in ALL if check.id not in stated] == []


def test_no_two_near_misses_have_one_name() -> None:
    """A second one would take the first one's place without a word."""
    every = (NEAR, NEAR_HOST, NEAR_HOST_GROWN, NEAR_TRAPS, NEAR_STORAGE, NEAR_SMART, NEAR_LOG)
    assert len(ALL_NEAR) == sum(len(table) for table in every)
