"""The control URL of a real devnet: every kind of trouble, and everything that it does not take."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.process import DevnetProcess, ask, wait_until

pytestmark = pytest.mark.xdist_group("devnet")

HEALED = {"validator": None, "latency_ms": 0, "error_rate": 0, "hide_newest_blocks": 0, "empty_logs": False}


@pytest.fixture
def healed(devnet: DevnetProcess) -> Iterator[DevnetProcess]:
    """The shared devnet, put right afterwards."""
    yield devnet
    for index in range(4):
        devnet.control("POST", f"/validators/{index}/resume")
    for chain in ("root", "side"):
        devnet.control("POST", f"/chains/{chain}/resume")
        devnet.control("PUT", f"/chains/{chain}/faults", HEALED)


def head(devnet: DevnetProcess, chain: str) -> int:
    return int(devnet.rpc(chain, "eth_blockNumber"), 16)


def test_pause__of_a_validator__stops_it_alone_until_it_is_resumed(healed: DevnetProcess) -> None:
    assert healed.control("POST", "/validators/3/pause") == (200, {"validator": 3, "paused": True})

    paused = healed.get("/sidewarden/v1/status", 3)
    assert paused["paused"]
    assert paused["root_chains"][0]["why"]["reason"] == "VALIDATOR_PAUSED"
    others = healed.get("/sidewarden/v1/status", 0)
    assert (others["engine_power_share_permille"], others["engine_quorum"]) == (794, True)

    assert healed.control("POST", "/validators/3/resume") == (200, {"validator": 3, "paused": False})
    wait_until(lambda: healed.get("/sidewarden/v1/status", 3)["caught_up"])
    height = healed.get("/sidewarden/v1/status", 0)["engine_height"]
    wait_until(lambda: healed.get("/sidewarden/v1/status", 3)["engine_height"] >= height)


def test_pause__of_two_validators__stops_the_engine_with_its_reason_until_one_is_back(healed: DevnetProcess) -> None:
    for index in (0, 1):
        healed.control("POST", f"/validators/{index}/pause")

    stopped = healed.get("/sidewarden/v1/status", 2)
    assert not stopped["engine_quorum"]
    assert stopped["root_chains"][0]["why"]["reason"] == "ENGINE_NO_QUORUM"

    healed.control("POST", "/validators/0/resume")
    wait_until(lambda: healed.get("/sidewarden/v1/status", 2)["engine_height"] > stopped["engine_height"])


@pytest.mark.parametrize("chain", ["root", "side"])
def test_chain__paused__makes_only_the_blocks_that_are_asked_for(healed: DevnetProcess, chain: str) -> None:
    assert healed.control("POST", f"/chains/{chain}/pause") == (200, {"chain": chain, "paused": True})
    before = head(healed, chain)

    assert healed.control("POST", f"/chains/{chain}/mine?blocks=2") == (200, {"chain": chain, "head": before + 2})
    assert healed.control("POST", f"/chains/{chain}/mine") == (200, {"chain": chain, "head": before + 3})
    assert head(healed, chain) == before + 3

    assert healed.control("POST", f"/chains/{chain}/resume") == (200, {"chain": chain, "paused": False})


def test_reorg__of_one_block__replaces_it(healed: DevnetProcess) -> None:
    healed.control("POST", "/chains/side/pause")
    healed.control("POST", "/chains/side/mine")
    number = head(healed, "side")
    before = healed.rpc("side", "eth_getBlockByNumber", hex(number), False)

    assert healed.control("POST", "/chains/side/reorg?depth=1") == (200, {"chain": "side", "head": number + 1})

    after = healed.rpc("side", "eth_getBlockByNumber", hex(number), False)
    assert after["hash"] != before["hash"]
    assert after["parentHash"] == before["parentHash"]


def test_faults__of_one_validator__are_seen_at_both_its_urls_and_nowhere_else(healed: DevnetProcess) -> None:
    healed.control("POST", "/chains/root/pause")
    faults = {"validator": 2, "hide_newest_blocks": 5}
    assert healed.control("PUT", "/chains/root/faults", faults) == (200, {"chain": "root", "faults": faults})
    bare = healed.described["root_chains"][0]["rpc_url"]

    def number_at(url: str) -> int:
        request = b'{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}'
        return int(ask(url, "POST", request)[1]["result"], 16)

    newest = number_at(bare)
    assert {number_at(f"{bare}/v/2/{url}") for url in "ab"} == {newest - 5}
    assert number_at(f"{bare}/v/1/a") == newest

    healed.control("PUT", "/chains/root/faults", {"validator": None, "hide_newest_blocks": 3})
    assert {number_at(f"{bare}/v/{index}/a") for index in (0, 1, 3)} == {newest - 3}
    assert number_at(bare) == newest, "the bare URL is always true"


@pytest.mark.parametrize("token", ["", "0" * 32, "é", "x" * 4_000])
def test_control__with_another_token__is_refused(devnet: DevnetProcess, token: str) -> None:
    status, answer = devnet.control("POST", "/validators/0/pause", token=token.encode().decode("latin-1"))

    assert (status, answer["error"]["code"]) == (401, "UNAUTHORIZED")
    assert not devnet.get("/sidewarden/v1/status")["paused"]


def test_control__listens_on_loopback_only(devnet: DevnetProcess) -> None:
    assert urlsplit(devnet.described["control_url"]).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/validators/4/pause", 404, "UNKNOWN_VALIDATOR"),
        ("POST", "/validators/-1/resume", 404, "UNKNOWN_VALIDATOR"),
        ("POST", "/validators/00000/pause", 404, "UNKNOWN_VALIDATOR"),
        ("POST", "/validators/%D9%A1/pause", 404, "UNKNOWN_VALIDATOR"),
        ("POST", "/chains/moon/pause", 404, "UNKNOWN_CHAIN"),
        ("POST", "/chains/moon/mine?blocks=1", 404, "UNKNOWN_CHAIN"),
        ("PUT", "/chains/moon/faults", 404, "UNKNOWN_CHAIN"),
        ("POST", "/chains/side/mine?blocks=0", 400, "BAD_PARAMETER"),
        ("POST", "/chains/side/mine?blocks=65", 400, "BAD_PARAMETER"),
        ("POST", "/chains/side/mine?blocks=1.5", 400, "BAD_PARAMETER"),
        ("POST", "/chains/side/mine?blocks=", 400, "BAD_PARAMETER"),
        ("POST", "/chains/side/reorg?depth=-1", 400, "BAD_PARAMETER"),
        ("POST", "/chains/side/reorg?depth=99999999999999999999", 400, "BAD_PARAMETER"),
        ("GET", "/chains/side/pause", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/chains/side/faults", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/", 404, "NOT_FOUND"),
        ("POST", "/chains/side/explode", 404, "NOT_FOUND"),
    ],
)
def test_control__of_what_there_is_not__is_refused(
    devnet: DevnetProcess, method: str, path: str, status: int, code: str
) -> None:
    answered, answer = devnet.control(method, path)

    assert (answered, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        [],
        "text",
        {"validator": 4},
        {"validator": -1},
        {"validator": True},
        {"validator": "0"},
        {"latency_ms": -1},
        {"latency_ms": 1.5},
        {"latency_ms": 60_001},
        {"error_rate": 1.01},
        {"error_rate": "1"},
        b'{"error_rate": NaN}',
        {"hide_newest_blocks": 10_001},
        {"empty_logs": 1},
        {"empty_receipts": None},
        {"unknown": 1},
        b"[" * 4_000,
    ],
    ids=lambda body: repr(body)[:30],
)
def test_faults__with_a_bad_body__are_refused_and_change_nothing(devnet: DevnetProcess, body: object) -> None:
    status, answer = devnet.control("PUT", "/chains/side/faults", body)

    assert (status, answer["error"]["code"]) == (400, "BAD_BODY")
    assert answer["error"]["message"]


def test_faults__with_a_huge_body__are_refused(devnet: DevnetProcess) -> None:
    status, answer = devnet.control("PUT", "/chains/side/faults", b" " * 5_000)

    assert (status, answer["error"]["code"]) == (413, "BODY_TOO_LARGE")
