"""Judge this machine, or what is given: bundles, logs, reports of disks, another root folder.

Nothing is sent, nothing is written.

Exit codes follow the monitoring-plugin convention: 0 ok, 1 warning, 2 critical, 3 nothing could be judged; of several
inputs the worst counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from caseprobe import texts
from caseprobe.checks import ALL, check_snapshot, worst
from caseprobe.errors import CaseprobeError, UsageError
from caseprobe.v1 import finding_pb2, snapshot_pb2
from caseprobe_agent.cli import judgement, log_input, options, reports
from caseprobe_agent.cli.options import Given
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.config import Settings

SUMMARY = "what is wrong with this machine? (also for monitoring: exit code 0, 1, 2, 3)"
DEADLINE_SECONDS = 60.0
PROFILES = ("quick", "standard", "full")
THIS_MACHINE = "this machine"
EXIT_CODES = {
    finding_pb2.SEVERITY_OK: 0,
    finding_pb2.SEVERITY_INFO: 0,
    finding_pb2.SEVERITY_WARN: 1,
    finding_pb2.SEVERITY_CRITICAL: 2,
}
NOT_JUDGED = 3
# What is known to be broken is worse than what could not be read, which is worse than what is well.
BY_BADNESS = (0, NOT_JUDGED, 1, 2)
JUDGED = tuple(EXIT_CODES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    parser.add_argument(
        "--bundle", type=Path, nargs="+", action="extend", metavar="FILE", help="judge these bundles by today's rules"
    )
    parser.add_argument(
        "--log", type=Path, nargs="+", action="extend", metavar="FILE", help="judge these logs (dmesg, syslog, journal)"
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="judge the machine whose files are below this folder")
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="FILE",
        help="an earlier bundle of the same machine, or report of the same disk: judge what grew since",
    )
    reports.add_arguments(parser)
    parser.add_argument("--profile", choices=PROFILES, default="quick", help="how much is measured (default: quick)")
    parser.add_argument(
        "--deadline", type=options.seconds, default=DEADLINE_SECONDS, metavar="S", help="measure for at most S seconds"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge and print every input; gives the exit code."""
    if arguments.bundle and arguments.root:
        raise UsageError("--bundle and --root are two different things to judge; give one")
    settings = options.settings_of()
    previous = _previous(arguments) if arguments.previous else None
    inputs = list(_given(arguments)) or [Given(THIS_MACHINE, lambda: _measured(Path("/"), arguments))]
    codes = [_judge(one, previous, arguments.json, settings, len(inputs) > 1) for one in inputs]
    return max(codes, key=BY_BADNESS.index)


def _previous(arguments: argparse.Namespace) -> snapshot_pb2.Snapshot:
    return reports.earlier(arguments) if arguments.smartctl_report else _bundle(arguments.previous)


def _given(arguments: argparse.Namespace) -> Iterator[Given]:
    """What was given to be judged, in the order of the options; nothing: this machine is meant."""
    for path in arguments.bundle or ():
        yield Given(str(path), lambda path=path: _bundle(path))  # type: ignore[misc]
    yield from log_input.given(arguments.log or ())
    yield from reports.given(arguments)
    if arguments.root:
        if not arguments.root.is_dir():
            raise UsageError(f"{arguments.root} is no folder")
        _check_copy(arguments.root)
        yield Given(str(arguments.root), lambda: _measured(arguments.root, arguments))


def _check_copy(root: Path) -> None:
    """tar and rsync copy the files of /proc as empty ones, which would read as a machine without anything."""
    sign = root / "proc/stat"
    if root != Path("/") and sign.is_file() and sign.stat().st_size == 0:
        raise UsageError(f"{sign} is empty: tar and rsync lose what /proc says; copy it with cp -r, file by file")


def _judge(given: Given, previous: snapshot_pb2.Snapshot | None, as_json: bool, settings: Settings, named: bool) -> int:
    """One input, printed; its exit code. What cannot be read is told, and does not end the others."""
    try:
        snapshot = given.take()
        _check_same_machine(snapshot, previous)
    except CaseprobeError as error:
        print(f"caseprobe: {given.name}: {error}" if named else f"caseprobe: {error}", file=sys.stderr)
        if as_json:
            print(json.dumps({**texts.judgement_json(given.name, [], []), "error": str(error)}, ensure_ascii=False))
        return NOT_JUDGED
    read = {section.probe for section in snapshot.sections}
    checks = [check for check in ALL if check.reads in read] if given.partial else ALL
    findings, coverage = check_snapshot(snapshot, checks, previous=previous, overrides=settings.overrides)
    if as_json:
        print(json.dumps(texts.judgement_json(given.name, findings, coverage), ensure_ascii=False))
    else:
        screen = Screen(sys.stdout)
        if named:
            screen.line(given.name, "bold")
        judgement.show_judgement(screen, findings, coverage, settings.language)
        screen.rows(judgement.not_measured(snapshot))
    return _exit_code(findings, coverage)


def _exit_code(findings: Sequence[finding_pb2.Finding], coverage: Sequence[finding_pb2.Coverage]) -> int:
    if not any(one.outcome in JUDGED for one in coverage):
        return NOT_JUDGED
    return EXIT_CODES.get(worst(findings), 0)


def _check_same_machine(snapshot: snapshot_pb2.Snapshot, previous: snapshot_pb2.Snapshot | None) -> None:
    """Growth between two machines is no growth."""
    if previous and snapshot.agent_id and previous.agent_id and snapshot.agent_id != previous.agent_id:
        raise UsageError(
            f"--previous is of another machine ({previous.agent_id}, not {snapshot.agent_id}); give one of the same"
        )


def _bundle(path: Path) -> snapshot_pb2.Snapshot:
    return options.read_bundle(path).snapshot()


def _measured(root: Path, arguments: argparse.Namespace) -> snapshot_pb2.Snapshot:
    """A fresh, raw snapshot: it stays in this process."""
    from caseprobe_agent.machine import Machine
    from caseprobe_agent.probes import PROFILES as PROBES
    from caseprobe_agent.probes import with_log_lines, with_network
    from caseprobe_agent.snapshot import take_snapshot

    profile = arguments.profile
    probes = with_log_lines(PROBES[profile], profile == "full")
    if profile != "quick" and options.may_ask_servers(options.settings_of().policy):
        probes = with_network(probes)
    return asyncio.run(take_snapshot(probes, Machine(root), arguments.deadline, profile)).snapshot
