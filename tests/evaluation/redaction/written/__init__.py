"""Families that rules were written for."""

from __future__ import annotations

from tests.evaluation.redaction.family import Family
from tests.evaluation.redaction.written import builds, clouds, desktops, first, routers, stores

ALL: tuple[Family, ...] = (
    *first.ALL,
    *builds.ALL,
    *clouds.ALL,
    *stores.ALL,
    *routers.ALL,
    *desktops.ALL,
)
