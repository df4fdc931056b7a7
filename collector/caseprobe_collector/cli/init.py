"""`init`: the collector's folder, its certificate authority and its first admin; only ever on its own machine."""

from __future__ import annotations

import asyncio
import getpass
import json
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from caseprobe_collector.config import CollectorConfig, load_config


def init(
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
    admin: Annotated[str, typer.Option(help="name of the first admin")] = "admin",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="read the password from stdin")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> int:
    """Make the collector's own authority and its first admin; there is no set-up page."""
    settings = load_config(config, data_folder=data_folder)
    password, made = _password(password_stdin)
    asyncio.run(_init(settings, admin, password))
    _report(settings, admin, password if made else "", json_output)
    return 0


def _password(from_stdin: bool) -> tuple[str, bool]:
    """(password, whether we made it up)."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    if sys.stdin.isatty():
        typed = getpass.getpass("Password for the first admin (empty: make one up): ")
        if typed:
            return typed, False
    return secrets.token_urlsafe(12), True


async def _init(settings: CollectorConfig, admin: str, password: str) -> None:
    from caseprobe_collector.app import build_users
    from caseprobe_collector.storage import create_storage, open_storage

    create_storage(settings.data_folder)
    async with open_storage(settings.data_folder) as storage:
        await build_users(storage).create_first_admin(admin, password)


def _report(settings: CollectorConfig, admin: str, password: str, json_output: bool) -> None:
    from caseprobe_collector.storage import ca_file

    ca, url = str(ca_file(settings.data_folder)), f"https://{settings.public_names[0]}:{settings.https_port}"
    if json_output:
        made = {"data_folder": str(settings.data_folder), "admin": admin, "password": password, "ca": ca, "url": url}
        print(json.dumps(made))
        return
    print(f"collector made in {settings.data_folder}")
    print(f"first admin       {admin}" + (f"  password {password}  (shown once)" if password else ""))
    print(f"authority         {ca}  (give this file to staff commands: --ca)")
    print(f"next              caseprobe-collector serve --data-folder {settings.data_folder}")
    print(f"then              caseprobe-collector user login {admin} --url {url} --ca {ca}")
