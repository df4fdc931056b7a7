"""Many targets at once on the real kernel, without any capability: none is mixed up with another."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from caseprobe.errors import UsageError
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.cli.path.many import targets_in
from caseprobe_agent.path import many
from caseprobe_agent.path.echoes import Echo, Reply
from caseprobe_agent.path.icmp import TIER
from caseprobe_agent.path.rounds import Plan
from caseprobe_agent.path.target import ResolvedTarget
from tests.paths.chain import Chain, chain

HOPS = 5


class Late:
    """A socket of which a lane's reply comes again and again, also when nothing more is expected of it."""

    tier, echo_bytes = TIER, 64

    def __init__(self, _v6: bool) -> None:
        self._ours, self._theirs = socket.socketpair()
        self.lanes: list[many.Lane] = []

    def fileno(self) -> int:
        """Never readable: what comes is taken when a lane is looked after."""
        return self._ours.fileno()

    def send(self, lane: many.Lane, _echo: Echo) -> float:
        """As SharedIcmp.send."""
        self.lanes.append(lane)
        return time.monotonic()

    def receive(self) -> Iterator[tuple[many.Lane, Reply]]:
        """The first lane's reply."""
        for lane in self.lanes[:1]:
            yield lane, Reply(0, time.monotonic(), lane.address, from_target=True)

    def close(self) -> None:
        """As SharedIcmp.close."""
        self._ours.close()
        self._theirs.close()


class Brief:
    """A trace of one echo, to 127.0.0.1 or to another that takes a while longer."""

    begun = 0

    def __init__(self, _plan: Plan) -> None:
        Brief.begun += 1
        self._ends_at = time.monotonic() + 0.1 * (Brief.begun - 1)
        self._echoes, self._given = [Echo(0, 1, 0)], False

    def poll(self, _now: float) -> list[Echo]:
        """The one echo, once."""
        echoes, self._echoes = self._echoes, []
        return echoes

    def on_sent(self, _echo: Echo, _sent_at: float) -> None:
        """As Trace.on_sent."""

    def on_reply(self, _reply: Reply, _now: float) -> None:
        """As Trace.on_reply."""

    def finished(self, now: float) -> path_pb2.PathRound | None:
        """The one round, at its end."""
        if self._given or now < self._ends_at:
            return None
        self._given = True
        return path_pb2.PathRound(number=1)

    def done(self, _now: float) -> bool:
        """Whether it was given."""
        return self._given

    def wake_at(self, _now: float) -> float:
        """Its end."""
        return self._ends_at


async def test_a_reply_to_a_finished_target_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first target is over at once and its reply comes over and over; the second is waited for."""
    monkeypatch.setattr(many, "SharedIcmp", Late)
    monkeypatch.setattr(many, "Trace", Brief)
    targets = [ResolvedTarget(name, ip_address(name)) for name in ("192.0.2.1", "192.0.2.2")]
    found = [index async for index, _ in many.trace_many(targets, link_pb2.PathAction(rounds=1))]
    assert found == [0, 1]


@pytest.fixture(scope="module")
def routers() -> Iterator[Chain]:
    """Five hops of kernel routers; behind the last are sixty-five thousand targets."""
    with chain(HOPS) as made:
        yield made


def summaries(routers: Chain, folder: Path, *words: str) -> list[dict[str, Any]]:
    """What `path --json` says of each of several targets."""
    environment = ("CASEPROBE_NETWORK_PROBES=on", f"CASEPROBE_STATE_FOLDER={folder}")
    out = routers.run("env", *environment, sys.executable, "-m", "caseprobe_agent", "path", "--json", *words)
    return [json.loads(line)["summary"] for line in out.splitlines()]


def test_a_hundred_targets_are_each_seen_over_every_hop(routers: Chain, tmp_path: Path) -> None:
    """More than one socket serves; every target has its own answers, in the order in which it was given."""
    names = [f"198.19.0.{number}" for number in range(1, 101)]
    (tmp_path / "list").write_text("# all of them\n" + "\n".join(names) + "\n\n")
    told = summaries(routers, tmp_path, "--targets", str(tmp_path / "list"), "--rounds", "1")
    assert [summary["target"] for summary in told] == names
    for summary in told:
        assert [hop["received"] for hop in summary["hops"]] == [1] * HOPS
        assert summary["hops"][-1]["addresses"] == [summary["target"]]
        assert summary["verdict"]["message_id"] == "path.ok"
    (entry,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(entry)["detail"] == f"path_target {' '.join(names)}"


def test_a_target_without_an_answer_does_not_hold_the_others(routers: Chain, tmp_path: Path) -> None:
    """198.18.200.1 has no way beyond the last router: it is silent behind it, the other is clean."""
    lost, fine = summaries(routers, tmp_path, "198.18.200.1", "198.19.0.1", "--rounds", "1")
    assert lost["verdict"]["message_id"] != "path.ok"
    assert fine["verdict"]["message_id"] == "path.ok"


def test_a_list_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """One line that names the file."""
    with pytest.raises(UsageError, match="list cannot be read"):
        targets_in(tmp_path / "list")
