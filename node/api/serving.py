"""An application on its port, with the limits of what is read of a request."""

from aiohttp import web

from node.api.settings import ApiSettings


class HttpServer:
    """Serves an application until it is closed."""

    def __init__(self, app: web.Application, settings: ApiSettings) -> None:
        self._settings = settings
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=settings.shutdown_timeout_s,
            max_line_size=settings.request_line_bytes_max,
            max_field_size=settings.request_line_bytes_max,
        )

    async def start(self) -> str:
        """Listen, and give the base URL with its true port. Raises OSError when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening, and give requests in flight a short time to end."""
        await self._runner.cleanup()
