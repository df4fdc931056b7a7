"""The question whether a captive portal is in the way: where it is configured, and what the answer says."""

from __future__ import annotations

import re
from dataclasses import dataclass

# NetworkManager.conf and conf.d:
# [connectivity]
# uri=http://network-test.debian.org/nm
# response=NetworkManager is online
ADDRESS = re.compile(r"http://(?P<host>[^/:\s@\[\]]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?(?P<path>/\S*)?")
HTTP_PORT = 80


@dataclass(frozen=True)
class PortalQuestion:
    """The address that this machine is configured to ask, and how the right answer begins."""

    url: str
    host: str
    port: int
    path: str
    response: str


@dataclass(frozen=True)
class HttpHead:
    """Status and redirection of an answer, and the beginning of its body."""

    status: int
    location: str
    body: str


def parse_connectivity(texts: list[str]) -> PortalQuestion | None:
    """The question as the files say it, a later one before an earlier one; None where none is configured or it is off.

    >>> parse_connectivity(["[connectivity]\\nuri=http://test.example/nm\\n"]).path
    '/nm'
    """
    settings: dict[str, str] = {}
    for text in texts:
        section = ""
        for line in text.splitlines():
            stripped = line.strip()
            if stripped.startswith("["):
                section = stripped
            elif section.startswith("[connectivity]") and "=" in stripped and not stripped.startswith(("#", ";")):
                name, _, value = stripped.partition("=")
                settings[name.strip()] = value.strip()
    if settings.get("enabled", "true").lower() in ("false", "no", "0") or not settings.get("uri"):
        return None
    return _question(settings["uri"], settings.get("response", "NetworkManager is online"))


def _question(url: str, response: str) -> PortalQuestion | None:
    """None for an address that a portal could not answer in place of its owner, such as https."""
    match = ADDRESS.fullmatch(url)
    if match is None:
        return None
    return PortalQuestion(
        url, match["host"].strip("[]"), int(match["port"] or HTTP_PORT), match["path"] or "/", response
    )


def build_request(question: PortalQuestion) -> bytes:
    """The request, which says nothing of who asks."""
    lines = (f"GET {question.path} HTTP/1.1", f"Host: {question.host}", "Accept: */*", "Connection: close", "", "")
    return "\r\n".join(lines).encode("ascii", "replace")


def parse_http_head(data: bytes) -> HttpHead:
    """Status, location and body; raises ValueError for what is no HTTP answer.

    >>> parse_http_head(b"HTTP/1.1 302 Found\\r\\nLocation: http://portal/\\r\\n\\r\\nx").location
    'http://portal/'
    """
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        raise ValueError("the answer is not HTTP")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return HttpHead(int(words[1][:3]), fields.get("location", "")[:500], body.decode("utf-8", "replace"))


def is_expected(question: PortalQuestion, head: HttpHead) -> bool:
    """Whether this is the answer of the address itself: its text, or 204 where none is expected."""
    if not question.response:
        return head.status == 204
    return head.status == 204 or (head.status == 200 and question.response in head.body)
