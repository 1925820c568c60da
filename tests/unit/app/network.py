"""A network in memory: validators with real keys, one application, blocks on demand, and an L1 that is a list of steps.

Nothing here judges; it only says what a test tells it to say. Several applications can follow the same blocks
(`twins`), to compare their hashes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bridge.codec.checkpoint import DataForm
from bridge.codec.feed import FeedLog, FilterEntry, Step, next_digest, steps_of_block
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, PublicKey, UnixSeconds, ValidatorId, Wei
from config.presets import RootContracts, devnet_network, devnet_root_chain
from node.app.abci import (
    CheckTxRequest,
    CheckTxResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    PrepareProposalRequest,
)
from node.app.application import Application
from node.app.errors import InvalidReason
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis, genesis_hash
from node.app.messages import (
    Attest,
    Head,
    Invalid,
    MessageKind,
    ProposeCheckpoint,
    Quiet,
    ReanchorList,
    Statement,
    Steps,
    Transaction,
    Valid,
    encode_body,
    encode_transaction,
    statement_order,
    transaction_digest,
)
from node.app.parameters import RootChainParameters
from node.app.proposals import digest_of
from node.app.state import Feed, Proposal, Stage, State, Turn
from node.app.store import MemoryStateStore
from tests.unit.app import logs

GENESIS_S = 1_700_000_000
TOKEN = 10**18
SIDE_CHAIN_ID = ChainId(15001)
NETWORK = devnet_network(SIDE_CHAIN_ID)
ROOT = devnet_root_chain(
    "root",
    ChainId(1337),
    SIDE_CHAIN_ID,
    RootContracts(logs.ROOT_CHAIN, logs.STAKING_INFO, logs.STAKE_MANAGER),
    DataForm.BOUND,
)


def root_of(start: int, end: int) -> Hash32:
    """The root that all honest validators find for a range."""
    return keccak256(b"root of %d to %d" % (start, end))


@dataclass(frozen=True, slots=True)
class Key:
    """A validator's signer key."""

    private: bytes

    @property
    def public(self) -> PublicKey:
        """X ‖ Y."""
        return public_key_of(self.private)

    @property
    def address(self) -> Address:
        """The signer."""
        return address_of(self.public)


def key(number: int) -> Key:
    """The same key for the same number, always."""
    return Key(keccak256(b"validator %d" % number))


@dataclass
class Validator:
    """One who says things; its id is its number."""

    id: ValidatorId
    key: Key
    nonce: int = 0
    counter: int = 0


@dataclass
class L1:
    """What root chain `chain` did since genesis, as steps with their chained digests."""

    chain: int
    digest: Hash32
    block: int = 1_000
    next_step: int = 1
    generation: int = 1
    steps: list[tuple[Step, Hash32]] = field(default_factory=list)

    def mine(self, time_s: int, *block_logs: FeedLog) -> list[Step]:
        """One more block with these logs, as the steps that the feed makes of it."""
        self.block += 1
        made = steps_of_block(
            root_chain=self.chain,
            generation=self.generation,
            first_number=self.next_step,
            block_number=BlockNumber(self.block),
            block_hash=keccak256(b"block %d" % self.block),
            block_time=UnixSeconds(time_s),
            logs=logs.placed(block_logs),
            is_anchor=not block_logs,
        )
        for step in made:
            self.digest = next_digest(self.digest, step)
            self.steps.append((step, self.digest))
        self.next_step += len(made)
        return list(made)

    def reorganise(self, feed: Feed) -> None:
        """Go on from where a re-anchored feed stands; what was mined beyond it is gone."""
        self.steps = [(step, digest) for step, digest in self.steps if step.number < feed.step_number]
        self.block, self.next_step = feed.cursor.number, feed.step_number
        self.generation, self.digest = feed.generation, feed.digest


def make_genesis(
    stakes: Sequence[int], root_chains: Sequence[RootChainParameters], header_id: int = 0, end: int = 0
) -> Genesis:
    """A genesis with validators 1, 2, … of these stakes in tokens."""
    topics = (
        logs.new_header(logs.ROOT_CHAIN, 1, 0, 0, keccak256(b"")),
        logs.reset_header(1),
        logs.staked(logs.ROOT_CHAIN, 1, 1, b""),
        logs.stake_update(1, 1, 1),
        logs.signer_change(1, 1, logs.ROOT_CHAIN, logs.ROOT_CHAIN, b""),
        logs.unstake_init(1, 1, 1),
    )
    entries = sorted((log.address, log.topics[0]) for log in topics)
    validators = tuple(
        GenesisValidator(
            id=ValidatorId(number),
            signer=key(number).address,
            public_key=key(number).public,
            stake_wei=Wei(stake * TOKEN),
            nonce=1,
            activation_epoch=1,
            deactivation_epoch=0,
        )
        for number, stake in enumerate(stakes, start=1)
    )
    return Genesis(
        name="test-network",
        time_s=UnixSeconds(GENESIS_S),
        epoch=1,
        staking_root_chain=0,
        parameters=NETWORK,
        validators=validators,
        root_chains=tuple(
            RootChainGenesis(
                parameters=parameters,
                filter=tuple(FilterEntry(address, topic, BlockNumber(0)) for address, topic in entries),
                block_number=BlockNumber(1_000),
                block_hash=keccak256(b"block 1000"),
                block_time=UnixSeconds(GENESIS_S - 10),
                last_header_id=header_id,
                last_end=BlockNumber(end),
                next_header_id=header_id + 10_000,
                account_root=Hash32(bytes(32)),
                state_id=0,
            )
            for parameters in root_chains
        ),
        parent=b"",
    ).checked()


class Network:
    """Validators, their application, the engine's clock and L1."""

    def __init__(
        self,
        stakes: Sequence[int] = (100, 90, 80, 70),
        root_chains: Sequence[RootChainParameters] = (ROOT,),
        header_id: int = 0,
        end: int = 0,
    ) -> None:
        self.genesis = make_genesis(stakes, root_chains, header_id, end)
        self.store = MemoryStateStore()
        self.app = Application(self.genesis, self.store)
        self.twins: list[Application] = []
        self.validators = [Validator(ValidatorId(n), key(n)) for n in range(1, len(stakes) + 1)]
        self.time_ms = GENESIS_S * 1_000
        self.blocks: list[FinalizeBlockRequest] = []
        self.l1 = [L1(chain, feed.digest) for chain, feed in enumerate(self.state.feeds)]
        self.waiting: list[bytes] = []

    # --- reading

    @property
    def state(self) -> State:
        """The committed state."""
        return self.app.committed.state

    @property
    def turn(self) -> Turn:
        """The turn of root chain 0."""
        return self.state.turns[0]

    @property
    def deadline(self) -> int:
        """The armed deadline of root chain 0."""
        assert self.turn.deadline is not None
        return self.turn.deadline

    @property
    def proposal(self) -> Proposal:
        """The open proposal of root chain 0."""
        found = self.state.proposals[0].current
        assert found is not None
        return found

    def is_armed(self) -> bool:
        """Whether the turn of root chain 0 has a deadline."""
        return self.turn.deadline is not None

    def stage(self) -> Stage:
        """The stage of the open proposal of root chain 0."""
        return self.proposal.stage

    @property
    def now_s(self) -> int:
        """The engine's time."""
        return self.time_ms // 1_000

    def validator_of(self, signer: Address) -> Validator:
        """The validator with this signer."""
        return next(validator for validator in self.validators if validator.key.address == signer)

    @property
    def proposer(self) -> Validator:
        """Whose turn it is on root chain 0."""
        return self.validator_of(self.state.priorities[0].proposer)

    def happened(self, kind: str) -> bool:
        """Whether the last block had an event of this kind."""
        return any(event.type == kind for event in self.app.last_events)

    # --- transactions

    def transaction(self, validator: Validator, message: ProposeCheckpoint | Attest, nonce: int | None = None) -> bytes:
        """A signed transaction with the validator's next nonce."""
        if nonce is None:
            validator.nonce += 1
            nonce = validator.nonce
        kind = MessageKind.ATTEST if isinstance(message, Attest) else MessageKind.PROPOSE_CHECKPOINT
        body = encode_body(message)
        digest = transaction_digest(genesis_hash(self.genesis), kind, nonce, validator.key.address, body)
        signature = sign(digest, validator.key.private)
        return encode_transaction(Transaction(1, kind, nonce, validator.key.address, body, signature))

    def attest(
        self,
        validator: Validator,
        *statements: Statement,
        steps: Iterable[Step] = (),
        reanchor: ReanchorList | None = None,
    ) -> bytes:
        """An attestation with these statements."""
        validator.counter += 1
        ordered = tuple(sorted(statements, key=statement_order))
        node_id = validator.id.to_bytes(8)
        return self.transaction(validator, Attest(node_id, validator.counter, ordered, tuple(steps), reanchor))

    def proposal_message(
        self, start: int, end: int, root: Hash32 | None = None, turn: int | None = None
    ) -> ProposeCheckpoint:
        """A proposal for root chain 0."""
        return ProposeCheckpoint(
            root_chain=0,
            turn=self.turn.number if turn is None else turn,
            start=BlockNumber(start),
            end=BlockNumber(end),
            root_hash=root_of(start, end) if root is None else root,
            account_root_hash=Hash32(bytes(32)),
        )

    def valid(self, validator: Validator, proposal: Proposal | None = None) -> Valid:
        """VALID with this validator's signature."""
        proposal = proposal or self.proposal
        parameters = self.state.params.root_chains[proposal.root_chain]
        signature = sign(digest_of(parameters, proposal), validator.key.private)
        return Valid(proposal.root_chain, proposal.turn, signature)

    def invalid(self) -> Invalid:
        """INVALID for the open proposal."""
        return Invalid(0, self.proposal.turn, InvalidReason.ROOT_MISMATCH)

    def quiet(self, head_time: int | None = None, chain: int = 0) -> Quiet:
        """Quiet up to the armed deadline."""
        feed, deadline = self.state.feeds[chain], self.state.turns[chain].deadline
        assert deadline is not None
        shown = UnixSeconds(deadline + 1 if head_time is None else head_time)
        return Quiet(chain, feed.generation, feed.step_number, deadline, shown)

    def steps(self, chain: int = 0) -> Steps:
        """The digests of L1's steps from the cursor on."""
        feed = self.state.feeds[chain]
        ahead = [digest for step, digest in self.l1[chain].steps if step.number >= feed.step_number][:32]
        return Steps(chain, feed.generation, feed.step_number, tuple(ahead))

    # --- blocks

    def block(self, *transactions: bytes, seconds: float = 0.5) -> FinalizeBlockResponse:
        """Decide, execute and commit a block with exactly these transactions."""
        self.time_ms += int(seconds * 1_000)
        request = FinalizeBlockRequest(
            txs=transactions,
            height=self.app.committed.height + 1,
            time_ns=self.time_ms * 1_000_000,
            hash=b"",
            proposer_address=self.validators[0].key.address,
        )
        self.blocks.append(request)
        response = self.app.finalize_block(request)
        self.app.commit()
        for twin in self.twins:
            assert twin.finalize_block(request) == response
            twin.commit()
        return response

    def empty_blocks(self, count: int, seconds: float = 0.5) -> None:
        """Blocks without transactions."""
        for _ in range(count):
            self.block(seconds=seconds)

    def check(self, transaction: bytes) -> CheckTxResponse:
        """CheckTx of a new transaction."""
        return self.app.check_tx(CheckTxRequest(transaction))

    def prepare(self, *transactions: bytes, bytes_max: int = 4 * 1024 * 1024) -> tuple[bytes, ...]:
        """What the application would put into a block."""
        height, time_ns = self.app.committed.height + 1, self.time_ms * 1_000_000
        address = self.validators[0].key.address
        request = PrepareProposalRequest(bytes_max, transactions, height, time_ns, address)
        return self.app.prepare_proposal(request).txs

    # --- stories

    def everybody(self, *without: Validator) -> list[Validator]:
        """All validators but these."""
        return [validator for validator in self.validators if validator not in without]

    def report_heads(self, number: int, who: Iterable[Validator] | None = None) -> None:
        """A block in which these validators report the side-chain head."""
        head = Head(BlockNumber(number), keccak256(b"side %d" % number))
        self.block(*(self.attest(validator, head) for validator in who or self.validators))

    def make_due(self, head: int) -> None:
        """Let time pass until the turn is armed, with this head."""
        self.report_heads(head)
        for _ in range(200):
            if self.turn.deadline is not None:
                return
            self.block(seconds=1)
        raise AssertionError("the turn does not become due")

    def propose(self, start: int, end: int, root: Hash32 | None = None) -> int:
        """A block with the proposer's proposal; its result code."""
        response = self.block(self.transaction(self.proposer, self.proposal_message(start, end, root)))
        return response.tx_results[0].code

    def sign(self, *who: Validator) -> None:
        """A block in which these validators say VALID; all if none is named."""
        self.block(*(self.attest(validator, self.valid(validator)) for validator in who or self.validators))

    def say_quiet(self, *who: Validator, head_time: int | None = None) -> None:
        """A block in which these validators say that L1 was quiet; all if none is named."""
        quiet = self.quiet(head_time)
        self.block(*(self.attest(validator, quiet) for validator in who or self.validators))

    def l1_block(self, *block_logs: FeedLog, time_s: int | None = None, chain: int = 0) -> list[Step]:
        """L1 mines these logs, and nobody here has seen it yet."""
        return self.l1[chain].mine(self.now_s if time_s is None else time_s, *block_logs)

    def see_l1(self, *who: Validator, chain: int = 0) -> FinalizeBlockResponse:
        """A block in which these validators attest L1's steps, the first of them with the bodies."""
        statement, feed = self.steps(chain), self.state.feeds[chain]
        ahead = [step for step, _ in self.l1[chain].steps if step.number >= feed.step_number]
        speakers = list(who) or self.validators
        bodies: list[Step] = []
        for step in ahead[: len(statement.digests)]:
            if sum(len(kept.logs) for kept in (*bodies, step)) > 128:
                break
            bodies.append(step)
        first = self.attest(speakers[0], statement, steps=bodies)
        return self.block(first, *(self.attest(validator, statement) for validator in speakers[1:]))

    def land(self, proposal: Proposal | None = None, time_s: int | None = None) -> None:
        """The proposal lands on L1, and everybody sees it."""
        proposal = proposal or self.proposal
        header = (proposal.header_id, proposal.start, proposal.end, proposal.root_hash)
        self.l1_block(logs.new_header(proposal.proposer, *header), time_s=time_s)
        self.see_l1()

    def checkpoint(self, blocks: int = 8) -> Proposal:
        """A whole checkpoint, from due to ack."""
        start = self.turn.next_start
        assert start is not None
        self.make_due(start + blocks - 1)
        assert self.propose(start, start + blocks - 1) == 0
        self.sign()
        landed = self.proposal
        self.land()
        return landed

    def restarted(self) -> Application:
        """The application as it comes back from its store."""
        return Application(self.genesis, self.store)


def with_parameters(**changes: object) -> RootChainParameters:
    """The usual root chain with other numbers."""
    return replace(ROOT, **changes)  # type: ignore[arg-type]  # tests name fields of RootChainParameters
