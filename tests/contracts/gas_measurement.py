"""Measures what the contracts cost. Keys, signatures and block times are the same in every run, so each figure is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bridge.codec.checkpoint import HEADER_ID_STEP, DataForm
from bridge.codec.exit_payload import encode_payload
from bridge.codec.hash import keccak256
from bridge.codec.types import Wei
from contracts import calls, plasma_calls
from contracts.deployment import DeploymentPlan, DeploymentStep, root_deployment, side_deployment
from tests.contracts.crossing import BURNER, join_chains
from tests.contracts.harness import DEPLOYER, SUBMITTER, account, invoke
from tests.contracts.network import (
    DEVNET_STAKES,
    ROOT_CHAIN_ID,
    SIDE_CHAIN_ID,
    TOKEN,
    Network,
    deploy,
    open_chain,
    plan,
)
from tests.contracts.plasma import HALF_EXIT_PERIOD_S, add_plasma

STAKE_WEI = 1_000 * TOKEN
HEADERS_PER_SLOT = 3


@dataclass(frozen=True, slots=True)
class PolygonGas:
    """submitCheckpoint of Polygon's own contracts in steady state, on a chain with Prague's rules."""

    all_sign: int
    quorum_only: int


POLYGON = {
    4: PolygonGas(294_272, 287_679),
    20: PolygonGas(598_097, 558_487),
    50: PolygonGas(1_168_187, 1_062_466),
    100: PolygonGas(2_120_229, 1_901_144),
}

POLYGON_LAST_STAKE = {4: 514_710, 20: 605_194, 50: 681_078, 100: 647_154}
"""stakeForPOL of Polygon's own contracts, the last of so many validators."""

AIMS = {4: 0.37, 20: 1 / 3, 50: 1 / 3, 100: 1 / 3}
"""The most that a checkpoint signed by all may cost, as a part of Polygon's."""


@dataclass(frozen=True, slots=True)
class CheckpointGas:
    """submitCheckpoint in steady state: three consecutive ones, since three headers share a storage slot."""

    form: DataForm
    validators: int
    all_sign: tuple[int, ...]
    quorum_only: tuple[int, ...]
    last_stake: int

    @property
    def quorum(self) -> int:
        """The least number of validators that is enough, their stakes being equal."""
        return self.validators * 2 // 3 + 1

    @property
    def ratio(self) -> float:
        """The average when all sign, against Polygon's."""
        return fmean(self.all_sign) / POLYGON[self.validators].all_sign

    @property
    def quorum_ratio(self) -> float:
        """The average when no more sign than must, against Polygon's."""
        return fmean(self.quorum_only) / POLYGON[self.validators].quorum_only


@dataclass(frozen=True, slots=True)
class OperationGas:
    """What one transaction costs."""

    name: str
    gas: int
    polygon: int | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Every figure of the report."""

    checkpoints: tuple[CheckpointGas, ...]
    operations: tuple[OperationGas, ...]
    deployment: tuple[OperationGas, ...]


def measure() -> Measurement:
    """Deploy, run and measure everything; some seconds."""
    checkpoints = tuple(each for form in reversed(DataForm) for each in measure_checkpoints(form))
    return Measurement(
        checkpoints=checkpoints,
        operations=(*_stakes(checkpoints), *_measure_staking(), *_measure_bridge(), *_measure_plasma()),
        deployment=tuple(_measure_deployment(plan(DataForm.BOUND))),
    )


def measure_checkpoints(form: DataForm, sizes: Iterable[int] = POLYGON) -> Iterator[CheckpointGas]:
    """One network that grows through `sizes`, its validators all with the same stake, as Polygon's when measured."""
    network = deploy(form, ())
    for size in sizes:
        stakes = [
            network.stake(account(f"validator {index}"), STAKE_WEI).gas_used
            for index in range(len(network.validators), size)
        ]
        _submit(network, size)
        yield CheckpointGas(
            form=form,
            validators=size,
            all_sign=tuple(_submit(network, size) for _ in range(HEADERS_PER_SLOT)),
            quorum_only=tuple(_submit(network, size * 2 // 3 + 1) for _ in range(HEADERS_PER_SLOT)),
            last_stake=stakes[-1],
        )


def _submit(network: Network, signers: int) -> int:
    """A checkpoint signed by the first so many validators. Its account root is a new one, as after a fee was paid."""
    checkpoint = network.checkpoint()
    account_root = keccak256(b"accounts at block %d" % checkpoint.end)
    return network.submit(replace(checkpoint, account_root_hash=account_root), network.validators[:signers]).gas_used


def _stakes(checkpoints: Sequence[CheckpointGas]) -> Iterator[OperationGas]:
    for each in checkpoints:
        if each.form is DataForm.BOUND:
            name = f"stakeForPOL, the last of {each.validators} validators"
            yield OperationGas(name, each.last_stake, POLYGON_LAST_STAKE[each.validators])


def _measure_staking() -> Iterator[OperationGas]:
    """The other operations of StakeManager, each on its own copy of the devnet's four validators."""
    template = deploy(DataForm.BOUND, DEVNET_STAKES)
    manager, token, owner = template.contracts.stake_manager, template.contracts.stake_token, template.validators[0]
    approve = invoke(token, "approve(address,uint256)", manager, 2**255)
    template.chain.send(DEPLOYER, calls.mint(token, owner.address, Wei(TOKEN)))
    template.chain.send(owner, approve)
    new_key = account("new signer").public_key

    def of_owner(name: str, step: DeploymentStep) -> OperationGas:
        return OperationGas(name, template.copy().chain.send(owner, step).gas_used)

    yield of_owner("restakePOL, 4 validators", invoke(manager, "restakePOL(uint256,uint256,bool)", 1, TOKEN, False))
    yield of_owner("updateSigner, 4 validators", invoke(manager, "updateSigner(uint256,bytes)", 1, new_key))
    unstake = invoke(manager, "unstakePOL(uint256)", 1)
    yield of_owner("unstakePOL, 4 validators", unstake)
    leaving = template.copy()
    leaving.submit()
    leaving.chain.send(owner, unstake)
    yield OperationGas("submitCheckpoint that ends a leaver's epoch, 4 validators", leaving.submit().gas_used)
    reset = template.copy()
    for _ in range(2):
        reset.submit()
    back = invoke(template.contracts.root_chain, "setNextHeaderBlock(uint256)", 2 * HEADER_ID_STEP)
    yield OperationGas("setNextHeaderBlock", reset.chain.send(DEPLOYER, back).gas_used)


def _measure_bridge() -> Iterator[OperationGas]:
    fresh = deploy(DataForm.BOUND, ())
    deposit = calls.deposit(fresh.contracts, BURNER.address, Wei(TOKEN))
    name = "depositFor, the first of an ERC-20 token"
    yield OperationGas(name, fresh.chain.send_all(DEPLOYER, *deposit).gas_used, 102_319)
    crossing = join_chains()
    (carried,) = crossing.deposit(BURNER, Wei(TOKEN))
    yield OperationGas("onStateReceive of a deposit (side chain)", carried.gas_used)
    crossing.checkpoint()
    crossing.side.embedded.mine(1_023)
    burnt = crossing.side.send(BURNER, crossing.burn(TOKEN))
    yield OperationGas("withdraw (side chain)", burnt.gas_used)
    crossing.checkpoint()
    payload = encode_payload(crossing.payload(burnt.header))
    name = f"exit, 1024-block checkpoint, 1-transaction block (payload of {len(payload)} bytes)"
    yield OperationGas(name, crossing.root.chain.send(SUBMITTER, crossing.exit(payload)).gas_used, 179_130)


def _measure_plasma() -> Iterator[OperationGas]:
    """The Plasma bridge and the tunnel, with checkpoints of 1,024 blocks."""
    plasma = add_plasma(join_chains())
    token, here, crossing = plasma.here.demo_token, plasma.here, plasma.crossing
    deposit = plasma_calls.deposit_erc20(here, token, BURNER.address, Wei(TOKEN))
    yield OperationGas("Plasma: depositERC20ForUser", plasma.root.send_all(DEPLOYER, *deposit).gas_used, 163_568)
    crossing.checkpoint()
    crossing.side.embedded.mine(1_022)
    burnt = plasma.side.send(BURNER, plasma_calls.withdraw(plasma.there.demo_token, TOKEN)).header
    said = plasma.side.send(BURNER, plasma_calls.send_to_root(plasma.there, b"a message of thirty-two letters.")).header
    crossing.checkpoint()
    start = plasma.start(crossing.payload(burnt, log_index=1))
    yield OperationGas("Plasma: startExitWithBurntTokens", plasma.root.send(BURNER, start).gas_used, 393_667)
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    yield OperationGas("Plasma: processExits, one exit", plasma.process(token).gas_used, 144_642)
    receive = plasma_calls.receive_message(here, encode_payload(crossing.payload(said)))
    name = "receiveMessage of the demo tunnel, 32 bytes"
    yield OperationGas(name, plasma.root.send(SUBMITTER, receive).gas_used)


def _measure_deployment(deployment_plan: DeploymentPlan) -> Iterator[OperationGas]:
    root, side = open_chain(ROOT_CHAIN_ID), open_chain(SIDE_CHAIN_ID)
    for step in root_deployment(deployment_plan).steps:
        yield OperationGas(step.label, root.send(DEPLOYER, step).gas_used)
    for step in side_deployment(deployment_plan).steps:
        yield OperationGas(f"{step.label} (side chain)", side.send(DEPLOYER, step).gas_used)
