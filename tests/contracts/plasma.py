"""The plasma bridge and a tunnel beside the rest: deposits, burns, exits that wait, and a contract that owns tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.codec.abi import encode_call
from bridge.codec.exit_payload import ExitPayload, branch_mask, encode_payload
from bridge.codec.header import Header
from bridge.codec.receipts import Log
from bridge.codec.types import Address, Wei
from contracts import calls, plasma_calls
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import artifact, constructor_data
from contracts.plasma_deployment import (
    PlasmaPlan,
    PlasmaRootContracts,
    PlasmaSideContracts,
    plasma_root_deployment,
    plasma_side_deployment,
)
from tests.contracts.crossing import BURNER, DEPOSIT_WEI, Crossing
from tests.contracts.harness import DEPLOYER, SYNCER, VALIDATORS, ContractChain, Mined, invoke
from tests.contracts.network import TOKEN

HALF_EXIT_PERIOD_S = 100
NATIVE_FUNDING_WEI = Wei(10_000 * TOKEN)
PUPPETEER = VALIDATORS[-1]
PUPPET = contract_address(PUPPETEER.address, 0)
"""A contract at the same address on both chains."""
NFT_IDS = (7, 8, 9)
EXIT_STARTED = next(each.topic for each in artifact("WithdrawManager").entries("event") if each.name == "ExitStarted")
PAID = next(each.topic for each in artifact("WithdrawManager").entries("event") if each.name == "Withdraw")
EXIT_FAILED = next(each.topic for each in artifact("WithdrawManager").entries("event") if each.name == "ExitFailed")


@dataclass
class Plasma:
    """Both chains with everything; the burner and the puppet hold some of each plasma token on the side chain.

    `crossing.free_token` is mapped here too, to the other bridge's demo token, which is deposited for it.
    """

    crossing: Crossing
    here: PlasmaRootContracts
    there: PlasmaSideContracts
    native_root_token: Address
    free_root_token: Address

    def copy(self) -> "Plasma":
        """The same chains, going their own way."""
        return replace(self, crossing=self.crossing.copy())

    @property
    def root(self) -> ContractChain:
        """The root chain."""
        return self.crossing.root.chain

    @property
    def side(self) -> ContractChain:
        """The side chain."""
        return self.crossing.side

    def burnt(self, step: DeploymentStep) -> Header:
        """The block of a burner's transaction, under a checkpoint."""
        block = self.side.send(BURNER, step).header
        self.crossing.checkpoint()
        return block

    def start(self, payload: ExitPayload | bytes, predicate: Address | None = None) -> DeploymentStep:
        """The call that starts an exit, of an ERC-20 unless told otherwise."""
        data = payload if isinstance(payload, bytes) else encode_payload(payload)
        return plasma_calls.start_exit(predicate or self.here.erc20_predicate, data)

    def process(self, token: Address) -> Mined:
        """Pay what may be paid of a token."""
        return self.root.send(SYNCER, plasma_calls.process_exits(self.here, token))

    def wait(self, seconds: int) -> None:
        """Let the root chain's time go on."""
        self.root.clock.advance(seconds)

    def balance(self, token: Address, holder: Address) -> int:
        """Tokens of the root chain."""
        return self.root.number(token, "balanceOf(address)", holder)

    def waiting(self, token: Address) -> int:
        """How many exits of a token wait."""
        return self.root.number(self.here.withdraw_manager, "waitingExits(address)", token)


def add_plasma(crossing: Crossing) -> Plasma:
    """Deploy the plasma bridge on both chains of a crossing, and deposit for the burner and the puppet."""
    contracts = crossing.root.contracts
    plan = PlasmaPlan(
        deployer=DEPLOYER.address,
        state_syncer=SYNCER.address,
        root_chain=contracts.root_chain,
        state_sender=contracts.state_sender,
        native_root_token=contracts.stake_token,
        half_exit_period_s=HALF_EXIT_PERIOD_S,
        native_funding_wei=NATIVE_FUNDING_WEI,
        first_root_nonce=crossing.root.chain.embedded.nonce(DEPLOYER.address),
        first_side_nonce=crossing.side.embedded.nonce(DEPLOYER.address),
    )
    root, side = plasma_root_deployment(plan), plasma_side_deployment(plan)
    crossing.root.chain.send_all(DEPLOYER, *root.steps)
    crossing.side.send_all(DEPLOYER, *side.steps)
    for chain in (crossing.root.chain, crossing.side):
        chain.send(PUPPETEER, DeploymentStep("create", None, constructor_data("Puppet")))
    plasma = Plasma(crossing, root.contracts, side.contracts, contracts.stake_token, contracts.demo_token)
    _deposit_all(plasma)
    return plasma


def _deposit_all(plasma: Plasma) -> None:
    here, root, carry = plasma.here, plasma.root, plasma.crossing.carry
    root.send(DEPLOYER, calls.mint(here.demo_token, DEPLOYER.address, Wei(4 * DEPOSIT_WEI)))
    for token in (plasma.native_root_token, here.demo_token):
        for user in (BURNER.address, PUPPET):
            carry(root.send_all(DEPLOYER, *plasma_calls.deposit_erc20(here, token, user, DEPOSIT_WEI)))
    for token_id in NFT_IDS:
        root.send(DEPLOYER, invoke(here.demo_nft, "mint(address,uint256)", DEPLOYER.address, token_id))
        carry(root.send_all(DEPLOYER, *plasma_calls.deposit_erc721(here, here.demo_nft, BURNER.address, token_id)))
    carry(root.send(BURNER, plasma_calls.deposit_ether(here, DEPOSIT_WEI)))
    deposit_for_puppet = DeploymentStep("deposit", here.deposit_manager, encode_call("depositEther()"), DEPOSIT_WEI)
    carry(root.send(DEPLOYER, puppet_run([deposit_for_puppet])))
    map_token = "mapToken(address,address,bool)"
    root.send(DEPLOYER, invoke(here.registry, map_token, plasma.free_root_token, plasma.crossing.free_token, False))
    root.send_all(DEPLOYER, *plasma_calls.deposit_erc20(here, plasma.free_root_token, BURNER.address, DEPOSIT_WEI))


def puppet_run(steps: Sequence[DeploymentStep]) -> DeploymentStep:
    """Has the puppet make several calls in one transaction, with the sender's coin."""
    values = tuple(step.value_wei for step in steps)
    run = "run(address[],uint256[],bytes[])"
    data = encode_call(run, tuple(step.to for step in steps), values, tuple(step.data for step in steps))
    return DeploymentStep("puppet", PUPPET, data, Wei(sum(values)))


def burn_key(block: Header, transaction_index: int = 0, ordinal: int = 0) -> int:
    """The lower half of the id of an exit."""
    mask = int.from_bytes(branch_mask(transaction_index))
    return (ordinal << 96 | block.number << 32 | mask) << 1


def exit_ids(logs: Sequence[Log], event: bytes) -> list[int]:
    """The ids that logs of WithdrawManager name: all its events index them, the payments first."""
    place = 2 if event == EXIT_STARTED else 1
    return [int.from_bytes(log.topics[place]) for log in logs if log.topics[0] == event]


def puppet_started(plasma: Plasma, block: Header, places: Sequence[int], predicate: Address | None = None) -> list[int]:
    """The ids of the exits that the puppet starts, of burns that it made in a transaction."""
    starts = [plasma.start(plasma.crossing.payload(block, log_index=place), predicate) for place in places]
    return exit_ids(plasma.root.send(BURNER, puppet_run(starts)).logs, EXIT_STARTED)


def puppet_burnt(plasma: Plasma, *steps: DeploymentStep) -> Header:
    """The block of a transaction in which the puppet makes these burns, with the sender's coin for native ones."""
    block = plasma.side.send(BURNER, puppet_run(steps)).header
    plasma.crossing.checkpoint()
    return block
