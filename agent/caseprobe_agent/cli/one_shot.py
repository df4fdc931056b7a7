"""Plays a one-shot run with the person in front of it and prints how it ended."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from caseprobe.errors import CaseprobeError, DeliveryError, JoinCodeError, PolicyRefused, UsageError
from caseprobe.v1 import enrolment_pb2
from caseprobe_agent.app import one_shot
from caseprobe_agent.cli import options, windows
from caseprobe_agent.cli.person import TerminalPerson
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.identity import parse_join_code
from caseprobe_agent.machine import Machine
from caseprobe_agent.oneshot import Order, Result
from caseprobe_agent.oneshot.deadline import started_at
from caseprobe_agent.oneshot.sending import send_command
from caseprobe_agent.worker import Child

NOT_MEASURED = 3
# Over the deadline, a run that still has no file is not late but stuck.
GRACE_SECONDS = 30.0


def play(arguments: argparse.Namespace, child: Child) -> int:
    """Make the bundle, send it if asked to; gives the exit code. child: the one that will measure, already started."""
    settings = options.settings_of()
    person = TerminalPerson(sys.stdin, sys.stderr, settings.language, settings.state_folder / "preview")
    order = _order(arguments, settings.state_folder)

    watch = give_up_after(order.deadline_seconds + GRACE_SECONDS)

    async def run() -> Result:
        shot = await one_shot.build(settings, person, child)
        return await replace(shot, written=watch.cancel).run(order)

    try:
        result = asyncio.run(run())
    finally:
        watch.cancel()
    if arguments.json:
        print(json.dumps(document(result, "this machine"), ensure_ascii=False))
    else:
        show_result(result, settings.language, reviewed=person.was_asked)
    if result.failure:
        print(f"caseprobe: {_kept(result, order.encrypt)}", file=sys.stderr)
    return _exit_code(result, arguments.fail_on)


def give_up_after(seconds: float) -> threading.Timer:
    """Ends this process, unless it is cancelled before: what hangs is then a folder of ours, which no bundle can do
    without.
    """
    watch = threading.Timer(seconds, _give_up, [seconds])
    watch.daemon = True
    watch.start()
    return watch


def _give_up(seconds: float) -> None:
    why = f"the folder of the settings, of the state or of the bundle did not answer within {seconds:g} s"
    print(f"caseprobe: {why}; choose another --output or CASEPROBE_STATE_FOLDER", file=sys.stderr, flush=True)
    # A thread that waits for a dead mount can only be left by ending at once.
    os._exit(NOT_MEASURED)


def _order(arguments: argparse.Namespace, state_folder: Path) -> Order:
    """What the caller wants, checked before anything happens."""
    text = options.join_text(arguments.to)
    code = bundle_code(text) if text else None
    wanted = (tuple(arguments.include), tuple(arguments.exclude))
    encrypt, recipient = _encryption(arguments, to_a_case=code is not None)
    window = windows.wanted(arguments, state_folder, datetime.now().astimezone())
    return Order(
        arguments.profile,
        arguments.deadline,
        arguments.output,
        code,
        text,
        arguments.no_preview,
        *wanted,
        window,
        encrypt,
        recipient,
        started_at(Machine()),
    )


def _encryption(arguments: argparse.Namespace, to_a_case: bool) -> tuple[bool, str]:
    """Whether it is encrypted, and the key where it is not the collector's; said before anything is measured."""
    if arguments.encrypt is None:
        return False, ""
    if to_a_case:
        if arguments.encrypt:
            raise UsageError("with --to a bundle is encrypted to the collector's own key: give --encrypt without one")
        return True, ""
    if not arguments.encrypt:
        raise UsageError("give the key that support sent you: --encrypt age1…")
    from caseprobe.bundle.age import check_recipient

    return True, check_recipient(arguments.encrypt)


def bundle_code(text: str) -> enrolment_pb2.JoinCode:
    """What a join code for a bundle says; raises JoinCodeError."""
    code = parse_join_code(text)
    if code.purpose != enrolment_pb2.JOIN_PURPOSE_BUNDLE:
        raise JoinCodeError("this join code is for enrolling a machine: use it with `caseprobe enroll`")
    return code


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


def _kept(result: Result, encrypt: bool) -> str:
    """Why it was not sent, where it is, and what to type where it may go better another time, encrypted as it was."""
    if not result.path.exists():
        return str(result.failure)
    said = f"{result.failure}; the bundle is kept: {result.path}"
    if not isinstance(result.failure, DeliveryError | PolicyRefused):
        return said
    # A code that was redeemed left a ticket; any other is to be given again, or was refused.
    command = send_command(result.path, "" if result.case_id else "JOINCODE", encrypt)
    return f"{said}; send it later: {command}"


def show_result(result: Result, language: str, reviewed: bool) -> None:
    """Findings, unless they were just shown, and where the file went."""
    # Words and checks are loaded while the child measures, not before it begins.
    from caseprobe import texts
    from caseprobe_agent.cli import judgement
    from caseprobe_agent.oneshot.place import SEALED_ENDING

    screen = Screen(sys.stdout)
    if not reviewed:
        judgement.show_judgement(
            screen, result.snapshot.findings, result.snapshot.coverage, language, result.redactor.unmask
        )
        screen.line()
    size = texts.format_bytes(result.path.stat().st_size, language) if result.path.exists() else "gone"
    rows = [("file", f"{result.path}  ({size})")]
    rows.append(("hidden", judgement.hidden(result.snapshot, language)))
    if result.snapshot.HasField("window"):
        rows.append(("logs", windows.told(result.snapshot.window)))
    if result.delivered:
        rows.append(("sent to", f"{result.receiver}{f', case {result.case_id}' if result.case_id else ''}"))
    rows += [("note", texts.printable(notice)) for notice in result.notices]
    if result.path.suffix == SEALED_ENDING:
        rows.append(("encrypted", "only the collector's key opens it: carry it to support, who attach it to the case"))
    elif not result.delivered:
        rows.append(("read it", f"report.html in it, in any browser, or: caseprobe show {result.path}"))
    screen.rows(rows, indent=0)


def document(result: Result, given: str) -> dict[str, object]:
    """What --json prints; given: what was measured or read."""
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
        **texts.judgement_json(given, snapshot.findings, snapshot.coverage),
        "hidden": {count.rule: count.total for count in snapshot.redaction.counts},
    }
