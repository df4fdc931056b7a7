#!/usr/bin/env python3
"""Measure the style of a Python tree with the standard library only.

usage: codestats.py TREE... [--exclude GLOB]... [--worst N] [--json] [--check]

Each TREE is a folder (or a file).  Every figure is per tree:

files, lines       Python files that hold at least one line, and their lines
func med/p90       lines of a function from ``def`` to its last line, docstring included
code med/p90       the same without docstring, blank and comment-only lines
file med/p90       lines of a file
annot %            annotated slots of all slots (parameters but self/cls, and the return,
                   except that of __init__)
doc %              public classes and functions that have a docstring; public means that
                   neither its own name nor that of a class around it starts with an
                   underscore, and no function encloses it (dunders and @overload left out)
nest max/p90       compound statements inside one another in one function (elif adds none)
cycles             groups of modules that import each other when loaded; an import inside a
                   function or under TYPE_CHECKING does not count, nor does the import of a
                   parent package that Python adds
lazy               the same, with those late imports counted: what laziness hides

With --check the exit code is 1 if a tree breaks a bar, and every broken bar is a line on
stderr: func med <= 10, func p90 <= 25, file p90 <= 300, annot 100 %, doc >= 95 %,
nest max <= 4, lazy 0.  The percentages are compared before they are rounded.  A file that
cannot be parsed breaks a bar too, because nothing in it was measured.

Generated protobuf code (*_pb2.py, *_pb2_grpc.py, *.pyi) is never measured.  A folder without
an __init__.py is no package here: its modules go by their bare names, and cycles among them
show only if they import each other by those names.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import io
import json
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

GENERATED = ("*_pb2.py", "*_pb2_grpc.py", "*.pyi")
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = dict[str, set[str]]

AT_MOST = {"func med": 10, "func p90": 25, "file p90": 300, "nest max": 4, "lazy": 0, "unparsed": 0}
AT_LEAST_PERCENT = {"annot %": 100, "doc %": 95}


@dataclass
class Stats:
    """What was counted in one tree; lengths and depths in file order, not yet summarised."""

    file_lines: list[int] = field(default_factory=list)
    func_lines: list[tuple[int, str]] = field(default_factory=list)
    code_lines: list[int] = field(default_factory=list)
    nesting: list[tuple[int, str]] = field(default_factory=list)
    slots: int = 0
    annotated: int = 0
    public: int = 0
    documented: int = 0
    eager: Graph = field(default_factory=dict)
    late: Graph = field(default_factory=dict)
    unparsed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """One parsed file: its path, its syntax tree and the numbers of its lines of code."""

    path: Path
    tree: ast.Module
    lines: int
    code: set[int]


def python_files(tree: Path, exclude: list[str]) -> list[Path]:
    """Paths of the hand-written Python files of a tree, sorted."""
    found = [tree] if tree.is_file() else sorted(tree.rglob("*.py"))
    patterns = [*GENERATED, *exclude]
    return [
        p
        for p in found
        if p.is_file() and not any(fnmatch.fnmatch(str(p), f"*{g}") or fnmatch.fnmatch(str(p), g) for g in patterns)
    ]


def code_line_numbers(source: str) -> set[int]:
    """Numbers of the lines that hold at least one token that is not a comment or layout."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def depth(node: ast.AST) -> int:
    """Deepest nesting of compound statements below a node, nested functions left out."""
    deepest = 0
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.expr)):
                continue
            is_elif = isinstance(node, ast.If) and name == "orelse" and len(value) == 1 and isinstance(child, ast.If)
            own = int(isinstance(child, BLOCKS) and not is_elif)
            deepest = max(deepest, own + depth(child))
    return deepest


def count_slots(func: Function, is_method: bool) -> tuple[int, int]:
    """(slots, annotated slots) of one function's signature."""
    a = func.args
    params = [*a.posonlyargs, *a.args]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in func.decorator_list)
    if is_method and params and not static:
        params = params[1:]
    params += [*a.kwonlyargs, *(p for p in (a.vararg, a.kwarg) if p)]
    marks = [p.annotation is not None for p in params]
    if func.name != "__init__":
        marks.append(func.returns is not None)
    return len(marks), sum(marks)


def docstring_lines(func: Function) -> set[int]:
    """Numbers of the lines of a function's docstring; empty if it has none."""
    if ast.get_docstring(func, clean=False) is None:
        return set()
    doc = func.body[0]
    return set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))


def count_public(stats: Stats, documented: bool) -> None:
    """Count one public class or function."""
    stats.public += 1
    stats.documented += documented


def count_function(stats: Stats, func: Function, source: Source, scope: str, public: bool) -> None:
    """Count one function: its length, nesting, annotations and docstring."""
    begin, end = func.lineno, func.end_lineno or func.lineno
    place = f"{source.path}:{begin} {func.name}"
    stats.func_lines.append((end - begin + 1, place))
    doc_lines = docstring_lines(func)
    stats.code_lines.append(len((source.code & set(range(begin, end + 1))) - doc_lines))
    stats.nesting.append((depth(func), place))
    slots, annotated = count_slots(func, scope == "class")
    stats.slots += slots
    stats.annotated += annotated
    overload = any("overload" in ast.dump(d) for d in func.decorator_list)
    if public and scope != "function" and not func.name.startswith("_") and not overload:
        count_public(stats, bool(doc_lines))


def visit(stats: Stats, node: ast.AST, source: Source, scope: str = "module", public: bool = True) -> None:
    """Count the definitions below a node; scope is 'module', 'class' or 'function'."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            count_function(stats, child, source, scope, public)
            visit(stats, child, source, "function", False)
        elif isinstance(child, ast.ClassDef):
            seen = public and scope != "function" and not child.name.startswith("_")
            if seen:
                count_public(stats, ast.get_docstring(child) is not None)
            visit(stats, child, source, "class", seen)
        elif not isinstance(child, ast.expr):  # in which nothing is defined
            visit(stats, child, source, scope, public)


def module_name(path: Path) -> str:
    """Dotted name of a file, counted from the highest folder that still is a package."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts) or path.stem


def imported(node: ast.AST, package: list[str]) -> list[str]:
    """Dotted names that an import statement may load, the longest candidates included."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        stem = ".".join([*base, *([node.module] if node.module else [])])
        return [f"{stem}.{alias.name}" if stem else alias.name for alias in node.names]
    return []


def walk_imports(node: ast.AST, package: list[str], late: bool = False) -> Iterator[tuple[bool, str]]:
    """Yield (late, name) for every import below a node."""
    for child in (one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)):
        for name in imported(child, package):
            yield late, name
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        yield from walk_imports(child, package, late or typing_only or isinstance(child, FUNCTIONS))


def reachable(graph: Graph, start: str) -> set[str]:
    """Nodes that a walk of one or more steps from start can meet."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        fresh = graph[todo.pop()] - seen
        seen |= fresh
        todo += fresh
    return seen


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of two or more nodes that reach one another, sorted."""
    reach = {node: reachable(graph, node) for node in graph}
    groups = {frozenset(n for n in reach[node] if node in reach[n]) for node in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def known(name: str, modules: set[str]) -> str | None:
    """The longest prefix of a dotted name that is a module of the tree."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def parse(path: Path) -> Source | None:
    """One file read and parsed, or None where this Python cannot parse it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.strip():
        return Source(path, ast.Module(body=[], type_ignores=[]), 0, set())
    try:
        lines = text.count("\n") + (not text.endswith("\n"))
        return Source(path, ast.parse(text), lines, code_line_numbers(text))
    except (SyntaxError, tokenize.TokenError, ValueError):
        return None


def measure(tree: Path, exclude: list[str]) -> Stats:
    """Read every file of a tree once."""
    stats = Stats()
    imports: dict[str, list[tuple[bool, str]]] = {}
    for path in python_files(tree, exclude):
        source = parse(path)
        if source is None:
            stats.unparsed.append(str(path))
            continue
        if source.lines:
            stats.file_lines.append(source.lines)
        visit(stats, source.tree, source)
        name = module_name(path)
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        imports.setdefault(name, []).extend(walk_imports(source.tree, package))
    link(stats, imports)
    return stats


def link(stats: Stats, imports: dict[str, list[tuple[bool, str]]]) -> None:
    """Fill the two import graphs with the imports that stay inside the tree."""
    modules = set(imports)
    for name, targets in imports.items():
        found = [(late, known(target, modules)) for late, target in targets]
        stats.eager[name] = {t for late, t in found if t and t != name and not late}
        stats.late[name] = {t for _, t in found if t and t != name}


def quantile(values: list[int], q: float) -> int:
    """The value at rank q of a list (0 for an empty one)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0


def summary(stats: Stats) -> dict[str, int]:
    """The figures of one tree, in the order in which they are printed."""
    func = [n for n, _ in stats.func_lines]
    nest = [n for n, _ in stats.nesting]
    eager, late = cycles(stats.eager), cycles(stats.late)
    return {
        "files": len(stats.file_lines),
        "lines": sum(stats.file_lines),
        "funcs": len(func),
        "func med": quantile(func, 0.5),
        "func p90": quantile(func, 0.9),
        "code med": quantile(stats.code_lines, 0.5),
        "code p90": quantile(stats.code_lines, 0.9),
        "file med": quantile(stats.file_lines, 0.5),
        "file p90": quantile(stats.file_lines, 0.9),
        "annot %": round(100 * stats.annotated / stats.slots) if stats.slots else 0,
        "doc %": round(100 * stats.documented / stats.public) if stats.public else 0,
        "nest max": max(nest, default=0),
        "nest p90": quantile(nest, 0.9),
        "cycles": len(eager),
        "in them": sum(map(len, eager)),
        "lazy": len(late),
        "in lazy": sum(map(len, late)),
        "unparsed": len(stats.unparsed),
    }


def broken_bars(stats: Stats, row: dict[str, int]) -> list[str]:
    """One line per bar that a tree breaks; empty if it keeps them all."""
    broken = [f"{name} is {row[name]}, at most {bar}" for name, bar in AT_MOST.items() if row[name] > bar]
    counts = {"annot %": (stats.annotated, stats.slots), "doc %": (stats.documented, stats.public)}
    for name, bar in AT_LEAST_PERCENT.items():
        have, of = counts[name]
        if 100 * have < bar * of:
            broken.append(f"{name} is {100 * have / of:.1f} ({have} of {of}), at least {bar}")
    return broken


def print_table(rows: dict[str, dict[str, int]]) -> None:
    """One Markdown row per tree."""
    head = ["tree", *next(iter(rows.values()))]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for name, row in rows.items():
        print("| " + " | ".join([name, *map(str, row.values())]) + " |")


def print_worst(name: str, stats: Stats, count: int) -> None:
    """The longest and the deepest functions of one tree, its cycles and its unparsed files."""
    print(f"\n{name}")
    for title, items in (("longest", stats.func_lines), ("deepest", stats.nesting)):
        for n, place in sorted(items, reverse=True)[:count]:
            print(f"  {title} {n:4} {place}")
    for title, graph in (("cycle", stats.eager), ("lazy cycle", stats.late)):
        for group in cycles(graph):
            print(f"  {title} {' <-> '.join(group[:8])}{' …' if len(group) > 8 else ''}")
    for path in stats.unparsed:
        print(f"  unparsed {path}")


def arguments() -> argparse.Namespace:
    """The command line; ends the program with a message if a tree does not exist."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", type=Path, metavar="TREE")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="matched against the whole path")
    parser.add_argument(
        "--worst", type=int, default=0, metavar="N", help="also list the N longest and deepest functions and the cycles"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of a table")
    parser.add_argument("--check", action="store_true", help="exit 1, with a line on stderr for every broken bar")
    args = parser.parse_args()
    missing = [str(t) for t in args.trees if not t.exists()]
    if missing:
        parser.error(f"no such tree: {', '.join(missing)}")
    return args


def main() -> int:
    """Print one Markdown row per tree, or JSON; the exit code is 1 if a checked bar is broken."""
    args = arguments()
    measured = {str(t): measure(t, args.exclude) for t in args.trees}
    rows = {name: summary(stats) for name, stats in measured.items()}
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)
        for name, stats in measured.items() if args.worst else ():
            print_worst(name, stats, args.worst)
    broken = [f"{name}: {line}" for name, stats in measured.items() for line in broken_bars(stats, rows[name])]
    if args.check and broken:
        print("\n".join(broken), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
