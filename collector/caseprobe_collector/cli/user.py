"""caseprobe-collector user: login, list, create, disable, and one's own tokens."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from caseprobe.errors import UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

app = typer.Typer(help="Staff: logins, accounts and API tokens.", no_args_is_help=True)
COLUMNS = ("user_id", "name", "role", "customer_ids", "created_at", "disabled_at")
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def read_password(prompt: str, from_stdin: bool) -> str:
    """A password that no other process can see; raises UsageError where there is none to read."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for the password; use --password-stdin")
    from getpass import getpass

    return getpass(prompt)


@app.command("login")
def login(
    name: Annotated[str, typer.Argument(help="Your name.")],
    password_stdin: PasswordStdin = False,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Print a token for CASEPROBE_TOKEN, good for hours."""
    password = read_password(f"Password of {name}: ", password_stdin)
    made = remote.connect(url, ca).post("/login", {"name": name, "password": password})
    printing.tell(made, as_json, [made["secret"]])


@app.command("list")
def list_users(url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """All staff."""
    rows = remote.connect(url, ca).get("/users")
    printing.tell(rows, as_json, printing.columns(rows, COLUMNS, "Nobody."))


@app.command("create")
def create_user(
    name: Annotated[str, typer.Argument(help="A name that nobody else has.")],
    role: Annotated[str, typer.Option(help="viewer, support, operations or admin.")] = "support",
    customer: Annotated[
        list[str] | None, typer.Option(help="Id or name; repeat it. Without it: all customers.")
    ] = None,
    password_stdin: PasswordStdin = False,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Add a member of staff; prints the id."""
    there = remote.connect(url, ca)
    customers = [remote.customer_id(there, one) for one in customer] if customer else None
    password = read_password(f"First password of {name}: ", password_stdin)
    body: dict[str, Any] = {"name": name, "role": role, "customer_ids": customers, "password": password}
    made = there.post("/users", body)
    printing.tell(made, as_json, [made["user_id"]])


@app.command("disable")
def disable_user(
    user: Annotated[str, typer.Argument(help="Id of the member of staff.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """End what someone may do, within seconds also where they are logged in."""
    remote.connect(url, ca).post(f"/users/{segment(user)}/disable")
    printing.tell({"user_id": user, "disabled": True}, as_json, [f"{user} is disabled"])


@app.command("token")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[str, typer.Option(help="At most your own.")] = "viewer",
    days: Annotated[float, typer.Option(help="How long it is good.")] = 30,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Print an API token of yours; it is told only now."""
    body = {"name": name, "role": role, "lifetime_seconds": days * 86400}
    made = remote.connect(url, ca).post("/tokens", body)
    printing.tell(made, as_json, [made["secret"]])


@app.command("tokens")
def list_tokens(url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """Your tokens, without their secrets."""
    rows = remote.connect(url, ca).get("/tokens")
    names = ("token_id", "name", "role", "created_at", "expires_at", "revoked_at")
    printing.tell(rows, as_json, printing.columns(rows, names, "No token."))


@app.command("revoke-token")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Id of the token.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """End a token of yours."""
    remote.connect(url, ca).delete(f"/tokens/{segment(token)}")
    printing.tell({"token_id": token, "revoked": True}, as_json, [f"{token} is revoked"])
