"""The next state while a block executes.

Sections stay frozen values; a draft holds which ones are current, and the functions of this package put others in their
place. What did not change keeps its identity, so that only changed sections are encoded and hashed again.
"""

from dataclasses import replace
from typing import TypeVar

from bridge.codec.hexadecimal import to_hex
from bridge.codec.mmr import MountainRange
from bridge.codec.types import Address, UnixSeconds, ValidatorId
from node.app.abci import Event, EventAttribute
from node.app.history import CHECKPOINT_LOG, EVIDENCE_LOG, RECORD_LOG, HistoryEntry, encode_entry
from node.app.parameters import RootChainParameters
from node.app.state import ChainStatements, Proposal, Sender, State, TallyMember, ValidatorRecord, VoterStatements
from node.app.store import LogEntry

NANOSECONDS_PER_SECOND = 1_000_000_000

T = TypeVar("T")


class Draft:
    """A state in the making, with the block's time and what it leaves for logs and stories."""

    def __init__(self, state: State, height: int, time_ns: int) -> None:
        self._base = state
        self.height = height
        self.time_s = UnixSeconds(time_ns // NANOSECONDS_PER_SECOND)
        self.time_ms = time_ns // 1_000_000
        self.params = state.params
        self.validators = state.validators
        self.engine_set = state.engine_set
        self.priorities = list(state.priorities)
        self.feeds = list(state.feeds)
        self.voters: dict[ValidatorId, VoterStatements] = {voter.id: voter for voter in state.tallies}
        self.turns = list(state.turns)
        self.proposals = list(state.proposals)
        self.senders: dict[Address, Sender] = {sender.address: sender for sender in state.senders}
        self.logs: dict[str, MountainRange] = {
            CHECKPOINT_LOG: state.checkpoint_log,
            EVIDENCE_LOG: state.evidence_log,
            RECORD_LOG: state.record_log,
        }
        self.events: list[Event] = []
        self.entries: list[LogEntry] = []

    @property
    def tally_set(self) -> tuple[TallyMember, ...]:
        """Who counts in tallies now."""
        return self.validators.tally_set

    def parameters(self, chain: int) -> RootChainParameters:
        """The numbers of a root chain's rules."""
        return self.params.root_chains[chain]

    def member_by_signer(self, signer: Address) -> ValidatorRecord | None:
        """The validator of the contract's set that signs with this key."""
        return next((member for member in self.validators.members if member.signer == signer), None)

    def voter_id(self, signer: Address) -> ValidatorId | None:
        """The validator whose word counts for something if this key signs it."""
        member = self.member_by_signer(signer)
        if member is not None:
            return member.id
        return next((counted.id for counted in self.tally_set if counted.signer == signer), None)

    def statements(self, validator: ValidatorId) -> VoterStatements:
        """What a validator says at present."""
        none = tuple(ChainStatements() for _ in self.feeds)
        return self.voters.get(validator) or VoterStatements(validator, None, None, none)

    def set_current(self, chain: int, proposal: Proposal | None) -> None:
        """Replace the proposal of a root chain's current turn."""
        book = self.proposals[chain]
        if proposal is not book.current:
            self.proposals[chain] = replace(book, current=proposal)

    def emit(self, kind: str, **attributes: object) -> None:
        """Tell that something happened; bytes are shown as hex."""
        texts = ((key, _text(value)) for key, value in attributes.items())
        self.events.append(Event(kind, tuple(EventAttribute(key, text) for key, text in texts)))

    def append(self, entry: HistoryEntry) -> None:
        """Append an entry to logs/checkpoints."""
        self.append_to(CHECKPOINT_LOG, encode_entry(entry))

    def append_to(self, log: str, contents: bytes) -> None:
        """Append an entry to a log."""
        self.entries.append(LogEntry(log, self.logs[log].count, contents))
        self.logs[log] = self.logs[log].append(contents)

    def freeze(self) -> State:
        """The finished state; unchanged sections are the same objects as before."""
        base = self._base
        return State(
            params=self.params,
            validators=self.validators,
            engine_set=self.engine_set,
            priorities=_same_or_new(base.priorities, tuple(self.priorities)),
            feeds=_same_or_new(base.feeds, tuple(self.feeds)),
            tallies=_same_or_new(base.tallies, tuple(self.voters[key] for key in sorted(self.voters))),
            turns=_same_or_new(base.turns, tuple(self.turns)),
            proposals=_same_or_new(base.proposals, tuple(self.proposals)),
            senders=_same_or_new(base.senders, tuple(self.senders[key] for key in sorted(self.senders))),
            checkpoint_log=self.logs[CHECKPOINT_LOG],
            evidence_log=self.logs[EVIDENCE_LOG],
            record_log=self.logs[RECORD_LOG],
        )


def _same_or_new(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[T, ...]:
    is_same = len(before) == len(after) and all(old is new for old, new in zip(before, after, strict=True))
    return before if is_same else after


def _text(value: object) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)
