"""Judge this machine, or what a bundle or another root folder holds. Nothing is sent, nothing is written.

Exit codes follow the monitoring-plugin convention: 0 ok, 1 warning, 2 critical, 3 nothing could be judged.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import sys
from datetime import datetime
from pathlib import Path

from caseprobe import texts
from caseprobe.bundle import BundleReader
from caseprobe.checks import check_snapshot, worst
from caseprobe.errors import UsageError
from caseprobe.v1 import finding_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import POLICY_DECISION_ALLOW, POLICY_KIND_PATH_NEAR
from caseprobe_agent.cli import judgement, options
from caseprobe_agent.cli.screen import Screen

SUMMARY = "what is wrong with this machine? (also for monitoring: exit code 0, 1, 2, 3)"
DEADLINE_SECONDS = 60.0
PROFILES = ("quick", "standard", "full")
EXIT_CODES = {
    finding_pb2.SEVERITY_OK: 0,
    finding_pb2.SEVERITY_INFO: 0,
    finding_pb2.SEVERITY_WARN: 1,
    finding_pb2.SEVERITY_CRITICAL: 2,
}
NOT_JUDGED = 3
JUDGED = tuple(EXIT_CODES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="judge this bundle by today's rules")
    parser.add_argument("--root", type=Path, metavar="DIR", help="judge the machine whose files are below this folder")
    parser.add_argument("--profile", choices=PROFILES, default="quick", help="how much is measured (default: quick)")
    parser.add_argument(
        "--deadline", type=options.seconds, default=DEADLINE_SECONDS, metavar="S", help="measure for at most S seconds"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge and print; gives the exit code."""
    if arguments.bundle and arguments.root:
        raise UsageError("--bundle and --root are two different things to judge; give one")
    name, snapshot = _snapshot(arguments)
    findings, coverage = check_snapshot(snapshot)
    if arguments.json:
        print(json.dumps(texts.judgement_json(name, findings, coverage), ensure_ascii=False))
    else:
        screen = Screen(sys.stdout)
        judgement.show_judgement(screen, findings, coverage, options.settings_of().language)
        screen.rows(judgement.not_measured(snapshot))
    if not any(one.outcome in JUDGED for one in coverage):
        return NOT_JUDGED
    return EXIT_CODES.get(worst(findings), 0)


def _snapshot(arguments: argparse.Namespace) -> tuple[str, snapshot_pb2.Snapshot]:
    """What is judged, and its name."""
    if arguments.bundle:
        return str(arguments.bundle), BundleReader(io.BytesIO(options.read_file(arguments.bundle))).snapshot()
    root = arguments.root or Path("/")
    if not root.is_dir():
        raise UsageError(f"{root} is no folder")
    taken = asyncio.run(_measured(root, arguments.profile, arguments.deadline))
    return str(arguments.root) if arguments.root else "this machine", taken


async def _measured(root: Path, profile: str, deadline_seconds: float) -> snapshot_pb2.Snapshot:
    """A fresh, raw snapshot: it stays in this process."""
    from caseprobe_agent.machine import Machine
    from caseprobe_agent.probes import PROFILES as PROBES
    from caseprobe_agent.probes import with_log_lines, with_network
    from caseprobe_agent.snapshot import take_snapshot

    probes = with_log_lines(PROBES[profile])
    if profile != "quick" and _may_ask_servers():
        probes = with_network(probes)
    return (await take_snapshot(probes, Machine(root), deadline_seconds, profile)).snapshot


def _may_ask_servers() -> bool:
    """Whether policy lets the servers that this machine is configured to use be asked, without asking anybody."""
    from caseprobe_agent.consent import Ask, Origin, decide

    ask = Ask(POLICY_KIND_PATH_NEAR, Origin.OWNER)
    decision = decide(options.settings_of().policy, (), ask, datetime.now().astimezone())
    return decision.decision == POLICY_DECISION_ALLOW
