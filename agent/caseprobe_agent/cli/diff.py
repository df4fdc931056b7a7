"""What changed on a machine between two bundles: packages, kernel, units, links, disks, routes, mounts, counters."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

from caseprobe import texts
from caseprobe.diff import Change, compare, findings_between
from caseprobe.errors import UsageError
from caseprobe.report.words import Words
from caseprobe.v1 import finding_pb2, snapshot_pb2
from caseprobe_agent.cli import options
from caseprobe_agent.cli.screen import MARKS, Screen

SUMMARY = "what changed between two bundles of one machine"
SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `diff`."""
    parser.add_argument("before", type=Path, metavar="A", help="the earlier bundle")
    parser.add_argument("after", type=Path, metavar="B", help="the later bundle")
    parser.add_argument("--all", action="store_true", help=f"print every change, not the first {SHOWN}")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write them as a page that stands alone")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the changes, what matters most first; gives the exit code."""
    before, after = (_snapshot(path) for path in (arguments.before, arguments.after))
    if before.agent_id and after.agent_id and before.agent_id != after.agent_id:
        raise UsageError(f"the bundles are of two machines ({before.agent_id}, {after.agent_id}); give two of one")
    changes, language = compare(before, after), options.settings_of().language
    if arguments.html:
        _write_page(arguments.html, before, after, changes, language)
    if arguments.json:
        print(json.dumps(_document(before, after, changes), ensure_ascii=False))
    else:
        _show(before, after, changes, None if arguments.all else SHOWN, Words(language))
    return 0


def _document(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, changes: list[Change]) -> dict[str, object]:
    found, ended = findings_between(before, after)
    return {
        "before": _about(before),
        "after": _about(after),
        "seconds": _seconds(before, after),
        "findings": {"new": [_worded(one) for one in found], "gone": [_worded(one) for one in ended]},
        "changes": [texts.change_json(change) for change in changes],
    }


def _show(
    before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, changes: list[Change], most: int | None, words: Words
) -> None:
    screen = Screen(sys.stdout)
    screen.line(f"{texts.taken(before)} → {texts.taken(after)}", "bold")
    found, ended = findings_between(before, after)
    for word, findings in (("changes_finding_new", found), ("changes_finding_gone", ended)):
        for one in findings:
            severity, summary = texts.severity(one.state, words.language), texts.summary(one, words.language)
            screen.line(f"{words(word)}: {severity}: {summary}", MARKS[texts.state_name(one.state)][1], indent=2)
    for change in islice(changes, most):
        screen.line(texts.change_sentence(change, words.language), indent=2)
    if most is not None and len(changes) > most:
        screen.line(words.filled("changes_more", n=len(changes) - most), "dim", indent=2)
    if not (changes or found or ended):
        screen.line(words("changes_nothing"), indent=2)


def _write_page(
    path: Path,
    before: snapshot_pb2.Snapshot,
    after: snapshot_pb2.Snapshot,
    changes: list[Change],
    language: str,
) -> None:
    from caseprobe.report import render_changes

    try:
        path.write_text(render_changes(before, after, changes, language), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; give --html a file in a folder of yours") from None


def _worded(finding: finding_pb2.Finding) -> dict[str, str]:
    return {
        "check_id": finding.check_id,
        "object": finding.object,
        "state": texts.state_name(finding.state),
        "summary": texts.summary(finding, "en"),
    }


def _snapshot(path: Path) -> snapshot_pb2.Snapshot:
    return options.read_bundle(path).snapshot()


def _about(snapshot: snapshot_pb2.Snapshot) -> dict[str, str]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "agent_id": snapshot.agent_id,
        "profile": snapshot.profile,
        "started_at": snapshot.started_at.ToJsonString(),
    }


def _seconds(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> float:
    return (after.started_at.ToMicroseconds() - before.started_at.ToMicroseconds()) / 1e6
