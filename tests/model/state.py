"""What the model knows: immutable values, cheap to hash.

Named tuples, not the project's dataclasses: millions of them are made, and a tuple is made and hashed in a third of the
time. Validators are numbered from 0, in the order of their addresses. Times are whole ticks from genesis on, block
numbers and header ids count from 0 and 1.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

NOBODY: frozenset[int] = frozenset()

Stage = Literal["collecting", "grace", "open", "superseded", "rejected", "expired", "left"]
"""As node.app.state.Stage; one that expired by a no-ack is told from one whose proposer left."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of the rules, named as in node.app.parameters."""

    is_bound: bool
    """The `bound` form, in which the contract refuses a header after its T; else the `polygon` form."""
    minimum_blocks: int = 1
    maximum_blocks: int = 2
    multiple_blocks: int = 1
    interval_s: int = 0
    force_after_s: int = 1_000
    confirmation_lag_s: int = 0
    no_ack_buffer_s: int = 1
    no_ack_growth_cap: int = 1
    grace_blocks: int = 1
    inclusion_allowance_s: int = 0


class Member(NamedTuple):
    """A validator of a set; `leaves` is its deactivation epoch, 0 if it stays."""

    id: int
    power: int
    leaves: int


class Vector(NamedTuple):
    """Priorities, in the order of the members, and whose turn it is."""

    priorities: tuple[int, ...]
    proposer: int


class Quiet(NamedTuple):
    """QUIET: no log after the cursor at `step` up to `deadline`, and a confirmed head of `head_time`."""

    step: int
    deadline: int
    head_time: int


class Voice(NamedTuple):
    """What one validator says at present. `named` counts the steps since genesis whose digests it has named."""

    head: int | None
    quiet: Quiet | None
    named: int


SILENT = Voice(None, None, 0)


class Proposal(NamedTuple):
    """A range, what its signatures are over, and its verdicts."""

    turn: int
    proposer: int
    start: int
    end: int
    is_right: bool
    """Its root is the one that honest validators find."""
    header: int
    valid_until: int
    valid: frozenset[int] = NOBODY
    invalid: frozenset[int] = NOBODY
    stage: Stage = "collecting"
    grace_left: int = 0
    opened_s: int | None = None
    opened: frozenset[int] = NOBODY
    is_committed: bool = False
    """An engine block holds it: nobody honest signs earlier."""


class Turn(NamedTuple):
    """As node.app.state.Turn; the counts of acks and no-acks are left to events."""

    number: int = 1
    deadline: int | None = None
    wait_blocks: int = 0
    head_limit: int | None = None
    rejections: int = 0
    no_acks_backed: int = 0
    no_acks_other: int = 0
    next_start: int = 0
    next_header: int = 1
    last_ack_s: int | None = None


class App(NamedTuple):
    """The replicated state between two transactions; `now` is the time of the engine block being made."""

    now: int
    epoch: int
    members: tuple[Member, ...]
    vector: Vector
    turn: Turn
    current: Proposal | None
    closed: tuple[Proposal, ...]
    ends: tuple[int, ...]
    """Of the headers applied, for resets."""
    step: int
    latest_time: int
    voices: tuple[Voice, ...]


# --- L1 ---------------------------------------------------------------------------------------------------------------


class Header(NamedTuple):
    """NewHeaderBlock. `turn` and `valid_until` are of the proposal that landed; the event does not show them."""

    proposer: int
    start: int
    end: int
    is_right: bool
    header: int
    turn: int
    valid_until: int


class Unstake(NamedTuple):
    """UnstakeInit."""

    validator: int
    epoch: int


class Reset(NamedTuple):
    """ResetHeaderBlock: this header and those after it are deleted."""

    header: int


class Other(NamedTuple):
    """A log that changes nothing, or an anchor."""


Log = Header | Unstake | Reset | Other


class Mined(NamedTuple):
    """An L1 block with a log: one step of the feed."""

    time: int
    log: Log


class RootChain(NamedTuple):
    """L1 itself. `pending` are the blocks with logs that the engine has not applied yet."""

    time: int
    epoch: int
    members: tuple[Member, ...]
    ends: tuple[int, ...]
    pending: tuple[Mined, ...]
    others: int
    unstakes: int
    resets: int


class State(NamedTuple):
    """The whole world. `forgotten` are signed proposals that the app holds no more; their signatures stay out there."""

    app: App
    l1: RootChain
    side: int
    """The side chain's confirmed head."""
    forgotten: tuple[Proposal, ...]


# --- events -----------------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    """A turn was given its deadline."""

    turn: int
    deadline: int
    now: int
    latest_time: int


class NoAck(NamedTuple):
    """A turn ended by a quorum on QUIET."""

    turn: int
    deadline: int
    voters: frozenset[int]
    members: tuple[Member, ...]


class StepApplied(NamedTuple):
    """A step was applied, named by these."""

    block: Mined
    voters: frozenset[int]
    members: tuple[Member, ...]


class Ack(NamedTuple):
    """A header was applied and ended a turn."""

    header: Header
    time: int
    turn: int
    open_proposal: Proposal | None
    is_foreign: bool
    has_rotated: bool


class Rejected(NamedTuple):
    """A turn ended because too many call its proposal wrong."""

    proposal: Proposal
    members: tuple[Member, ...]


class Opened(NamedTuple):
    """A proposal may be submitted."""

    proposal: Proposal
    members: tuple[Member, ...]


class Proposed(NamedTuple):
    """A proposal was taken."""

    proposal: Proposal


class ProposerLeft(NamedTuple):
    """A turn ended because its proposer has left the set."""

    turn: int


class WasReset(NamedTuple):
    """A turn started again because headers were deleted."""

    turn: int


class Landed(NamedTuple):
    """The contract took a header; `proposal` is what was submitted, as it stood."""

    header: Header
    time: int
    proposal: Proposal


Event = Due | NoAck | StepApplied | Ack | Rejected | Opened | Proposed | ProposerLeft | WasReset | Landed
