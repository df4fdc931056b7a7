"""The pages: what the API gives, laid out for people; every change goes through the API."""

from __future__ import annotations

from caseprobe_collector.console.pages import cases, login, machines, sessions, snapshots, staff

ROUTES = (
    *login.ROUTES,
    *cases.ROUTES,
    *snapshots.ROUTES,
    *sessions.ROUTES,
    *machines.ROUTES,
    *staff.ROUTES,
)
