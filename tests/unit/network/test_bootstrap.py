"""A new devnet's past, the genesis that is read from it, and deposits that come over later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from contracts import calls
from node.app.genesis_state import genesis_state
from node.devnet.bootstrap import DEPOSIT_WEI, ROOT, SIDE
from node.devnet.chains import ChainCommandRefused
from node.duties.genesis_check import GenesisContradicted, check_genesis
from node.networks.deploy import STAKES_TOKENS
from node.networks.genesis import feed_filter
from tests.unit.network.world import Chains, bootstrapped

TOKEN = 10**18


@pytest.fixture
async def chains(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Chains]:
    async with bootstrapped(tmp_path, session) as one:
        yield one


async def test_bootstrap__done__no_clock_leads_and_every_token_is_backed(chains: Chains) -> None:
    for name in (ROOT, SIDE):
        assert chains.local.chain(name).head.timestamp < chains.clock.now()
    for account in chains.accounts.demo:
        assert await chains.tokens(account.address) == DEPOSIT_WEI
    locked = await chains.tokens(chains.contracts.root.erc20_predicate, ROOT)
    assert locked == DEPOSIT_WEI * len(chains.accounts.demo)


async def test_genesis__read_from_the_contracts__holds_against_them_and_nobody_has_a_third(chains: Chains) -> None:
    genesis = await chains.genesis()
    (root_chain,) = genesis.root_chains
    head = chains.local.chain(ROOT).head.number
    assert root_chain.block_number == head - chains.parameters.confirmations
    assert [one.stake_wei // TOKEN for one in genesis.validators] == list(STAKES_TOKENS)
    assert [one.signer for one in genesis.validators] == [one.address for one in chains.accounts.signers]
    assert 3 * max(STAKES_TOKENS) < sum(STAKES_TOKENS)
    assert (root_chain.last_header_id, root_chain.next_header_id, root_chain.next_start) == (0, 10_000, 0)
    assert root_chain.filter == feed_filter(chains.parameters)
    state = genesis_state(genesis)
    assert await check_genesis(genesis, 0, chains.root, state) == root_chain.block_number


async def test_genesis__a_validator_is_left_out__contradicted_by_the_whole_stake(chains: Chains) -> None:
    genesis = await chains.genesis()
    fewer = replace(genesis, validators=genesis.validators[:3])
    with pytest.raises(GenesisContradicted, match="stake of all validators"):
        await check_genesis(fewer, 0, chains.root, genesis_state(genesis))


async def test_genesis__one_root_chain_without_stakemanager__its_filter_has_no_staking(chains: Chains) -> None:
    without = replace(chains.parameters, stake_manager_address=bytes(20), staking_info_address=bytes(20))  # type: ignore[arg-type]  # an Address
    entries = feed_filter(without)
    assert {entry.address for entry in entries} == {chains.parameters.root_chain_address}
    assert list(entries) == sorted(entries, key=lambda entry: (entry.address, entry.topic0))


async def test_bootstrap__a_second_time_on_the_same_chains__refused(chains: Chains) -> None:
    with pytest.raises(ChainCommandRefused, match="nonce too low"):
        await chains.bootstrap()


async def _deposit(chains: Chains, amount_tokens: int) -> None:
    """The deployer deposits for the first demo account."""
    deployer = chains.wallet(chains.accounts.deployer, ROOT)
    there, receiver = chains.contracts.root, chains.accounts.demo[0].address
    steps = (
        calls.mint(there.demo_token, chains.accounts.deployer.address, amount_tokens * TOKEN),  # type: ignore[arg-type]  # Wei
        *calls.deposit(there, receiver, amount_tokens * TOKEN),  # type: ignore[arg-type]  # Wei
    )
    for step in steps:
        await deployer.send(step.to, step.data)
    await chains.local.mine(ROOT)


async def _relayed(chains: Chains) -> int:
    """What the first demo account has been given since the bootstrap, in tokens."""
    return (await chains.tokens(chains.accounts.demo[0].address) - DEPOSIT_WEI) // TOKEN


async def _relay(chains: Chains) -> None:
    """One pass of a freshly started relayer, while side-chain blocks come."""
    relaying = asyncio.create_task(chains.relayer().run_once())
    while not relaying.done():
        await chains.local.mine(SIDE)
        chains.clock.advance(1)
        await asyncio.wait({relaying}, timeout=0.01)
    await relaying


async def test_relayer__nothing_new__sends_nothing(chains: Chains) -> None:
    before = chains.local.chain(SIDE).head.number
    assert await chains.relayer().run_once() is False
    assert chains.local.chain(SIDE).head.number == before
    assert chains.local.chain(SIDE).waiting_count == 0


async def test_relayer__a_deposit__carried_over_once_it_is_confirmed_and_never_twice(chains: Chains) -> None:
    await _deposit(chains, 5)
    await _relay(chains)
    assert await _relayed(chains) == 0, "not confirmed yet"
    await chains.local.mine(ROOT, chains.parameters.confirmations)
    await _relay(chains)
    assert await _relayed(chains) == 5
    await _relay(chains)
    assert await _relayed(chains) == 5
    await _deposit(chains, 2)
    await chains.local.mine(ROOT, chains.parameters.confirmations)
    await _relay(chains)
    assert await _relayed(chains) == 7
