"""Pages that are written from the code: `python -m tests.docs checks` rewrites docs/checks; a test compares them.

The catalogues of texts are compiled before, because the pages quote them.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from caseprobe import texts
from caseprobe.checks import ALL, Check
from caseprobe.texts import catalogue
from tests import catalogues

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "checks"
NOTE = "<!-- Written by `python -m tests.docs checks`; change the check, not this page. -->"


def check_pages() -> dict[str, str]:
    """Every page of docs/checks: file name -> content."""
    return {"README.md": _index(), **{f"{check.id}.md": _page(check) for check in ALL}}


def _index() -> str:
    rows = [f"| [{check.id}]({check.id}.md) | {texts.title(check.id)} | {check.reads} |" for check in ALL]
    intro = (
        f"{NOTE}\n\n# Checks\n\n{len(ALL)} checks judge a snapshot. Each is a pure function over one section and ends "
        "as ok, a finding\n(info, warn, critical), unknown (it could not be read, with reason and missing right) "
        "or not applicable\n(the machine has no such thing). Absent is never ok.\n"
    )
    return "\n".join([intro, "| check | looks at | section |", "| --- | --- | --- |", *rows, ""])


def _page(check: Check) -> str:
    why = inspect.cleandoc(check.judge.__doc__ or "")
    return "\n".join(
        [
            NOTE,
            "",
            f"# {check.id}: {texts.title(check.id)}",
            "",
            why,
            "",
            "| | |",
            "| --- | --- |",
            f"| reads | the `{check.reads}` section |",
            f"| levels | {_cell(check.threshold)} |",
            f"| source of the levels | {_cell(check.threshold_source)} |",
            "",
            "## What it says",
            "",
            *_variants(check),
            "## When it cannot tell",
            "",
            f"Where the `{check.reads}` section was denied, timed out or failed, it is *unknown* with that reason "
            "and the missing\nright; where the machine has no such thing it is *not applicable*. Neither counts as ok.",
            "",
        ]
    )


def _variants(check: Check) -> list[str]:
    found = []
    for name, variant in catalogue.checks()[check.id].items():
        if name != "title":
            found += [f"- **{_places(variant['summary']['en'])}**", f"  {_places(variant['advice']['en'])}"]
    return [*found, ""]


def _places(template: str) -> str:
    """A template as a reader of the page sees it: values by name, counted words in the plural."""
    words = re.sub(r"\{\w+\|[^{}]*\|([^{}|]*)\}", r"\1", template)
    return re.sub(r"\{(\w+)\}", r"`\1`", words)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Write the pages that are asked for."""
    if sys.argv[1:] != ["checks"]:
        print("usage: python -m tests.docs checks", file=sys.stderr)
        return 2
    catalogues.write()
    FOLDER.mkdir(parents=True, exist_ok=True)
    pages = check_pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, content in pages.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    print(f"{len(pages)} pages in {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
