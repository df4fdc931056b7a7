"""What is measured again and again while somebody watches: rounds, lines of a log, and how such a session ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from caseprobe.errors import MeasurementError, UsageError
from caseprobe.v1 import link_pb2, section_pb2, snapshot_pb2
from caseprobe.v1.link_pb2 import LinkResponse, Sections
from caseprobe_agent.link.lanes import MOST_SECTIONS, Lanes
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Probe, RawArtifact
from caseprobe_agent.seal import Hiding
from caseprobe_agent.seal.form import pack_request
from caseprobe_agent.seal.live import TOO_LONG, make_sections, sections_apart
from caseprobe_agent.session.measure import Measurements, Raw
from caseprobe_agent.session.spans import LINES_A_LOOK, Span, span_of, watchable
from caseprobe_agent.session.watching import SealRound, has_news, keeps_children
from caseprobe_collector.console.pages.cases import WATCHABLE
from tests.fakes_link import run_here
from tests.fakes_probes import EMPTY, GOOD, HUNG, SAMPLED
from tests.fakes_resident import Rig, enrolled, framed, load_again, snapshot_in

OK, FAILED = link_pb2.OUTCOME_STATE_OK, link_pb2.OUTCOME_STATE_FAILED
SECRET = "hunter2hunter2"
BEGIN, END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child imports what we can import by our own path."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """An enrolled machine whose owner lets it be watched."""
    async with enrolled(tmp_path) as made:
        (tmp_path / "agent.toml").write_text('[policy]\nwatch = "allow"\nlogs = "allow"\n')
        made.settings = load_again(made.settings)
        yield made


def request(**action: object) -> link_pb2.CommandRequest:
    """A request for a watch or a log."""
    made = link_pb2.CommandRequest(command_id="sess_1", case_id="case_1", deadline_seconds=30.0)
    for name, value in action.items():
        getattr(made, name).MergeFrom(value)
    return made


def watch(*probes: str, interval: float = 1.0, duration: float = 60.0) -> link_pb2.CommandRequest:
    """Some probes, again every interval."""
    return request(watch=link_pb2.WatchAction(probes=probes, interval_seconds=interval, duration_seconds=duration))


def tail(source: str = "system_log", lines: int = 0, follow: float = 0.0) -> link_pb2.CommandRequest:
    """A log, followed for so many seconds."""
    return request(log_tail=link_pb2.LogTailAction(source=source, lines=lines, follow_seconds=follow))


class Enough(Exception):
    """A test has seen what it waited for."""


class Log:
    """A machine with a system log, which a test writes while it is followed."""

    def __init__(self, root: Path, lines: Sequence[str]) -> None:
        self.root = root
        self._file = root / "var/log/syslog"
        self._file.parent.mkdir(parents=True)
        self.raw, self.seen = Raw(), list[Sections]()
        self.write(*lines)

    def write(self, *lines: str) -> None:
        """New lines."""
        with self._file.open("a") as file:
            file.writelines(f"Nov 22 09:00:00 web app[7]: {line}\n" for line in lines)

    async def follow(self, asked: link_pb2.CommandRequest, *writes: Sequence[str]) -> None:
        """Follow it until all was shown: each of the writes comes once the round before was."""

        def show(sections: Sections) -> None:
            self.seen.append(sections)
            if len(self.seen) > len(writes):
                raise Enough
            self.write(*writes[len(self.seen) - 1])

        with contextlib.suppress(Enough):
            await self.measure(asked, show)

    async def measure(self, asked: link_pb2.CommandRequest, show: Callable[[Sections], None]) -> None:
        """Follow it without a pause."""
        span = replace(span_of(asked), interval_seconds=0.0, duration_seconds=60.0)
        await Measurements(Machine(self.root), sealing=sealing).watch(span, self.raw, show)

    def shown(self) -> list[tuple[int, str]]:
        """Every line that was shown: its number and its message."""
        lines = [line for one in self.seen for section in one.sections for line in section.lines]
        return [(line.line, line.text.partition(": ")[2]) for line in lines]


@contextlib.asynccontextmanager
async def sealing(_kept: bool) -> AsyncIterator[SealRound]:
    """Rounds through the pipe, here instead of in a child."""
    yield sealed


async def sealed(snapshot: snapshot_pb2.Snapshot, artifacts: Sequence[RawArtifact]) -> Sections:
    """A round through the pipe, here instead of in a child."""
    return await sections_apart(snapshot, artifacts, Hiding(b"k" * 32, True, "web"), run_here)


async def test_a_log_is_shown_from_its_newest_lines_on_and_each_line_once(tmp_path: Path) -> None:
    """The lines that were asked for, then only what is new; its snapshot holds exactly what was shown."""
    log = Log(tmp_path, [f"old {number}" for number in range(30)])
    await log.follow(tail(lines=2), ["new 1", "new 2"], ["new 3"])
    assert log.shown() == [(1, "old 28"), (2, "old 29"), (3, "new 1"), (4, "new 2"), (5, "new 3")]
    (section,) = log.raw.whole().sections
    (artifact,) = log.raw.artifacts
    assert artifact.data.decode().count("\n") == section.log_tail.lines_total == 5
    assert section.log_tail.left_out_total == 0
    assert log.raw.places == {}


async def test_a_secret_never_leaves_not_even_one_that_began_before_the_first_line(tmp_path: Path) -> None:
    """Lines are looked at with those before them: the middle of a private key is known as such."""
    key = ["x" * 3 + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB" for _ in range(4)]
    log = Log(tmp_path, [])
    with (tmp_path / "var/log/syslog").open("a") as file:
        file.write("\n".join([BEGIN, *key]) + "\n")
    await log.follow(tail(lines=2), [f"login password={SECRET} ok"])
    told = b"".join(one.SerializeToString() for one in log.seen) + log.raw.whole().SerializeToString()
    told += b"".join(one.data for one in log.raw.artifacts)
    assert len(log.shown()) == 3
    assert SECRET.encode() not in told
    assert b"QUFB" not in told
    assert "ok" in log.shown()[-1][1]


async def test_what_comes_too_fast_is_counted_and_the_newest_is_shown(tmp_path: Path) -> None:
    """A flood costs no more than a look may show, and what is missing is said."""
    log = Log(tmp_path, ["first"])
    await log.follow(tail(lines=1), [f"flood {number}" for number in range(3000)])
    flood = log.seen[1].sections[0].log_tail
    assert (flood.lines_total, flood.left_out_total) == (LINES_A_LOOK, 3000 - LINES_A_LOOK)
    assert log.shown()[-1] == (1 + LINES_A_LOOK, "flood 2999")
    assert log.raw.whole().sections[0].log_tail.left_out_total == 3000 - LINES_A_LOOK


def test_a_log_that_is_silent_costs_no_frame() -> None:
    """Only news is told: new lines, or that some were left out; a probe that is watched always has some."""
    silent, busy = section_pb2.Section(probe="log_tail.kernel_log"), section_pb2.Section(probe="log_tail.kernel_log")
    silent.log_tail.context_lines_total, busy.log_tail.left_out_total = 100, 1
    assert [has_news(one) for one in (silent, busy, section_pb2.Section(probe="memory"))] == [False, True, True]


async def test_a_log_that_is_not_there_is_told_and_not_waited_for(tmp_path: Path) -> None:
    """One round that says why, then the session fails with the same words."""
    log = Log(tmp_path, [])
    (tmp_path / "var/log/syslog").unlink()
    with pytest.raises(MeasurementError, match="no log is kept here"):
        await log.measure(tail(), log.seen.append)
    assert "no log is kept here" in log.seen[0].sections[0].reason
    assert log.raw.worth_keeping


async def test_what_cannot_be_sealed_is_withheld_with_its_reason(tmp_path: Path) -> None:
    """Bytes that are no text leave as a reason; they count as left out."""
    log = Log(tmp_path, [])
    (tmp_path / "var/log/syslog").write_bytes(b"\0" * 4000 + b"\n")
    await log.follow(tail())
    (section,) = log.seen[0].sections
    assert (section.outcome, list(section.lines)) == (section_pb2.PROBE_OUTCOME_FAILED, [])
    assert "withheld" in section.reason
    assert log.raw.whole().sections[0].log_tail.left_out_total == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (tail("/etc/shadow"), "no log is called '/etc/shadow'; the logs are: kernel_log, system_log"),
        (watch("disks", "nonsense"), "no probe is called 'nonsense'; those that can be watched are:"),
        (watch(), "a watch names its probes"),
        (watch("kernel_log"), "kernel_log is a log"),
    ],
)
def test_only_what_the_machine_names_is_measured(asked: link_pb2.CommandRequest, said: str) -> None:
    """Never a path; who asks for anything else reads what there is."""
    with pytest.raises(UsageError, match=said):
        span_of(asked)


@pytest.mark.parametrize(
    ("interval", "duration", "kept"),
    [(0.0, 0.0, (5.0, 60.0)), (0.01, 1e12, (1.0, 3600.0)), (1e9, 30.0, (600.0, 30.0)), (float("nan"), -1, (5.0, 60.0))],
)
def test_a_span_stays_within_bounds(interval: float, duration: float, kept: tuple[float, float]) -> None:
    """Whatever a collector asks, a machine measures at most once a second and for an hour."""
    span = span_of(watch("memory", interval=interval, duration=duration))
    assert (span.interval_seconds, span.duration_seconds) == kept


def test_only_a_log_is_followed() -> None:
    """A watch of what goes on where it was left, as the history does, is a watch all the same."""
    assert not any(span_of(watch(name)).follows for name in watchable())
    assert span_of(tail()).follows


async def looks(probes: tuple[Probe, ...], count: int, *between: Callable[[], None]) -> tuple[list[Sections], Raw]:
    """So many looks at these, one at once after the other; what is done between them."""
    seen, raw = list[Sections](), Raw()

    def show(sections: Sections) -> None:
        seen.append(sections)
        for act in between:
            act()
        if len(seen) == count:
            raise Enough

    span = Span(probes, probes, 0.0, 60.0)
    with contextlib.suppress(Enough):
        await Measurements(Machine(), sealing=sealing).watch(span, raw, show)
    return seen, raw


def outcomes(seen: Sequence[Sections]) -> list[list[int]]:
    """How each section of each look ended."""
    return [[section.outcome for section in one.sections] for one in seen]


def looking() -> list[psutil.Process]:
    """The children of this process that are kept for looks."""
    return [one for one in psutil.Process().children() if any("child:Looks" in word for word in one.cmdline())]


async def test_rates_of_a_watch_are_over_the_time_between_two_looks(tmp_path: Path) -> None:
    """The first has a sample of its own; the sample of any other was taken before the look before it was shown."""
    numbers, shown = list[int](), [time.monotonic()]

    def note() -> None:
        numbers.extend(one.pid for one in looking())
        shown.append(time.monotonic())

    seen, raw = await looks((SAMPLED,), 3, note)
    first, second, third = (one.sections[0].cpu.sample_seconds for one in seen)
    # That of the second look is the one that the first took too.
    assert shown[0] < first <= second < shown[1] < third < shown[2]
    assert (len(numbers), len(set(numbers)), looking()) == (3, 1, [])
    assert raw.first is not None
    assert (raw.first.boot_id, raw.first.sections) == (raw.snapshot.boot_id, seen[0].sections)


async def test_a_probe_that_hangs_costs_a_watch_nothing_but_itself() -> None:
    """Its child is killed with it, the others are told, and every look asks it anew."""
    seen, _ = await looks((GOOD, HUNG, EMPTY), 2)
    ok, timeout = section_pb2.PROBE_OUTCOME_OK, section_pb2.PROBE_OUTCOME_TIMEOUT
    assert outcomes(seen) == [[ok, timeout, ok]] * 2
    assert looking() == []


async def test_a_child_that_is_killed_between_two_looks_is_replaced() -> None:
    """By whomever: the next look has another one."""
    numbers = list[int]()

    def kill() -> None:
        for one in looking():
            numbers.append(one.pid)
            one.kill()
            psutil.wait_procs([one], timeout=60.0)

    seen, _ = await looks((GOOD,), 3, kill)
    assert outcomes(seen) == [[section_pb2.PROBE_OUTCOME_OK]] * 3
    assert len(set(numbers)) == 3


def test_where_looks_are_far_apart_no_child_waits() -> None:
    """Minutes of its memory are worth more than its start."""
    assert [keeps_children(span_of(watch("memory", interval=seconds))) for seconds in (5.0, 600.0)] == [True, False]


async def test_a_watch_shows_its_rounds_and_ends_as_the_last(rig: Rig) -> None:
    """Sections as they are measured, sealed, on the live lane; what there is when it is stopped the checks judge."""
    async with rig.agent():
        await rig.send(framed(watch("memory", "system")))
        await rig.collector.until(lambda: len(rig.collector.got("sections")) >= 2)
        await rig.send(LinkResponse(cancel=link_pb2.Cancel(command_id="sess_1")))
        assert (await rig.outcome()).state == link_pb2.OUTCOME_STATE_CANCELLED
        await rig.collector.until(lambda: rig.collector.stored)
    rounds = [frame.sections for frame in rig.collector.got("sections")]
    assert [(one.session_id, one.number) for one in rounds][:2] == [("sess_1", 1), ("sess_1", 2)]
    assert [section.probe for section in rounds[0].sections] == ["memory", "system"]
    assert rounds[0].sections[0].memory.total_bytes > 0
    assert not any(section.lines for one in rounds for section in one.sections)
    snapshot = snapshot_in(rig.collector.stored[0])
    assert [section.probe for section in snapshot.sections] == ["memory", "system"]
    assert snapshot.coverage
    assert rig.actions() == ["admitted:watch", "ended"]


async def test_after_a_revoke_nothing_more_leaves(rig: Rig) -> None:
    """Taken back in the middle: no further round, and no snapshot."""
    async with rig.agent():
        await rig.send(framed(watch("memory")))
        await rig.collector.until(lambda: rig.collector.got("sections"))
        await rig.ask("revoke", id="sess_1")
        told = len(rig.collector.got("sections"))
        outcome = await rig.outcome()
        assert (outcome.state, outcome.snapshot_id) == (link_pb2.OUTCOME_STATE_REFUSED_USER, "")
    assert (len(rig.collector.got("sections")), rig.collector.stored) == (told, [])


@pytest.mark.parametrize(
    ("policy", "asked", "state", "why"),
    [
        ('logs = "allow"', watch("memory"), link_pb2.OUTCOME_STATE_REFUSED_POLICY, "denies watch"),
        ('watch = "allow"\nhealth = "deny"', watch("memory"), link_pb2.OUTCOME_STATE_REFUSED_POLICY, "denies health"),
        (
            'logs = { decision = "allow", sources = ["kernel_log"] }',
            tail("system_log"),
            link_pb2.OUTCOME_STATE_REFUSED_POLICY,
            "only these logs be read, each by its name: kernel_log",
        ),
        (
            'logs = { decision = "allow", longest_session_seconds = 10 }',
            tail(follow=20.0),
            link_pb2.OUTCOME_STATE_REFUSED_POLICY,
            "policy allows 10 s",
        ),
        ('logs = "allow"', tail("/var/log/syslog"), FAILED, "the logs are: kernel_log, system_log"),
    ],
)
async def test_policy_comes_first(rig: Rig, policy: str, asked: link_pb2.CommandRequest, state: int, why: str) -> None:
    """What the owner's policy does not allow is refused in words, and nothing was read."""
    (rig.settings.config_folder / "agent.toml").write_text(f"[policy]\n{policy}\n")
    rig.settings = load_again(rig.settings)
    async with rig.agent():
        await rig.send(framed(asked))
        outcome = await rig.outcome()
    assert outcome.state == state
    assert why in outcome.reason
    assert (rig.collector.got("sections"), rig.collector.stored) == ([], [])


async def test_the_owner_reads_what_is_watched_how_often_and_how_long(rig: Rig) -> None:
    """The question names probes or log; its yes is a grant for this one request."""
    (rig.settings.config_folder / "agent.toml").write_text('[policy]\nwatch = "ask"\n')
    rig.settings = load_again(rig.settings)
    async with rig.agent():
        await rig.send(framed(watch("memory", "disks", interval=2.0, duration=1.0)))
        number = await rig.question()
        assert "Measured: memory, disks; again every 2 seconds." in rig.said[-1]
        assert "up to 1 seconds" in rig.said[-1]
        await rig.ask("allow", id=number)
        assert (await rig.outcome()).state == OK
    assert rig.actions() == ["asked", "allowed", "admitted:watch", "ended"]


async def test_while_the_collector_is_away_only_the_newest_rounds_wait() -> None:
    """Memory is bounded: the oldest make way and are counted; a path's rounds beside them stay."""
    lanes = Lanes()
    lanes.put(link_pb2.LinkRequest(rounds=link_pb2.Rounds(session_id="sess_2")), link_pb2.LANE_LIVE)
    for number in range(1, MOST_SECTIONS + 3):
        lanes.put(link_pb2.LinkRequest(sections=Sections(number=number)), link_pb2.LANE_LIVE)
    waiting = [await lanes.get() for _ in range(MOST_SECTIONS + 1)]
    lanes.close()
    assert [one.sections.number for one in waiting if one] == [0, *range(3, MOST_SECTIONS + 3)]
    assert (lanes.dropped_total, await lanes.get()) == (2, None)


def test_a_round_that_is_too_long_for_a_collector_is_told_by_its_names() -> None:
    """It would end the stream; what is withheld is named with the reason."""
    snapshot = snapshot_pb2.Snapshot()
    for number in range(40):
        section = snapshot.sections.add(probe=f"memory.{number}", outcome=section_pb2.PROBE_OUTCOME_OK)
        section.services.units.add(name="a" * 15_000)
    made = Sections.FromString(make_sections(pack_request(snapshot, (), Hiding(b"k" * 32, True, "web"), b"")))
    assert made.ByteSize() < 256 << 10
    assert {one.reason for one in made.sections} == {TOO_LONG}


def test_what_the_console_offers_to_watch_can_be_watched() -> None:
    """Every name in its list is a probe that tells figures."""
    assert set(WATCHABLE) <= set(watchable())
