"""How a function gets a name that another process finds it by."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from operator import attrgetter
from typing import cast


def reference(function: Callable[..., object]) -> str:
    """The text by which a child finds a function again: it must stand by name in an importable module."""
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise ValueError(f"{function.__qualname__} cannot be found by a child: it has no name in a module")
    return f"{function.__module__}:{function.__qualname__}"


def resolve(name: str) -> Callable[..., object]:
    """The function that reference() named."""
    module, _, qualname = name.partition(":")
    return cast(Callable[..., object], attrgetter(qualname)(importlib.import_module(module)))
