"""The light client on four real CometBFT nodes, over the API that strangers see, and past a node that lies."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge.chain.clock import SystemClock
from bridge.chain.transport import HttpTransport
from bridge.codec.abi import encode_call
from bridge.codec.types import ValidatorId, Wei
from bridge.light.client import Agreed
from bridge.light.errors import HeaderForged, HeadersDiffer, LightError, ProofForged
from bridge.light.rpc import NodeRpc
from bridge.light.trust import TrustRules, trust_in
from bridge.light.verifier import verify
from contracts import calls
from node.api.routes_engine import RPC_PATH
from node.devnet.bootstrap import ROOT
from node.devnet.chains_process import ChainsProcess
from node.devnet.network import Devnet
from node.devnet.settings import DevnetSettings
from node.light.agreed import AgreedCheckpoint, AgreedState, AgreedValidator
from node.light.session import LightSettings, NamedHeader, ask, trust_in_genesis
from node.validator.together import run_together

CLOCK = SystemClock()
POLL_S = 0.2
TOKEN = 10**18
RAISED = 4
"""The validator whose stake grows while the network runs."""


@asynccontextmanager
async def relayed(url: str, change: Callable[[str, Any], None]) -> AsyncIterator[str]:
    """A node between the client and a true one, which changes results before it passes them on."""
    async with aiohttp.ClientSession() as session:

        async def post(request: web.Request) -> web.Response:
            call = await request.json()
            async with session.post(url, json=call) as answer:
                document = json.loads(await answer.read())
            if "result" in document:
                change(call["method"], document["result"])
            return web.json_response(document, status=answer.status)

        app = web.Application()
        app.router.add_post("/", post)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def newest(state: AgreedState) -> Agreed:
    return await state.client.newest()


async def follow_each_header(devnet: Devnet) -> set[int]:
    """The powers of the sets, from one header to the next: each by the set that the one before names."""
    trusted, totals = trust_in_genesis(devnet.genesis), set[int]()
    async with aiohttp.ClientSession() as session:
        node = NodeRpc(devnet.api_urls[0] + RPC_PATH, 0, HttpTransport(session))
        newest_height = (await node.light_block()).header.height
        for height in range(1, newest_height + 1):
            block = await node.light_block(height)
            totals.add(verify(trusted, block, TrustRules(), int(CLOCK.now() * 1e9)).total)
            trusted = trust_in(block)
    return totals


async def last_checkpoint(state: AgreedState) -> AgreedCheckpoint:
    return await state.checkpoint(0, None)


async def raised_validator(state: AgreedState) -> AgreedValidator:
    return await state.validator(ValidatorId(RAISED))


@pytest.mark.timeout(240)
async def test_light_client__of_four_real_nodes__proves_what_they_agree_on_and_no_lie(tmp_path: Path) -> None:
    settings = DevnetSettings(tmp_path / "devnet", api_port=0, engine="comet")
    devnet = await Devnet.start(settings, CLOCK, ChainsProcess.start)
    try:
        async with asyncio.timeout(200):
            await run_together(_story(devnet, tmp_path), devnet.run())
    finally:
        await devnet.close()


async def _story(devnet: Devnet, path: Path) -> None:
    urls = tuple(url + RPC_PATH for url in devnet.api_urls)
    light = LightSettings((urls[0], urls[1]), path / "light", devnet.genesis, TrustRules())
    await _until(lambda: devnet.validators[0].committed.height > 1)
    before = await ask(light, newest, CLOCK)
    assert before.signed.total == 340
    assert before.witnesses == 1

    await _raise_stake(devnet, 100)
    await _until(lambda: devnet.validators[0].committed.state.turns[0].acks > 0)
    checkpoint = await ask(light, last_checkpoint, CLOCK)
    assert checkpoint.is_last
    assert checkpoint.entry.root_hash == devnet.validators[0].committed.state.proposals[0].acknowledged.root_hash  # type: ignore[union-attr]
    await _until(lambda: _power(devnet) == 170)
    raised = await ask(light, raised_validator, CLOCK)
    assert raised.power == 170
    await _until_total(light, 440)

    anew = replace(light, home=path / "anew")
    assert (await ask(anew, newest, CLOCK)).signed.total == 440, "from genesis, over the change of the set"
    named = NamedHeader(before.header.height, before.header.hash)
    assert (await ask(replace(light, home=path / "named", start=named), newest, CLOCK)).signed.total == 440

    assert await follow_each_header(devnet) == {340, 440}

    for number, (error, change) in enumerate(LIES):
        async with relayed(urls[0], change) as liar:
            fresh = replace(light, home=path / f"lie{number}", node_urls=(liar,))
            with pytest.raises(error):
                await ask(fresh, last_checkpoint, CLOCK)
    async with relayed(urls[1], _other_app_hash) as liar:
        with pytest.raises(HeadersDiffer):
            await ask(replace(light, node_urls=(urls[0], liar)), newest, CLOCK)


def _other_app_hash(method: str, result: Any) -> None:
    if method == "commit":
        result["signed_header"]["header"]["app_hash"] = "00" * 32


def _more_power(method: str, result: Any) -> None:
    if method == "validators":
        result["validators"][0]["voting_power"] = "1000000"


def _fewer_signatures(method: str, result: Any) -> None:
    if method == "commit":
        absent = {"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": None}
        result["signed_header"]["commit"]["signatures"][:2] = [absent, absent]


def _other_round(method: str, result: Any) -> None:
    if method == "commit":
        result["signed_header"]["commit"]["round"] += 1


def _other_value(method: str, result: Any) -> None:
    if method == "abci_query":
        value = result["response"]["value"]
        result["response"]["value"] = ("A" if value[8] != "A" else "B").join((value[:8], value[9:]))


LIES: list[tuple[type[LightError], Callable[[str, Any], None]]] = [
    (HeaderForged, _other_app_hash),
    (HeaderForged, _more_power),
    (HeaderForged, _fewer_signatures),
    (HeaderForged, _other_round),
    (ProofForged, _other_value),
]


async def _raise_stake(devnet: Devnet, tokens: int) -> None:
    deployer, owner = devnet.accounts.deployer, devnet.accounts.submitters[RAISED - 1]
    contracts = devnet.contracts.root
    mint = calls.mint(contracts.stake_token, owner.address, Wei(tokens * TOKEN))
    approve = encode_call("approve(address,uint256)", contracts.stake_manager, tokens * TOKEN)
    restake = encode_call("restakePOL(uint256,uint256,bool)", RAISED, tokens * TOKEN, False)
    assert mint.to is not None
    await devnet.wallet(deployer, ROOT).send_and_wait(mint.to, mint.data)
    wallet = devnet.wallet(owner, ROOT)
    await wallet.send_and_wait(contracts.stake_token, approve)
    await wallet.send_and_wait(contracts.stake_manager, restake)


def _power(devnet: Devnet) -> int:
    members = devnet.validators[0].committed.state.validators.tally_set
    return next(member.power for member in members if member.id == RAISED)


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await CLOCK.sleep(POLL_S)


async def _until_total(light: LightSettings, total: int) -> None:
    """The set of two blocks later."""
    while (await ask(light, newest, CLOCK)).signed.total != total:
        await CLOCK.sleep(POLL_S)
