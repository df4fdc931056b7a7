"""One TOML file, with the line of every key, so that an error can name file, line and key."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from caseprobe.errors import ConfigurationError

LARGEST_FILE_BYTES = 1 << 20

Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | object


@dataclass(frozen=True)
class Document:
    """A parsed file: its path, text and values."""

    path: Path
    text: str
    values: dict[str, Value]

    def line(self, key: str) -> int:
        """Where a dotted key stands, counting from 1; 0 where it cannot be told."""
        table = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
                table = header[1].replace('"', "").replace("'", "")
                if table == key or table.startswith(f"{key}."):
                    return number
            elif name := re.match(r"""\s*((?:"[^"]*"|'[^']*'|[\w.-])+)\s*=""", line):
                full = f"{table}.{name[1]}" if table else name[1]
                if full.replace('"', "").replace("'", "") == key:
                    return number
        return self.line(key.rpartition(".")[0]) if "." in key else 0

    def table(self, key: str, value: Value) -> dict[str, Value]:
        """The value of a key that must be a table."""
        if not isinstance(value, dict):
            self.refuse(key, f"must be a table: [{key}]")
        return value

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise the ConfigurationError that names this file, the key's line, the key and what to do."""
        line = self.line(key)
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        raise ConfigurationError(f"{where}: {key}: {problem}")


def read(path: Path) -> Document | None:
    """The file's values, or None where there is no such file.

    Raises ConfigurationError where it cannot be read or parsed, or where someone other than its owner may write it.
    """
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            data = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{path}: larger than {LARGEST_FILE_BYTES} bytes; this is no settings file")
    import tomllib  # most machines have no such file

    try:
        text = data.decode()
        # A line end more, so that an error in the last line has a line number too.
        return Document(path, text, tomllib.loads(text + "\n"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = str(error).replace("at end of document", f"at the end, line {data.count(10) + 1}")
        raise ConfigurationError(f"{path}: not valid TOML: {what}") from error


def _check_owner(path: Path, status: os.stat_result) -> None:
    """Settings hold the policy: only root or the user who runs this may be able to write them."""
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(f"{path}: belongs to another user; make it yours or root's (chown)")
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise ConfigurationError(f"{path}: others may write it; run: chmod go-w {path}")
