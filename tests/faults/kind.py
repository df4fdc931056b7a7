"""What a kind of fault is: which check must find it, and how it is made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.groups import writable as groups_writable
from tests.faults.room import Room


@dataclass(frozen=True)
class Expected:
    """What the finding's object must hold; empty for the machine as a whole."""

    subject: str


Make = Callable[[Room], AbstractContextManager[Expected]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault. needs: programs; kernel: paths that must exist for it to be possible at all.

    grouped: it is made in a control group of its own.
    """

    name: str
    check_id: str
    make: Make
    network: bool = False
    profile: str = "quick"
    needs: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    grouped: bool = False

    def missing(self) -> str:
        """What this machine lacks for it; empty where it has everything."""
        programs = [name for name in self.needs if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
        paths = [path for path in self.kernel if not Path(path).exists()]
        groups = ["control groups that can be made"] if self.grouped and not groups_writable() else []
        return ", ".join(f"needs {name}" for name in (*programs, *paths, *groups))
