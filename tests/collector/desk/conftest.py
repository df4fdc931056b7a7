"""A desk: all use cases over real storage."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseprobe_collector.storage import open_storage
from tests.fakes_desk import Desk


@pytest.fixture
async def desk(empty_folder: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """A collector with nothing in it."""
    shutil.copytree(empty_folder, tmp_path / "data")
    async with open_storage(tmp_path / "data") as storage:
        yield Desk(storage)
