"""CometBFT's reading calls through our own port: what is passed on, and that nothing else is."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from node.api.routes_engine import BODY_BYTES_MAX, METHODS, RPC_PATH
from node.engine.errors import EngineUnreachable
from tests.unit.api.client import Answer, Client, Json, client_of_node, validate_value

RESULT = {"answer": "42", "deep": [1, {"two": None}]}


@dataclass
class Comet:
    """The door to a CometBFT that answers with the same, whatever it is asked."""

    body: bytes = json.dumps({"jsonrpc": "2.0", "id": 1, "result": RESULT}).encode()
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    is_down: bool = False

    async def raw(self, method: str, parameters: Mapping[str, object]) -> bytes:
        if self.is_down:
            raise EngineUnreachable("connection refused")
        self.asked.append((method, dict(parameters)))
        return self.body


@dataclass(frozen=True)
class Served:
    """A node with CometBFT."""

    client: Client
    comet: Comet

    async def post(self, body: bytes | str | Json) -> Answer:
        """A call, and its answer, held against openapi.yaml."""
        data = json.dumps(body) if isinstance(body, dict) else body
        async with self.client.session.post(self.client.url + RPC_PATH, data=data) as response:
            text = await response.text()
            document: Json = json.loads(text)
            schema = "EngineAnswer" if response.status == 200 else "Error"
            validate_value({"$ref": f"spec#/components/schemas/{schema}"}, document)
            return Answer(response.status, document, text, dict(response.headers))

    async def get(self, call: str) -> Answer:
        """The same by URL."""
        return await self.client.get(f"{RPC_PATH}/{call}")


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    comet = Comet()
    async with client_of_node(rpc=comet) as client:
        yield Served(client, comet)


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_call__of_the_white_list__is_passed_on_with_its_parameters_in_both_forms(method: str) -> None:
    parameters: dict[str, Any] = dict.fromkeys(METHODS[method], "7")
    async with served() as node:
        posted = await node.post({"jsonrpc": "2.0", "id": 5, "method": method, "params": parameters})
        got = await node.get(method + "?" + "&".join(f"{name}={value}" for name, value in parameters.items()))

        assert posted.json == {"jsonrpc": "2.0", "id": 5, "result": RESULT}
        assert got.json == {"jsonrpc": "2.0", "id": -1, "result": RESULT}
        assert node.comet.asked == [(method, parameters)] * 2


@pytest.mark.parametrize(
    "method",
    [
        "broadcast_tx_sync",
        "broadcast_evidence",
        "dial_peers",
        "unsafe_flush_mempool",
        "subscribe",
        "tx_search",
        "",
        "x" * 999,
    ],
)
async def test_call__that_is_not_on_the_list__is_asked_of_nobody(method: str) -> None:
    async with served() as node:
        answers = [await node.post({"id": 1, "method": method})]
        if method:
            answers.append(await node.get(method))
        assert {(answer.status, answer.code) for answer in answers} == {(404, "NO_SUCH_CALL")}
        assert not node.comet.asked


async def test_parameter__that_a_call_does_not_take__is_named() -> None:
    async with served() as node:
        for answer in (
            await node.post({"method": "commit", "params": {"height": "7", "heigth": "8"}}),
            await node.get("commit?heigth=8"),
        ):
            assert (answer.status, answer.code) == (400, "BAD_PARAMETER")
            assert "heigth" in answer.text
            assert "commit takes: height" in answer.text
        assert "status takes: nothing" in (await node.get("status?x=1")).text
        assert not node.comet.asked


@pytest.mark.parametrize("identity", [0, -1, 2**65, "", "text", None])
async def test_id__of_a_call__comes_back(identity: int | str | None) -> None:
    async with served() as node:
        assert (await node.post({"id": identity, "method": "status"})).json["id"] == identity


async def test_call__with_no_more_than_its_method__is_enough() -> None:
    async with served() as node:
        assert (await node.post({"method": "status"})).json == {"jsonrpc": "2.0", "id": None, "result": RESULT}
        assert node.comet.asked == [("status", {})]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "status",
        "null",
        "{}",
        '{"method": 1}',
        '{"method": "status", "id": 1.5}',
        '{"method": "status", "id": [1]}',
        '{"method": "commit", "params": ["7"]}',
        '{"method": "commit", "params": null}',
        '[{"method": "status"}, {"method": "status"}]',
        '{"method": "status"} {"method": "status"}',
        '{"method": "commit", "params": {"height": ' + "[" * 8_000 + "]" * 8_000 + "}}",
        b"\xff{}",
    ],
)
async def test_body__that_is_no_single_call__is_refused(body: str | bytes) -> None:
    async with served() as node:
        answer = await node.post(body)
        assert (answer.status, answer.code) == (400, "BAD_PARAMETER"), answer.text
        assert not node.comet.asked


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413), (1_000_000, 413)])
async def test_body__at_the_limit__is_taken_and_a_longer_one_is_not(over: int, status: int) -> None:
    call = '{"method": "status"}'
    async with served() as node:
        answer = await node.post(call + " " * (BODY_BYTES_MAX + over - len(call)))
        assert answer.status == status
        assert status == 200 or answer.code == "BODY_TOO_LARGE"


async def test_error__of_cometbft__is_passed_on_as_its_own() -> None:
    error = {"code": -32603, "message": "Internal error", "data": "height 9 must be at most 7"}
    async with served() as node:
        node.comet.body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
        answer = await node.get("commit?height=9")
        assert (answer.status, answer.json) == (200, {"jsonrpc": "2.0", "id": -1, "error": error})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"result": '])
async def test_answer__that_is_none__is_as_good_as_no_answer(body: bytes) -> None:
    async with served() as node:
        node.comet.body = body
        answer = await node.get("status")
        assert (answer.status, answer.code) == (503, "ENGINE_DOWN")


async def test_cometbft__that_is_down__is_told_with_when_to_ask_again_and_without_its_cause() -> None:
    async with served() as node:
        node.comet.is_down = True
        for answer in (await node.get("status"), await node.post({"method": "status"})):
            assert (answer.status, answer.code) == (503, "ENGINE_DOWN")
            assert answer.headers["Retry-After"] == "1"
            assert "refused" not in answer.text


async def test_node__without_cometbft__says_so() -> None:
    async with client_of_node() as client:
        answer = await client.get(f"{RPC_PATH}/status")
        assert (answer.status, answer.code) == (404, "NO_COMETBFT")


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (
            "path=%22/app%22&data=0xab&height=7&prove=true",
            {"path": "/app", "data": "0xab", "height": "7", "prove": True},
        ),
        ("prove=false", {"prove": False}),
        ("path=%22a%5C%22b%22", {"path": 'a"b'}),
        ("path=", {"path": ""}),
    ],
)
async def test_url__with_parameters_as_cometbft_takes_them__is_read(query: str, parameters: dict[str, object]) -> None:
    async with served() as node:
        assert (await node.get(f"abci_query?{query}")).status == 200
        assert node.comet.asked == [("abci_query", parameters)]


@pytest.mark.parametrize("value", ["%22", "%22a", "%22a%22b", "%22%5C%22"])
async def test_url__with_a_quoted_text_that_is_not_closed__is_refused(value: str) -> None:
    async with served() as node:
        answer = await node.get(f"abci_query?path={value}")
        assert (answer.status, answer.code) == (400, "BAD_PARAMETER")
        assert not node.comet.asked
