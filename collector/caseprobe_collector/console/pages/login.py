"""Log in and out; there is no set-up page, the first admin is made on the collector's own command line."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from caseprobe.errors import CaseprobeError
from caseprobe_collector.access import Action
from caseprobe_collector.console.credentials import clear_cookie, is_secure, read_form, set_cookie
from caseprobe_collector.console.errors import failure_of
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use

HOME = "/cases"
LOGIN_SECONDS = 12 * 3600


def login_address(request: Request) -> str:
    """The login page that leads back to where one wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/login?next={quote(wanted, safe='/')}" if request.method == "GET" and wanted != "/" else "/login"


def inner_address(wanted: str) -> str:
    r"""An address of this console, whatever was asked for: a link to another site never follows a login.

    >>> inner_address("/cases/case_1?x=1"), inner_address("//evil.example"), inner_address("/\\evil.example")
    ('/cases/case_1?x=1', '/cases', '/cases')
    """
    parts = urlsplit(wanted)
    plain = wanted.isprintable() and "\\" not in wanted and not wanted.startswith("//")
    return wanted if plain and wanted.startswith("/") and not parts.netloc and not parts.scheme else HOME


async def get_home() -> Response:
    """The cases are where one begins."""
    return RedirectResponse(HOME, status_code=303)


async def get_login(request: Request, next: str = HOME) -> Response:
    """The login form."""
    return page(request, "login.html", next=inner_address(next), name="", failure=None)


async def post_login(request: Request, use: Use) -> Response:
    """Take name and password; a wrong one says so on the same page."""
    form = await read_form(request)
    wanted = inner_address(form.get("next", HOME))
    name = form.get("name", "")[:120]
    try:
        secret, token = await use.users.login(name, form.get("password", "")[:1024], use.clock.now())
    except CaseprobeError as error:
        failure = failure_of(error)
        return page(request, "login.html", failure.status, next=wanted, name=name, failure=failure)
    answer = RedirectResponse(wanted, status_code=303)
    left = (token.expires_at - use.clock.now()).total_seconds() if token.expires_at else LOGIN_SECONDS
    set_cookie(answer, secret, int(left), is_secure(request))
    return answer


async def post_logout(request: Request, use: Use, by: By) -> Response:
    """End the login and forget its cookie."""
    await use.users.logout(request.state.secret)
    answer = RedirectResponse("/login", status_code=303)
    clear_cookie(answer, is_secure(request))
    return answer


ROUTES = (
    Route("GET", "/", Action.PUBLIC, get_home),
    Route("GET", "/login", Action.PUBLIC, get_login),
    Route("POST", "/login", Action.LOGIN, post_login),
    Route("POST", "/logout", Action.OWN_ACCOUNT, post_logout),
)
