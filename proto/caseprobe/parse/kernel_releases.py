"""Kernel releases, and which of them is the newest."""

from __future__ import annotations

import re
from collections.abc import Iterable

# 6.1.0-28-amd64, 5.14.0-503.el9.x86_64, 6.8.0-49-generic, 6.12.1-arch1-1
PARTS = re.compile(r"\d+|[a-z]+")


def newest_release(releases: Iterable[str]) -> str:
    """The newest; empty of none. Numbers count as numbers, and a number is newer than a word (rc1 before the release).

    >>> newest_release(["6.1.0-9-amd64", "6.1.0-28-amd64", "6.1.0-9-cloud-amd64"])
    '6.1.0-28-amd64'
    """
    return max((release for release in releases if release[:1].isdigit()), key=_order, default="")


def _order(release: str) -> list[tuple[int, int, str]]:
    parts = PARTS.findall(release.lower())
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]
