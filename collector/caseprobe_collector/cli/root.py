"""The table of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from caseprobe_collector.cli import backup, check, init, recipient, redact_again, serve, service, staff, verify_audit
from caseprobe_collector.cli.ending import INTERRUPTED, exit_code_of

app = typer.Typer(
    name="caseprobe-collector",
    help="Takes what agents send, attaches it to support cases, shows it to staff.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
# `serve` reads its own arguments: here it stands for the overview alone.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command("serve", context_settings=PASSED_ON, help=serve.SUMMARY)
def serve_(context: typer.Context) -> int:
    """Run the collector."""
    return serve.run(context.args)


app.command("init")(init.init)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("check")(check.check)
app.command("verify-audit")(verify_audit.verify_audit)
app.command("recipient")(recipient.recipient)
app.command("redact-again")(redact_again.redact_again)
app.command("service")(service.service)
for name, commands in staff.apps:
    app.add_typer(commands, name=name)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every error is one line on stderr, an interrupt is 130."""
    return exit_code_of(lambda: _run(arguments))


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app(args=list(arguments), standalone_mode=False, prog_name="caseprobe-collector")
    except typer.TyperException as error:
        # A call without its subcommand was answered with the help already.
        if message := error.format_message():
            place = getattr(error, "ctx", None)
            called = place.command_path if place else "caseprobe-collector"
            print(f"caseprobe-collector: {message.rstrip('.')} (see: {called} --help)", file=sys.stderr)
        return error.exit_code
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0
