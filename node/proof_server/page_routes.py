"""The page for people who wait for their tokens: files that are served as they are."""

from collections.abc import Mapping
from importlib.resources import files

from aiohttp import web

from bridge.codec.hash import keccak256
from node.api.encoding import ETAG_BYTES
from node.api.routes import Handler, Route

PAGE_FOLDER = "page"
INDEX = "index.html"
CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""By the end of the file's name; what ends otherwise is not served."""

SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Even if text of a stranger became markup, it could load, run and send nothing."""


def page_routes() -> tuple[Route, ...]:
    """`/` and each file of the page, which are read once."""
    folder = files("node.proof_server").joinpath(PAGE_FOLDER)
    routes = []
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        content_type = CONTENT_TYPES.get(file.name[file.name.rfind(".") :])
        if content_type is not None:
            path = "/" if file.name == INDEX else f"/{PAGE_FOLDER}/{file.name}"
            routes.append(Route(path, _handler(file.read_bytes(), content_type)))
    return tuple(routes)


def _handler(content: bytes, content_type: str) -> Handler:
    tag = keccak256(content)[:ETAG_BYTES].hex()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": SECURITY_POLICY,
        "ETag": f'"{tag}"',
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def serve(request: web.Request) -> web.Response:
        if any(one.value in (tag, "*") for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, content_type=content_type, charset="utf-8", headers=headers)

    return serve
