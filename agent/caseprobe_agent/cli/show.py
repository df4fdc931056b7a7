"""Show what is in a bundle: the verdict, the findings with their evidence, what was not measured, what was hidden."""

from __future__ import annotations

import argparse
import io
import sys
from datetime import UTC
from pathlib import Path

from caseprobe import texts
from caseprobe.bundle import BundleReader, snapshot_to_json
from caseprobe.v1 import snapshot_pb2
from caseprobe_agent.cli import judgement, options
from caseprobe_agent.cli.screen import Screen

SUMMARY = "what is in a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `show`."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the bundle's content; gives the exit code."""
    reader = BundleReader(io.BytesIO(options.read_file(arguments.bundle)))
    snapshot = reader.snapshot()
    if arguments.json:
        sys.stdout.write(snapshot_to_json(snapshot).decode())
        return 0
    language = options.settings_of().language
    screen = Screen(sys.stdout)
    judgement.show_judgement(screen, snapshot.findings, snapshot.coverage, language)
    screen.line()
    screen.rows([*_about(snapshot), *_members(reader), ("hidden", judgement.hidden(snapshot))], indent=0)
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
    return [(name, texts.printable(value)) for name, value in [*rows, ("profile", snapshot.profile), ("taken", taken)]]


def _members(reader: BundleReader) -> list[tuple[str, str]]:
    """What the file holds."""
    held = [f"{name} ({texts.format_bytes(reader.size_bytes(name))})" for name in reader.names()]
    return [("in it", ", ".join(held))]
