"""A child with limits: answers, typed errors, and nothing left of it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from caseprobe.errors import MachineDenied, MachineTimeout, MeasurementError
from caseprobe_agent import worker
from caseprobe_agent.cli import bundle
from caseprobe_agent.snapshot.child import measure_all
from tests import fakes_probes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child imports what we can import by our own path."""
    monkeypatch.syspath_prepend(str(ROOT))


async def answers(name: str, request: bytes = b"") -> list[bytes]:
    """All answers of one of the fakes."""
    async with contextlib.aclosing(worker.run(getattr(fakes_probes, name), request, 20.0)) as stream:
        return [answer async for answer in stream]


async def test_answers_come_in_their_order() -> None:
    """A function that yields gives every part."""
    assert await answers("count", b"3") == [b"0", b"1", b"2"]


async def test_one_answer_comes_whole() -> None:
    """A request of several pipes' size goes there and back."""
    request = bytes(range(256)) * 4096
    assert await worker.call(fakes_probes.echo, request, 20.0) == request


async def test_a_child_at_its_limit_is_killed() -> None:
    """The part before is kept, the error is typed, and nobody waits for what would never end."""
    seen = []
    with pytest.raises(MachineTimeout, match=r"did not end within 1 s and was killed"):
        async with contextlib.aclosing(worker.run(fakes_probes.hang, b"", 1.0)) as stream:
            async for answer in stream:
                seen.append(answer)
    assert seen == [b"first"]


async def test_what_the_child_started_ends_with_it() -> None:
    """A program of the child is gone when its caller has stopped listening."""
    async with contextlib.aclosing(worker.run(fakes_probes.hang_with_program, b"", 20.0)) as stream:
        program = Path("/proc", (await anext(stream)).decode(), "stat")
        assert program.exists()
    end = time.monotonic() + 60.0
    while program.exists() and program.read_text().split()[2] != "Z":
        assert time.monotonic() < end, "the program outlived its worker"


async def test_an_error_arrives_as_its_class() -> None:
    """The right that is missing is still named on this side."""
    with pytest.raises(MachineDenied, match="the ring cannot be read") as caught:
        await answers("refuse")
    assert caught.value.needs == "CAP_SYSLOG"


async def test_a_mistake_of_ours_is_one_line() -> None:
    """A foreign exception becomes a measurement error without a traceback."""
    with pytest.raises(MeasurementError, match=r"break_down failed: KeyError: 'no") as caught:
        await answers("break_down")
    assert "\n" not in str(caught.value)


async def test_a_sudden_death_is_told() -> None:
    """The signal is named."""
    with pytest.raises(MeasurementError, match="ended by SIGKILL"):
        await answers("die")


async def test_memory_is_limited() -> None:
    """A child that takes too much fails alone."""
    with pytest.raises(MeasurementError, match="MemoryError"):
        await answers("devour")


async def test_a_child_writes_to_no_disk(tmp_path: Path) -> None:
    """Raw data stays in memory, whatever a library wants."""
    target = tmp_path / "raw"
    with pytest.raises(MeasurementError, match=r"File too large|SIGXFSZ"):
        await answers("write_file", str(target).encode())
    assert not target.exists() or target.stat().st_size == 0


async def test_join_codes_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child needs no join code, so it gets none."""
    monkeypatch.setenv("CASEPROBE_JOIN_CODE", "CP1-SECRET")
    monkeypatch.setenv("CASEPROBE_JOIN_CODE_FILE", "/run/code")
    names = (await worker.call(fakes_probes.environment, b"", 20.0)).decode().split("\n")
    assert "PYTHONPATH" in names
    assert not [name for name in names if name.startswith("CASEPROBE_JOIN_CODE")]


async def test_prints_do_not_mix_with_answers() -> None:
    """Whatever prints in the child is not heard."""
    assert await answers("chatter") == [b"answer"]


def test_a_nameless_function_is_refused() -> None:
    """A child could not find it."""
    with pytest.raises(ValueError, match="no name in a module"):
        worker.reference(lambda request: request)


async def test_a_child_imports_nothing_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a stranger left in the folder is not run."""
    (tmp_path / "resource.py").write_text(f"open({str(tmp_path / 'trap')!r}, 'w')")
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'trap')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert await worker.call(fakes_probes.echo, b"x", 20.0) == b"x"
    assert not (tmp_path / "trap").exists()


async def test_a_child_that_was_started_early_answers_when_asked() -> None:
    """Starting it before the request is known changes nothing in the answer."""
    with worker.Child(worker.reference(fakes_probes.count)) as child:
        async with contextlib.aclosing(worker.run(fakes_probes.count, b"2", 20.0, child=child)) as stream:
            assert [answer async for answer in stream] == [b"0", b"1"]


async def test_a_child_that_nobody_asks_is_gone() -> None:
    """Where the run ends before it measures, nothing stays behind."""
    with worker.Child(worker.reference(fakes_probes.hang)) as child:
        number = child.pid
        assert Path("/proc", str(number)).exists()
    assert not Path("/proc", str(number)).exists()


async def tally(kept: worker.Kept, request: bytes = b"", seconds: float = 20.0) -> list[int]:
    """How often the kept child was asked, and its number."""
    child = await kept.child()
    async with contextlib.aclosing(child.answers(request, seconds, worker.Limits())) as answers:
        [told] = [json.loads(answer) async for answer in answers]
    return [int(number) for number in told]


async def test_a_kept_child_answers_again_and_knows_what_it_knew() -> None:
    """One process for all requests, its object kept between them; it is gone with the block."""
    async with worker.Kept(fakes_probes.Tally) as kept:
        first, second = await tally(kept), await tally(kept)
    assert (first[0], second[0], first[1] == second[1]) == (1, 2, True)
    assert not Path("/proc", str(first[1])).exists()


async def test_what_ends_a_kept_child_costs_one_answer() -> None:
    """At its limit it is killed, after a death of its own it is told of; the next request has another process."""
    async with worker.Kept(fakes_probes.Tally) as kept:
        _, first = await tally(kept)
        with pytest.raises(MachineTimeout, match=r"did not end within 0.2 s and was killed"):
            await tally(kept, b"hang", 0.2)
        assert not Path("/proc", str(first)).exists()
        asked, second = await tally(kept)
        with pytest.raises(MeasurementError, match="ended by SIGKILL"):
            await tally(kept, b"die")
        assert (asked, (await tally(kept))[0]) == (1, 1)
    assert second != first


async def test_a_kept_child_that_is_killed_while_it_waits_is_replaced() -> None:
    """Nobody hears of it."""
    async with worker.Kept(fakes_probes.Tally) as kept:
        _, number = await tally(kept)
        os.kill(number, 9)
        end = time.monotonic() + 60.0
        while (await kept.child()).pid == number:
            assert time.monotonic() < end, "the dead child is still asked"
        assert (await tally(kept))[0] == 1


async def test_a_kept_child_calls_its_one_function() -> None:
    """As worker.call does; another function is refused."""
    async with worker.Kept(fakes_probes.echo) as kept:
        assert [await kept.call(fakes_probes.echo, text, 20.0) for text in (b"a", b"b")] == [b"a", b"b"]
        with pytest.raises(ValueError, match="started for"):
            await kept.call(fakes_probes.die, b"", 20.0)


async def test_a_child_runs_only_what_it_was_started_for() -> None:
    """Another function than the one that it loaded is refused."""
    with worker.Child(worker.reference(fakes_probes.count)) as child, pytest.raises(ValueError, match="started for"):
        await anext(worker.run(fakes_probes.echo, b"", 20.0, child=child))  # type: ignore[arg-type]


def test_the_one_shot_command_starts_the_right_child_early() -> None:
    """It names by hand, to load nothing, what the snapshot then runs in it."""
    assert worker.reference(measure_all) == bundle.MEASURING


async def test_an_idle_child_gives_way_with_all_that_it_starts() -> None:
    """Its class of processor and disk time is the idle one, also for a program of it; others keep theirs."""
    if not hasattr(os, "SCHED_IDLE"):
        pytest.skip("this system knows no idle class")
    usual = await worker.call(fakes_probes.standing, b"", 20.0)
    with worker.Child(worker.reference(fakes_probes.standing), idle=True) as child:
        async with contextlib.aclosing(child.answers(b"", 20.0, worker.Limits())) as answers:
            told = json.loads(await anext(answers))
    assert told == {"own": [os.SCHED_IDLE, 3], "program": [os.SCHED_IDLE, 3]} != json.loads(usual)
