"""The files of a machine in memory, with links that never lead out."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

LINKS_AT_MOST = 40
DEEPEST = 64
FOLDERS_AT_MOST = 50_000


@dataclass(frozen=True, slots=True)
class File:
    """Bytes of a file; cut: more of it was there; source: the archive's own name for what a made-up file is made of."""

    data: bytes
    modified_seconds: float = 0.0
    cut: bool = False
    source: str = ""


class Tree:
    """Files and links by absolute path. kind, tool_version, collected_seconds: what made the archive, and when.

    skipped: how many members were not taken, by reason; damage: why reading ended early.
    """

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.links: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self._folders: dict[str, set[str]] = {"/": set()}
        self.kind = self.tool_version = self.damage = ""
        self.collected_seconds = 0.0
        self.members_total = 0
        self.skipped: Counter[str] = Counter()

    @property
    def full(self) -> bool:
        """Whether there are so many folders that nothing more is kept."""
        return len(self._folders) >= FOLDERS_AT_MOST

    def add(self, path: str, file: File) -> bool:
        """Keep a file; False where something of this name is there."""
        if path in self.files or path in self.links or path in self._folders:
            return False
        if not self._enter(path):
            return False
        self.files[path] = file
        return True

    def add_link(self, path: str, target: str) -> bool:
        """Keep a link; False where something of this name is there."""
        if path in self.files or path in self.links or path in self._folders or not self._enter(path):
            return False
        self.links[path] = target
        return True

    def add_folder(self, path: str) -> None:
        """Keep a folder, which may be empty."""
        if path not in self.files and path not in self.links and self._enter(path):
            self._folders.setdefault(path, set())

    def supply(self, path: str, text: str, source: str) -> None:
        """Put in what a command's output tells, where the archive has no such file; source: the output's name."""
        place = self.resolve(path)
        if place is not None and text:
            self.add(place, File(text.encode(), source=source))

    def resolve(self, path: str, follow_last: bool = True) -> str | None:
        """The path without links; None where they lead in a circle."""
        todo, here, links = deque(path.split("/")), "", 0
        while todo:
            part = todo.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                here = here.rpartition("/")[0]
                continue
            there = f"{here}/{part}"
            target = self.links.get(there) if todo or follow_last else None
            if target is None:
                here = there
                continue
            links += 1
            if links > LINKS_AT_MOST:
                return None
            here = "" if target.startswith("/") else here
            todo.extendleft(reversed(target.split("/")))
        return here or "/"

    def file(self, path: str) -> File | None:
        """The file behind a path, through links; None where there is none."""
        place = self.resolve(path)
        return None if place is None else self.files.get(place)

    def text(self, path: str) -> str:
        """A file's text; empty where there is none."""
        file = self.file(path)
        return "" if file is None else file.data.decode("utf-8", "replace")

    def names(self, path: str) -> set[str] | None:
        """What is in a folder; None where there is no such folder."""
        place = self.resolve(path)
        return None if place is None else self._folders.get(place)

    def output(self, *names: str) -> tuple[str, str]:
        """The first of these commands' outputs that is there and not empty, and its path; two empty texts otherwise.

        names: as sosreport and insights write a command into a file's name: df_-al_-x_autofs.
        """
        for name in names:
            path = self.outputs.get(name, "")
            if path and (text := self.text(path)).strip():
                return text, path
        return "", ""

    def _enter(self, path: str) -> bool:
        """Every folder above a path; False where one is a file or a link, or it is too deep or one too many."""
        if path.count("/") > DEEPEST or self.full:
            return False
        missing = []
        while path != "/":
            folder, _, name = path.rpartition("/")
            folder = folder or "/"
            missing.append((folder, name))
            if folder in self._folders:
                break
            if folder in self.files or folder in self.links:
                return False
            path = folder
        for folder, name in missing:
            self._folders.setdefault(folder, set()).add(name)
        return True
