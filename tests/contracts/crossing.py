"""Both chains joined: deposits carried over, side-chain blocks checkpointed, and the payloads that prove burns."""

from dataclasses import dataclass, field, replace

from bridge.codec import merkle
from bridge.codec.checkpoint import HEADER_ID_STEP, DataForm
from bridge.codec.events import StateSynced, decode_event
from bridge.codec.exit_payload import ExitPayload, branch_mask
from bridge.codec.header import Header, leaf_of
from bridge.codec.receipts import encode_receipt
from bridge.codec.trie import ordered_trie_proof
from bridge.codec.types import Address, BlockNumber, Hash32, Wei
from contracts import calls
from contracts.deployment import (
    ERC20_TOKEN_TYPE,
    DeploymentStep,
    SideContracts,
    contract_address,
    side_deployment,
)
from contracts.loader import constructor_data
from tests.contracts.harness import DEPLOYER, STRANGER, SYNCER, Account, ContractChain, Mined, invoke
from tests.contracts.network import (
    DEVNET_STAKES,
    SIDE_CHAIN_ID,
    TOKEN,
    Network,
    deploy,
    open_chain,
    plan,
)

BURNER = STRANGER
DEPOSIT_WEI = Wei(1_000 * TOKEN)


@dataclass(frozen=True, slots=True)
class CheckpointedBlocks:
    """The side-chain blocks under a header of the root chain."""

    header_id: int
    headers: tuple[Header, ...]


@dataclass
class Crossing:
    """A root chain and a side chain with the bridge between them.

    `free_token` is a contract of the side chain that emits any log; StakeToken is mapped to it, so that a test can
    write burns as no honest token would.
    """

    root: Network
    side: ContractChain
    side_contracts: SideContracts
    free_token: Address
    unmapped_token: Address
    checkpoints: list[CheckpointedBlocks] = field(default_factory=list)

    def copy(self) -> "Crossing":
        """The same two chains, going their own way."""
        return replace(self, root=self.root.copy(), side=self.side.copy(), checkpoints=list(self.checkpoints))

    def carry(self, mined: Mined) -> list[Mined]:
        """Bring the messages of a root-chain transaction to the side chain, as its relayer does."""
        messages = [event for event in map(decode_event, mined.logs) if isinstance(event, StateSynced)]
        receive = "onStateReceive(uint256,bytes)"
        return [self.side.send(SYNCER, invoke(each.contract, receive, each.id, each.data)) for each in messages]

    def deposit(self, user: Account, amount_wei: Wei) -> list[Mined]:
        """Tokens of the deployer, locked on the root chain and credited on the side chain."""
        steps = calls.deposit(self.root.contracts, user.address, amount_wei)
        return self.carry(self.root.chain.send_all(DEPLOYER, *steps))

    def burn(self, amount_wei: int) -> DeploymentStep:
        """A burn of the sender's demo tokens on the side chain."""
        return invoke(self.side_contracts.demo_token, "withdraw(uint256)", amount_wei)

    def checkpoint(self) -> CheckpointedBlocks:
        """Put all new side-chain blocks under a checkpoint."""
        wanted = self.root.checkpoint()
        head = self.side.embedded.head.number
        headers = tuple(self.side.embedded.header(BlockNumber(at)) for at in range(wanted.start, head + 1))
        root = merkle.root([leaf_of(header) for header in headers])
        header_id = self.root.next_header_number() * HEADER_ID_STEP
        self.root.submit(replace(wanted, end=BlockNumber(head), root_hash=root))
        self.checkpoints.append(CheckpointedBlocks(header_id, headers))
        return self.checkpoints[-1]

    def payload(self, block: Header, transaction_index: int = 0, log_index: int = 0) -> ExitPayload:
        """The proof of one log of the side chain; its block must be under a checkpoint."""
        under = next(each for each in self.checkpoints if block.hash in {header.hash for header in each.headers})
        leaves = [leaf_of(header) for header in under.headers]
        receipts = [encode_receipt(receipt) for receipt in self.side.embedded.receipts(block.hash)]
        return ExitPayload(
            header_id=under.header_id,
            block_proof=merkle.proof(leaves, block.number - under.headers[0].number),
            block_number=block.number,
            timestamp=block.timestamp,
            transactions_root=block.transactions_root,
            receipts_root=block.receipts_root,
            receipt=receipts[transaction_index],
            receipt_proof=ordered_trie_proof(receipts, transaction_index),
            branch_mask=branch_mask(transaction_index),
            log_index=log_index,
        )

    def exit(self, payload: bytes) -> DeploymentStep:
        """The call that takes out what a payload proves to be burnt."""
        return invoke(self.root.contracts.root_chain_manager, "exit(bytes)", payload)

    def root_balance(self, holder: Address) -> int:
        """Demo tokens of the root chain."""
        return self.root.chain.number(self.root.contracts.demo_token, "balanceOf(address)", holder)

    def side_balance(self, holder: Address) -> int:
        """Demo tokens of the side chain."""
        return self.side.number(self.side_contracts.demo_token, "balanceOf(address)", holder)


def join_chains() -> Crossing:
    """Both chains deployed; the burner holds demo tokens on the side chain, and stake tokens back the free token."""
    root = deploy(DataForm.BOUND, DEVNET_STAKES)
    side = open_chain(SIDE_CHAIN_ID)
    deployment = side_deployment(plan(DataForm.BOUND))
    side.send_all(DEPLOYER, *deployment.steps)
    free_token, unmapped_token = (_create_free_token(side) for _ in range(2))
    crossing = Crossing(root, side, deployment.contracts, free_token, unmapped_token)
    crossing.deposit(BURNER, DEPOSIT_WEI)
    _map_stake_token(root, free_token)
    return crossing


def _create_free_token(side: ContractChain) -> Address:
    address = contract_address(DEPLOYER.address, side.embedded.nonce(DEPLOYER.address))
    side.send(DEPLOYER, DeploymentStep("create", None, constructor_data("FakeStakingInfo")))
    return address


def _map_stake_token(root: Network, free_token: Address) -> None:
    manager, token = root.contracts.root_chain_manager, root.contracts.stake_token
    map_token = "mapToken(address,address,bytes32)"
    deposit = "depositFor(address,address,bytes)"
    root.chain.send_all(
        DEPLOYER,
        invoke(manager, map_token, token, free_token, ERC20_TOKEN_TYPE),
        invoke(token, "approve(address,uint256)", root.contracts.erc20_predicate, DEPOSIT_WEI),
        invoke(manager, deposit, BURNER.address, token, DEPOSIT_WEI.to_bytes(32)),
    )


def free_log(token: Address, topics: tuple[Hash32, ...], data: bytes, count: int = 1) -> DeploymentStep:
    """Any log of the free token, several times in one receipt."""
    return invoke(token, "repeatLog(uint256,bytes32[],bytes)", count, topics, data)
