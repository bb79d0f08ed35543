"""Static files: read once, compressed once, kept by browsers for ever because their address names their content."""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.console.rendering import STATIC

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in both forms."""

    content_type: str
    plain: bytes
    packed: bytes


def routes() -> list[Route]:
    assets = _assets()

    async def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["path"])
        if asset is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.content_type
            )
        return Response(asset.plain, headers=headers, media_type=asset.content_type)

    return [Route("/static/{path:path}", serve)]


@cache
def _assets() -> dict[str, Asset]:
    return {
        str(path.relative_to(STATIC)): _load(path.suffix, path.read_bytes())
        for path in STATIC.rglob("*")
        if path.is_file()
    }


def _load(suffix: str, content: bytes) -> Asset:
    kind = TYPES.get(suffix) or mimetypes.guess_type(f"x{suffix}")[0] or "text/plain"
    return Asset(kind, content, gzip.compress(content, 9, mtime=0))
