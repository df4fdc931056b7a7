"""Measure this machine once, hide what is private, judge it, and write it to a file that any desktop opens.

With --to and a join code the file is also sent to the support case that the code is for. You see what is in it and are
asked before anything leaves. Without a terminal nothing is sent, unless a stored grant or you beforehand say so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from caseprobe.errors import CaseprobeError, JoinCodeError
from caseprobe.v1 import enrolment_pb2
from caseprobe_agent.cli import options
from caseprobe_agent.cli.person import TerminalPerson
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.identity import parse_join_code
from caseprobe_agent.oneshot import Order, Result

SUMMARY = "measure once: a file for support, or straight to a case (--to JOINCODE)"
PROFILES = ("quick", "standard", "full")
DEADLINE_SECONDS = 60.0
NOT_MEASURED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bundle`."""
    parser.add_argument("--profile", choices=PROFILES, default="quick", help="how much is measured (default: quick)")
    parser.add_argument(
        "--deadline", type=options.seconds, default=DEADLINE_SECONDS, metavar="S", help="measure for at most S seconds"
    )
    parser.add_argument("--to", metavar="JOINCODE", help="send it to this code's case; - reads stdin, @FILE a file")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the file goes (default: the working folder)")
    parser.add_argument("--no-preview", action="store_true", help="send without looking at it first")
    options.add_json(parser)
    options.add_fail_on(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the bundle, send it if asked to; gives the exit code."""
    settings = options.settings_of()
    person = TerminalPerson(sys.stdin, sys.stderr, settings.language)
    order = _order(arguments)
    from caseprobe_agent.app import one_shot

    async def play() -> Result:
        return await (await one_shot.build(settings, person)).run(order)

    result = asyncio.run(play())
    if arguments.json:
        print(json.dumps(_document(result), ensure_ascii=False))
    else:
        _print(result, settings.language, reviewed=person.was_asked)
    if result.failure:
        print(f"caseprobe: {_kept(result)}", file=sys.stderr)
    return _exit_code(result, arguments.fail_on)


def _order(arguments: argparse.Namespace) -> Order:
    """What the caller wants, checked before anything happens."""
    text = options.join_text(arguments.to)
    code = parse_join_code(text) if text else None
    if code and code.purpose != enrolment_pb2.JOIN_PURPOSE_BUNDLE:
        raise JoinCodeError("this join code is for enrolling a machine: use it with `caseprobe enroll`")
    return Order(arguments.profile, arguments.deadline, arguments.output, code, text, arguments.no_preview)


def _exit_code(result: Result, fail_on: str | None) -> int:
    """4 where it was to be sent and was not, 3 where nothing could be measured, 1 where findings are to fail."""
    from caseprobe_agent.cli import judgement

    if result.failure:
        return _delivery_code(result.failure)
    if not result.measured:
        return NOT_MEASURED
    return int(judgement.fails(result.snapshot.findings, fail_on))


def _delivery_code(failure: CaseprobeError) -> int:
    """A bundle that is kept instead of sent is a delivery that failed, whatever the reason."""
    return max(4, failure.exit_code)


def _kept(result: Result) -> str:
    """Why it was not sent, and where it is."""
    return f"{result.failure}; the bundle is kept: {result.path}"


def _print(result: Result, language: str, reviewed: bool) -> None:
    """Findings, unless they were just shown, and where the file went."""
    from caseprobe import texts
    from caseprobe_agent.cli import judgement

    screen = Screen(sys.stdout)
    if not reviewed:
        judgement.show_judgement(
            screen, result.snapshot.findings, result.snapshot.coverage, language, result.redactor.unmask
        )
        screen.line()
    rows = [("file", f"{result.path}  ({texts.format_bytes(result.path.stat().st_size, language)})")]
    rows.append(("hidden", judgement.hidden(result.snapshot)))
    if result.delivered:
        rows.append(("sent to", f"{result.receiver}{f', case {result.case_id}' if result.case_id else ''}"))
    rows += [("note", texts.printable(notice)) for notice in result.notices]
    screen.rows(rows, indent=0)


def _document(result: Result) -> dict[str, object]:
    """What --json prints."""
    from caseprobe import texts

    snapshot = result.snapshot
    return {
        "snapshot_id": snapshot.snapshot_id,
        "case_id": result.case_id,
        "file": str(result.path),
        "sha256": result.sha256.hex(),
        "delivered": result.delivered,
        "reason": str(result.failure) if result.failure else "",
        "notices": list(result.notices),
        **texts.judgement_json("this machine", snapshot.findings, snapshot.coverage),
        "hidden": {count.rule: count.total for count in snapshot.redaction.counts},
    }
