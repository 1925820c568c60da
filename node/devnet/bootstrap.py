"""The first minutes of a devnet, compressed: contracts on both chains, stakes, and deposits that back every demo token.

All blocks are made on demand with timestamps of the last minute, so that no chain's clock leads the machine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.chain.reader import ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.events import StateSynced
from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, BlockNumber, ChainId, UnixSeconds, Wei
from contracts import calls
from contracts.deployment import (
    DeploymentPlan,
    DeploymentStep,
    RootContracts,
    SideContracts,
    root_deployment,
    side_deployment,
)
from node.app.state import WEI_PER_TOKEN
from node.devnet.accounts import DevnetAccounts
from node.devnet.bridges import BridgePlan, bridge_plan, root_bridge_steps, side_bridge_steps
from node.devnet.chains import Chains
from node.devnet.relayer import synced_states
from node.devnet.settings import DevnetError
from node.devnet.wallet import FEE_CAP_WEI, TIP_WEI
from node.networks.accounts import Account
from node.networks.deploy import STAKES_TOKENS, Staker, stakes

ROOT = "root"
SIDE = "side"
"""The names of a devnet's chains."""
DEPOSIT_WEI = Wei(1_000 * WEI_PER_TOKEN)
"""Deposited for each demo account."""
GAS_LIMIT = 6_000_000


class BootstrapFailed(DevnetError):
    """A transaction of the bootstrap failed: the contracts and the plan of their deployment do not fit."""

    code = "DEVNET_BOOTSTRAP"


@dataclass(frozen=True, slots=True)
class DevnetContracts:
    """Where the contracts are, once they are deployed: it follows from the accounts.

    `bridges` are the ways across beside demo ERC-20; None on a devnet without them.
    """

    root: RootContracts
    side: SideContracts
    bridges: BridgePlan | None = None

    def root_by_name(self) -> dict[str, Address]:
        """The root chain's, under their Solidity names."""
        more = {} if self.bridges is None else self.bridges.bridges.root_by_name()
        return {**self.root.by_name(), **more}

    def side_by_name(self) -> dict[str, Address]:
        """The side chain's, under the names of their twins."""
        more = {} if self.bridges is None else self.bridges.bridges.side_by_name()
        return {**self.side.by_name(), **more}

    @property
    def receivers(self) -> tuple[Address, ...]:
        """The side chain's contracts that take messages of the root chain."""
        more = () if self.bridges is None else self.bridges.bridges.receivers
        return (self.side.child_chain_manager, *more)


def deployment_plan(accounts: DevnetAccounts, side_chain_id: ChainId, data_form: DataForm) -> DeploymentPlan:
    """How a devnet's contracts are deployed."""
    return DeploymentPlan(
        deployer=accounts.deployer.address,
        state_syncer=accounts.relayer.address,
        side_chain_id=side_chain_id,
        data_form=data_form,
    )


def contracts_of(plan: DeploymentPlan) -> DevnetContracts:
    """Where a plan puts the contracts."""
    return DevnetContracts(root_deployment(plan).contracts, side_deployment(plan).contracts)


def with_bridges(plan: DeploymentPlan, accounts: DevnetAccounts) -> DevnetContracts:
    """The same with every other way across, which comes after all that the network itself needs."""
    made = contracts_of(plan)
    nonces = len(root_steps(plan, accounts)), len(side_deployment(plan).steps)
    return replace(made, bridges=bridge_plan(plan, made.root, made.side, *nonces))


class Bootstrap:
    """Makes a new devnet's past, on chains that have only their genesis blocks."""

    def __init__(
        self, chains: Chains, root_reader: ChainReader, root_id: ChainId, side_id: ChainId, accounts: DevnetAccounts
    ) -> None:
        self._chains = chains
        self._root_reader = root_reader
        self._ids = {ROOT: root_id, SIDE: side_id}
        self._accounts = accounts

    async def run(self, plan: DeploymentPlan, contracts: DevnetContracts, confirmations: int) -> None:
        """Deploy, stake, deposit, and let `confirmations` root-chain blocks follow.

        Raises BootstrapFailed, ChainCommandRefused, ChainError.
        """
        accounts, bridges = self._accounts, contracts.bridges
        on_root: tuple[DeploymentStep, ...] = root_steps(plan, accounts)
        on_side: tuple[DeploymentStep, ...] = side_deployment(plan).steps
        if bridges is not None:
            on_root = (*on_root, *root_bridge_steps(bridges, contracts.root, accounts))
            on_side = (*on_side, *side_bridge_steps(bridges, accounts))
        await self._send(ROOT, accounts.deployer, on_root)
        await self._send(SIDE, accounts.deployer, on_side)
        head = await self._chains.status(ROOT)
        states = await synced_states(self._root_reader, contracts.root.state_sender, BlockNumber(0), head.head_number)
        await self._send(SIDE, accounts.relayer, carried_over(states))
        await self._chains.mine(ROOT, confirmations, UnixSeconds(head.head_timestamp + 1))

    async def _send(self, chain: str, sender: Account, steps: Sequence[DeploymentStep]) -> None:
        """Send one account's first transactions, and see that all succeed."""
        raw = [signed_step(self._ids[chain], sender, nonce, step) for nonce, step in enumerate(steps)]
        head = await self._chains.status(chain)
        results = await self._chains.submit(chain, raw, UnixSeconds(head.head_timestamp + 1))
        for step, result in zip(steps, results, strict=True):
            if not result.succeeded:
                raise BootstrapFailed(f"bootstrap step '{step.label}' on the {chain} chain failed")


def root_steps(
    plan: DeploymentPlan, accounts: DevnetAccounts, stakes_tokens: Sequence[int] = STAKES_TOKENS
) -> tuple[DeploymentStep, ...]:
    """The deployer's transactions on the root chain: the contracts, a stake for each validator, the deposits."""
    deployment = root_deployment(plan)
    validators = zip(accounts.signers, accounts.submitters, strict=True)
    stakers = [Staker(signer.public_key, owner.address) for signer, owner in validators]
    staked = stakes(deployment.contracts, accounts.deployer.address, stakers, stakes_tokens)
    return (*deployment.steps, *staked, *_deposits(deployment.contracts, accounts))


def carried_over(states: Sequence[StateSynced]) -> list[DeploymentStep]:
    """The relayer's transactions on the side chain: every state that was synced on the root chain."""
    call = "onStateReceive(uint256,bytes)"
    return [DeploymentStep("carry over", state.contract, encode_call(call, state.id, state.data)) for state in states]


def signed_step(chain_id: ChainId, sender: Account, nonce: int, step: DeploymentStep) -> bytes:
    """A step as a raw transaction."""
    transaction = DynamicFeeTransaction(
        chain_id, nonce, Wei(TIP_WEI), Wei(FEE_CAP_WEI), GAS_LIMIT, step.to, step.value_wei, step.data
    )
    return transaction.raw(sign(transaction.signing_hash(), sender.private_key))


def _deposits(contracts: RootContracts, accounts: DevnetAccounts) -> list[DeploymentStep]:
    steps = [calls.mint(contracts.demo_token, accounts.deployer.address, Wei(DEPOSIT_WEI * len(accounts.demo)))]
    for account in accounts.demo:
        steps += calls.deposit(contracts, account.address, DEPOSIT_WEI)
    return steps
