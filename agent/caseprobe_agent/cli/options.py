"""Options and inputs that several commands share, read alike everywhere."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caseprobe.errors import Corrupt, JoinCodeError, UsageError

if TYPE_CHECKING:
    # Settings are read by what runs, not by what parses the line: `bundle` starts its child in between.
    from caseprobe.bundle import BundleReader
    from caseprobe.v1 import snapshot_pb2
    from caseprobe_agent.config import Settings
    from caseprobe_agent.consent.policy import Policy

LONGEST_JOIN_TEXT = 16 << 10
FAIL_ON = ("warn", "critical")


@dataclass(frozen=True)
class Given:
    """One input to judge: its name in the output, and what reads it into a snapshot (raises CaseprobeError).

    partial: it is not a whole machine; only checks of the sections that it has are run.
    """

    name: str
    take: Callable[[], snapshot_pb2.Snapshot]
    partial: bool = False


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout and nothing else there")


def add_fail_on(parser: argparse.ArgumentParser) -> None:
    """--fail-on."""
    parser.add_argument(
        "--fail-on", choices=FAIL_ON, metavar="|".join(FAIL_ON), help="exit 1 where a finding is so bad, or worse"
    )


def seconds(text: str) -> float:
    """A positive number of seconds, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, not {text!r}")
    return number


def settings_of(**flags: str) -> Settings:
    """The settings in effect; raises ConfigurationError."""
    from caseprobe_agent.config import load

    return load(os.environ, {name: value for name, value in flags.items() if value})


def settings_of_agent(**flags: str) -> Settings:
    """The settings in effect for the machine's agent; raises UsageError for root where that is another user's."""
    from caseprobe_agent.folders import service_uid

    uid = service_uid()
    if os.geteuid() == 0 != uid and not os.environ.get("CASEPROBE_STATE_FOLDER"):
        from caseprobe_agent.app.parts import user_name

        raise UsageError(f"this machine's agent is another user's: put `sudo -u {user_name(uid)}` in front")
    return settings_of(**flags)


def may_ask_servers(policy: Policy) -> bool:
    """Whether policy lets the servers that this machine is configured to use be asked, without asking anybody."""
    from caseprobe.v1.consent_pb2 import POLICY_DECISION_ALLOW, POLICY_KIND_PATH_NEAR
    from caseprobe_agent.consent import Ask, Origin, decide

    decision = decide(policy, (), Ask(POLICY_KIND_PATH_NEAR, Origin.OWNER), datetime.now().astimezone())
    return decision.decision == POLICY_DECISION_ALLOW


def join_text(argument: str | None) -> str:
    """A join code as given: on the line, `-` for stdin, `@FILE`, or from the file that CASEPROBE_JOIN_CODE_FILE names.

    A code on the command line is visible to other users of the machine for as long as the program runs.
    """
    if argument is None:
        named = os.environ.get("CASEPROBE_JOIN_CODE_FILE")
        return _file(Path(named)) if named else ""
    if argument == "-":
        text = sys.stdin.read(LONGEST_JOIN_TEXT)
    elif argument.startswith("@"):
        text = _file(Path(argument[1:]))
    else:
        text = argument
    if not text.strip():
        raise JoinCodeError("the join code is empty; paste the whole string that support gave you")
    return text.strip()


def read_file(path: Path) -> bytes:
    """The bytes of an input file; raises UsageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def read_bundle(path: Path) -> BundleReader:
    """A bundle in memory; raises UsageError, and Corrupt that names the file."""
    from caseprobe.bundle import BundleReader

    try:
        return BundleReader(io.BytesIO(read_file(path)))
    except Corrupt as error:
        raise Corrupt(f"{path}: {error}") from None


def _file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST_JOIN_TEXT)
    except OSError as error:
        raise JoinCodeError(f"the join code's file {path} cannot be read: {error.strerror}") from None
