"""Root and side chains with a devnet's bootstrap done, over models or over the real contracts.

Each transaction of the bootstrap has a block of its own, so that both kinds of chains have the same blocks, and the
contracts are where `node.devnet.bootstrap` puts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from bridge.chain.clock import Clock
from bridge.codec.events import STATE_SYNCED_TOPIC, StateSynced, decode_event
from bridge.codec.receipts import SUCCESS
from bridge.codec.types import BlockNumber, ChainId, UnixSeconds, Wei
from contracts.deployment import DeploymentPlan, DeploymentStep, RootContracts, SideContracts, side_deployment
from node.devnet.accounts import DevnetAccounts
from node.devnet.bootstrap import (
    BootstrapFailed,
    carried_over,
    contracts_of,
    root_steps,
    signed_step,
)
from node.devnet.chain import Chain, ChainGenesis, LogFilter
from node.networks.accounts import Account
from node.networks.deploy import STAKES_TOKENS
from node.simulation.chains.model import ModelChain

FUNDS_WEI = Wei(1_000 * 10**18)
"""Of every account on each chain."""

Contracts = TypeVar("Contracts", RootContracts, SideContracts)


class ChainKind(Enum):
    """What runs the contracts."""

    MODEL = "model"
    EVM = "evm"


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """How a chain is made. Its head is at `start` once the bootstrap is done."""

    kind: ChainKind
    chain_id: ChainId
    start: UnixSeconds
    clock: Clock
    safe_confirmations: int = 1
    finalized_confirmations: int = 2
    funds_wei: Wei = FUNDS_WEI


@dataclass(frozen=True, slots=True)
class World(Generic[Contracts]):
    """A chain with its contracts."""

    chain: Chain
    contracts: Contracts


def root_world(
    options: ChainOptions,
    plan: DeploymentPlan,
    accounts: DevnetAccounts,
    confirmations: int,
    stakes_tokens: Sequence[int] = STAKES_TOKENS,
) -> World[RootContracts]:
    """A root chain: contracts, stakes and deposits, and so many blocks on top. Raises BootstrapFailed.

    `stakes_tokens` are the validators', repeating.
    """
    steps = [(accounts.deployer, step) for step in root_steps(plan, accounts, stakes_tokens)]
    chain = _bootstrapped(options, accounts, steps, confirmations)
    return World(chain, contracts_of(plan).root)


def side_world(
    options: ChainOptions, plan: DeploymentPlan, accounts: DevnetAccounts, root: World[RootContracts]
) -> World[SideContracts]:
    """A side chain: contracts, and everything carried over that the root chain holds. Raises BootstrapFailed."""
    contracts = contracts_of(plan).side
    steps = [(accounts.deployer, step) for step in side_deployment(plan).steps]
    steps += [(accounts.relayer, step) for step in carried_over(_synced_states(root))]
    return World(_bootstrapped(options, accounts, steps, 0), contracts)


def _bootstrapped(
    options: ChainOptions, accounts: DevnetAccounts, steps: Sequence[tuple[Account, DeploymentStep]], blocks: int
) -> Chain:
    chain = _new_chain(options, accounts, UnixSeconds(options.start - len(steps) - blocks))
    for sender, step in steps:
        raw = signed_step(options.chain_id, sender, chain.nonce(sender.address), step)
        chain.send_raw(raw)
        chain.mine(timestamp=UnixSeconds(chain.head.timestamp + 1))
        if [receipt.status_or_root for receipt in chain.receipts()] != [SUCCESS]:
            raise BootstrapFailed(f"bootstrap step '{step.label}' failed")
    for _ in range(blocks):
        chain.mine(timestamp=UnixSeconds(chain.head.timestamp + 1))
    return chain


def _new_chain(options: ChainOptions, accounts: DevnetAccounts, genesis_time: UnixSeconds) -> Chain:
    genesis = ChainGenesis({account.address: options.funds_wei for account in accounts.all()}, genesis_time)
    safe, finalized = options.safe_confirmations, options.finalized_confirmations
    if options.kind is ChainKind.MODEL:
        return ModelChain(
            options.chain_id, options.clock, genesis, safe_confirmations=safe, finalized_confirmations=finalized
        )
    from node.devnet.chain.embedded import EmbeddedChain  # noqa: PLC0415 - whoever asks for no EVM need not load one

    return EmbeddedChain(
        None, options.chain_id, options.clock, genesis, safe_confirmations=safe, finalized_confirmations=finalized
    )


def _synced_states(root: World[RootContracts]) -> list[StateSynced]:
    wanted = LogFilter(frozenset({root.contracts.state_sender}), (frozenset({STATE_SYNCED_TOPIC}),))
    found = root.chain.logs(wanted, BlockNumber(0), root.chain.head.number)
    events = [decode_event(each.log) for each in found]
    return [event for event in events if isinstance(event, StateSynced)]
