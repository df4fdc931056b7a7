"""Families that no rule was written for: they measure what redaction does with secrets its author never saw."""

from __future__ import annotations

from tests.evaluation.redaction.family import Family
from tests.evaluation.redaction.kept_out import dial_in, keys, machines, services, web

ALL: tuple[Family, ...] = (
    *services.ALL,
    *web.ALL,
    *dial_in.ALL,
    *machines.ALL,
    *keys.ALL,
)
