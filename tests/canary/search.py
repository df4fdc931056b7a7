"""Looks for canaries in bytes, in what is packed inside them, in six encodings, in one pass each."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import re2
import zstandard

from tests.canary.planting import Canary

ZSTD, ZIP = b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
MOST_UNPACKED = 64 << 20


def forms(value: str) -> dict[str, list[bytes]]:
    """A value in every encoding in which it is looked for."""
    plain = value.encode()
    inner = [b64encode(b"\0" * shift + plain)[(4 * shift + 2) // 3 : -4] for shift in range(3)]
    escaped = "".join(f"\\u{ord(char):04x}" for char in value).encode()
    utf16 = [value.encode("utf-16-le"), value.encode("utf-16-be")]
    return {
        "plain": [plain],
        "base64": [*inner, *(one.replace(b"+", b"-").replace(b"/", b"_") for one in inner)],
        "hex": [plain.hex().encode(), plain.hex().upper().encode()],
        "url": ["".join(f"%{byte:02X}" for byte in plain).encode(), quote(value, safe="").encode()],
        "utf-16": utf16,
        "json": [escaped, value.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/").encode()],
    }


class Search:
    """All canaries as one automaton."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._of: dict[bytes, tuple[str, str, str]] = {}
        for one in canaries:
            for encoding, texts in forms(one.value).items():
                for text in texts:
                    self._of.setdefault(text, (one.kind, one.value, encoding))
        options = re2.Options()
        options.max_mem, options.log_errors, options.encoding = 1 << 28, False, re2.Options.Encoding.LATIN1
        self._pattern = re2.compile(b"|".join(_literal(text) for text in self._of), options)

    def hits(self, data: bytes) -> set[tuple[str, str, str]]:
        """Kind, value and encoding of every canary in these bytes and in what is packed in them."""
        return {self._of[match[0]] for layer in layers(data) for match in self._pattern.finditer(layer)}


def _literal(text: bytes) -> bytes:
    """Exactly these bytes as a pattern."""
    return b"".join(b"\\x%02x" % byte for byte in text)


def layers(data: bytes) -> Iterator[bytes]:
    """The bytes themselves, and what they unpack to."""
    yield data
    if data.startswith(ZSTD):
        yield zstandard.ZstdDecompressor().decompressobj().decompress(data)[:MOST_UNPACKED]
    if data.startswith(ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def files(folder: Path, without: Iterable[str] = ()) -> Mapping[str, bytes]:
    """Every file below a folder by its path, but those of these names."""
    left = set(without)
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in left)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def values(database: Path) -> Iterator[bytes]:
    """Every value in every table of a database, as bytes."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (one if isinstance(one, bytes) else str(one).encode() for one in row)
    connection.close()
