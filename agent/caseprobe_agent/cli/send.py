"""Send a bundle that was kept, to the case that it was made for. Nothing is measured, and nothing in it changes.

A bundle whose upload was cut goes on where it stopped, without a new join code, for as long as the code that was
redeemed for it lets this machine (three days). What you agreed to before is not asked again; anything else is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe.errors import DeliveryError
from caseprobe_agent.cli import options

if TYPE_CHECKING:
    from caseprobe_agent.oneshot.again import Sent

SUMMARY = "send a bundle that was kept: no new code where its upload was cut"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `send`."""
    parser.add_argument("bundle", type=Path, metavar="FILE")
    parser.add_argument("--to", metavar="JOINCODE", help="a code where none was redeemed; - reads stdin, @FILE a file")
    parser.add_argument("--encrypt", action="store_true", help="so that only the collector's key opens it")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send it; gives the exit code."""
    from caseprobe_agent.app import one_shot
    from caseprobe_agent.cli.one_shot import bundle_code
    from caseprobe_agent.cli.person import TerminalPerson
    from caseprobe_agent.oneshot.again import key_named_in

    settings = options.settings_of()
    text = options.join_text(arguments.to)
    code = bundle_code(text) if text else None
    person = TerminalPerson(sys.stdin, sys.stderr, settings.language, settings.state_folder / "preview")

    async def send() -> int:
        key_id = await asyncio.to_thread(key_named_in, arguments.bundle)
        again = await one_shot.build_again(settings, person, key_id)
        errand = await again.errand(arguments.bundle, code, arguments.encrypt)
        try:
            _show(await again.run(errand), arguments.json)
        except DeliveryError as error:
            command = again.command(errand, error)
            print(f"caseprobe: {error}; the bundle is kept; send it later: {command}", file=sys.stderr)
            return error.exit_code
        return 0

    return asyncio.run(send())


def _show(sent: Sent, as_json: bool) -> None:
    from caseprobe import texts
    from caseprobe_agent.cli.screen import Screen

    if as_json:
        print(json.dumps(_document(sent), ensure_ascii=False))
        return
    rows = [("file", str(sent.kept.path)), ("sent to", f"{texts.printable(sent.receiver)}, case {sent.case_id}")]
    Screen(sys.stdout).rows([*rows, *(("note", texts.printable(one)) for one in sent.notices)], indent=0)


def _document(sent: Sent) -> dict[str, object]:
    """What --json prints."""
    return {
        "snapshot_id": sent.kept.snapshot.snapshot_id,
        "case_id": sent.case_id,
        "file": str(sent.kept.path),
        "sha256": sent.kept.sha256.hex(),
        "delivered": True,
        "notices": list(sent.notices),
    }
