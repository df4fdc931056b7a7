"""The table of commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from caseprobe.errors import CaseprobeError
from caseprobe_collector.cli import backup, init, serve, staff, verify_audit

BROKEN_PIPE = 141
DEFECT = 3

app = typer.Typer(
    name="caseprobe-collector",
    help="Takes what agents send, attaches it to support cases, shows it to staff.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("verify-audit")(verify_audit.verify_audit)
for name, commands in staff.apps:
    app.add_typer(commands, name=name)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every error is one line on stderr, an interrupt is 130."""
    try:
        code = app(args=list(arguments), standalone_mode=False, prog_name="caseprobe-collector")
    except typer.TyperException as error:
        # A call without its subcommand was answered with the help already.
        if message := error.format_message():
            print(f"caseprobe-collector: {message}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except CaseprobeError as error:
        print(f"caseprobe-collector: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever reads has seen enough; Python must not complain about it again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ModuleNotFoundError:
        raise  # the caller says what to install
    except Exception as error:
        return _defect(error)
    return code if isinstance(code, int) else 0


def _defect(error: Exception) -> int:
    """A fault of ours: one line, and the details only for those who ask for them."""
    if os.environ.get("CASEPROBE_LOG_LEVEL") == "debug":
        raise error
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    print(
        f"caseprobe-collector: a defect in caseprobe ({what}); CASEPROBE_LOG_LEVEL=debug shows details", file=sys.stderr
    )
    return DEFECT
