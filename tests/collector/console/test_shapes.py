"""What stands for a use case in these tests is called as the use case is."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import get_type_hints

import pytest

from caseprobe_collector.console import Services
from tests.fakes_console import World
from tests.worlds_console import services

FAKED = ("cases", "customers", "fleet", "users", "enrolment", "snapshots", "sessions", "schedules", "presence", "audit")


@pytest.mark.parametrize("name", FAKED)
def test_a_fake_takes_what_the_use_case_takes(name: str) -> None:
    """Every method of the fake is one of the use case's, with the same parameters and defaults."""
    real, fake = get_type_hints(Services)[name], type(getattr(services(World()), name))
    methods = {method for method, _ in inspect.getmembers(fake, inspect.isfunction) if not method.startswith("_")}
    assert methods
    for method in sorted(methods & {member for member, _ in inspect.getmembers(real, inspect.isfunction)}):
        assert parameters(fake, method) == parameters(real, method), method


def parameters(kind: type, method: str) -> list[tuple[str, object]]:
    """Names and defaults."""
    found = inspect.signature(getattr(kind, method)).parameters.values()
    return [(parameter.name, parameter.default) for parameter in found]


def test_every_service_has_a_stand_in() -> None:
    """No route is tested without what it calls."""
    assert {field.name for field in fields(Services)} - set(FAKED) == {"config", "authority", "bus", "clock", "drafts"}
