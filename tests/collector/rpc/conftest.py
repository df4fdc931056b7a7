"""A running desk for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseprobe_collector.storage import create_storage, open_storage
from tests.desk import Rig, running_desk


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A collector's gRPC side with real storage and TLS."""
    create_storage(tmp_path / "data")
    async with open_storage(tmp_path / "data") as storage, running_desk(storage) as running:
        yield running
