"""Pages out of templates: everything that is filled in is escaped, nothing is marked as safe."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from caseprobe import texts
from caseprobe_collector.access import NOBODY, Action, Principal, decide
from caseprobe_collector.console.assets import Assets
from caseprobe_collector.console.credentials import csrf_token
from caseprobe_collector.console.facts import ENGLISH

FOLDER = Path(__file__).parent / "templates"
WORDS = {
    "none": "Nothing judged",
    "ok": "OK",
    "info": "Info",
    "warn": "Warning",
    "critical": "Critical",
    "unknown": "Unknown",
    "not_applicable": "Not applicable",
}
# What a machine's policy speaks of; a kind of a newer version goes by its name.
POLICY = {
    "health": "Hardware and system",
    "checks": "Checks",
    "path_near": "Paths to gateway, resolvers and here",
    "path_target": "Paths to other targets",
    "logs": "Logs",
    "process_arguments": "Arguments of processes",
    "reveal": "True names",
    "site_probe": "The owner’s own probes",
    "watch": "Watching",
    "schedule": "Schedules",
}
# How a session ended that gave nothing, to who asked for it.
ENDED = {
    "failed": "it could not be measured",
    "refused_policy": "the machine’s own policy refuses it",
    "refused_user": "the machine’s owner said no",
    "expired": "nobody answered in time",
    "killed_limit": "it passed its limits and was ended",
    "unknown_after_crash": "the machine’s agent ended in the middle of it",
    "lost": "the machine went away",
}


class Renderer:
    """The templates and what each of them may use."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            bytes=texts.format_bytes,
            seconds=texts.format_seconds,
            moment=moment,
            iso=iso,
            short=short,
            words=words,
            kind=ENGLISH.kind,
            ms=milliseconds,
            sentence=sentence,
        )
        self._environment.globals.update(
            asset=assets.url, severity_word=WORDS.get, POLICY=POLICY, ENDED=ENDED, Action=Action
        )

    def html(self, template: str, request: Request, **values: Any) -> str:
        """One page; by, csrf and may come from the request."""
        by: Principal = getattr(request.state, "principal", NOBODY)
        secret: str = getattr(request.state, "secret", "")

        def may(action: Action, customer_id: str | None = None) -> bool:
            return decide(by, action, customer_id)

        found = self._environment.get_template(template)
        return found.render(
            by=by, may=may, csrf=csrf_token(secret) if secret else "", path=request.url.path, topics=(), **values
        )


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a template."""
    renderer: Renderer = request.app.state.renderer
    return HTMLResponse(renderer.html(template, request, **values), status_code=status)


def moment(value: datetime | None) -> str:
    """A time for people; an absent one says so."""
    return value.strftime("%Y-%m-%d %H:%M UTC") if value else "never"


def iso(value: datetime) -> str:
    """A time for machines."""
    return value.isoformat(timespec="seconds")


def short(identifier: str) -> str:
    """An id that fits a table: its kind and its last characters, in which ids of one day differ.

    >>> short("case_0192f3a4b5c6d7e8f900112233445566")
    'case_…445566'
    """
    kind, mark, rest = identifier.partition("_")
    return f"{kind}_…{rest[-6:]}" if mark and len(rest) > 10 else identifier


def words(identifier: str) -> str:
    """An id like refused_policy as words."""
    return identifier.replace("_", " ")


def sentence(text: str) -> str:
    """A message that begins as a sentence does.

    >>> sentence("name or password is wrong")
    'Name or password is wrong'
    """
    return text[:1].upper() + text[1:]


def milliseconds(value: float | None) -> str:
    """A round-trip time in milliseconds without the unit, which its column names."""
    return "" if value is None else f"{value * 1000:.1f}"
