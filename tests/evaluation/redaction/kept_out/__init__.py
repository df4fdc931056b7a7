"""Families that no rule was written for: they measure what redaction does with secrets its author never saw."""

from __future__ import annotations

from tests.evaluation.redaction.family import Family
from tests.evaluation.redaction.kept_out import (
    builds,
    clouds,
    desktops,
    dial_in,
    keys,
    machines,
    routers,
    services,
    stores,
    web,
)

ALL: tuple[Family, ...] = (
    *services.ALL,
    *builds.ALL,
    *clouds.ALL,
    *stores.ALL,
    *web.ALL,
    *dial_in.ALL,
    *routers.ALL,
    *machines.ALL,
    *keys.ALL,
    *desktops.ALL,
)
