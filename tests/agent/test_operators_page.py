"""The page for operators says what the agent reads: every kind, limit and setting, and examples that load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caseprobe_agent.config import KEYS, load
from caseprobe_agent.config.rules import LIMITS
from caseprobe_agent.consent.policy import SHIPPED, Policy, kinds

PAGE = (Path(__file__).parents[2] / "docs/operators.md").read_text()
POLICIES = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("[policy")]


def stated(folder: Path, text: str) -> Policy:
    """The policy of a machine whose agent.toml says so."""
    (folder / "agent.toml").write_text(text)
    return load({"CASEPROBE_CONFIG_FOLDER": str(folder), "CASEPROBE_STATE_FOLDER": str(folder)}, {}).policy


@pytest.mark.parametrize("name", [*kinds(), *LIMITS, "window", "targets", "sources", *(key.name for key in KEYS)])
def test_whatever_can_be_stated_is_told(name: str) -> None:
    """Each stands in the page, as code."""
    assert re.search(rf"`{name}`|^{name} = ", PAGE, re.MULTILINE)


def test_the_first_example_is_what_holds_where_nothing_is_said(tmp_path: Path) -> None:
    """Kind by kind, with its limits."""
    assert stated(tmp_path, POLICIES[0]).rules == SHIPPED.rules


@pytest.mark.parametrize("example", POLICIES[1:])
def test_every_example_of_a_policy_loads(tmp_path: Path, example: str) -> None:
    """And says something else than the shipped one."""
    assert stated(tmp_path, example) != SHIPPED
