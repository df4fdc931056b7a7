"""A desk: all use cases over real storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseprobe_collector.storage import open_storage
from tests.fakes_desk import Desk


@pytest.fixture
async def desk(data_folder: Path) -> AsyncIterator[Desk]:
    """A collector with nothing in it."""
    async with open_storage(data_folder) as storage:
        yield Desk(storage)
