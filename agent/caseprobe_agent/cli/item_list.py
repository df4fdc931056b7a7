"""Shows the items of a profile: what each is for, what it costs, how private it is. Measures nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from caseprobe.texts.catalogue import item_why
from caseprobe.texts.units import format_seconds
from caseprobe_agent.cli import options
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.config.bundles import load_bundles
from caseprobe_agent.oneshot.choice import Wanted, items_of, profile_of
from caseprobe_agent.probes.items import Item


def show(arguments: argparse.Namespace) -> int:
    """Print every item that the run would have; gives the exit code."""
    settings = options.settings_of()
    bundles = load_bundles(settings.folders)
    wanted = Wanted(arguments.profile, tuple(arguments.include), tuple(arguments.exclude))
    items = items_of(wanted, bundles)
    if arguments.json:
        rows = [_row(item, profile_of(item, bundles)) for item in items]
        print(json.dumps({"profile": wanted.profile, "items": rows}, ensure_ascii=False))
        return 0
    screen = Screen(sys.stdout)
    for area in dict.fromkeys(item.area for item in items):
        screen.line(area, style="bold")
        listed = [item for item in items if item.area == area]
        screen.rows((item.name, _said(item, profile_of(item, bundles), settings.language)) for item in listed)
    screen.line()
    screen.line(_total(items, settings.language))
    return 0


def _said(item: Item, profile: str, language: str) -> str:
    """Why, then profile, cost, privacy and files, in one line."""
    programs = f"{item.programs} programs" if item.programs else ""
    cost = f"about {format_seconds(item.cost_seconds, language)}"
    told = (profile, cost, programs, item.privacy, *item.artifacts)
    return f"{item.why or item_why(item.name, language)} [{', '.join(one for one in told if one)}]"


def _total(items: Iterable[Item], language: str) -> str:
    listed = list(items)
    seconds = format_seconds(sum(item.cost_seconds for item in listed), language)
    return f"{len(listed)} items, about {seconds}, at most {sum(item.programs for item in listed)} foreign programs"


def _row(item: Item, profile: str) -> dict[str, object]:
    return {
        "item": item.name,
        "area": item.area,
        "profile": profile,
        "cost_seconds": item.cost_seconds,
        "programs": item.programs,
        "privacy": item.privacy,
        "artifacts": list(item.artifacts),
        "why": item.why or item_why(item.name),
    }
