"""Bad input and too much of it: always a clear JSON error with a stable code, and nothing breaks."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.burns.service import ServiceLimits
from bridge.burns.sharing import SharingLimits
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hexadecimal import to_hex
from node.api.server import ApiServer
from node.api.serving import OWN_FILES
from node.api.settings import ApiSettings, networks
from node.store.errors import DatabaseUnwritable
from tests.unit.api.client import Client, Json, client_of_node
from tests.unit.api.node import SyntheticNode
from tests.unit.burns.world import burn_log, burn_world, transfer_log

HASH = "0x" + "ab" * 32


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/sidewarden/v1/checkpoints/0", "number"),
        ("/sidewarden/v1/checkpoints/-1", "number"),
        ("/sidewarden/v1/checkpoints/1.0", "number"),
        ("/sidewarden/v1/checkpoints/latest", "number"),
        ("/sidewarden/v1/checkpoints/01", "number"),
        ("/sidewarden/v1/checkpoints/18446744073709551616", "number"),
        ("/sidewarden/v1/checkpoints/" + "9" * 500, "number"),
        ("/sidewarden/v1/checkpoints/%D9%A3", "number"),
        ("/sidewarden/v1/checkpoints?limit=0", "limit"),
        ("/sidewarden/v1/checkpoints?limit=101", "limit"),
        ("/sidewarden/v1/checkpoints?limit=", "limit"),
        ("/sidewarden/v1/checkpoints?before=0", "before"),
        ("/sidewarden/v1/checkpoints?root_chain=", "root_chain"),
        ("/sidewarden/v1/checkpoints?root_chain=" + "x" * 65, "root_chain"),
        ("/sidewarden/v1/checkpoints?root_chain=%00", "root_chain"),
        ("/sidewarden/v1/burns/0x12", "tx"),
        ("/sidewarden/v1/burns/" + "ab" * 32, "tx"),
        ("/sidewarden/v1/burns/0x" + "zz" * 32, "tx"),
        (f"/sidewarden/v1/burns/{HASH}ab", "tx"),
        (f"/sidewarden/v1/burns/{HASH}/proof?log_index=x", "log_index"),
        (f"/sidewarden/v1/burns/{HASH}/proof?log_index=-1", "log_index"),
        (f"/sidewarden/v1/burns/{HASH}/proof?log_index=4294967296", "log_index"),
        ("/checkpoints/0", "number"),
        ("/checkpoints/abc", "number"),
        ("/checkpoints/list", "pagination.limit"),
        ("/checkpoints/list?pagination.limit=0", "pagination.limit"),
        ("/checkpoints/list?pagination.limit=10001", "pagination.limit"),
        ("/checkpoints/list?pagination.limit=1&pagination.offset=-1", "pagination.offset"),
        ("/checkpoints/list?pagination.limit=1&pagination.key=%21", "pagination.key"),
        ("/checkpoints/list?pagination.limit=1&pagination.key=AAAA", "pagination.key"),
        ("/checkpoints/list?pagination.limit=1&pagination.key=AAAAAAAAAAE=&pagination.offset=1", "pagination.offset"),
        ("/stake/validator/0", "id"),
        ("/stake/validator/x", "id"),
        ("/stake/signer/0x12", "val_address"),
        ("/stake/signer/" + "g" * 40, "val_address"),
        ("/stake/validator-status/1", "val_address"),
        ("/stake/proposers/0", "times"),
        ("/stake/proposers/many", "times"),
    ],
)
async def test_parameter__of_the_wrong_type_size_or_range__is_named(path: str, parameter: str) -> None:
    async with client_of_node() as client:
        answer = await client.get(path)
        assert (answer.status, answer.code) == (400, "BAD_PARAMETER"), answer.text
        assert parameter in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/sidewarden/v1/status?verbose=1",
        "/sidewarden/v1/checkpoints?limits=3",
        "/sidewarden/v1/checkpoints/1?rootchain=root0",
        f"/sidewarden/v1/burns/{HASH}?log_index=1",
        f"/sidewarden/v1/burns/{HASH}/proof?logIndex=1",
        f"/sidewarden/v1/burns/{HASH}/proof?log_index=1&log_index=2",
    ],
)
async def test_query__with_an_unknown_or_doubled_parameter__is_refused(path: str) -> None:
    async with client_of_node() as client:
        answer = await client.get(path)
        assert (answer.status, answer.code) == (400, "UNKNOWN_PARAMETER")


async def test_root_chain__that_the_network_does_not_have__is_not_found() -> None:
    async with client_of_node() as client:
        answer = await client.get("/sidewarden/v1/checkpoints?root_chain=moon")
        assert (answer.status, answer.code) == (404, "ROOT_CHAIN_UNKNOWN")


@given(
    route=st.sampled_from(
        (
            "/sidewarden/v1/checkpoints/{}",
            "/sidewarden/v1/checkpoints?limit={}",
            "/sidewarden/v1/checkpoints?before={}",
            "/sidewarden/v1/checkpoints?root_chain={}",
            "/sidewarden/v1/burns/{}",
            "/sidewarden/v1/burns/{}/proof",
            f"/sidewarden/v1/burns/{HASH}/proof?log_index={{}}",
            "/checkpoints/{}",
            "/checkpoints/list?pagination.limit=1&pagination.key={}",
            "/stake/signer/{}",
            "/stake/validator/{}",
            "/stake/proposers/{}",
            "/{}",
        )
    ),
    values=st.lists(st.text(max_size=80), min_size=1, max_size=10),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_input__of_any_text__gets_a_described_json_answer(route: str, values: list[str]) -> None:
    async with client_of_node() as client:
        for value in values:
            text = quote(value.encode("utf-8", "surrogatepass"), safe="")
            if text.strip(".") == "":
                continue  # clients resolve dots as steps in the path
            answer = await client.get(route.format(text))
            assert answer.status in (200, 400, 404)


async def test_route__that_does_not_exist__is_json() -> None:
    async with client_of_node() as client:
        answer = await client.get("/checkpoint/latest")
        assert (answer.status, answer.code) == (404, "NO_SUCH_ROUTE")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_method__other_than_get__is_refused_in_json(method: str) -> None:
    async with client_of_node() as client, client.session.request(method, client.url + "/health") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD"
        assert cast(Json, cast(Json, await response.json())["error"])["code"] == "METHOD_NOT_ALLOWED"


async def test_head__of_a_route__is_answered_without_a_body() -> None:
    async with client_of_node() as client, client.session.head(client.url + "/health") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_body__in_a_request__is_refused() -> None:
    async with client_of_node() as client, client.session.get(client.url + "/health", data=b"x" * 10) as response:
        assert response.status == 413
        assert cast(Json, cast(Json, await response.json())["error"])["code"] == "BODY_NOT_TAKEN"


async def test_request_line__at_its_limit__passes_and_beyond_is_refused() -> None:
    async with client_of_node(ApiSettings(port=0, request_line_bytes_max=1_000)) as client:
        fits = "/sidewarden/v1/burns/" + "a" * 900
        assert (await client.get(fits)).status == 400
        async with client.session.get(client.url + "/" + "a" * 1_100) as response:
            assert response.status == 400


async def test_server__by_default__listens_on_loopback_only() -> None:
    assert ApiSettings().host == "127.0.0.1"
    async with client_of_node() as client:
        assert client.url.startswith("http://127.0.0.1:")


async def test_server__on_a_port_that_is_taken__says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with burn_world() as world:
            server = ApiServer(SyntheticNode(world), ApiSettings(port=taken.getsockname()[1]))
            with pytest.raises(OSError, match="in use"):
                await server.start()
            await server.close()


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that asks nothing."""
    place = urlsplit(client.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader
    finally:
        writer.close()


async def is_ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "limits",
    [
        ApiSettings(port=0, connections_max=3),
        ApiSettings(port=0, connections_per_client_max=3),
        ApiSettings(port=0, connections_max=3, trusted_proxies=networks(["127.0.0.1"])),
    ],
)
async def test_connections__beyond_a_limit__are_ended_at_once_and_the_others_served(limits: ApiSettings) -> None:
    async with client_of_node(limits) as client, connected(client), connected(client):
        assert (await client.get("/health")).status == 200  # by a third connection, which is kept
        async with connected(client) as fourth:
            assert await is_ended(fourth)
        assert (await client.get("/health")).status == 200


async def test_connections__of_a_trusted_proxy__are_not_those_of_one_client() -> None:
    limits = ApiSettings(port=0, connections_per_client_max=1, trusted_proxies=networks(["127.0.0.0/8"]))
    async with client_of_node(limits) as client, connected(client), connected(client):
        assert (await client.get("/health")).status == 200


async def test_connections__where_few_files_may_be_open__leave_the_node_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (OWN_FILES + 1, OWN_FILES + 1))
    async with client_of_node() as client:
        assert (await client.get("/health")).status == 200
        async with connected(client) as second:
            assert await is_ended(second)


class Gate:
    """A behaviour of an RPC server that holds requests back, and tells when so many wait."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._arrivals = 0
        self.all_there = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, _: object) -> None:
        """Wait for the opening; then the server answers as ever."""
        self._arrivals += 1
        if self._arrivals == self._expected:
            self.all_there.set()
        await self.opened.wait()


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        (ApiSettings(port=0, requests_in_flight_max=2), 503, "OVERLOADED"),
        (ApiSettings(port=0, requests_in_flight_per_client_max=2), 429, "TOO_MANY_REQUESTS"),
    ],
)
async def test_requests_in_flight__beyond_a_limit__are_to_come_again_and_watching_goes_on(
    limits: ApiSettings, status: int, code: str
) -> None:
    async with client_of_node(limits) as client:
        gate = Gate(2)
        client.node.world.side_server.behaviour = gate
        waiting = [asyncio.create_task(client.get(f"/sidewarden/v1/burns/{HASH[:-1]}{digit}")) for digit in range(2)]
        await gate.all_there.wait()
        refused = await client.get("/sidewarden/v1/status")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (status, code, "1")
        assert (await client.get("/api/v1/matic/block-included/1?wait_s=1")).status == status, "it waits for nothing"
        assert (await client.get("/health")).status == 200
        assert (await client.get("/ready")).status == 200
        assert (await client.get("/metrics")).status == 200
        gate.opened.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200]
        assert (await client.get("/sidewarden/v1/status")).status == 200


async def test_new_questions__beyond_a_clients_speed__are_told_when_to_come_again() -> None:
    """What is at hand costs nothing, so it is answered even then; so is another client."""
    slow = ApiSettings(
        port=0, requests_per_client_per_s=0.01, requests_per_client_burst=2, trusted_proxies=networks(["127.0.0.1"])
    )
    async with client_of_node(slow) as client:
        ready = to_hex(await client.node.world.ready_burn())
        assert (await client.get(f"/sidewarden/v1/burns/{ready}")).status == 200
        assert (await client.get(f"/sidewarden/v1/burns/{HASH}")).status == 200
        refused = await client.get(f"/sidewarden/v1/burns/{HASH[:-1]}0")
        assert (refused.status, refused.code) == (429, "TOO_FAST")
        assert 90 < int(refused.headers["Retry-After"]) <= 100
        assert (await client.get(f"/sidewarden/v1/burns/{ready}")).status == 200
        assert (await client.get("/sidewarden/v1/status")).status == 200
        client.session.headers["X-Forwarded-For"] = "203.0.113.1, 203.0.113.7"
        assert (await client.get(f"/sidewarden/v1/burns/{HASH[:-1]}0")).status == 200


async def test_one_question__asked_by_many_at_once__is_counted_once() -> None:
    slow = ApiSettings(port=0, requests_per_client_per_s=0.01, requests_per_client_burst=2)
    async with client_of_node(slow) as client:
        gate = Gate(1)
        client.node.world.side_server.behaviour = gate
        path = f"/sidewarden/v1/burns/{HASH}"
        waiting = [asyncio.create_task(client.get(path)) for _ in range(10)]
        await gate.all_there.wait()
        gate.opened.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 10
        assert (await client.get(path)).status == 200
        assert (await client.get(path)).status == 429


async def test_questions__beyond_what_the_burn_service_takes__are_429() -> None:
    limits = ServiceLimits(sharing=SharingLimits(running_max=1, waiting_max=1))
    async with client_of_node(limits=limits) as client:
        gate = Gate(1)
        client.node.world.side_server.behaviour = gate
        waiting = asyncio.create_task(client.get(f"/sidewarden/v1/burns/{HASH}"))
        await gate.all_there.wait()
        refused = await client.get(f"/sidewarden/v1/burns/{HASH[:-1]}0")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "BURNS_BUSY", "1")
        gate.opened.set()
        assert (await waiting).status == 200


async def test_large_answers__that_are_not_read__hold_their_place_until_time_is_up() -> None:
    """Small ones are served all the while."""
    settings = ApiSettings(port=0, sending_bytes_max=20_000_000, send_timeout_s=0.5)
    async with client_of_node(settings) as client:
        logs = [burn_log(1)] * 20 + [replace(transfer_log(), data=bytes(200_000))]
        transaction, event = to_hex(await client.node.world.ready_burn(*logs)), to_hex(TRANSFER_TOPIC)
        path, small = f"/api/v1/matic/all-exit-payloads/{transaction}?eventSignature={event}", "/sidewarden/v1/status"
        assert (await client.get(path)).status == 200
        place = urlsplit(client.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1_024)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        assert b"200 OK" in await reader.readline()
        refused = await client.get(path)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (await client.get(small)).status == 200
        while (answer := await client.get(path)).status == 503:
            pass
        assert answer.status == 200
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(answer.text))
        writer.close()


async def test_request__that_takes_too_long__is_given_up_with_504() -> None:
    async with client_of_node(ApiSettings(port=0, request_timeout_s=0.05)) as client:
        gate = Gate(1)
        client.node.world.side_server.behaviour = gate
        answer = await client.get(f"/sidewarden/v1/burns/{HASH}")
        assert (answer.status, answer.code) == (504, "TIMED_OUT")
        gate.opened.set()


async def test_request__while_a_database_fails__is_503_and_the_next_is_served() -> None:
    async with client_of_node() as client:
        database, path = client.node.failing_database, "/sidewarden/v1/status"
        client.node.failing_database = DatabaseUnwritable("/home/of/the/node/local.db: disk I/O error")
        answer = await client.get(path)
        assert (answer.status, answer.code) == (503, "DATABASE_UNWRITABLE")
        assert "/home" not in answer.text, "where files are is for the operator's log"
        client.node.failing_database = database
        assert (await client.get(path)).status == 200


async def test_request__that_meets_a_bug__is_500_and_logged_and_the_next_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client_of_node() as client:
        client.node.edited_status = "no status"  # type: ignore[assignment]  # the bug
        answer = await client.get("/health")
        assert (answer.status, answer.code) == (500, "INTERNAL")
        assert "bug" in caplog.text
        assert "no status" not in answer.text
        client.node.edited_status = None
        assert (await client.get("/health")).status == 200


def test_settings__that_would_let_nothing_through__are_refused() -> None:
    refused: tuple[Callable[[], ApiSettings], ...] = (
        lambda: ApiSettings(requests_in_flight_max=0),
        lambda: ApiSettings(requests_in_flight_per_client_max=0),
        lambda: ApiSettings(requests_per_client_burst=0),
        lambda: ApiSettings(requests_per_client_per_s=0),
        lambda: ApiSettings(clients_max=0),
        lambda: ApiSettings(connections_max=0),
        lambda: ApiSettings(connections_per_client_max=0),
        lambda: ApiSettings(sending_bytes_max=0),
        lambda: ApiSettings(send_timeout_s=0),
        lambda: ApiSettings(request_line_bytes_max=0),
        lambda: ApiSettings(page_size_default=101),
        lambda: ApiSettings(request_timeout_s=0),
    )
    for make in refused:
        with pytest.raises(ValueError, match="at least one"):
            make()
