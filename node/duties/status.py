"""What one validator knows about itself and its root chains, as values.

Status answers one question first: why has the next checkpoint not happened yet? The API, the `status` command, the
metrics and the log all read these same values, so that they cannot disagree.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, ValidatorId, Wei


class Reason(StrEnum):
    """Why the next checkpoint has not happened yet; the order of the members is the order of precedence."""

    UPGRADE_NEEDED = "UPGRADE_NEEDED"
    ENGINE_DOWN = "ENGINE_DOWN"
    ENGINE_STRANDED = "ENGINE_STRANDED"
    ENGINE_NO_QUORUM = "ENGINE_NO_QUORUM"
    VALIDATOR_PAUSED = "VALIDATOR_PAUSED"
    STALE_RECORD = "STALE_RECORD"
    TWIN_NODE = "TWIN_NODE"
    SIDE_REORG_BELOW_SIGNED = "SIDE_REORG_BELOW_SIGNED"
    GENESIS_CONTRADICTED = "GENESIS_CONTRADICTED"
    CLOCK_SKEW = "CLOCK_SKEW"
    CATCHING_UP = "CATCHING_UP"
    L1_REORG_BELOW_CURSOR = "L1_REORG_BELOW_CURSOR"
    CONTRACT_CHANGED = "CONTRACT_CHANGED"
    L1_VIEWS_DIFFER = "L1_VIEWS_DIFFER"
    ROOT_RPC_DOWN = "ROOT_RPC_DOWN"
    SIDE_RPC_DOWN = "SIDE_RPC_DOWN"
    NEXT_START_UNKNOWN = "NEXT_START_UNKNOWN"
    WAITING_FOR_SIDE_BLOCKS = "WAITING_FOR_SIDE_BLOCKS"
    WAITING_FOR_INTERVAL = "WAITING_FOR_INTERVAL"
    WAITING_FOR_TURN = "WAITING_FOR_TURN"
    WAITING_FOR_PROPOSAL = "WAITING_FOR_PROPOSAL"
    COLLECTING = "COLLECTING"
    GRACE = "GRACE"
    WAITING_FOR_SUBMITTER = "WAITING_FOR_SUBMITTER"
    FEE_CEILING = "FEE_CEILING"
    NOT_FUNDED = "NOT_FUNDED"
    L1_REFUSES = "L1_REFUSES"
    UNDERPRICED = "UNDERPRICED"
    POOL_FULL = "POOL_FULL"
    NONCE_GAP = "NONCE_GAP"
    NONCE_USED = "NONCE_USED"
    L1_CLOCK_AHEAD = "L1_CLOCK_AHEAD"
    WAITING_FOR_INCLUSION = "WAITING_FOR_INCLUSION"
    WAITING_FOR_CONFIRMATIONS = "WAITING_FOR_CONFIRMATIONS"
    WAITING_FOR_FEED_QUORUM = "WAITING_FOR_FEED_QUORUM"


@dataclass(frozen=True, slots=True)
class Why:
    """One reason with its facts in words and, where it has one, its number (blocks, seconds, rank or permille)."""

    reason: Reason
    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: at which number (block, header id, height) and when."""

    number: int
    time_s: float


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """How far this node sees one chain."""

    name: str
    chain_id: int
    head: BlockNumber | None
    confirmed: BlockNumber | None
    confirmed_hash: Hash32 | None
    confirmed_time_s: UnixSeconds | None
    last_progress_s: float
    down_reason: str | None


@dataclass(frozen=True, slots=True)
class RootChainStatus:
    """One root chain: who proposes, until when, and why the next checkpoint is not there yet."""

    name: str
    chain: ChainStatus
    why: Why
    turn: int
    proposer_id: ValidatorId | None
    proposer: Address
    deadline_s: UnixSeconds | None
    next_start: BlockNumber | None
    proposed_start: BlockNumber | None
    proposed_end: BlockNumber | None
    signed_permille: int
    cursor: BlockNumber
    step_number: int
    last_built: Moment | None
    last_signed: Moment | None
    last_submitted: Moment | None
    last_acknowledged: Moment | None
    no_acks: int
    submitter_balance_wei: Wei | None
    submitter_checkpoints_left: int | None
    outbox_state: str | None


@dataclass(frozen=True, slots=True)
class DutyStatus:
    """One loop of the validator: when it last got somewhere, how often it failed, and what it reports."""

    name: str
    last_progress_s: float
    failures: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """What NTP servers say of this machine's clock."""

    skew: str | None
    """Why it is wrong; no precommit is signed meanwhile."""
    offset_s: float | None
    """How far they are ahead of it, in the middle; None while nobody answers."""
    servers: int
    answering: int


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One validator at one moment."""

    version: str
    moniker: str
    validator_id: ValidatorId | None
    signer: Address
    power: int
    total_power: int
    engine_height: int
    engine_time_s: float
    engine_power_share_permille: int
    engine_quorum: bool
    app_hash: Hash32
    paused: bool
    caught_up: bool
    stopped_signing: Why | None
    leaving_acks: int | None
    side_chain: ChainStatus
    root_chains: tuple[RootChainStatus, ...]
    duties: tuple[DutyStatus, ...]
    cannot_tell: str | None
    """Why this node has no verdict on the last proposal that it looked at, if it has none."""
    alarms: tuple[str, ...]
    evidence: int
    """Pieces of evidence of misbehaviour in the engine that were recorded since genesis."""
    engine_trouble: Why | None = None
    engine_peers: int | None = None
    clock: ClockStatus | None = None
    """None where no NTP servers are asked, because nothing depends on the clock."""
