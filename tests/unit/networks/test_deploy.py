"""Deployment over plain JSON-RPC: on chains of both kinds, and with everything that can go wrong on the way."""

import json
from collections.abc import AsyncIterator

import pytest

from bridge.chain.transport import HttpReply, Transport
from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address, Wei
from contracts import calls
from contracts.deployment import DeploymentPlan, DeploymentStep, root_deployment, side_deployment
from node.duties.contract_view import ContractReader
from node.networks.accounts import account_of
from node.networks.deploy import MINED_WITHIN_S, Staker, funding, has_base_fee, stakes
from node.networks.errors import DeploymentFailed
from tests.unit.networks.world import CHAIN_IDS, PAYER, ROOT, SIDE, Chains, two_chains

STRANGER = Address(b"\x55" * 20)


@pytest.fixture
async def chains() -> AsyncIterator[Chains]:
    async with two_chains() as both:
        yield both


class WithoutBaseFee:
    """A chain from before EIP-1559, as its JSON-RPC shows it."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.asked: list[str] = []

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """The answer of the chain, without base fees."""
        self.asked.append(json.loads(body)["method"])
        reply = await self._inner.post(url, body, reply_bytes_max)
        document = json.loads(reply.body)
        if isinstance(document.get("result"), dict):
            document["result"].pop("baseFeePerGas", None)
        return HttpReply(reply.status, json.dumps(document).encode())


class WithoutReceipts:
    """A chain that has reorganised: from some moment on it knows no receipt."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.forgets = False

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """The answer of the chain, or null."""
        asked = json.loads(body)
        if self.forgets and asked["method"] == "eth_getTransactionReceipt":
            return HttpReply(200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": None}).encode())
        return await self._inner.post(url, body, reply_bytes_max)


def plan(**nonces: int) -> DeploymentPlan:
    """Ours."""
    return DeploymentPlan(PAYER.address, PAYER.address, CHAIN_IDS[SIDE], DataForm.POLYGON, **nonces)  # type: ignore[arg-type]  # nonces


async def test_deploy__from_a_used_account__contracts_are_where_the_plan_says(chains: Chains) -> None:
    deployer = chains.deployer(ROOT)
    await chains.while_blocks_come(deployer.send(funding([STRANGER], Wei(5))))
    assert await chains.root.balance(STRANGER) == 5

    deployment = root_deployment(plan(first_root_nonce=await deployer.next_nonce()))
    validators = [account_of(bytes([number]) * 32) for number in range(1, 10)]
    stakers = [Staker(one.public_key, one.address) for one in validators]
    staked = stakes(deployment.contracts, PAYER.address, stakers)
    await chains.while_blocks_come(deployer.send((*deployment.steps, *staked)))

    there = ContractReader(chains.root, deployment.contracts.root_chain, deployment.contracts.stake_manager)
    assert await there.side_chain_id("latest") == CHAIN_IDS[SIDE]
    assert await there.validators_ever("latest") == len(validators)
    assert len(chains.said) == 1 + len(deployment.steps) + len(staked)


async def test_deploy__on_a_chain_without_base_fee__legacy_transactions_do_it(chains: Chains) -> None:
    old = WithoutBaseFee(chains.transport)
    deployer = chains.deployer(SIDE, transport=old)
    deployment = side_deployment(plan())
    await chains.while_blocks_come(deployer.send(deployment.steps))

    head = chains.local.chain(SIDE).head
    assert not await has_base_fee(chains.reader(SIDE, old))
    assert await has_base_fee(chains.side)
    assert "eth_gasPrice" in old.asked
    assert "eth_feeHistory" not in old.asked
    name = await chains.side.call(deployment.contracts.demo_token, encode_call("symbol()"), head.number)
    assert b"DEMO" in name


async def test_deploy__a_step_that_would_fail__is_not_sent(chains: Chains) -> None:
    deployer = chains.deployer(ROOT)
    deployment = root_deployment(plan())
    await chains.while_blocks_come(deployer.send(deployment.steps))
    before = await chains.root.transaction_count(PAYER.address)

    unpaid = calls.stake(deployment.contracts, STRANGER, Wei(10**18), PAYER.public_key)[1]
    with pytest.raises(DeploymentFailed, match=r"'stake' by 0x.* on the root chain would fail"):
        await chains.while_blocks_come(deployer.send([unpaid]))
    assert await chains.root.transaction_count(PAYER.address) == before


async def test_deploy__without_money__refused_in_the_words_of_the_chain(chains: Chains) -> None:
    poor = chains.deployer(ROOT, account_of(b"\x09" * 32))
    with pytest.raises(DeploymentFailed, match="insufficient"):
        await chains.while_blocks_come(poor.send(side_deployment(plan()).steps[:1]))


async def test_deploy__while_another_transaction_of_the_account_waits__refused(chains: Chains) -> None:
    other = chains.deployer(ROOT)
    with pytest.raises(DeploymentFailed, match="was not mined within 300 s: look at transaction 0x"):
        await chains.while_blocks_come(other.send(funding([STRANGER], Wei(1))), names=(SIDE,))
    assert chains.clock.monotonic() > MINED_WITHIN_S

    with pytest.raises(DeploymentFailed, match="transactions that wait to be mined"):
        await chains.deployer(ROOT).next_nonce()


async def test_deploy__a_transaction_that_fails_in_its_block__named_with_its_block(chains: Chains) -> None:
    deployer = chains.deployer(ROOT)
    token = root_deployment(plan()).steps[0]
    # Between the estimate and the block, somebody else owns the token: here, the deployer itself gives it away.
    here = root_deployment(plan()).contracts.stake_token
    gives_away = DeploymentStep("give away", here, encode_call("transferOwnership(address)", STRANGER))
    mints = calls.mint(here, STRANGER, Wei(1))
    await chains.while_blocks_come(deployer.send([token]))
    with pytest.raises(DeploymentFailed, match=r"'mint tokens' by 0x.* failed in block"):
        await chains.while_blocks_come(deployer.send([gives_away, mints]), waiting=2)


async def test_confirm__of_what_is_mined__waits_for_the_depth(chains: Chains) -> None:
    deployer = chains.deployer(ROOT)
    await chains.while_blocks_come(deployer.send(funding([STRANGER], Wei(1))))
    last = await chains.while_blocks_come(deployer.confirm(3))
    assert chains.local.chain(ROOT).head.number >= last + 3


async def test_confirm__after_a_reorg_took_a_transaction_away__begin_anew(chains: Chains) -> None:
    forgetful = WithoutReceipts(chains.transport)
    deployer = chains.deployer(ROOT, transport=forgetful)
    await chains.while_blocks_come(deployer.send(funding([STRANGER], Wei(1))))
    forgetful.forgets = True
    with pytest.raises(DeploymentFailed, match="undone by a reorg"):
        await chains.while_blocks_come(deployer.confirm(3))
