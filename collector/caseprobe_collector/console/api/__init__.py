"""The HTTP API under /api/v1: what the pages' scripts and the staff command line call."""

from __future__ import annotations

from caseprobe_collector.console.api import account, cases, fleet, sessions, snapshots, staff

ROUTES = (
    *account.ROUTES,
    *cases.ROUTES,
    *snapshots.ROUTES,
    *sessions.ROUTES,
    *fleet.ROUTES,
    *staff.ROUTES,
)
