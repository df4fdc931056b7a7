"""`caseprobe path` on loopback: what it prints, when it refuses, how it ends."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from caseprobe.errors import MeasurementError, PolicyRefused, UsageError
from caseprobe.path_stats import PathTally, facts_of, summarize
from caseprobe.v1 import path_pb2
from caseprobe_agent import audit
from caseprobe_agent.cli import path
from caseprobe_agent.cli.path.history import History
from caseprobe_agent.cli.path.plain import render_table
from caseprobe_agent.cli.path.screen import LiveView
from caseprobe_agent.identity import Identity
from caseprobe_agent.identity.state import save, save_key
from caseprobe_agent.path.rounds import Plan
from caseprobe_collector.storage import open_storage
from tests.desk import running_desk
from tests.fakes_path import FakeNetwork, run
from tests.fakes_service import Web, listening
from tests.paths.simulation import Simulation, scenario

LOOPBACK_ALLOWED = '[policy.path_target]\ndecision = "allow"\ntargets = ["127.0.0.0/8", "::1/128"]\n'


@pytest.fixture
def loopback_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose policy lists loopback as a target."""
    (tmp_path / "agent.toml").write_text(LOOPBACK_ALLOWED)
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path))
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "state"))
    return tmp_path


def arguments(*words: str) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser()
    path.add_arguments(parser)
    return parser.parse_args(words)


def rounds_of(name: str, count: int) -> list[path_pb2.PathRound]:
    """Rounds of a scenario."""
    return run(FakeNetwork(Simulation(scenario(name))), Plan(rounds=count)).rounds


def test_json_is_a_line_per_round_and_then_the_summary(
    loopback_allowed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is on standard output."""
    words = ["127.0.0.1", "--protocol", "udp", "--rounds", "2", "--interval", "0.1", "--json"]
    assert path.run(arguments(*words)) == 0
    first, second, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [first["round"]["number"], second["round"]["number"]] == [1, 2]
    assert first["round"]["replies"][0]["address"] == "127.0.0.1"
    summary = last["summary"]
    assert {key: summary[key] for key in ("target", "address", "protocol", "tier", "rounds")} == {
        "target": "127.0.0.1",
        "address": "127.0.0.1",
        "protocol": "udp",
        "tier": "udp",
        "rounds": 2,
    }
    (hop,) = summary["hops"]
    assert (hop["ttl"], hop["addresses"], hop["sent"], hop["received"], hop["loss_ratio"]) == (
        1,
        ["127.0.0.1"],
        2,
        2,
        0,
    )
    assert hop["classification"] == "ok"
    assert summary["verdict"]["text"] == "The path to 127.0.0.1 is clean over 2 rounds"
    assert summary["verdict"]["segment"] is None


def test_a_pipe_gets_a_plain_table(loopback_allowed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: title, headings, one line a hop and the sentence, no control characters."""
    assert path.run(arguments("::1", "--protocol", "tcp", "--rounds", "1")) == 0
    out = capsys.readouterr().out
    assert out.startswith("path to ::1 over TCP port 443, 1 round, times in ms\nhop  address")
    assert out.endswith("The path to ::1 is clean over 1 round\n")
    assert "\x1b" not in out


def test_loopback_is_refused_where_it_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped policy denies loopback and says why, before anything is sent."""
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path))
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.delenv("CASEPROBE_NETWORK_PROBES", raising=False)
    for target in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
        with pytest.raises(PolicyRefused, match="loopback"):
            path.run(arguments(target))


async def test_a_service_is_measured_before_its_path(
    loopback_allowed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps, table of hops and both sentences; the JSON has the steps; the machine's record has the request."""
    async with listening(Web().serve) as port:
        words = (f"http://127.0.0.1:{port}/secret", "--protocol", "udp", "--rounds", "1")
        assert await asyncio.to_thread(path.run, arguments(*words)) == 0
        plain = capsys.readouterr().out
        assert await asyncio.to_thread(path.run, arguments(*words, "--json")) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert plain.startswith(
        f"http://127.0.0.1:{port}, times in ms\n  address    connect  first byte  round trip  answer"
    )
    assert "path to 127.0.0.1 over UDP" in plain
    assert "no step takes longer than its way explains" in plain
    assert [phase["name"] for phase in summary["service"]["attempts"][0]["phases"]] == ["connect", "first_byte"]
    assert summary["verdict"]["message_id"] == "path.ok"
    assert "secret" not in plain + json.dumps(summary)
    entries = (loopback_allowed / "state" / "audit.jsonl").read_text().splitlines()
    assert audit.verify(entries) is None
    assert [audit.parse(line).detail for line in entries] == ["path_target 127.0.0.1"] * 2


def test_a_service_that_is_not_reached_is_a_result(loopback_allowed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing listens: the sentence says so beside the path, exit 0."""
    assert path.run(arguments("https://127.0.0.1:1/", "--rounds", "1", "--protocol", "udp")) == 0
    assert "https://127.0.0.1:1 cannot be used from here: the TCP connection fails" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("x", "--rounds", "0"),
        ("x", "--rounds=-1"),
        ("x", "--port", "70000"),
        ("x", "--port=-1"),
        ("x", "--port", "53", "--protocol", "icmp"),
        ("x", "--interval", "0"),
        ("x", "--interval", "nan"),
        ("x", "--interval", "inf"),
    ],
)
def test_impossible_arguments_are_usage_errors(words: tuple[str, ...]) -> None:
    """What cannot be is refused in one line that names the argument."""
    with pytest.raises(UsageError, match=words[1].partition("=")[0]):
        path.action_of(arguments(*words), "x")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ((), "no target"),
        (("",), "no target"),
        (("a", "b", "--mtu"), "--mtu is for one target"),
        (("a", "b", "--protocol", "tcp"), "--protocol tcp is for one target"),
        (("a", "https://b/"), "a service is measured alone"),
        (tuple("ab") * 501, "1002 targets are too many"),
    ],
)
def test_what_goes_with_one_target_only_is_said(loopback_allowed: Path, words: tuple[str, ...], match: str) -> None:
    """Several targets are asked in one way; nothing is left out silently."""
    with pytest.raises(UsageError, match=match):
        path.run(arguments(*words))


def test_of_several_targets_those_that_are_refused_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each target that policy denies has its reason, none is sent anything, and the exit code says so."""
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path))
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.delenv("CASEPROBE_NETWORK_PROBES", raising=False)
    assert path.run(arguments("127.0.0.1", "169.254.169.254", "--json")) == 3
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["target"] for one in told] == ["127.0.0.1", "169.254.169.254"]
    assert "loopback" in told[0]["error"]
    (entry,) = (tmp_path / "state" / "audit.jsonl").read_text().splitlines()
    assert audit.parse(entry).action == "refused"


def test_a_file_of_networks_tells_whose_each_hop_is(loopback_allowed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column in the table, an object in the JSON; nothing is asked for it."""
    (loopback_allowed / "asn.tsv").write_text("127.0.0.0\t127.255.255.255\t64500\tSE\tOur own loop\n")
    words = ("127.0.0.1", "--protocol", "udp", "--rounds", "1", "--networks", str(loopback_allowed / "asn.tsv"))
    assert path.run(arguments(*words)) == 0
    assert "AS64500 Our own loop SE" in capsys.readouterr().out
    assert path.run(arguments(*words, "--json")) == 0
    hop = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]["hops"][0]
    assert hop["network"] == {"as_number": 64500, "as_name": "Our own loop", "country": "SE"}


def test_names_are_not_looked_up_where_policy_lets_no_server_be_asked(loopback_allowed: Path) -> None:
    """The switch is refused in one line, not passed over."""
    with pytest.raises(PolicyRefused, match="names of hops are not looked up"):
        path.run(arguments("127.0.0.1", "--names"))


def test_live_goes_on_until_it_is_ended() -> None:
    """--live alone has no number of rounds; with one it keeps to it."""
    assert path.action_of(arguments("x", "--live"), "x").rounds > 10_000
    assert path.action_of(arguments("x", "--live", "--rounds", "5"), "x").rounds == 5


@pytest.mark.parametrize(("words", "code"), [(["--live"], 0), (["--rounds", "5000"], 130)])
def test_ctrl_c_shows_what_was_measured(loopback_allowed: Path, words: list[str], code: int) -> None:
    """The summary of the rounds so far is printed, and no traceback."""
    words = ["127.0.0.1", "--interval", "0.1", "--json", *words]
    command = [sys.executable, "-m", "caseprobe_agent", "path", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        first = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        rest, errors = child.stdout.read(), child.stderr.read()
        assert child.wait(10) == code
    assert "round" in json.loads(first)
    assert json.loads(rest.splitlines()[-1])["summary"]["rounds"] >= 1
    assert errors == ""


def test_the_table_tells_limiters_labels_and_silence_apart() -> None:
    """Each hop's line says what its numbers mean."""
    lines = {
        name: render_table(summarize(rounds_of(name, 60), path_pb2.PathFacts(target="h")), "en").splitlines()
        for name in ("rate-limited", "silent-hops", "mpls")
    }
    assert lines["rate-limited"][4].endswith("limits its own answers, no loss, 0.49/s after 5 at once")
    assert lines["silent-hops"][5].split() == ["4", "*", "100.0%", "60", *["-"] * 5, "never", "answers"]
    assert lines["mpls"][7].endswith("MPLS 24016/300112")


def test_the_screen_draws_every_hop_with_its_bars() -> None:
    """On a terminal each hop has a line of bars with a dot for each lost echo, and the sentence underneath."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=150, height=40, no_color=True)
    rounds, tally, header = rounds_of("lossy-link", 80), PathTally(), path_pb2.PathFacts(target="h")
    with LiveView("en", console) as view:
        for round_ in rounds:
            tally.add(round_)
            view.add(round_, lambda: facts_of(tally, header))
        view.end(facts_of(tally, header))
    final = out.getvalue()[out.getvalue().rindex("path to h") :]
    last_hop = next(line for line in final.splitlines() if line.split()[:1] == ["10"])
    assert "█" in last_hop
    assert "·" in last_hop
    assert "lost between hops" in final


@pytest.mark.parametrize("width", [40, 52, 66, 79])
def test_a_narrow_screen_cuts_no_figure(width: int) -> None:
    """Where there is no room for all figures, fewer are shown, each whole: a 12.5 that reads 1… misleads."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=40, no_color=True)
    rounds, tally, header = rounds_of("lossy-link", 40), PathTally(), path_pb2.PathFacts(target="h")
    with LiveView("en", console) as view:
        for round_ in rounds:
            tally.add(round_)
        view.end(facts_of(tally, header))
    rows = [line.split() for line in out.getvalue().splitlines() if line.strip()[:1].isdigit()]
    assert len(rows) >= 10
    assert all(re.fullmatch(r"\d+\.\d%", row[2]) and "…" not in row[3] for row in rows if row[1] != "*")


def test_a_late_reply_fills_its_own_round() -> None:
    """The dot of a round turns into a bar when its reply comes after all."""
    history = History()
    history.add(path_pb2.PathRound(number=1, sent=[1]))
    assert history.bars(1, 10) == "·"
    late = path_pb2.HopReply(ttl=1, rtt_seconds=0.5, round=1)
    on_time = path_pb2.HopReply(ttl=1, rtt_seconds=0.1)
    history.add(path_pb2.PathRound(number=2, sent=[1], replies=[late, on_time]))
    assert history.bars(1, 10) == "█▁"
    assert history.last(1) == pytest.approx(0.1)


def test_a_hostile_target_name_cannot_move_the_cursor() -> None:
    """Control characters of a name never reach the terminal."""
    facts = path_pb2.PathFacts(target="a\x1b[2Jb\nc")
    assert "\x1b" not in render_table(facts, "en")


def test_load_needs_an_own_collector(loopback_allowed: Path) -> None:
    """A machine that is not enrolled has none to fill the line to."""
    with pytest.raises(UsageError, match="enrolled with: run `caseprobe enroll`"):
        path.run(arguments("--loaded"))


async def test_load_goes_to_the_own_collector_as_its_owner_asks(
    loopback_allowed: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One round and the test, in the table and in the record; another target, and a test too soon, are refused."""
    async with open_storage(data_folder) as storage, running_desk(storage) as rig:
        machine = await rig.enrol()
        pem = (machine.key_pem, machine.certificate_pem, storage.authority.ca_pem())
        address, moment = f"127.0.0.1:{rig.port}", datetime.now(UTC)
        identity = Identity(machine.agent_id, *pem, address, "enrolled", "", moment, moment)
        save_key(loopback_allowed / "state", "enrolled", machine.key_pem)
        save(loopback_allowed / "state", identity)
        words = ("--loaded", "--protocol", "udp")
        with pytest.raises(UsageError, match=r"own collector only, 127\.0\.0\.1"):
            await asyncio.to_thread(path.run, arguments("192.0.2.1", *words))
        assert await asyncio.to_thread(path.run, arguments(*words)) == 0
        plain = capsys.readouterr().out
        with pytest.raises(MeasurementError, match=r"there was no test under load: .* tested under load just now"):
            await asyncio.to_thread(path.run, arguments(*words, "--json"))
    assert "1 round, times in ms" in plain and "  upload: round trip" in plain
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert summary["verdict"]["message_id"] == "path.ok" and summary["loaded"] is None
    assert "path_target 127.0.0.1 under load" in (loopback_allowed / "state" / "audit.jsonl").read_text()
