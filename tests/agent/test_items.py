"""What a bundle has in it: every item says why, at what cost and how private; profiles, includes and excludes."""

from __future__ import annotations

import json
import sys

import pytest

from caseprobe.errors import UsageError
from caseprobe.texts import LANGUAGES
from caseprobe.texts.catalogue import item_why
from caseprobe_agent import cli
from caseprobe_agent.config.bundles import CLASSES
from caseprobe_agent.machine import disk_reports
from caseprobe_agent.oneshot.choice import Wanted, choose, items_of, profile_of
from caseprobe_agent.probes import (
    ALL,
    CERTIFICATES,
    CERTIFICATES_NETWORKED,
    FULL_LINES,
    LONGER,
    LONGEST,
    MORE_SYSTEM_LOG,
    MOST_SYSTEM_LOG,
    NEAR_PATHS,
    NETWORKED,
    PROCESSES_WITH_ARGUMENTS,
    PROFILES,
    QUICK,
    SMART,
    SYSTEM_LOG,
    TIME_SYNC_NETWORKED,
    items,
    system_log,
    time_sync,
)
from caseprobe_agent.worker import resolve

# The issue's own figure for the standard profile.
PROGRAMS_AT_MOST = 25


def names(wanted: Wanted) -> set[str]:
    """Names of the probes that would run."""
    return {probe.name for probe in choose(wanted).probes}


def test_every_probe_is_declared_and_nothing_else() -> None:
    """No probe without an item, no item without a probe."""
    assert [item.name for item in items.ALL] == [probe.name for probe in ALL]


def test_every_probe_names_functions_that_exist() -> None:
    """Whoever chooses loads none of them, so that a wrong name would show only in the child."""
    ways = {*(probe for probes in (ALL, LONGER, LONGEST) for probe in probes), PROCESSES_WITH_ARGUMENTS}
    ways |= {other for pairs in (NETWORKED, FULL_LINES) for _, other in pairs}
    for probe in ways:
        module = sys.modules[resolve(probe.measure).__module__]
        assert module.__name__ == f"caseprobe_agent.probes.{probe.name}"
        assert probe.sample in ("", f"{module.__name__}:sample")
        assert not probe.sample or callable(resolve(probe.sample))
        assert probe.sample or not hasattr(module, "sample") or probe == NEAR_PATHS, "its rates would be over nothing"


def test_no_limit_is_shorter_than_what_its_probe_may_wait_for() -> None:
    """The table says in seconds what the modules say in parts."""
    assert SMART.timeout_seconds >= disk_reports.ALL_SECONDS + disk_reports.DISK_SECONDS
    assert TIME_SYNC_NETWORKED.timeout_seconds > 2 * time_sync.SERVERS_AT_MOST * time_sync.ANSWER_SECONDS


@pytest.mark.parametrize("item", items.ALL, ids=lambda item: item.name)
def test_an_item_says_why_and_what_it_costs(item: items.Item) -> None:
    """One sentence in every language, a cost, a class."""
    said = [item_why(item.name, language) for language in LANGUAGES]
    assert all(one.endswith((".", "。")) and one.count(". ") == 0 for one in said), said
    assert len(set(said)) == len(LANGUAGES)
    assert item.cost_seconds > 0 and item.privacy in CLASSES


def test_text_is_more_private_than_figures() -> None:
    """The class follows from the contract's own fields; raw text may hold anything."""
    told = {item.name: item.privacy for item in items.ALL}
    assert (told["cpu"], told["system"], told["routes"], told["kernel_log"]) == (
        "public",
        "asset",
        "internal",
        "secret",
    )


def test_profiles_grow() -> None:
    """Each profile has what the one before it has, and more; quick starts no program, standard few."""
    sets = [names(Wanted(profile)) for profile in ("quick", "standard", "full")]
    assert sets[0] < sets[1] < sets[2]
    assert sum(item.programs for item in items_of(Wanted("quick"))) == 0
    assert sum(item.programs for item in items_of(Wanted("standard"))) <= PROGRAMS_AT_MOST
    assert {profile_of(item) for item in items.ALL} == set(PROFILES)


def test_full_yields_more() -> None:
    """More of the logs, and artifacts that standard has not; its items take seconds."""
    standard, full = ({item.name: item for item in items_of(Wanted(profile))} for profile in ("standard", "full"))
    assert standard["packages"].artifacts == () and full["packages"].artifacts == ("artifacts/packages.log",)
    assert (standard["packages"].privacy, full["packages"].privacy) == ("public", "secret")
    assert MOST_SYSTEM_LOG in choose(Wanted("full")).probes and system_log.FULL_BYTES > 3 * system_log.LIMIT_BYTES
    assert sum(item.cost_seconds for item in full.values()) > 2 * sum(item.cost_seconds for item in standard.values())
    asked = items_of(Wanted("quick", include=("artifacts/packages.log",)))
    assert [item.artifacts for item in asked if item.name == "packages"] == [("artifacts/packages.log",)]
    assert "packages" not in names(Wanted("full", exclude=("artifacts/packages.log",)))


def test_items_and_areas_come_and_go() -> None:
    """An item, an area or an artifact; what is excluded stays out, and is told where the profile has it."""
    assert names(Wanted("quick", include=("smart",))) == {probe.name for probe in QUICK} | {"smart"}
    assert names(Wanted("quick", exclude=("artifacts/kernel.log",))) == names(Wanted("quick")) - {"kernel_log"}
    without = choose(Wanted("standard", exclude=("logs", "smart")))
    assert {"kernel_log", "system_log", "crashes", "smart"} == set(without.left_out)
    both = choose(Wanted("quick", include=("ipmi",), exclude=("ipmi",)))
    assert "ipmi" not in {probe.name for probe in both.probes}
    assert choose(Wanted("quick", exclude=("ipmi",))).left_out == ()


def test_a_probe_runs_as_its_profile_runs_it() -> None:
    """Quick stays quick beside what is included; servers are asked by no probe of it."""
    quick = choose(Wanted("quick", include=("dns", "smart")))
    assert SYSTEM_LOG in quick.probes and SMART in quick.probes
    assert CERTIFICATES in quick.networked()
    assert quick.networked() != quick.probes
    standard = choose(Wanted("standard"))
    assert MORE_SYSTEM_LOG in standard.probes and CERTIFICATES_NETWORKED in standard.networked()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted("standart"), "did you mean 'standard'?"),
        (Wanted(include=("smrt",)), "did you mean 'smart'?"),
        (Wanted(exclude=("netwrok",)), "did you mean 'network'?"),
        (Wanted(exclude=("xyzzy",)), "no item or area 'xyzzy'; `caseprobe bundle --list` shows all"),
    ],
)
def test_an_unknown_name_is_one_clear_error(wanted: Wanted, told: str) -> None:
    """What was meant is offered where it is near."""
    with pytest.raises(UsageError) as caught:
        choose(wanted)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_the_list_shows_all_of_it_and_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON and as lines: item, area, profile, cost, class, why."""
    assert cli.main(["bundle", "--list", "--json", "--profile", "full", "--exclude", "network"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["item"]: row for row in told["items"]}
    assert rows["smart"]["profile"] == "standard" and rows["ipmi"]["programs"] == 1
    assert rows["kernel_log"]["artifacts"] == ["artifacts/kernel.log"] and rows["kernel_log"]["privacy"] == "secret"
    assert all(row["why"] and row["area"] != "network" and row["cost_seconds"] for row in rows.values())
    assert cli.main(["bundle", "--list"]) == 0
    shown = capsys.readouterr().out
    assert item_why("packages") in shown and "ipmi" not in shown
