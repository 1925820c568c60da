"""The replicated state: frozen values, one section after another as the app hash has them (docs/protocol.md P9).

    params · validators · engine_set · priorities · feeds · tallies · turns · proposals · senders · logs/checkpoints ·
    logs/evidence · logs/records

Sections that exist once per root chain are tuples in the order of the genesis. Neither height nor time is in here: an
idle network keeps its app hash. Every countdown in blocks is here, so that blocks follow while it runs.
"""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.checkpoint import SignedBy
from bridge.codec.feed import Cursor, FilterEntry
from bridge.codec.mmr import MountainRange
from bridge.codec.types import Address, BlockNumber, Hash32, PublicKey, Signature, UnixSeconds, ValidatorId, Wei
from node.app.canonical import Power, Priority
from node.app.errors import InvalidReason, LogOutcome
from node.app.messages import Conflict, Head, Quiet, Reanchor, Steps, Upgrade
from node.app.parameters import Parameters, RootChainParameters

WEI_PER_TOKEN = 10**18


# --- params -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParametersSection:
    """What the rules' numbers are now."""

    genesis_hash: Hash32
    genesis_time_s: UnixSeconds
    staking_root_chain: int
    network: Parameters
    root_chains: tuple[RootChainParameters, ...]
    version: int
    """The version of messages and rules in force."""
    planned_upgrade: Upgrade | None
    """What over 2/3 of the power fixed: from its height on, its version holds."""


# --- validators -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ValidatorRecord:
    """A validator as the L1 contract has it, by the logs applied so far."""

    id: ValidatorId
    signer: Address
    public_key: bytes
    """As given on L1, not necessarily a point of the curve; empty if it does not have 64 bytes."""
    stake_wei: Wei
    nonce: int
    """The last nonce that a log carried; an alarm when it jumps, never a gate."""
    activation_epoch: int
    deactivation_epoch: int
    """0, or the epoch at which the validator leaves."""
    has_usable_key: bool
    """Whether the key is a point of the curve that hashes to the signer; else it counts on L1 only."""


@dataclass(frozen=True, slots=True)
class TallyMember:
    """A validator that counts in tallies and should count in the engine."""

    id: ValidatorId
    signer: Address
    public_key: PublicKey
    power: Power
    """Whole tokens of stake."""


@dataclass(frozen=True, slots=True)
class ValidatorsSection:
    """Who is in the contract's set, and who counts here."""

    epoch: int
    """StakeManager's epoch: that of the genesis plus the headers applied since."""
    members: tuple[ValidatorRecord, ...]
    """The contract's set, leavers included until their epoch; ascending by id."""
    former: tuple[ValidatorRecord, ...]
    """Who has left, ascending by id."""
    tally_set: tuple[TallyMember, ...]
    """Members with a usable key and power; if there would be none, the last who were. Ascending by id."""
    is_frozen: bool
    """APP_SET_FROZEN: the contract's set has nobody who could count."""


# --- engine_set -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineMember:
    """A validator as the engine was last told."""

    signer: Address
    public_key: PublicKey
    power: Power


@dataclass(frozen=True, slots=True)
class EngineSetSection:
    """The set that was last returned to the engine, which acts two heights later."""

    members: tuple[EngineMember, ...]
    """Ascending by signer."""
    is_frozen: bool
    """ENGINE_SET_FROZEN: the wanted set is empty or one that the engine would refuse."""


# --- priorities -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriorityMember:
    """A validator's place in the rotation of proposers."""

    signer: Address
    power: Power
    priority: Priority


@dataclass(frozen=True, slots=True)
class PriorityVector:
    """One root chain's rotation of proposers: Tendermint's weighted round robin."""

    members: tuple[PriorityMember, ...]
    """Ascending by signer."""
    proposer: Address
    """Who was picked by the last rotation."""


# --- feeds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """What is kept of a step after it is applied, to tell a re-anchoring from a change."""

    number: int
    block_number: BlockNumber
    block_hash: Hash32
    block_time: UnixSeconds
    next_index: int
    contents_hash: Hash32
    """Over address, topics and data of its logs, without their places."""


@dataclass(frozen=True, slots=True)
class StepBody:
    """The contents of a step that is not applied yet."""

    number: int
    digest: Hash32
    """The chained digest that ends with this step."""
    block_time: UnixSeconds
    sender: ValidatorId
    contents: bytes
    """The step's RLP."""


@dataclass(frozen=True, slots=True)
class Contested:
    """A digest of the next step that over 1/3 of the power holds, and for how long nothing followed."""

    digest: Hash32
    elapsed_ms: int
    """Engine time, of each block at most 60 s; stops at 10 minutes, which is L1_VIEWS_DIFFER."""
    counted_ms: int
    """Engine time up to which it is counted: in the state, so that no block depends on the time of the one before."""


@dataclass(frozen=True, slots=True)
class AlertedLog:
    """A log that was ignored, or applied with an alert."""

    step_number: int
    index: int
    outcome: LogOutcome


@dataclass(frozen=True, slots=True)
class Feed:
    """How far a root chain's logs are agreed on and applied."""

    generation: int
    """Rises with each change of the filter or re-anchoring; statements of another one are ignored."""
    filter: tuple[FilterEntry, ...]
    step_number: int
    """Number of the next step; they count from 1 over all generations."""
    digest: Hash32
    """The chained digest up to the cursor."""
    cursor: Cursor
    latest_time: UnixSeconds
    """The latest L1 time that is agreed on; deadlines are not set before it."""
    applied: tuple[AppliedStep, ...]
    """The last steps, at most 1,000."""
    bodies: tuple[StepBody, ...]
    """Ascending by number and digest."""
    reanchor_bodies: tuple[bytes, ...]
    """Encoded lists that a current REANCHOR statement names, ascending by their digest."""
    is_paused: bool
    """Over 1/3 of the power sees another block at the cursor: L1_REORG_BELOW_CURSOR."""
    reanchor_differs: bool
    """Over 2/3 re-anchored with other contents; the pause needs an explicit decision."""
    contested: Contested | None
    body_missing_blocks: int
    """For how many blocks over 1/3 of the power has held a digest of the next step without a body; stops at 255."""
    alerted_logs: int
    """How many logs were ignored, or applied with an alert."""
    last_alert: AlertedLog | None
    contract_changed_block: BlockNumber | None
    """The last root-chain block in which a proxy of ours changed its implementation: CONTRACT_CHANGED."""


# --- tallies ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChainStatements:
    """A validator's current statements about one root chain."""

    steps: Steps | None = None
    quiet: Quiet | None = None
    conflict: Conflict | None = None
    reanchor: Reanchor | None = None


@dataclass(frozen=True, slots=True)
class VoterStatements:
    """A validator's current statements; its verdicts stand with the proposals."""

    id: ValidatorId
    head: Head | None
    upgrade: Upgrade | None
    chains: tuple[ChainStatements, ...]
    """One per root chain."""


# --- turns ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeaderSpan:
    """A header that L1 has: its id and last block."""

    header_id: int
    end: BlockNumber


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is on a root chain, and until when."""

    number: int
    """Counts every turn from 1, never reused."""
    deadline: UnixSeconds | None
    """T in L1 time, once the turn is due; quiet beyond it is a no-ack."""
    wait_blocks: int
    """Blocks before the turn may become due: one after it began, more after rejections in a row."""
    head_limit: BlockNumber | None
    """Ranges end at or before it: what over 2/3 of the power held when the first turn for this start became due."""
    rejections: int
    """Rejections in a row; an ack or a no-ack ends the row."""
    no_acks_backed: int
    """No-acks since the last ack of turns whose proposal had VALID from at least 1/3 of the power."""
    no_acks_other: int
    """The other no-acks since the last ack."""
    next_start: BlockNumber | None
    """First block of the next checkpoint; None after a reset to a header that is not remembered."""
    next_header_id: int
    headers: tuple[HeaderSpan, ...]
    """The last headers, at most 256, ascending; a reset falls back on them."""
    last_ack_s: UnixSeconds | None
    """Engine time of the last ack."""
    last_no_ack_s: UnixSeconds | None
    """Engine time of the last no-ack."""
    acks: int
    """How many headers were applied since genesis."""
    no_acks: int
    """How many no-acks there were since genesis."""


# --- proposals --------------------------------------------------------------------------------------------------------


class Stage(IntEnum):
    """Where a proposal stands; what follows on L1 before the ack is local knowledge."""

    COLLECTING = 0
    GRACE = 1
    """There is a quorum; late signatures may still come."""
    OPEN = 2
    """Submission is open."""
    ACKNOWLEDGED = 3
    REJECTED = 4
    EXPIRED = 5
    SUPERSEDED = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator says of a proposal."""

    validator: ValidatorId
    signer: Address
    """Its signer when it said so."""
    signature: Signature | None
    """For VALID: what L1 will check."""
    reason: InvalidReason | None
    """For INVALID."""
    time_s: UnixSeconds
    """Engine time of the block that recorded it."""
    is_late: bool
    """Whether it came after the opening."""

    @property
    def is_valid(self) -> bool:
        """Whether this is VALID."""
        return self.signature is not None


@dataclass(frozen=True, slots=True)
class Opening:
    """The opened submission: all submitters build their calldata from this list."""

    time_s: UnixSeconds
    """Engine time; rank r may send once L1's time is r delays beyond it."""
    signatures: tuple[SignedBy, ...]
    """Ascending by signer."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed checkpoint and what the validators say of it."""

    root_chain: int
    turn: int
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32
    header_id: int
    """The id that L1 will give it."""
    valid_until: UnixSeconds
    """The turn's deadline when it was proposed; a bound contract refuses later blocks."""
    proposed_s: UnixSeconds
    """Engine time of the block that recorded it."""
    verdicts: tuple[Verdict, ...]
    """Ascending by validator id."""
    stage: Stage
    grace_left: int
    """Blocks until the submission opens, while the stage is GRACE."""
    opening: Opening | None


@dataclass(frozen=True, slots=True)
class AccountRootMemory:
    """The account root that was first proposed with a range, in polygon form: later turns keep it."""

    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32


@dataclass(frozen=True, slots=True)
class ProposalBook:
    """A root chain's proposals."""

    account_root: Hash32
    """The root that the next proposal must carry, unless the range was proposed before."""
    current: Proposal | None
    """The one of the current turn."""
    closed: tuple[Proposal, ...]
    """Closed ones that could still land, oldest first."""
    acknowledged: Proposal | None
    """The last one that landed, for late signatures."""
    account_roots: tuple[AccountRootMemory, ...]
    """Polygon form only; oldest first."""


# --- senders ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sender:
    """The last executed transaction of a signer; it outlasts its validator, so that nothing can be executed again."""

    address: Address
    nonce: int
    """0 before the first."""
    node_id: bytes
    """Of its last attestation; empty before the first."""
    counter: int
    """Of its last attestation."""


@dataclass(frozen=True, slots=True)
class State:
    """All that decides what the next block does."""

    params: ParametersSection
    validators: ValidatorsSection
    engine_set: EngineSetSection
    priorities: tuple[PriorityVector, ...]
    feeds: tuple[Feed, ...]
    tallies: tuple[VoterStatements, ...]
    """Ascending by validator id; only validators that have said something."""
    turns: tuple[Turn, ...]
    proposals: tuple[ProposalBook, ...]
    senders: tuple[Sender, ...]
    """Ascending by address; every signer that the contract's set ever had."""
    checkpoint_log: MountainRange
    """Commitment to the list of what happened to checkpoints (`history`)."""
    evidence_log: MountainRange
    """Commitment to the list of what the engine proved of validators (`evidence`)."""
    record_log: MountainRange
    """Commitment to the list of state-sync records; empty until the feed carries them."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The state after a committed block, which duties and API read; it never changes."""

    height: int
    """0 before the first block."""
    time_ns: int
    """That block's time, nanoseconds since 1970; the genesis time before the first block."""
    app_hash: Hash32
    state: State

    @property
    def time_s(self) -> UnixSeconds:
        """That block's time in whole seconds."""
        return UnixSeconds(self.time_ns // 1_000_000_000)
