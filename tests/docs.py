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
from caseprobe.checks.check import DARWIN, WINDOWS
from caseprobe.texts import catalogue
from tests import catalogues

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "checks"
OTHER = ROOT / "docs" / "other-systems.md"
NEVER = "recorded, never run there"
NAMES = {WINDOWS: "Windows", DARWIN: "macOS"}
NOTE = "<!-- Written by `python -m tests.docs checks`; change the check, not this page. -->"


def check_pages() -> dict[str, str]:
    """Every page of docs/checks: file name -> content."""
    return {"README.md": _index(), **{f"{check.id}.md": _page(check) for check in ALL}}


def other_systems() -> str:
    """docs/other-systems.md: what of other systems is read, and which checks judge it."""
    rows = [
        f"| [{check.id}](checks/{check.id}.md) | {NEVER if WINDOWS in check.elsewhere else '-'} "
        f"| {NEVER if DARWIN in check.elsewhere else '-'} |"
        for check in ALL
        if check.elsewhere
    ]
    counts = {name: sum(name in check.elsewhere for check in ALL) for name in NAMES}
    words = f"{counts[WINDOWS]} of {len(ALL)} checks cover Windows and {counts[DARWIN]} macOS"
    intro = f"{NOTE}\n\n# Other systems\n\n{ABOUT.format(words=words)}\n"
    outputs = [f"| `{name}` | {command} | {section} |" for name, command, section in OUTPUTS]
    head = "| file | command | section |\n| --- | --- | --- |"
    return "\n".join([intro, head, *outputs, "", "| check | Windows | macOS |", "| --- | --- | --- |", *rows, ""])


ABOUT = """The agent runs on Linux. What Windows' and macOS' own tools print can be read and judged, too: recorded
outputs become the same sections, and the same checks judge these. No agent has run there: every check below
is tried on recorded outputs only ("recorded, never run there"), most of them written from the vendor's
documentation (`tests/machines/recorded/README.md` says where each comes from). {words}; every other check
is unknown there and says so.

Nothing rests on the language of the system: keys, numbers, units and codes decide. UTF-16, a console's code
page, cut and binary files are told from good ones; what cannot be read is unknown with its reason. Advice
names the tools of Linux. `caseprobe.recorded.sections_of(system, files)` takes the files by these names:"""
OUTPUTS = (
    ("Win32_OperatingSystem.json", "`Get-CimInstance Win32_OperatingSystem \\| ConvertTo-Json`", "system, memory"),
    ("Win32_ComputerSystem.json", "`Get-CimInstance Win32_ComputerSystem \\| ConvertTo-Json`", "hardware"),
    ("Win32_LogicalDisk.json", "`Get-CimInstance Win32_LogicalDisk \\| ConvertTo-Json`", "filesystems"),
    ("MSFT_PhysicalDisk.json", "`Get-PhysicalDisk \\| ConvertTo-Json`", "smart"),
    (
        "MSFT_StorageReliabilityCounter.json",
        "`Get-PhysicalDisk \\| Get-StorageReliabilityCounter \\| ConvertTo-Json` (administrator)",
        "smart",
    ),
    ("Win32_Service.json", "`Get-CimInstance Win32_Service \\| ConvertTo-Json`", "services"),
    ("System.xml", "`wevtutil qe System /f:xml` or `/f:RenderedXml`", "system_log, system"),
    ("netsh-wlan-show-interfaces.txt", "`netsh wlan show interfaces`", "wireless"),
    ("pathping.txt, tracert.txt", "`pathping -n TARGET`, `tracert -d TARGET`", "path"),
    ("SPSoftwareDataType.json", "`system_profiler -json SPSoftwareDataType`", "system"),
    ("SPHardwareDataType.json", "`system_profiler -json SPHardwareDataType`", "hardware, memory"),
    ("SPStorageDataType.json", "`system_profiler -json SPStorageDataType`", "filesystems"),
    ("SPNVMeDataType.json", "`system_profiler -json SPNVMeDataType`", "smart"),
    ("SPPowerDataType.json", "`system_profiler -json SPPowerDataType`", "sensors"),
    ("SPAirPortDataType.json", "`system_profiler -json SPAirPortDataType`", "wireless"),
    ("diskutil-info-DISK.plist", "`diskutil info -plist DISK`", "smart"),
    ("vm_stat.txt", "`vm_stat`", "memory"),
    ("df-Pki.txt", "`df -Pki`", "filesystems"),
    ("log-show.ndjson", "`log show --style ndjson --last 1d`", "system_log, system"),
)


def _systems(check: Check) -> str:
    """Where a check judges, and how that was tried."""
    elsewhere = [f"{NAMES[name]}: {NEVER}" for name in check.elsewhere]
    return "; ".join(["Linux", *elsewhere])


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
            f"| systems | {_systems(check)} |",
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
    OTHER.write_text(other_systems(), encoding="utf-8")
    print(f"{len(pages)} pages in {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
