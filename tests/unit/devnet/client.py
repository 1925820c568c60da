"""A JSON-RPC client that knows nothing of our codecs."""

from typing import Any

import aiohttp


class RpcFailed(Exception):
    """The call was answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.data = error.get("data")


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, *params: object) -> Any:
        """The result. Raises RpcFailed."""
        answer = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)})
        assert answer["jsonrpc"] == "2.0"
        assert answer["id"] == 7
        if "error" in answer:
            raise RpcFailed(answer["error"])
        return answer["result"]

    async def post(self, document: object) -> Any:
        """What a JSON document is answered with; always under HTTP status 200."""
        async with self._session.post(self._url, json=document) as response:
            assert response.status == 200
            return await response.json()

    async def post_bytes(self, body: bytes, content_type: str = "application/json") -> Any:
        """What any body is answered with."""
        async with self._session.post(self._url, data=body, headers={"Content-Type": content_type}) as response:
            assert response.status == 200
            return await response.json() if response.content_length else None
