"""Scripts, styles and icons, read once at the start: a request's name is looked up, never joined into a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import Response

from caseprobe.errors import NotFound
from caseprobe.report.document import FIGURES, style_sheet
from caseprobe_collector.access import Action
from caseprobe_collector.console.routing import Route

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Assets:
    """All static files, and a version that changes with any of them."""

    version: str
    files: dict[str, tuple[str, bytes]]

    def url(self, name: str) -> str:
        """Where a page loads a file from; KeyError for one that does not exist."""
        self.files[name]
        return f"/static/{self.version}/{name}"


def read_assets(folder: Path = FOLDER) -> Assets:
    """Read every file of the folder, and what the report draws with: paths look alike in both."""
    files = {p.name: (TYPES[p.suffix], p.read_bytes()) for p in sorted(folder.iterdir()) if p.suffix in TYPES}
    files[FIGURES] = (TYPES[".css"], style_sheet(FIGURES).encode())
    digest = hashlib.sha256()
    for name, (_, data) in files.items():
        digest.update(name.encode() + b"\0" + data)
    return Assets(digest.hexdigest()[:16], files)


async def get_asset(request: Request, version: str, name: str) -> Response:
    """One static file; cached for good, since its address changes with its content."""
    assets: Assets = request.app.state.assets
    found = assets.files.get(name)
    if found is None:
        raise NotFound("there is nothing at this address")
    fresh = "public, max-age=31536000, immutable" if version == assets.version else "no-cache"
    return Response(found[1], media_type=found[0], headers={"cache-control": fresh})


ROUTES = (Route("GET", "/static/{version}/{name}", Action.PUBLIC, get_asset),)
