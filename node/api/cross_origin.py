"""Which routes a page of another origin may read: those about burns, which wallets and bridge pages ask for.

They tell nothing that is not on public chains, and nobody logs in, so any origin may. All other routes are for whoever
runs the node.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

OPEN_PREFIXES = ("/api/v1/", "/health-check", "/sidewarden/v1/burns")
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Accept, Cache-Control, Content-Type, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}


def is_open(path: str) -> bool:
    """Whether the path is one of these."""
    return path.startswith(OPEN_PREFIXES)


@web.middleware
async def answer_preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a browser that asks before the request itself that it may send it."""
    if request.method == "OPTIONS" and is_open(request.path):
        return web.Response(status=204, headers=PREFLIGHT_HEADERS)
    return await handler(request)


async def open_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages read the answer, also an error or a stream; for `on_response_prepare`."""
    if is_open(request.path):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
