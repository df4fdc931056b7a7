"""How this installation becomes a service: its units, with its own command put in, and whether one should start it."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from caseprobe.errors import UsageError

# What a unit file means by it where the command shall stand.
PROGRAM = "@program@"
# Anything else would have to be quoted for systemd and for a shell.
PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")
# ProtectHome= takes these away from a service.
HOMES = ("/home", "/root", "/run/user")
OTHERS = stat.S_IWGRP | stat.S_IWOTH
HOW = "install it as root where services reach it, such as /opt/caseprobe (docs/operators.md)"


def command(name: str, package: Path) -> Path:
    """Where the command of this name lies, which is part of the package in that folder.

    Raises UsageError where no service should run it: it is not installed, somebody else than root could change what
    would run, or the service's user does not get there.
    """
    called = (Path(sys.argv[0]).absolute(), Path(sys.executable).with_name(name))
    found = next((path for path in called if path.name == name and path.is_file()), None)
    if found is None or not PLAIN.fullmatch(str(found)):
        raise UsageError(f"{found or name} is no command that a unit can name; {HOW}")
    for path in (found, Path(sys.executable), package):
        if (place := changeable(path)) is not None:
            raise UsageError(f"others than root may change {place}, and with it what a service would run; {HOW}")
        if (place := closed(path)) is not None:
            raise UsageError(f"{place} is closed to the user of a service; {HOW}")
    return found


def unit(package: Path, name: str, program: Path) -> str:
    """The text of a unit of a package, for this program."""
    return (package / "units" / name).read_text(encoding="utf-8").replace(PROGRAM, str(program))


def changeable(path: Path) -> Path | None:
    """The first place on the way to a file, links followed, that somebody else than root may change; None: none.

    Whoever may write in a folder can give it another content at any time, but for one whose entries belong to those who
    made them (the sticky bit). A place that cannot be looked at counts as changeable.
    """
    for place in _way(path):
        try:
            found = place.lstat()
        except OSError:
            return place
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if found.st_uid != 0 or (found.st_mode & OTHERS and not sticky and not stat.S_ISLNK(found.st_mode)):
            return place
    return None


def closed(path: Path) -> Path | None:
    """The first folder on the way to a file, links followed, into which a service may not go; None: none."""
    folders = (place for place in _way(path) if place.is_dir())
    return next((one for one in folders if str(one) in HOMES or not one.stat().st_mode & stat.S_IXOTH), None)


def _way(path: Path) -> list[Path]:
    """Every place that leads to a file, links and what they lead to among them, each once."""
    todo, way = [path.absolute()], dict[Path, None]()
    while todo:
        place = todo.pop()
        for step in (*reversed(place.parents), place):
            if step not in way:
                way[step] = None
                if step.is_symlink():
                    todo.append(Path(os.path.normpath(step.parent / step.readlink())))
    return list(way)
