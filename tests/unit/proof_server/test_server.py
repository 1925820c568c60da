"""A proof server: what it answers, what it waits for, and that nothing is lost with it."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from openapi_spec_validator import validate

from bridge.codec.hexadecimal import to_hex
from node.api.settings import ApiSettings
from node.proof_server.application import create_app, described
from node.store.errors import HomeInUse
from tests.unit.api.client import Json
from tests.unit.burns.world import CONFIRMATIONS, burn_world
from tests.unit.chain.rpc_server import RpcFault, always
from tests.unit.proof_server.served import look, served, with_logs

BURNS = "/sidewarden/v1/burns/"


def lacks(body: Json) -> set[tuple[str, str]]:
    """What `/ready` says is missing, with the codes."""
    missing = body["missing"]
    assert isinstance(missing, list)
    found = set()
    for one in missing:
        assert isinstance(one, dict)
        found.add((str(one["what"]), str(one["code"])))
    return found


async def test_server__with_both_chains__is_ready_and_proves_as_a_node_does() -> None:
    async with burn_world() as world, served(world) as one:
        transaction = await world.ready_burn()
        await look(world, one)
        status, body, _ = await one.get("/ready")
        assert (status, body) == (200, {"ready": True, "missing": []})
        _, report, _ = await one.get(BURNS + to_hex(transaction))
        assert report["status"] == "READY"
        _, proof, headers = await one.get(f"{BURNS}{to_hex(transaction)}/proof")
        assert proof["payload"] == to_hex((await world.service.proof(transaction)).payload)
        assert proof["simulated"] is True
        assert "immutable" in headers["Cache-Control"]


async def test_server__before_its_chains_answer__says_what_it_waits_for_and_then_answers() -> None:
    async with burn_world() as world, served(world) as one:
        transaction = await world.ready_burn()
        for server in (world.side_server, world.root_servers[0]):
            server.behaviour = always(lambda: web.Response(status=503))
        await look(world, one)
        status, body, _ = await one.get("/ready")
        assert status == 503
        assert lacks(body) >= {("side chain", "SIDE_RPC_DOWN"), ("root chain root0", "ROOT_RPC_DOWN")}
        status, body, headers = await one.get(BURNS + to_hex(transaction))
        assert (status, "Retry-After" in headers) == (503, True)
        assert (await one.get("/health"))[0] == 200
        for server in (world.side_server, world.root_servers[0]):
            server.behaviour = None
        await look(world, one)
        assert (await one.get("/ready"))[0] == 200
        assert (await one.get(BURNS + to_hex(transaction)))[1]["status"] == "READY"


async def test_server__that_gets_no_logs__reads_its_checkpoints_from_the_contract() -> None:
    async with burn_world() as world, served(world) as one:
        transaction = await world.ready_burn()
        whole = with_logs(world.root)

        def answer(method: str, params: list[object]) -> object:
            if method == "eth_getLogs":
                raise RpcFault(-32000, "history has been pruned")
            return whole(method, params)

        world.root_servers[0].answer = answer
        await look(world, one)
        for _ in range(20):
            await look(world, one)
        status, body, _ = await one.get("/ready")
        assert (status, lacks(body)) == (200, set())
        assert (await one.get(BURNS + to_hex(transaction)))[1]["status"] == "READY"


async def test_server__of_a_new_checkpoint__has_its_blocks_before_it_is_asked() -> None:
    async with burn_world() as world, served(world) as one:
        await look(world, one)
        transaction = await world.ready_burn()
        await look(world, one)
        world.side_server.calls.clear()
        await one.server.burns.proof(transaction)
        assert sorted(world.side_server.calls) == ["eth_getBlockReceipts", "eth_getTransactionReceipt"]


async def test_two_servers__behind_a_balancer__give_the_same_answers(tmp_path: Path) -> None:
    async with burn_world() as world, served(world, tmp_path / "a") as first, served(world) as second:
        transaction = await world.ready_burn()
        await look(world, first, second)
        proofs, versions, tags = set(), set(), set()
        for one in (first, second, first, second):
            _, report, headers = await one.get(BURNS + to_hex(transaction))
            versions.add(str(report["version"]))
            tags.add(headers["ETag"])
            _, proof, headers = await one.get(f"{BURNS}{to_hex(transaction)}/proof")
            proofs.add(str(proof["payload"]))
            tags.add(headers["ETag"])
        assert (len(proofs), len(versions), len(tags)) == (1, 1, 2)


async def test_server__killed_and_its_cache_deleted__answers_as_before(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    async with burn_world() as world:
        transaction = await world.ready_burn()
        answers = []
        for round_number in range(3):
            async with served(world, cache) as one:
                await look(world, one)
                world.side_server.calls.clear()
                answers.append((await one.get(f"{BURNS}{to_hex(transaction)}/proof?log_index=0"))[1])
                # With the cache of the round before, nothing is asked; without it, all is found again.
                assert bool(world.side_server.calls) == (round_number != 1)
            if round_number == 1:
                shutil.rmtree(cache)
        assert answers[0] == answers[1] == answers[2]


async def test_server__on_a_cache_that_another_uses__does_not_start(tmp_path: Path) -> None:
    async with burn_world() as world, served(world, tmp_path):
        with pytest.raises(HomeInUse):
            async with served(world, tmp_path):
                pass


async def test_server__after_a_long_absence__begins_near_the_head_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.proof_server.tail.HEADERS_KEPT", 64)
    monkeypatch.setattr("node.proof_server.tail.HEADERS_BEFORE", 16)
    async with burn_world() as world, served(world) as one:
        await look(world, one)
        world.side_server.behaviour = always(lambda: web.Response(status=503))
        await look(world, one)
        world.side.mine(count=500)
        world.side_server.behaviour = None
        await look(world, one)
        first = one.server.side.follower.store.first()
        confirmed = one.server.side.confirmed
        assert first is not None
        assert confirmed is not None
        assert confirmed.number == world.side.head.number - CONFIRMATIONS
        assert first.number == confirmed.number - 16
        for _ in range(40):
            world.side.mine(count=10)
            await look(world, one)
            first, last = one.server.side.follower.store.first(), one.server.side.head
            assert first is not None
            assert last is not None
            assert last.number - first.number <= 2 * 64 + 10 + CONFIRMATIONS


async def test_description__of_a_server__is_valid_and_has_its_routes_and_no_others() -> None:
    async with burn_world() as world, served(world) as one:
        app = create_app(one.server, ApiSettings())
        async with one.session.get(one.url + "/openapi.yaml") as response:
            text = await response.text()
    description = yaml.safe_load(text)
    validate(description)
    paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    assert set(description["paths"]) == {path for path in paths if not path.startswith(("/page", "/favicon"))} - {"/"}
    whole = files("node.api").joinpath("openapi.yaml").read_text()
    assert described(whole, set(yaml.safe_load(whole)["paths"])).strip() == whole.strip()


async def test_metrics__of_a_server__show_its_chains_and_its_index() -> None:
    async with burn_world() as world, served(world) as one:
        await world.ready_burn()
        await look(world, one)
        await one.get("/ready")
        async with one.session.get(one.url + "/metrics") as response:
            lines = (await response.text()).splitlines()
    assert "sidewarden_ready 1.0" in lines
    assert 'sidewarden_index_checkpoints{chain="root0"} 1.0' in lines
    assert f'sidewarden_chain_confirmed_block{{chain="side"}} {world.side.head.number - CONFIRMATIONS}.0' in lines
    assert 'sidewarden_api_requests_total{route="/ready",status="200"} 1.0' in lines
