"""Rules of the house that no linter knows, read off the syntax trees of all sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "agent", ROOT / "collector", ROOT / "proto"]
# What would hand a string to a shell, an interpreter or an unpacker that writes where the archive says.
FORBIDDEN_CALLS = {"eval", "exec", "extractall", "extract", "system", "popen", "unpack_archive", "mktemp"}
# What the resident agent leaves to its children.
HEAVY = (
    *("rich", "cryptography", "ctypes", "pydantic", "typer", "zstandard", "caseprobe.checks", "caseprobe.redaction"),
    *("caseprobe_agent.reader", "caseprobe_agent.machine.with_reader"),
)


def pure_modules() -> list[str]:
    """The modules that the import contract calls pure."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return list(next(one for one in contracts if one["name"] == "Pure modules import no IO")["source_modules"])


def files_of(module: str) -> Iterator[Path]:
    """The files of a module or package."""
    place = Path(*module.split("."))
    for source in SOURCES:
        path = source / place
        yield from path.rglob("*.py") if path.is_dir() else filter(Path.exists, [path.with_suffix(".py")])


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, by the last part of its name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield name, node


def places(path: Path, node: ast.Call) -> str:
    """Where a call stands."""
    return f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("module", pure_modules())
def test_pure_modules_open_nothing_and_read_no_clock(module: str) -> None:
    """Names outside the import contract's list: open, and now or today without a time zone handed in."""
    files = list(files_of(module))
    assert files, f"{module} is listed as pure and does not exist"
    found = [
        places(path, node)
        for path in files
        for name, node in calls(path)
        if (name == "open" and isinstance(node.func, ast.Name))
        or (name in ("now", "today", "utcnow") and not node.args and not node.keywords)
    ]
    assert found == []


def test_no_string_becomes_a_command_or_a_path_of_an_archive() -> None:
    """No shell, no eval, no extractall anywhere in the product."""
    found = [
        places(path, node)
        for source in SOURCES
        for path in source.rglob("*.py")
        for name, node in calls(path)
        if (name in FORBIDDEN_CALLS and not name.startswith("test"))
        or any(word.arg == "shell" and not _is_false(word.value) for word in node.keywords)
    ]
    assert found == []


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def test_the_resident_agent_loads_nothing_heavy() -> None:
    """A fresh interpreter that imports the resident agent holds none of what its children do for it."""
    program = f"""
import sys
import caseprobe_agent.app.resident, caseprobe_agent.cli.run
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_who_chooses_probes_loads_none_of_them() -> None:
    """A child measures: before it is asked to, a one-shot run has loaded no probe, no parser of a log and no check."""
    program = """
import sys
import caseprobe_agent.cli.one_shot
from caseprobe_agent.probes import ALL
loaded = {probe.measure.partition(":")[0] for probe in ALL} & sys.modules.keys()
print([*loaded, *(name for name in ("caseprobe.checks", "caseprobe.parse.logs.text") if name in sys.modules)])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_that_customers_read_tells_them_to_skip_the_preview() -> None:
    """The option stands where it is defined and where our own demo plays it, and in no text, page or catalogue."""
    known = {"agent/caseprobe_agent/cli/bundle.py", "agent/caseprobe_agent/demo/__init__.py"}
    kinds = (".py", ".toml", ".html", ".js", ".css")
    found = [
        str(path.relative_to(ROOT))
        for source in SOURCES
        for path in source.rglob("*")
        if path.suffix in kinds and re.search(r"no[-_ ]preview['\"` ]|--no-prev", _texts(path))
    ]
    assert set(found) - known == set()


def _texts(path: Path) -> str:
    """What a file can say: of a program its string literals without docstrings, of anything else all."""
    text = path.read_text()
    # However a string is put together, the word stands somewhere in it.
    if path.suffix != ".py" or "prev" not in text:
        return text
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    said = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(f"{text} " for text in said if text not in docs)
