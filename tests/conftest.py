"""What is costly to make and the same for every test."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from caseprobe_collector.storage import create_storage, open_storage
from caseprobe_collector.storage.names import RESERVE
from tests.sharing import ByGroup, longest_first
from tests.spending import GRAINS, Spending

# A busy machine makes an example slow, not wrong; the time limit of a whole test still holds.
settings.register_profile("house", deadline=None, max_examples=int(os.environ.get("CASEPROBE_EXAMPLES", "60")))
settings.load_profile("house")

# fsync costs nothing there; tests of durability itself use tmp_path, which is on a disk.
MEMORY = Path("/dev/shm")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How finely the spending is shown."""
    parser.addoption("--spending", choices=GRAINS, help="show where the time goes; a run in several processes does")


def pytest_configure(config: pytest.Config) -> None:
    """Count what the suite takes, and hear Ctrl-C."""
    several = "folder" if config.getoption("numprocesses", None) else ""
    config.pluginmanager.register(Spending(config.getoption("spending") or several))
    # A shell starts what runs in its background deaf to it, and so would be everything that a test interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items[:] = longest_first(items)


def pytest_collection_finish() -> None:
    """All that was loaded and collected stays to the end: it is not looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup | None:
    """In several processes: what shares a stage stays together."""
    return ByGroup(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collector's data folder with schema and CA and nothing in it; tests work on copies."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    create_storage(folder)

    async def open_once() -> None:
        async with open_storage(folder):
            pass

    asyncio.run(open_once())
    # 32 MiB that every collector makes anew: no need to copy them hundreds of times.
    (folder / RESERVE).unlink()
    return folder


@pytest.fixture
def data_folder(empty_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it for one test, in memory where the system has a place for that."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        yield Path(shutil.copytree(empty_folder, Path(folder) / "data"))
