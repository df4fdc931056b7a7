"""The [policy] table of a settings file, read into rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from ipaddress import ip_network

from caseprobe_agent.config.document import Document, Value
from caseprobe_agent.consent.policy import ALLOW, ASK, DENY, LOG_PROBES, Choice, Kind, Rule, kinds

CHOICES: Mapping[str, Choice] = {"allow": ALLOW, "ask": ASK, "deny": DENY}


def read_rules(document: Document, defaults: Mapping[Kind, Rule]) -> dict[Kind, Rule]:
    """The rules that a file states; a kind that it does not mention is not in the result.

    defaults give the limits and the decision of a kind whose table does not state them.
    """
    table = document.values.get("policy", {})
    if not isinstance(table, dict):
        document.refuse("policy", "must be a table, for example [policy]")
    known = kinds()
    for name in table:
        if name not in known:
            document.refuse(f"policy.{name}", f"no such kind; kinds are: {', '.join(known)}")
    return {known[name]: _rule(document, name, value, defaults.get(known[name])) for name, value in table.items()}


def _rule(document: Document, name: str, value: Value, default: Rule | None) -> Rule:
    """One kind: its decision alone, or a table with decision and limits."""
    key = f"policy.{name}"
    base = default or Rule(DENY)
    if isinstance(value, str):
        return replace(base, decision=_choice(document, key, value))
    if not isinstance(value, dict):
        document.refuse(key, 'must be "allow", "ask", "deny" or a table')
    for field in value:
        if field not in (known := ("decision", "window", "sources" if name == "logs" else "targets", *LIMITS)):
            document.refuse(f"{key}.{field}", f"unknown; known are: {', '.join(known)}")
    limits = {f: _limit(document, f"{key}.{f}", value[f], LIMITS[f]) for f in LIMITS if f in value}
    return Rule(
        _choice(document, f"{key}.decision", value["decision"]) if "decision" in value else base.decision,
        (_targets(document, f"{key}.targets", value["targets"]),) if "targets" in value else base.targets,
        (_window(document, f"{key}.window", value["window"]),) if "window" in value else base.windows,
        limits.get("longest_session_seconds", base.longest_session_seconds),
        _whole(limits.get("packets_per_session", base.packets_per_session)),
        _whole(limits.get("sessions_per_day", base.sessions_per_day)),
        (_sources(document, f"{key}.sources", value["sources"]),) if "sources" in value else base.sources,
        _whole(limits.get("load_bytes_per_session", base.load_bytes_per_session)),
    )


def _is_count(limit: float) -> bool:
    return limit >= 0 and limit.is_integer()


LIMITS: Mapping[str, Callable[[float], bool]] = {
    "longest_session_seconds": lambda limit: limit > 0,
    "packets_per_session": _is_count,
    "load_bytes_per_session": _is_count,
    "sessions_per_day": _is_count,
}


def _whole(limit: float | None) -> int | None:
    """A count, where there is one."""
    return None if limit is None else int(limit)


def _choice(document: Document, key: str, value: Value) -> Choice:
    """allow, ask or deny."""
    if not isinstance(value, str) or value not in CHOICES:
        document.refuse(key, f'must be "allow", "ask" or "deny", not {value!r}')
    return CHOICES[value]


def _limit(document: Document, key: str, value: Value, holds: Callable[[float], bool]) -> float:
    """A number within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not holds(float(value)):
        document.refuse(key, f"must be a positive number (a whole one or 0 for a count), not {value!r}")
    return float(value)


def _window(document: Document, key: str, value: Value) -> tuple[time, time]:
    """A time window such as "08:00-18:00"."""
    try:
        begins, ends = str(value).split("-")
        return time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
    except ValueError:
        document.refuse(key, f'must be a time window such as "08:00-18:00", not {value!r}')


def _targets(document: Document, key: str, value: Value) -> tuple[str, ...]:
    """Addresses, networks and names."""
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry.strip() for entry in value):
        document.refuse(key, 'must be a list of addresses, networks or names, for example ["192.0.2.0/24"]')
    for entry in value:
        _check_target(document, key, str(entry))
    return tuple(str(entry).strip() for entry in value)


def _sources(document: Document, key: str, value: Value) -> tuple[str, ...]:
    """Names of logs."""
    if not isinstance(value, list) or not all(entry in LOG_PROBES for entry in value):
        document.refuse(key, f"must be a list of logs by name; the logs are: {', '.join(LOG_PROBES)}")
    return tuple(str(entry) for entry in value)


def _check_target(document: Document, key: str, entry: str) -> None:
    """Something that looks like an address must be one: a typo must not become a name that matches nothing."""
    if not entry.replace(".", "").replace("/", "").isdigit() and ":" not in entry and "/" not in entry:
        return
    try:
        ip_network(entry.strip(), strict=False)
    except ValueError:
        document.refuse(key, f"{entry!r} is neither an address nor a network")
