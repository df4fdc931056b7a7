"""The table of commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from caseprobe.errors import CaseprobeError
from caseprobe_collector.cli import init, serve, verify_audit
from caseprobe_collector.cli.staff import apps

app = typer.Typer(
    name="caseprobe-collector",
    help="Takes what agents send, attaches it to support cases, shows it to staff.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("verify-audit")(verify_audit.verify_audit)
for _name, _staff in apps:
    app.add_typer(_staff, name=_name)
# BadParameter, UsageError, ClickException: newer versions of typer carry a click of their own, so it is asked for here.
WRONG_CALL = typer.BadParameter.__mro__[2]


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every error is one line on stderr, an interrupt is 130."""
    try:
        code = app(args=list(arguments), standalone_mode=False, prog_name="caseprobe-collector")
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except CaseprobeError as error:
        print(f"caseprobe-collector: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if not isinstance(error, WRONG_CALL):
            raise
        error.show()  # type: ignore[attr-defined]
        return int(error.exit_code)  # type: ignore[attr-defined]
    return code if isinstance(code, int) else 0
