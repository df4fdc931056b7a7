"""One file a command: parse, call, render, exit code.

A command file has SUMMARY (one line), add_arguments(parser) and run(arguments) -> exit code. Errors are raised; here
is the one place where they become a line on stderr and an exit code.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from caseprobe.errors import CaseprobeError, UsageError

# Every command, in the order of the overview, each in the file of its name. Only the one that is called is imported.
COMMANDS: tuple[str, ...] = (
    "check",
    "bundle",
    "send",
    "path",
    "networks",
    "mark",
    "show",
    "diff",
    "verify",
    "redact",
    "unmask",
    "import",
    "enroll",
    "run",
    "status",
    "consent",
    "leave",
    "service",
    "reader",
    "demo",
)
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Measure this machine", ("check", "bundle", "send", "mark", "path", "networks")),
    ("Read what was measured", ("show", "diff", "verify", "import", "redact", "unmask")),
    ("Stay connected to support", ("enroll", "run", "status", "consent", "leave", "service", "reader")),
    ("Try it out", ("demo",)),
)
# Of every command that does not say otherwise itself; the classes of caseprobe.errors give them.
EXIT_CODES = """Exit codes: 0 done; 1 a finding as bad as --fail-on says; 2 the call is wrong;
3 it could not be measured or read; 4 not sent, or not allowed; 130 stopped."""
INTERRUPTED = 130
BROKEN_PIPE = 141
# The monitoring-plugin convention knows one code for "nothing could be judged", whatever the reason.
EXIT_UNKNOWN = 3


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a call."""

    def error(self, message: str) -> NoReturn:
        """Raise the UsageError of a wrong call."""
        raise UsageError(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code. No traceback ever reaches a person."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    # gRPC's core writes to stderr by itself, and reads this once, when it is loaded.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        return _run(command, arguments)
    except CaseprobeError as error:
        print(f"caseprobe: {error}", file=sys.stderr)
        return EXIT_UNKNOWN if command == "check" else error.exit_code
    except KeyboardInterrupt:
        print("\ncaseprobe: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough; Python must not complain about it again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        return _defect(error)


def _run(command: str, arguments: Sequence[str]) -> int:
    """The command's own exit code; without a command the overview."""
    if command in ("", "-h", "--help", "help"):
        print(overview())
        return 0
    if command in ("-V", "--version", "version"):
        from caseprobe import VERSION

        print(f"caseprobe {VERSION}")
        return 0
    if command not in COMMANDS:
        raise UsageError(f"no command {command!r}; `caseprobe` alone lists them")
    module = load(command)
    parser = Parser(prog=f"caseprobe {command}", description=(module.__doc__ or "").strip(), allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "" if "xit code" in (module.__doc__ or "") else EXIT_CODES
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(arguments[1:])))


def load(command: str) -> ModuleType:
    """The file of a command; where the language has the word for itself, "_" stands behind it."""
    return importlib.import_module(f"{__name__}.{command}{'_' * keyword.iskeyword(command)}")


def overview() -> str:
    """What there is, for a person who typed the name alone."""
    lines = ["caseprobe: measures this machine, finds faults, hides what is private, and brings it to support.", ""]
    for title, commands in GROUPS:
        known = [command for command in commands if command in COMMANDS]
        if known:
            lines += [f"{title}:", *(f"  caseprobe {command:<9}{load(command).SUMMARY}" for command in known), ""]
    lines += [
        "Start with:  caseprobe check              what is wrong with this machine?",
        "             caseprobe bundle             a file for support; with --to JOINCODE it is sent",
        "",
        "Every command explains itself with --help. Nothing on this machine is changed.",
    ]
    return "\n".join(lines)


def _defect(error: Exception) -> int:
    """A fault of ours: one line, and the details only for those who ask for them."""
    if os.environ.get("CASEPROBE_LOG_LEVEL") == "debug":
        raise error
    from caseprobe_agent.app.messages import place_of

    # Without its text, which may quote what was read from the machine.
    what = place_of(error)
    print(f"caseprobe: a defect in caseprobe ({what}); CASEPROBE_LOG_LEVEL=debug shows details", file=sys.stderr)
    return EXIT_UNKNOWN
