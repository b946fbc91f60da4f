"""How are stylesheet, scripts and icons served, so that a browser asks for each only once?

Each is addressed by what is in it: `style.<hash>.css`. A file that changed has another address, so what a browser has
may be kept for good, and a page never meets the script of another version.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from syncworker.web.security_headers import secured

FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, read once."""

    address: str
    media_type: str
    content: bytes
    compressed: bytes


@lru_cache(maxsize=1)
def _files() -> tuple[Mapping[str, StaticFile], Mapping[str, StaticFile]]:
    """By name, and by the last part of the address."""
    by_name: dict[str, StaticFile] = {}
    by_address: dict[str, StaticFile] = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix not in _MEDIA_TYPES:
            continue
        content = path.read_bytes()
        name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        kept = StaticFile(f"/static/{name}", _MEDIA_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
        by_name[path.name] = by_address[name] = kept
    return by_name, by_address


def address(name: str) -> str:
    """Where a page finds the file of that name in `static/`; raises KeyError where there is none."""
    return _files()[0][name].address


@router.get("/static/{name}")
@router.head("/static/{name}")
async def static_file(name: str, request: Request) -> Response:
    """A file, for good. Nothing of it is secret, so nobody is asked who they are."""
    found = _files()[1].get(name)
    if found is None:
        return secured(Response(status_code=404))
    headers = {"Cache-Control": _KEPT, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return secured(
            Response(found.compressed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
        )
    return secured(Response(found.content, media_type=found.media_type, headers=headers))
