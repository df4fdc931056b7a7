"""What has to go is the least worth and the oldest, and every one of it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Item, Spool
from caseprobe_agent.spool.rows import Quota, Rows
from caseprobe_agent.spool.store import Store
from tests.fakes_spool import memory_store

SNAPSHOT, ARTIFACT = link_pb2.DATA_KIND_SNAPSHOT, link_pb2.DATA_KIND_ARTIFACT
DAY = 24 * 3600.0


@dataclass
class Clock:
    """Seconds that a test moves on."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


def gaps(items: list[Item]) -> list[tuple[int, int, str]]:
    """The declared gaps among items."""
    found = [link_pb2.Gap.FromString(item.body or b"") for item in items if item.kind == 0]
    return [(gap.first_sequence, gap.last_sequence, gap.reason) for gap in found]


async def test_bulk_goes_before_plain_and_evidence_last(tmp_path: Path) -> None:
    """An older finding outlives a newer snapshot without one, and that a newer artifact."""
    async with await Spool.open(tmp_path, quota_bytes=10_000) as spool:
        await spool.append(SNAPSHOT, "evidence", "", "", b"e" * 3000, evidence=True)
        await spool.append(SNAPSHOT, "plain", "", "", b"p" * 3000)
        await spool.append(ARTIFACT, "bulk", "", "", b"b" * 3000, evidence=True)
        left = []
        for number in range(3):
            await spool.append(SNAPSHOT, f"new {number}", "", "", b"n" * 3000, evidence=True)
            left.append([item.stream_id for item in await spool.pending(0, 20) if item.kind])
        assert left[0] == ["evidence", "plain", "new 0"]
        assert left[1] == ["evidence", "new 0", "new 1"]
        assert left[2] == ["new 0", "new 1", "new 2"]
        assert gaps(await spool.pending(0, 20)) == [(3, 3, "quota"), (2, 2, "quota"), (1, 1, "quota")]


async def test_what_waited_too_long_goes_by_its_worth(tmp_path: Path) -> None:
    """Bulk after a quarter of the time, plain after all of it, evidence after four times."""
    clock = Clock()
    async with await Spool.open(tmp_path, keep_seconds=8 * DAY, elapsed=clock) as spool:
        await spool.append(ARTIFACT, "bulk", "", "", b"b")
        await spool.append(SNAPSHOT, "plain", "", "", b"p")
        await spool.append(SNAPSHOT, "evidence", "", "", b"e", evidence=True)
        left = []
        for days in (3, 9, 33):
            clock.seconds = days * DAY
            await spool.append(SNAPSHOT, "new", "", "", b"n", evidence=True)
            left.append({item.stream_id for item in await spool.pending(0, 20) if item.kind} - {"new"})
        assert left == [{"plain", "evidence"}, {"evidence"}, set()]
        assert {reason for _, _, reason in gaps(await spool.pending(0, 20))} == {"age"}


async def test_time_that_the_agent_did_not_run_makes_nothing_old(tmp_path: Path) -> None:
    """Age counts the agent's own running time, over restarts: no clock that jumps can empty the spool."""
    clock = Clock(1e9)
    async with await Spool.open(tmp_path, keep_seconds=8 * DAY, elapsed=clock) as spool:
        await spool.append(SNAPSHOT, "plain", "", "", b"p")
        clock.seconds += 5 * DAY
        await spool.append(SNAPSHOT, "second", "", "", b"n")
    clock.seconds = 7.0
    async with await Spool.open(tmp_path, keep_seconds=8 * DAY, elapsed=clock) as spool:
        await spool.append(SNAPSHOT, "new", "", "", b"n")
        assert [item.stream_id for item in await spool.pending(0, 9)] == ["plain", "second", "new"]
        clock.seconds += 4 * DAY
        await spool.append(SNAPSHOT, "newer", "", "", b"n")
        assert [item.stream_id for item in await spool.pending(0, 9) if item.kind] == ["second", "new", "newer"]


async def test_a_full_spool_does_not_write_a_gap_with_every_record(tmp_path: Path) -> None:
    """A little more than needed goes at once, so that gaps do not pile up over a year of absence."""
    async with await Spool.open(tmp_path, quota_bytes=200_000) as spool:
        for _ in range(400):
            await spool.append(SNAPSHOT, "s", "", "", b"x" * 900)
        items = await spool.pending(0, 2000)
        assert sum(item.kind == 0 for item in items) < 400 / 4


STEPS = st.lists(
    st.tuples(st.sampled_from([SNAPSHOT, ARTIFACT]), st.integers(0, 700), st.booleans(), st.integers(0, 3)), max_size=40
)


@given(STEPS, st.integers(0, 60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_kept_and_declared_are_all_that_was_given(
    steps: list[tuple[link_pb2.DataKind.ValueType, int, bool, int]], acked: int
) -> None:
    """Whatever is appended, aged and acknowledged: each number waits, or is acknowledged, or in one gap; never two."""
    clock = Clock()
    store = memory_store(Quota(4000, 2 * DAY), clock)
    for kind, size, evidence, days in steps:
        clock.seconds += days * DAY
        store.rows.append(kind, "s", "", "", b"x" * size, evidence)
    bound_holds(store)
    store.rows.acknowledge(acked)
    items = store.rows.pending(0, 1000)
    declared = [number for first, last, _ in gaps(items) for number in range(first, last + 1)]
    kept = [item.sequence for item in items]
    assert len(declared) == len(set(declared)) and not set(declared) & set(kept)
    missing = set(range(1, store.rows.last_sequence() + 1)) - set(kept) - set(declared)
    # A gap that was acknowledged lies below the acknowledged sequence, and so does what it declared.
    assert all(number <= store.rows.last_acked() for number in missing)
    assert store.rows.account() == 0
    store.close()


def bound_holds(store: Store) -> None:
    """What waits, gaps aside, is within the quota."""
    rows: Rows = store.rows
    waiting = [item for item in rows.pending(0, 1000) if item.kind]
    assert sum(item.total_bytes for item in waiting) <= 4000
