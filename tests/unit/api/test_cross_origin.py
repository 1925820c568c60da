"""Pages of other origins may ask about burns, and about nothing else."""

import pytest

from node.api.settings import ApiSettings
from tests.unit.api.client import Client, client_of_node

HASH = "0x" + "ab" * 32
OPEN = (f"/sidewarden/v1/burns/{HASH}", f"/sidewarden/v1/burns/{HASH}/proof", "/sidewarden/v1/burns/0x12")
CLOSED = ("/sidewarden/v1/status", "/metrics", "/checkpoints/latest", "/sidewarden/v1/engine/rpc")
ASKING = {"Origin": "https://wallet.example", "Access-Control-Request-Method": "GET"}


async def preflight(client: Client, path: str) -> tuple[int, str | None, str | None]:
    async with client.session.options(client.url + path, headers=ASKING) as answer:
        allowed = answer.headers.get("Access-Control-Allow-Origin"), answer.headers.get("Access-Control-Allow-Headers")
        return answer.status, *allowed


async def test_page__of_another_origin__may_read_every_answer_about_burns() -> None:
    async with client_of_node() as client:
        for path in OPEN:
            answer = await client.get(path)
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"], path
            status, origin, headers = await preflight(client, path)
            assert (status, origin) == (204, "*"), path
            assert "Content-Type" in str(headers), path


@pytest.mark.parametrize("path", CLOSED)
async def test_page__of_another_origin__may_read_nothing_else(path: str) -> None:
    async with client_of_node() as client, client.session.get(client.url + path) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert await preflight(client, path) == (405, None, None)


async def test_page__that_asks_too_fast__may_read_that_too() -> None:
    slow = ApiSettings(port=0, requests_per_client_per_s=0.01, requests_per_client_burst=1)
    async with client_of_node(slow) as client:
        answers = [await client.get(f"/sidewarden/v1/burns/{HASH[:-1]}{digit}") for digit in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        assert answers[1].headers["Access-Control-Allow-Origin"] == "*"
