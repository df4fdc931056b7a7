"""What is costly to make and the same for every test."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import settings

from caseprobe_collector.storage import create_storage, open_storage

# A busy machine makes a test slow, not wrong; the time limit of a whole test still holds.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collector's data folder with schema and CA and nothing in it; tests work on copies."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    create_storage(folder)

    async def open_once() -> None:
        async with open_storage(folder):
            pass

    asyncio.run(open_once())
    return folder
