"""Whoever waits for a burn is told of each change once, by a stream or a long poll, and takes nobody's place."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import aiohttp
import pytest

from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from node.api.encoding import JsonValue
from node.api.settings import ApiSettings
from tests.unit.api.client import Client, Json, client_of_node
from tests.unit.burns.world import CONFIRMATIONS, World

UNKNOWN = to_hex(keccak256(b"not there yet"))


@asynccontextmanager
async def time_passes(world: World) -> AsyncIterator[None]:
    """Half a second on the world's clock at each turn of the loop."""

    async def run() -> None:
        while True:
            world.clock.advance(0.5)
            await asyncio.sleep(0)

    running = asyncio.create_task(run())
    try:
        yield
    finally:
        running.cancel()


async def next_event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The fields of the next event, comments and `retry` left out."""
    fields: dict[str, str] = {}
    while True:
        line = (await response.content.readline()).decode().rstrip("\n")
        if not line and "event" in fields:
            return fields
        name, _, value = line.partition(": ")
        if name and name != "retry":
            fields[name] = value


def status_of(event: dict[str, str]) -> str:
    return str(json.loads(event["data"])["status"])


def burn_path(transaction: str, rest: str = "") -> str:
    return f"/sidewarden/v1/burns/{transaction}{rest}"


async def test_events__of_a_burn__tell_each_change_once_and_end_with_the_exit() -> None:
    async with client_of_node() as client:
        world = client.node.world
        transaction = world.side.burn()
        path = burn_path(to_hex(transaction), "/events")
        async with time_passes(world), client.session.get(client.url + path) as stream:
            assert stream.content_type == "text/event-stream"
            first = await next_event(stream)
            assert (first["event"], status_of(first)) == ("burn", "PENDING")
            assert first["id"] == json.loads(first["data"])["version"]

            world.side.mine(count=8 + CONFIRMATIONS)
            await world.follow()
            assert status_of(await next_event(stream)) == "NOT_CHECKPOINTED"

            world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
            world.root.mine(count=CONFIRMATIONS)
            await world.follow()
            ready = await next_event(stream)
            assert status_of(ready) == "READY"

            world.root.exit((await world.service.proof(transaction)).exit_hash)
            world.root.mine(count=CONFIRMATIONS)
            await world.follow()
            assert status_of(await next_event(stream)) == "EXITED"
            assert await stream.content.read() == b""


async def test_events__after_the_last_id__begin_with_what_has_changed_since() -> None:
    async with client_of_node() as client:
        world = client.node.world
        transaction = await world.ready_burn()
        version = str((await client.get(burn_path(to_hex(transaction)))).json["version"])
        url = client.url + burn_path(to_hex(transaction), "/events")
        async with time_passes(world), client.session.get(url, headers={"Last-Event-ID": version}) as stream:
            assert await stream.content.readuntil(b": unchanged\n\n") == b"retry: 3000\n\n: unchanged\n\n"
            world.root.exit((await world.service.proof(transaction)).exit_hash)
            world.root.mine(count=CONFIRMATIONS)
            await world.follow()
            assert status_of(await next_event(stream)) == "EXITED"


async def test_events__while_the_chain_cannot_be_read__say_so_and_go_on() -> None:
    async with client_of_node() as client:
        world = client.node.world
        transaction = await world.ready_burn()

        def unreadable(method: str, _: list[object], result: object) -> object:
            return 7 if method == "eth_getTransactionReceipt" else result

        world.tamper = unreadable
        url = client.url + burn_path(to_hex(transaction), "/events")
        async with time_passes(world), client.session.get(url) as stream:
            failed = await next_event(stream)
            assert failed["event"] == "error"
            assert json.loads(failed["data"])["error"]["code"] == "ENDPOINT_FALSE"
            world.tamper = None
            while (event := await next_event(stream))["event"] == "error":
                pass
            assert status_of(event) == "READY"


async def test_long_poll__answers_at_once_what_is_not_known_and_later_what_has_changed() -> None:
    async with client_of_node() as client:
        world = client.node.world
        first = (await client.get(burn_path(UNKNOWN, "?wait_s=25"))).json
        assert first["status"] == "NOT_FOUND"
        path = burn_path(UNKNOWN, f"?wait_s=25&unless={first['version']}")
        async with time_passes(world):
            unchanged = (await client.get(path)).json
            assert unchanged["version"] == first["version"]
            waiting = asyncio.create_task(client.get(path))
            world.side.pool.add(keccak256(b"not there yet"))
            assert (await waiting).json["status"] == "PENDING"


@pytest.mark.parametrize("rest", ["/events?wait_s=1", "?wait_s=26", "?wait_s=-1", "?unless="])
async def test_waiting__with_a_parameter_that_is_not_allowed__is_refused(rest: str) -> None:
    async with client_of_node() as client:
        assert (await client.get(burn_path(UNKNOWN, rest))).status == 400


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        (ApiSettings(port=0, waiting_max=2), 503, "OVERLOADED"),
        (ApiSettings(port=0, waiting_per_client_max=2), 429, "TOO_MANY_REQUESTS"),
    ],
)
async def test_waiting__beyond_a_limit__is_refused_and_takes_nobody_elses_place(
    limits: ApiSettings, status: int, code: str
) -> None:
    async with client_of_node(limits) as client:
        transaction = to_hex(await client.node.world.ready_burn())
        streams = [await _opened(client, burn_path(transaction, "/events")) for _ in range(2)]
        refused = await client.get(burn_path(transaction, "?wait_s=5"))
        assert (refused.status, refused.code) == (status, code)
        assert (await client.get(burn_path(transaction))).status == 200
        for stream in streams:
            stream.close()


async def _opened(client: Client, path: str) -> aiohttp.ClientResponse:
    stream = await client.session.get(client.url + path)
    await next_event(stream)
    return stream


async def test_status__whose_etag_is_known__is_not_sent_again() -> None:
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn())
        for path in (burn_path(transaction), burn_path(transaction, "/proof")):
            first = await client.get(path)
            assert first.status == 200
            headers = {"If-None-Match": first.headers["Etag"]}
            async with client.session.get(client.url + path, headers=headers) as again:
                assert (again.status, await again.read()) == (304, b"")
            async with client.session.get(client.url + path, headers={"If-None-Match": '"other"'}) as again:
                assert again.status == 200


async def test_proof__once_finished__may_be_kept_for_ever_and_a_status_may_not() -> None:
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn())
        proof = await client.get(burn_path(transaction, "/proof"))
        assert proof.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (await client.get(burn_path(transaction))).headers["Cache-Control"] == "no-cache"
        missing = await client.get(burn_path(UNKNOWN, "/proof"))
        assert (missing.status, missing.headers["Cache-Control"]) == (404, "no-store")


async def test_status__of_each_burn__names_its_kind_and_where_its_exit_is_made() -> None:
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn())
        report = (await client.get(burn_path(transaction))).json
        (burn,) = cast(list[Json], report["burns"])
        (on_root,) = cast(list[dict[str, JsonValue]], burn["root_chains"])
        assert (burn["kind"], burn["ids"], burn["twins"]) == ("ERC20", [], [])
        assert (on_root["exit_function"], on_root["to_go"], on_root["exit"]) == ("exit(bytes)", None, None)
