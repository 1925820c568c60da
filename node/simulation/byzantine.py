"""A validator that does not keep to the rules: what it may try with its key, its mempool and its proposer's right.

It runs the real application, for it must follow the chain to do harm, but its duties are its own: whatever it signs
needs no signing record. The seed draws which of the habits it has.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from bridge.codec.checkpoint import bound_digest, polygon_digest
from bridge.codec.feed import FeedLog, Step, next_digest
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from node.app.errors import InvalidReason
from node.app.messages import (
    VERSION,
    Attest,
    Conflict,
    Head,
    Invalid,
    MessageKind,
    ProposeCheckpoint,
    Quiet,
    Statement,
    Steps,
    Transaction,
    Upgrade,
    Valid,
    encode_body,
    encode_transaction,
    statement_order,
    transaction_digest,
)
from node.app.proposals import binding_of, checkpoint_of
from node.app.state import Committed, Proposal, State
from node.engine.errors import EngineError
from node.keys.private_key import PrivateKey
from node.simulation.loop import Process
from node.simulation.machine import Machine

if TYPE_CHECKING:
    from node.simulation.world import World

FLOOD_TRANSACTIONS = 20
NONCE_JUMP_MAX = 2**20


class Habit(StrEnum):
    """What a validator may do against the rules."""

    WRONG_ROOTS = "proposes wrong roots"
    WITHHOLDS_PROPOSALS = "withholds proposals"
    WITHHOLDS_STATEMENTS = "withholds statements and bodies"
    EQUIVOCATES = "signs what it likes"
    FALSE_STEPS = "invents logs"
    FALSE_STATEMENTS = "says what is not so"
    FLOODS = "floods"
    JUNK_BLOCKS = "proposes junk blocks"
    REFUSES_BLOCKS = "votes against blocks"


class Byzantine:
    """Makes one machine's validator misbehave."""

    def __init__(self, machine: Machine, source: Random, world: "World") -> None:
        self.machine = machine
        self.habits = frozenset(source.sample(list(Habit), source.randint(1, 5)))
        self._source = source
        self._world = world
        self._process = Process(f"liar {machine.index}")
        self._key: PrivateKey = machine.keys.signers[0]

    def start(self) -> None:
        """Begin; it never ends."""
        self.machine.liar = self
        self._world.loop.start(self._process, self._run())

    # What the machine asks instead of its own code

    def proposal(self, honest: ProposeCheckpoint | None) -> ProposeCheckpoint | None:
        """What to propose in place of the honest proposal."""
        if honest is None or (Habit.WITHHOLDS_PROPOSALS in self.habits and self._source.random() < 0.5):
            return None
        if Habit.WRONG_ROOTS in self.habits and self._source.random() < 0.7:
            return replace(honest, root_hash=Hash32(self._source.randbytes(32)))
        return honest

    def block(self, honest: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """What to put into a block in place of the honest choice."""
        if Habit.JUNK_BLOCKS not in self.habits:
            return honest
        match self._source.randrange(6):
            case 0:
                return ()
            case 1:
                return tuple(reversed(honest))
            case 2:
                return (*honest, *honest)
            case 3:
                return (*honest, self._source.randbytes(self._source.randint(1, 200)))
            case 4:
                return honest[: len(honest) // 2]
            case _:
                return honest

    def accepts(self, *, honest: bool) -> bool:
        """Whether to vote for a block."""
        return honest and not (Habit.REFUSES_BLOCKS in self.habits and self._source.random() < 0.5)

    @property
    def is_silent(self) -> bool:
        """Whether the machine's own honest statements stay at home."""
        return Habit.WITHHOLDS_STATEMENTS in self.habits

    # What it says by itself

    async def _run(self) -> None:
        pause_s = self._world.genesis.parameters.engine_block_ms / 1000
        while True:
            await asyncio.sleep(pause_s * (1 + 4 * self._source.random()))
            validator = self.machine.validator
            if validator is not None and self.machine.is_up:
                self._speak(validator.committed)

    def _speak(self, committed: Committed) -> None:
        state = committed.state
        statements = {statement.kind: statement for statement in self._statements(state)}
        bodies = self._false_steps(state) if Habit.FALSE_STEPS in self.habits else ()
        if bodies:
            feed = state.feeds[0]
            digest = next_digest(feed.digest, bodies[0])
            statements[Steps.kind] = Steps(0, feed.generation, feed.step_number, (digest,))
        ordered = tuple(sorted(statements.values(), key=statement_order))
        if ordered or bodies:
            self._send(committed, Attest(self._source.randbytes(8), 1, ordered, bodies, None))
        if Habit.FLOODS in self.habits:
            for _ in range(FLOOD_TRANSACTIONS):
                self._send(committed, Attest(self._source.randbytes(8), 1, (), (), None))

    def _statements(self, state: State) -> list[Statement]:
        source, feed, turn = self._source, state.feeds[0], state.turns[0]
        found: list[Statement] = []
        proposal = state.proposals[0].current
        if proposal is not None and Habit.EQUIVOCATES in self.habits:
            found.append(self._signed(state, proposal))
        if Habit.FALSE_STATEMENTS in self.habits:
            deadline = UnixSeconds(1 if turn.deadline is None else turn.deadline)
            ahead = Head(BlockNumber(source.randrange(2**40)), Hash32(source.randbytes(32)))
            later = UnixSeconds(deadline + source.randrange(10**6))
            found += [
                source.choice((ahead, Head(BlockNumber(0), Hash32(bytes(32))))),
                Quiet(0, feed.generation, feed.step_number, deadline, later),
                Conflict(0, feed.step_number, Hash32(source.randbytes(32))),
                Upgrade(2, 10**6, Hash32(bytes(32))),
            ]
            if proposal is not None and Habit.EQUIVOCATES not in self.habits:
                found.append(Invalid(0, proposal.turn, InvalidReason.ROOT_MISMATCH))
            source.shuffle(found)
            found = found[: source.randint(0, len(found))]
        return found

    def _signed(self, state: State, proposal: Proposal) -> Valid:
        """A signature for the proposal whatever it says; or for another root, which the state must not take."""
        parameters = state.params.root_chains[0]
        checkpoint, binding = checkpoint_of(parameters, proposal), binding_of(parameters, proposal)
        if self._source.random() < 0.5:
            checkpoint = replace(checkpoint, root_hash=Hash32(self._source.randbytes(32)))
        is_polygon = parameters.data_form.name == "POLYGON"
        digest = polygon_digest(checkpoint) if is_polygon else bound_digest(checkpoint, binding)
        return Valid(0, proposal.turn, self._key.sign(digest))

    def _false_steps(self, state: State) -> tuple[Step, ...]:
        """A next step with a log that never was."""
        feed, source = state.feeds[0], self._source
        if not feed.filter or source.random() < 0.3:
            return ()
        entry = source.choice(feed.filter)
        log = FeedLog(0, 0, entry.address, (entry.topic0,), source.randbytes(32 * source.randint(0, 8)))
        number = BlockNumber(feed.cursor.number + source.randint(1, 3))
        block_hash, time = Hash32(source.randbytes(32)), UnixSeconds(feed.latest_time + 1)
        return (Step(0, feed.generation, feed.step_number, number, block_hash, time, True, (log,)),)

    def _send(self, committed: Committed, message: Attest) -> None:
        state, sender = committed.state, self._sender(committed.state)
        last = next((one.nonce for one in state.senders if one.address == sender), 0)
        nonce = last + self._source.randint(1, NONCE_JUMP_MAX)
        body = encode_body(message)
        digest = transaction_digest(state.params.genesis_hash, MessageKind.ATTEST, nonce, sender, body)
        raw = encode_transaction(Transaction(VERSION, MessageKind.ATTEST, nonce, sender, body, self._key.sign(digest)))
        engine = self._world.engine.engine
        if engine is not None:
            with suppress(EngineError):
                engine.submit(self.machine.index, raw)

    def _sender(self, state: State) -> Address:
        held = {key.address: key for key in self.machine.keys.signers}
        member = next((one for one in state.validators.members if one.signer in held), None)
        if member is not None:
            self._key = held[member.signer]
        return self._key.address
