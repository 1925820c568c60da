"""A root chain with the whole deployment and some validators, and the checkpoints that they sign."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.chain.clock import ManualClock
from bridge.codec.checkpoint import (
    HEADER_ID_STEP,
    Checkpoint,
    CheckpointBinding,
    DataForm,
    SignedBy,
    bound_data,
    bound_digest,
    polygon_data,
    polygon_digest,
    submit_calldata,
)
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import sign
from bridge.codec.types import ZERO_HASH, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from contracts import calls
from contracts.deployment import DeploymentPlan, DeploymentStep, RootContracts, root_deployment
from node.devnet.chain import ChainGenesis
from node.devnet.chain.embedded import EmbeddedChain
from tests.contracts.harness import DEPLOYER, FUNDED, SUBMITTER, SYNCER, Account, ContractChain, Mined, account

ROOT_CHAIN_ID = ChainId(1337)
SIDE_CHAIN_ID = ChainId(15001)
GENESIS_TIME_S = UnixSeconds(1_700_000_000)
TOKEN = 10**18
BLOCKS = 8
DEADLINE_S = 1_000

DEVNET_STAKES = (100 * TOKEN, 90 * TOKEN, 80 * TOKEN, 70 * TOKEN)


@dataclass(frozen=True, slots=True)
class SignedData:
    """A checkpoint as it is sent: its bytes, and what a signer signs."""

    data: bytes
    digest: Hash32


def genesis() -> ChainGenesis:
    """A chain whose test accounts hold ether."""
    return ChainGenesis(alloc={each.address: Wei(10**24) for each in FUNDED}, timestamp=GENESIS_TIME_S)


def plan(form: DataForm) -> DeploymentPlan:
    """The deployment that the tests use."""
    return DeploymentPlan(DEPLOYER.address, SYNCER.address, SIDE_CHAIN_ID, form)


@dataclass
class Network:
    """The root chain of a test. `validators` are the accounts that staked, in the order of their ids."""

    chain: ContractChain
    contracts: RootContracts
    form: DataForm
    validators: list[Account] = field(default_factory=list)

    def copy(self) -> "Network":
        """The same network on a chain that goes its own way."""
        return Network(self.chain.copy(), self.contracts, self.form, list(self.validators))

    def stake(self, staker: Account, amount_wei: int) -> Mined:
        """Make the account a validator: its own owner and signer, paid for by the deployer."""
        steps = calls.stake(self.contracts, staker.address, Wei(amount_wei), staker.public_key)
        mined = self.chain.send_all(DEPLOYER, *steps)
        self.validators.append(staker)
        return mined

    def next_header_number(self) -> int:
        """The number of the checkpoint to come, from 1."""
        return self.chain.number(self.contracts.root_chain, "_nextHeaderBlock()") // HEADER_ID_STEP

    def checkpoint(self, blocks: int = BLOCKS, proposer: Account | None = None) -> Checkpoint:
        """The next checkpoint, of made-up blocks."""
        number = self.next_header_number()
        last_end = self.chain.number(self.contracts.root_chain, "getLastChildBlock()")
        start = 0 if number == 1 else last_end + 1
        return Checkpoint(
            proposer=(proposer or self.validators[0]).address,
            start=BlockNumber(start),
            end=BlockNumber(start + blocks - 1),
            root_hash=keccak256(b"root %d" % number),
            account_root_hash=ZERO_HASH,
            side_chain_id=SIDE_CHAIN_ID,
        )

    def binding(self) -> CheckpointBinding:
        """The binding of the next checkpoint, good for a while."""
        return CheckpointBinding(
            root_chain_id=ROOT_CHAIN_ID,
            root_chain_address=self.contracts.root_chain,
            header_id=self.next_header_number() * HEADER_ID_STEP,
            valid_until=UnixSeconds(int(self.chain.clock.now()) + DEADLINE_S),
        )

    def prepare(self, checkpoint: Checkpoint, binding: CheckpointBinding | None = None) -> SignedData:
        """Data and digest of a checkpoint in the network's form, bound to the next place unless told otherwise."""
        if self.form is DataForm.POLYGON:
            return SignedData(polygon_data(checkpoint), polygon_digest(checkpoint))
        binding = binding or self.binding()
        return SignedData(bound_data(checkpoint, binding), bound_digest(checkpoint, binding))

    def submission(self, prepared: SignedData, signers: Sequence[Account] | None = None) -> DeploymentStep:
        """The call that submits it with the signatures of all validators, or of those named, sorted."""
        ascending = sorted(self.validators if signers is None else signers, key=lambda signer: signer.address)
        signed = [SignedBy(signer.address, sign(prepared.digest, signer.private_key)) for signer in ascending]
        return DeploymentStep("submit", self.contracts.root_chain, submit_calldata(prepared.data, signed))

    def submit(self, checkpoint: Checkpoint | None = None, signers: Sequence[Account] | None = None) -> Mined:
        """Submit a checkpoint, which must be accepted."""
        step = self.submission(self.prepare(checkpoint or self.checkpoint()), signers)
        return self.chain.send(SUBMITTER, step)

    def refusal(self, checkpoint: Checkpoint, signers: Sequence[Account] | None = None) -> str:
        """Why the checkpoint would be refused."""
        return self.chain.refusal(SUBMITTER, self.submission(self.prepare(checkpoint), signers))


def open_chain(chain_id: ChainId) -> ContractChain:
    """A new chain in memory, on a clock of its own."""
    clock = ManualClock(GENESIS_TIME_S)
    return ContractChain(EmbeddedChain(None, chain_id, clock, genesis()), chain_id, clock)


def deploy(form: DataForm, stakes_wei: Sequence[int]) -> Network:
    """A new root chain with everything deployed, and one validator per stake."""
    deployment = root_deployment(plan(form))
    chain = open_chain(ROOT_CHAIN_ID)
    chain.send_all(DEPLOYER, *deployment.steps)
    network = Network(chain, deployment.contracts, form)
    for token in (deployment.contracts.stake_token, deployment.contracts.demo_token):
        chain.send(DEPLOYER, calls.mint(token, DEPLOYER.address, Wei(10**9 * TOKEN)))
    for index, amount_wei in enumerate(stakes_wei):
        network.stake(account(f"validator {index}"), amount_wei)
    return network
