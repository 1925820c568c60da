"""The control URL: what it passes on, and everything that it refuses."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from node.devnet.chains import MINE_BLOCKS_MAX, REORG_DEPTH_MAX, ChainCommandRefused
from node.devnet.control import BODY_BYTES_MAX, HIDE_BLOCKS_MAX, LATENCY_MS_MAX, control_app
from node.devnet.rpc.faults import NO_FAULTS, ChainFaults

TOKEN = "0123456789abcdef"


@dataclass
class _Network:
    """Something controlled: it writes down what it was told."""

    validator_count: int = 4
    chain_names: tuple[str, ...] = ("root", "side")
    told: list[tuple[object, ...]] = field(default_factory=list)
    refusal: str | None = None

    def pause_validator(self, index: int) -> None:
        self.told.append(("pause", index))

    def resume_validator(self, index: int) -> None:
        self.told.append(("resume", index))

    async def pause_chain(self, name: str) -> None:
        self.told.append(("pause", name))

    async def resume_chain(self, name: str) -> None:
        self.told.append(("resume", name))

    async def mine(self, name: str, blocks: int) -> int:
        self.told.append(("mine", name, blocks))
        return 100 + blocks

    async def reorg(self, name: str, depth: int) -> int:
        if self.refusal is not None:
            raise ChainCommandRefused(self.refusal)
        self.told.append(("reorg", name, depth))
        return 100

    async def set_faults(self, name: str, faults: ChainFaults) -> None:
        self.told.append(("faults", name, faults))


@dataclass
class _Answer:
    status: int
    json: dict[str, object]

    @property
    def code(self) -> object:
        """The code of a refusal."""
        error = self.json["error"]
        assert isinstance(error, dict)
        assert set(error) == {"code", "message"}
        assert error["message"]
        return error["code"]


class _Control:
    """A client of the control URL."""

    def __init__(self, network: _Network, session: aiohttp.ClientSession, url: str) -> None:
        self.network = network
        self._session = session
        self.url = url

    async def __call__(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, token: str | None = TOKEN
    ) -> _Answer:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        async with self._session.request(method, self.url + path, data=data, headers=headers) as response:
            assert response.content_type == "application/json"
            return _Answer(response.status, await response.json())


@pytest.fixture
async def control(session: aiohttp.ClientSession) -> AsyncIterator[_Control]:
    network = _Network()
    runner = web.AppRunner(control_app(network, TOKEN), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield _Control(network, session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "told", "answer"),
    [
        ("/validators/0/pause", ("pause", 0), {"validator": 0, "paused": True}),
        ("/validators/3/resume", ("resume", 3), {"validator": 3, "paused": False}),
        ("/chains/side/pause", ("pause", "side"), {"chain": "side", "paused": True}),
        ("/chains/root/resume", ("resume", "root"), {"chain": "root", "paused": False}),
        ("/chains/side/mine?blocks=5", ("mine", "side", 5), {"chain": "side", "head": 105}),
        ("/chains/side/mine", ("mine", "side", 1), {"chain": "side", "head": 101}),
        (f"/chains/side/mine?blocks={MINE_BLOCKS_MAX}", ("mine", "side", MINE_BLOCKS_MAX), None),
        ("/chains/root/reorg?depth=3", ("reorg", "root", 3), {"chain": "root", "head": 100}),
        (f"/chains/root/reorg?depth={REORG_DEPTH_MAX}", ("reorg", "root", REORG_DEPTH_MAX), None),
    ],
)
async def test_control__a_command__is_passed_on(
    control: _Control, path: str, told: tuple[object, ...], answer: dict[str, object] | None
) -> None:
    given = await control("POST", path)
    assert given.status == 200
    assert control.network.told == [told]
    assert answer is None or given.json == answer


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, NO_FAULTS),
        ({"validator": None}, NO_FAULTS),
        ({"validator": 3, "latency_ms": LATENCY_MS_MAX}, ChainFaults(3, LATENCY_MS_MAX)),
        ({"error_rate": 1}, ChainFaults(error_rate=1.0)),
        ({"error_rate": 0.25, "hide_newest_blocks": HIDE_BLOCKS_MAX}, ChainFaults(None, 0, 0.25, HIDE_BLOCKS_MAX)),
        ({"empty_logs": True, "empty_receipts": True}, ChainFaults(empty_logs=True, empty_receipts=True)),
    ],
)
async def test_control__faults__are_passed_on(control: _Control, body: object, faults: ChainFaults) -> None:
    given = await control("PUT", "/chains/side/faults", body)
    assert (given.status, given.json) == (200, {"chain": "side", "faults": body})
    assert control.network.told == [("faults", "side", faults)]


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "0", TOKEN[:-1], "\u00e9"])
@pytest.mark.parametrize("path", ["/validators/0/pause", "/nothing"])
async def test_control__without_the_token__refused_whatever_is_asked(
    control: _Control, path: str, token: str | None
) -> None:
    given = await control("POST", path, token=token)
    assert (given.status, given.code) == (401, "UNAUTHORIZED")
    assert TOKEN not in json.dumps(given.json)
    assert control.network.told == []


async def test_control__bytes_that_are_no_text_in_place_of_the_token__refused(control: _Control) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(control.url).port)
    writer.write(b"POST /chains/side/pause HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")
    assert b" 401 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        1,
        "side",
        {"latency": 5},
        {"validator": -1},
        {"validator": 4},
        {"validator": "0"},
        {"validator": True},
        {"validator": 1.0},
        {"latency_ms": -1},
        {"latency_ms": LATENCY_MS_MAX + 1},
        {"latency_ms": "5"},
        {"latency_ms": 1e3},
        {"latency_ms": None},
        {"error_rate": -0.1},
        {"error_rate": 1.1},
        {"error_rate": "1"},
        {"error_rate": True},
        {"error_rate": None},
        {"error_rate": float("nan")},
        {"error_rate": float("inf")},
        {"hide_newest_blocks": HIDE_BLOCKS_MAX + 1},
        {"hide_newest_blocks": 10**100},
        {"empty_logs": 1},
        {"empty_logs": "true"},
        {"empty_receipts": None},
        {"": 0},
    ],
    ids=repr,
)
async def test_control__faults_that_make_no_sense__refused(control: _Control, body: object) -> None:
    given = await control("PUT", "/chains/side/faults", raw=json.dumps(body).encode())
    assert (given.status, given.code) == (400, "BAD_BODY")
    assert control.network.told == []


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b'{"latency_ms": 1', b"[" * BODY_BYTES_MAX, b'{"a":' * 700, b"9" * 4_400, b"\x00"],
    ids=lambda raw: f"{len(raw)} bytes",
)
async def test_control__a_body_that_is_no_json__refused(control: _Control, raw: bytes) -> None:
    given = await control("PUT", "/chains/side/faults", raw=raw[:BODY_BYTES_MAX])
    assert (given.status, given.code) == (400, "BAD_BODY")


async def test_control__a_body_at_and_over_the_limit__read_and_refused(control: _Control) -> None:
    at_limit = b"{}" + b" " * (BODY_BYTES_MAX - 2)
    assert (await control("PUT", "/chains/side/faults", raw=at_limit)).status == 200
    given = await control("PUT", "/chains/side/faults", raw=at_limit + b" ")
    assert (given.status, given.code) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/validators/4/pause", 404, "UNKNOWN_VALIDATOR"),
        ("/validators/-1/pause", 404, "UNKNOWN_VALIDATOR"),
        ("/validators/x/resume", 404, "UNKNOWN_VALIDATOR"),
        ("/validators/\u0662/pause", 404, "UNKNOWN_VALIDATOR"),
        (f"/validators/{'9' * 5000}/pause", 404, "UNKNOWN_VALIDATOR"),
        ("/chains/moon/pause", 404, "UNKNOWN_CHAIN"),
        ("/chains/Side/resume", 404, "UNKNOWN_CHAIN"),
        ("/chains/moon/mine", 404, "UNKNOWN_CHAIN"),
        ("/chains/side/mine?blocks=0", 400, "BAD_PARAMETER"),
        (f"/chains/side/mine?blocks={MINE_BLOCKS_MAX + 1}", 400, "BAD_PARAMETER"),
        ("/chains/side/mine?blocks=", 400, "BAD_PARAMETER"),
        ("/chains/side/mine?blocks=1.5", 400, "BAD_PARAMETER"),
        ("/chains/side/mine?blocks=-1", 400, "BAD_PARAMETER"),
        (f"/chains/side/reorg?depth={REORG_DEPTH_MAX + 1}", 400, "BAD_PARAMETER"),
        (f"/chains/side/reorg?depth={'1' * 5000}", 400, "BAD_PARAMETER"),
        ("/chains/side/explode", 404, "NOT_FOUND"),
        ("/chains/side/faults", 405, "METHOD_NOT_ALLOWED"),
        ("/", 404, "NOT_FOUND"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_control__what_there_is_not__refused(control: _Control, path: str, status: int, code: str) -> None:
    given = await control("POST", path)
    assert (given.status, given.code) == (status, code)
    assert control.network.told == []


async def test_control__the_chain_cannot_do_it__its_words_are_passed_on(control: _Control) -> None:
    control.network.refusal = "a reorg of 3 blocks would go below the genesis block"
    given = await control("POST", "/chains/side/reorg?depth=3")
    assert (given.status, given.code) == (409, "DEVNET_CHAIN_COMMAND")
    assert "below the genesis block" in json.dumps(given.json)
