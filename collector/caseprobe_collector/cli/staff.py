"""The commands that staff use over the HTTP API, by name."""

from __future__ import annotations

import typer

from caseprobe_collector.cli import agent, case, customer, import_, join_code, live, schedule, snapshot, user

apps: tuple[tuple[str, typer.Typer], ...] = (
    ("case", case.app),
    ("customer", customer.app),
    ("agent", agent.app),
    ("join-code", join_code.app),
    ("live", live.app),
    ("schedule", schedule.app),
    ("import", import_.app),
    ("snapshot", snapshot.app),
    ("user", user.app),
)
