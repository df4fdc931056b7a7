"""The catalogues of texts as the product reads them: `python -m tests.catalogues` writes them from their TOML.

People write TOML, with every language of a text side by side; taking it apart costs fifty milliseconds of every run.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from caseprobe.texts import catalogue

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "proto" / "caseprobe" / "texts"
COMMAND = "python -m tests.catalogues"


def compiled() -> dict[str, str]:
    """File name -> content of every catalogue, line by line so that changes merge as those of its TOML do."""
    return {
        f"{name}.json": json.dumps(tomllib.loads(_source(name)), ensure_ascii=False, indent=0) + "\n"
        for name in (*catalogue.FAMILIES, *catalogue.OTHERS)
    }


def _source(name: str) -> str:
    return (FOLDER / "catalogue" / f"{name}.toml").read_text("utf-8")


def written() -> dict[str, str]:
    """The same as it lies there."""
    return {path.name: path.read_text("utf-8") for path in (FOLDER / "compiled").glob("*.json")}


def write() -> None:
    """Make what lies there what the TOML says."""
    folder = FOLDER / "compiled"
    folder.mkdir(exist_ok=True)
    files = compiled()
    for old in written().keys() - files.keys():
        (folder / old).unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    catalogue.read.cache_clear()


if __name__ == "__main__":
    write()
    print(f"{len(compiled())} catalogues in {(FOLDER / 'compiled').relative_to(ROOT)}")
