"""Show what is in a bundle: the verdict, the findings with their evidence, what was not measured, what was hidden.

A bundle that was made here shows the true names, as its file does not: it is this machine's key that turns them back.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC
from pathlib import Path

from caseprobe import texts
from caseprobe.bundle import BundleReader, snapshot_to_json
from caseprobe.v1 import origin_pb2, snapshot_pb2
from caseprobe_agent.app.own_names import restore_of
from caseprobe_agent.cli import judgement, options
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.cli.windows import told
from caseprobe_agent.oneshot.place import open_new

SUMMARY = "what is in a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `show`."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="write its report, with true names where it is your own",
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the bundle's content; gives the exit code."""
    reader = options.read_bundle(arguments.bundle)
    snapshot = reader.snapshot()
    if arguments.json:
        sys.stdout.write(snapshot_to_json(snapshot).decode())
        return 0
    settings = options.settings_of()
    restore = restore_of(reader.verify(), settings.state_folder)
    screen = Screen(sys.stdout)
    known = restore or judgement.as_it_is
    judgement.show_judgement(screen, snapshot.findings, snapshot.coverage, settings.language, known)
    screen.line()
    screen.rows(
        [*_about(snapshot), *_members(reader), ("hidden", judgement.hidden(snapshot, settings.language))], indent=0
    )
    if restore:
        screen.line("Names above are the true ones; in the file stand-ins take their place.", "dim")
    if arguments.page:
        _write_page(arguments.page, known(reader.read("report.html").decode("utf-8", "replace")))
    missing = judgement.not_measured(snapshot)
    if missing:
        screen.line()
        screen.line("Not measured", "bold")
        screen.rows(missing)
    return 0


def _about(snapshot: snapshot_pb2.Snapshot) -> list[tuple[str, str]]:
    """Whose moment this is."""
    started = snapshot.started_at.ToDatetime(tzinfo=UTC)
    taken = f"{started:%Y-%m-%d %H:%M:%S} UTC by the machine's clock, in {snapshot.duration_seconds:.1f} s"
    rows = [("snapshot", snapshot.snapshot_id), ("agent", snapshot.agent_id), ("case", snapshot.case_id or "-")]
    rows += [("profile", snapshot.profile), ("taken", taken)]
    if snapshot.HasField("origin"):
        rows.append(("recorded by", _origin(snapshot.origin)))
    if snapshot.HasField("window"):
        rows.append(("logs", told(snapshot.window)))
        rows.append(
            ("marked", " … ".join(text for text in (snapshot.window.from_text, snapshot.window.to_text) if text))
        )
    return [(name, texts.printable(value)) for name, value in rows if value]


def _origin(origin: origin_pb2.Origin) -> str:
    """Which other program recorded it, and what of its archive was not taken."""
    skipped = [f"{one.total} left out: {one.reason}" for one in origin.skipped]
    parts = [f"{origin.kind} {origin.tool_version}".strip(), f"{origin.members_total} members", *skipped, origin.damage]
    return "; ".join(part for part in parts if part)


def _write_page(path: Path, page: str) -> None:
    """A page that only its owner can read, never in place of a file that is there."""
    with open_new(path) as file:
        file.write(page.encode("utf-8", "replace"))


def _members(reader: BundleReader) -> list[tuple[str, str]]:
    """What the file holds, and what was left out of it."""
    held = [f"{name} ({texts.format_bytes(reader.size_bytes(name))})" for name in reader.names()]
    gone = [one.name for one in reader.manifest().left_out] if reader.complete else []
    rows = [("in it", ", ".join(held)), ("left out", texts.printable(", ".join(gone)))]
    return [row for row in rows if row[1]]
