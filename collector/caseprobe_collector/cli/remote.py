"""The HTTP API from a terminal: one connection a call, the collector's errors as our own."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from caseprobe.errors import CaseprobeError, NotAllowed, NotTrusted, Unreachable, UsageError, error_from

TIMEOUT_SECONDS = 60.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Url = Annotated[str, typer.Option("--url", envvar="CASEPROBE_URL", help="The collector's console address.")]
Ca = Annotated[
    str, typer.Option("--ca", envvar="CASEPROBE_CA", help="File with the collector's CA; without it the system's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DEFAULT_URL = "https://localhost:8443"


@dataclass(frozen=True)
class Remote:
    """The collector at an address, with the caller's token."""

    url: str
    token: str
    ca: str = ""

    def get(self, path: str) -> Any:
        """The JSON at a path under /api/v1."""
        return self.call("GET", path)

    def post(self, path: str, value: object = None) -> Any:
        """What a POST of JSON answers; None for an empty answer."""
        return self.call("POST", path, json.dumps({} if value is None else value).encode())

    def delete(self, path: str) -> Any:
        """What a DELETE answers; None for an empty answer."""
        return self.call("DELETE", path)

    def call(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> Any:
        """One request; raises the error that the collector names, Unreachable, NotTrusted."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with self._connection() as connection:
            connection.request(method, f"/api/v1{path}", body, headers)
            answer = connection.getresponse()
            return _value(answer.status, answer.read())

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=self.tls())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        try:
            yield connection
        except ssl.SSLCertVerificationError as error:
            raise NotTrusted(
                f"{self.url} shows a certificate that is not trusted ({error.verify_message}); name its CA with --ca"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no answer from {self.url} ({error}); does the collector run, is --url right?") from None
        finally:
            connection.close()

    def tls(self) -> ssl.SSLContext:
        """The trust that the connection rests on; raises UsageError for a CA file that cannot be used."""
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except ssl.SSLError:
            raise UsageError(f"--ca {self.ca}: there is no certificate in it") from None
        except OSError as error:
            raise UsageError(f"--ca {self.ca}: {error.strerror}") from None


def connect(url: str, ca: str) -> Remote:
    """The collector that the caller names, with CASEPROBE_TOKEN; a token is never an argument, which others could see.

    Raises UsageError for an address that would send the token in the clear.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UsageError(f"--url {url}: must look like https://collector.example:8443")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(f"--url {url}: plain http is for loopback only; use https")
    return Remote(url.rstrip("/"), os.environ.get("CASEPROBE_TOKEN", "").strip(), ca)


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal; raises UsageError where the answer is no, or where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: say --yes to do it")
    if not typer.confirm(question, err=True):
        raise UsageError("nothing was deleted")


def _value(status: int, data: bytes) -> Any:
    """The JSON of an answer, or the error that it stands for."""
    try:
        value = json.loads(data) if data else None
    except ValueError:
        raise Unreachable(f"the answer (status {status}) is not the collector's; is --url right?") from None
    if status < 400:
        return value
    raise error_of(value if isinstance(value, dict) else {}, status)


def error_of(value: dict[str, Any], status: int) -> CaseprobeError:
    """The error that an answer names, with what to do where the terminal knows more."""
    code, message = str(value.get("code", "")), str(value.get("message", f"the collector answered {status}"))
    if code == "not_logged_in":
        return NotAllowed("no good token: set CASEPROBE_TOKEN, for example by `caseprobe-collector user login NAME`")
    return error_from(code, message)


def segment(identifier: str) -> str:
    """An id as one segment of a path."""
    return quote(identifier, safe="")


def customer_id(remote: Remote, named: str) -> str:
    """The id of the customer with this id or name; raises UsageError."""
    return _one(remote.get("/customers"), "customer_id", "name", named, "customer")


def agent_id(remote: Remote, named: str) -> str:
    """The id of the machine with this id or label; raises UsageError."""
    return _one(remote.get("/agents"), "agent_id", "label", named, "machine")


def _one(rows: Iterable[dict[str, Any]], id_key: str, name_key: str, named: str, what: str) -> str:
    listed = list(rows)
    found = [row for row in listed if row[id_key] == named] or [row for row in listed if row[name_key] == named]
    if len(found) == 1:
        return str(found[0][id_key])
    problem = "there is no such; `list` shows them" if not found else f"{len(found)} of that name; use the id of one"
    raise UsageError(f"{what} {named!r}: {problem}")
