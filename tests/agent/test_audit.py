"""The machine's own chain: what was recorded is durable, and no change goes unseen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import StorageFull
from caseprobe_agent.audit import FIRST_PREVIOUS, Audit, Entry, verify
from tests.fakes_flows import MORNING, FakeClock


def chain(length: int) -> list[str]:
    """A whole chain of lines."""
    lines: list[str] = []
    previous = FIRST_PREVIOUS
    for number in range(1, length + 1):
        entry = Entry(number, MORNING.isoformat(), "admitted:health", f"sess_{number}", "user_1", "", previous)
        previous = entry.digest()
        lines.append(entry.line().strip())
    return lines


async def test_entries_chain_across_a_restart(tmp_path: Path) -> None:
    """A second process goes on where the first one stopped."""
    await Audit(tmp_path / "audit.jsonl", FakeClock()).record("asked", "sess_1", "user_1")
    again = Audit(tmp_path / "audit.jsonl", FakeClock())
    entry = await again.record("admitted:logs", "sess_1", "user_1", "Grüße")
    assert (entry.number, verify(again.lines())) == (2, None)
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


async def test_two_writers_share_one_chain(tmp_path: Path) -> None:
    """A resident agent and a one-shot run beside it keep one unbroken chain."""
    first, second = (Audit(tmp_path / "audit.jsonl", FakeClock()) for _ in range(2))
    await asyncio.gather(*(audit.record("asked", f"sess_{n}", "user") for n in range(10) for audit in (first, second)))
    assert verify(first.lines()) is None
    assert len(first.lines()) == 20


async def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    """What was not wholly written was never acknowledged; the chain stays whole."""
    path = tmp_path / "audit.jsonl"
    await Audit(path, FakeClock()).record("asked", "sess_1", "user_1")
    path.write_bytes(path.read_bytes() + b'{"number": 2, "at": "20')
    audit = Audit(path, FakeClock())
    await audit.record("asked", "sess_2", "user_1")
    assert (verify(audit.lines()), len(audit.lines())) == (None, 2)


async def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Without its entry nothing may run, so the caller is told."""
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(StorageFull, match="audit entry could not be written"):
        await Audit(tmp_path / "audit.jsonl", FakeClock()).record("asked", "sess_1", "user_1")


async def test_sessions_are_counted_by_day_and_kind(tmp_path: Path) -> None:
    """Limits a day survive a restart, because they are counted in the chain."""
    clock = FakeClock()
    audit = Audit(tmp_path / "audit.jsonl", clock)
    await audit.record("admitted:logs", "sess_1", "user_1")
    clock.forward(86400)
    await audit.record("admitted:logs", "sess_2", "user_1")
    again = Audit(tmp_path / "audit.jsonl", clock)
    assert again.count_on("2026-11-22", "admitted:logs") == 1
    assert again.count_on("2026-11-23", "admitted:health") == 0


@given(st.integers(0, 5), st.sampled_from(["delete", "swap", "alter", "insert"]))
def test_every_change_but_a_cut_end_is_named(position: int, change: str) -> None:
    """A deleted, moved, altered or inserted line is seen, wherever it is."""
    lines = chain(8)
    if change == "delete":
        del lines[position]
    elif change == "swap":
        lines[position], lines[position + 1] = lines[position + 1], lines[position]
    elif change == "alter":
        lines[position] = lines[position].replace("user_1", "user_2")
    else:
        lines.insert(position, lines[position + 1])
    assert f"line {position + 1}" in (verify(lines) or "")


def test_a_whole_chain_is_whole() -> None:
    """Nothing is reported where nothing was done."""
    assert verify(chain(8)) is None
    assert verify([]) is None
