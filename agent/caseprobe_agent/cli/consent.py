"""What support may do on this machine: see what is asked and granted, say yes or no, grant ahead, take it back.

caseprobe consent                     open questions and grants in force
caseprobe consent allow ID            yes, to this one request
caseprobe consent deny ID             no
caseprobe consent allow --kind logs --case CASE --for 8h
                                      yes beforehand, to any such request
caseprobe consent revoke [ID]         take back a grant or stop a session; without ID all of them, at once
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from typing import Any

from caseprobe import texts
from caseprobe.errors import UsageError
from caseprobe_agent.app.control import call
from caseprobe_agent.cli import moments, options
from caseprobe_agent.cli.screen import Screen

SUMMARY = "what may support do here? list, allow, deny, revoke"
VERBS = ("list", "allow", "deny", "revoke")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `consent`."""
    parser.add_argument("verb", nargs="?", choices=VERBS, default="list", help="default: list")
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="a question's number, a session or a grant")
    parser.add_argument("--kind", default="", help="grant this kind beforehand: logs, path_target, health …")
    parser.add_argument("--case", default="", metavar="CASE", help="only for this case")
    parser.add_argument("--person", default="", metavar="USER", help="only for this person of support")
    parser.add_argument("--target", action="append", default=[], help="only to this target (may be given again)")
    parser.add_argument("--for", dest="span", default="8h", metavar="TIME", help="how long: 30m, 8h, 7d (default: 8h)")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask or tell the running agent; gives the exit code."""
    settings = options.settings_of_agent()
    answer = asyncio.run(call(settings.socket_path, _request(arguments, settings.language)))
    if arguments.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif arguments.verb == "list":
        _print(answer)
    else:
        print(_sentence(arguments.verb, answer))
    return 0


def _request(arguments: argparse.Namespace, language: str) -> dict[str, Any]:
    """What the agent is asked; raises UsageError where something is missing."""
    if arguments.verb == "allow" and arguments.kind:
        return {
            "do": "grant",
            "kind": arguments.kind,
            "case_id": arguments.case,
            "requested_by": arguments.person,
            "targets": arguments.target,
            "seconds": _seconds(arguments.span),
            "language": language,
        }
    if arguments.verb in ("allow", "deny") and not arguments.id:
        raise UsageError(f"{arguments.verb} what? give the number that `caseprobe consent` shows, or --kind")
    return {"do": arguments.verb, "id": arguments.id, "language": language}


def _seconds(text: str) -> float:
    """A span such as 30m, 8h or 7d in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if not found:
        raise UsageError(f"--for {text!r} is no time; write 30m, 8h or 7d")
    return float(found[1]) * UNITS[found[2]]


def _print(answer: dict[str, Any]) -> None:
    """Questions with their whole text, then grants."""
    screen = Screen(sys.stdout)
    if not answer["questions"] and not answer["grants"]:
        screen.line("Nothing is asked, and nothing is granted.")
    for question in answer["questions"]:
        screen.line(f"{question['id']}  asked since {moments.told(question['since'])}", "bold")
        screen.line(question["text"], indent=3)
        screen.line(
            f"caseprobe consent allow {question['id']}   or   caseprobe consent deny {question['id']}", "cyan", 3
        )
        screen.line()
    if answer["grants"]:
        screen.line("Granted", "bold")
        screen.rows([(one["grant_id"], texts.printable(_grant(one))) for one in answer["grants"]])
    for name in answer["distrusted"]:
        screen.line(f"{name} is not signed by this machine's key and does not count", "red")


def _grant(one: dict[str, Any]) -> str:
    """A grant in one line."""
    limits = [one["case_id"], one["requested_by"], *one["targets"], one["command_id"]]
    only = ", ".join(limit for limit in limits if limit)
    until = moments.told(one["expires_at"])
    return f"{one['kind']} until {until} by {one['granted_by']}{f', only {only}' if only else ''}"


def _sentence(verb: str, answer: dict[str, Any]) -> str:
    """What was done."""
    if verb == "revoke":
        grants = sum(one.startswith("grant_") for one in answer["revoked"])
        told = f"Grants taken back: {grants}; sessions stopped: {answer['sessions_stopped']}."
        return told if answer["revoked"] else "Nothing was granted."
    if "grant_id" in answer:
        return f"Granted: {_grant(answer)} ({answer['grant_id']})"
    return f"{'Allowed' if answer['allowed'] else 'Denied'}: {answer['session_id']}"
