"""Server-sent events: one answer that goes on, as the HTML standard's EventSource reads it."""

from aiohttp import ClientConnectionResetError, web

from node.api.encoding import JsonValue, json_text

RECONNECT_MS = 3_000
LAST_ID_CHARACTERS_MAX = 64


class EventStream:
    """The stream that answers one request; it closes itself when its client has gone."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Accel-Buffering": "no",  # asks nginx to pass each event on at once
            }
        )
        self.is_open = True

    @property
    def last_id(self) -> str | None:
        """The id of the last event that a client which comes again has seen."""
        text = self._request.headers.get("Last-Event-ID")
        return None if text is None else text[:LAST_ID_CHARACTERS_MAX]

    async def start(self) -> None:
        """Send the headers, and how soon to come again after a break."""
        await self.response.prepare(self._request)
        await self._write(f"retry: {RECONNECT_MS}\n\n")

    async def send(self, event: str, data: JsonValue, event_id: str | None = None) -> None:
        """Send one event; its data is one line, for JSON has no line ends."""
        identified = "" if event_id is None else f"id: {event_id}\n"
        await self._write(f"event: {event}\n{identified}data: {json_text(data)}\n\n")

    async def keep_alive(self) -> None:
        """Send a comment, which clients ignore."""
        await self._write(": unchanged\n\n")

    async def _write(self, text: str) -> None:
        if self.is_open:
            try:
                await self.response.write(text.encode())
            except ClientConnectionResetError:
                self.is_open = False
