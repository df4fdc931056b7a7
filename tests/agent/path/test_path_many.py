"""Many targets at once on the real kernel, without any capability: none is mixed up with another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caseprobe.errors import UsageError
from caseprobe_agent.cli.path.many import targets_in
from tests.paths.chain import Chain, chain

HOPS = 5


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
