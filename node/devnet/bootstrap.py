"""The first minutes of a devnet, compressed: contracts on both chains, stakes, and deposits that back every demo token.

All blocks are made on demand with timestamps of the last minute, so that no chain's clock leads the machine's.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.fields import as_items, as_object
from bridge.chain.reader import ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.events import STATE_SYNCED_TOPIC, StateSynced, decode_event
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import log_from_rpc
from bridge.codec.types import Address, ChainId, UnixSeconds, Wei
from contracts import calls
from contracts.deployment import (
    DataForm,
    DeploymentPlan,
    DeploymentStep,
    RootContracts,
    SideContracts,
    root_deployment,
    side_deployment,
)
from node.devnet.accounts import Account, DevnetAccounts
from node.devnet.settings import DevnetError
from node.devnet.wallet import Wallet

WEI_PER_TOKEN = 10**18
STAKES_TOKENS = (100, 90, 80, 70)
"""Repeating: different stakes, and with four or more validators none holds a third of the power."""
DEMO_TOKENS = 1_000
"""Deposited for each demo account."""
GAS_LIMIT = 6_000_000
BLOCKS_MAX = 48
"""That the transactions of a bootstrap may take on one chain; the back-dated minute has room for them."""
LOGS_MAX = 1_000


class BootstrapFailed(DevnetError):
    """A transaction of the bootstrap failed: the contracts and the plan of their deployment do not fit."""

    code = "DEVNET_BOOTSTRAP"


@dataclass(frozen=True, slots=True)
class FreshChain:
    """A chain with nothing on it: how to read it, and how to make its next block with a given timestamp."""

    chain_id: ChainId
    reader: ChainReader
    mine: Callable[[UnixSeconds], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """Where the contracts are."""

    root: RootContracts
    side: SideContracts


async def bootstrap(
    root: FreshChain,
    side: FreshChain,
    accounts: DevnetAccounts,
    data_form: DataForm,
    confirmations: int,
    clock: Clock,
) -> Bootstrapped:
    """Deploy, stake, deposit, and add `confirmations` empty root-chain blocks. Raises BootstrapFailed, ChainError."""
    plan = DeploymentPlan(
        deployer=accounts.deployer.address,
        state_syncer=accounts.relayer.address,
        side_chain_id=side.chain_id,
        data_form=data_form,
    )
    on_root, on_side = root_deployment(plan), side_deployment(plan)
    there = on_root.contracts
    steps = (*on_root.steps, *_stakes(there, accounts), *_deposits(there, accounts))
    await _send_all(root, accounts.deployer, steps, clock)
    await _send_all(side, accounts.deployer, on_side.steps, clock)
    carried = await _carry_deposits(root.reader, there.state_sender, on_side.contracts.child_chain_manager)
    await _send_all(side, accounts.relayer, carried, clock)
    for _ in range(confirmations):
        await _mine_next(root)
    return Bootstrapped(there, on_side.contracts)


def _stakes(contracts: RootContracts, accounts: DevnetAccounts) -> list[DeploymentStep]:
    """Each validator staked by the deployer; the submission account owns it."""
    amounts = [Wei(STAKES_TOKENS[i % len(STAKES_TOKENS)] * WEI_PER_TOKEN) for i in range(len(accounts.signers))]
    steps = [calls.mint(contracts.stake_token, accounts.deployer.address, Wei(sum(amounts)))]
    for amount, signer, owner in zip(amounts, accounts.signers, accounts.submitters, strict=True):
        steps += calls.stake(contracts, owner.address, amount, signer.public_key)
    return steps


def _deposits(contracts: RootContracts, accounts: DevnetAccounts) -> list[DeploymentStep]:
    amount = Wei(DEMO_TOKENS * WEI_PER_TOKEN)
    steps = [calls.mint(contracts.demo_token, accounts.deployer.address, Wei(amount * len(accounts.demo)))]
    for account in accounts.demo:
        steps += calls.deposit(contracts, account.address, amount)
    return steps


async def _carry_deposits(root: ChainReader, state_sender: Address, receiver: Address) -> list[DeploymentStep]:
    """What the relayer passes on: every state that was synced so far."""
    wanted = {
        "address": to_hex(state_sender),
        "topics": [to_hex(STATE_SYNCED_TOPIC)],
        "fromBlock": "0x0",
        "toBlock": "latest",
    }
    items = as_items(await root.pool.call("eth_getLogs", [wanted]), "eth_getLogs", LOGS_MAX)
    events = (decode_event(log_from_rpc(as_object(item, "log"))) for item in items)
    return [
        DeploymentStep("carry over", receiver, encode_call("onStateReceive(uint256,bytes)", event.id, event.data))
        for event in events
        if isinstance(event, StateSynced) and event.contract == receiver
    ]


async def _send_all(chain: FreshChain, sender: Account, steps: Sequence[DeploymentStep], clock: Clock) -> None:
    """Send the steps in order, and make blocks until all are in one and have succeeded."""
    wallet = Wallet(sender, chain.chain_id, chain.reader, clock)
    sent = [(step.label, await wallet.send(step.to, step.data, gas_limit=GAS_LIMIT)) for step in steps]
    last = sent[-1][1]
    for _ in range(BLOCKS_MAX):
        await _mine_next(chain)
        if await chain.reader.transaction_receipt(last) is not None:
            break
    for label, transaction in sent:
        receipt = await chain.reader.transaction_receipt(transaction)
        if receipt is None or not receipt.succeeded:
            raise BootstrapFailed(f"bootstrap step '{label}' did not succeed")


async def _mine_next(chain: FreshChain) -> None:
    """One block, a second after the last."""
    head = await chain.reader.header("latest")
    if head is None:
        raise BootstrapFailed("a fresh chain shows no head")
    await chain.mine(UnixSeconds(head.timestamp + 1))
