"""The model's actions on the real application, and what both say after each engine block.

What a walk of the model does becomes transactions with real signatures, L1 logs with real bytes, and blocks; then the
whole of the turn machinery is read from the application's state and compared. This is what keeps the model true.
"""

import random
from collections import Counter
from typing import NamedTuple

from bridge.codec.checkpoint import DataForm
from bridge.codec.feed import FeedLog, Step
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from node.app.messages import Head, Quiet, Statement, Steps, subject_of
from node.app.parameters import RootChainParameters
from node.app.state import Proposal as RealProposal
from tests.model.actions import Action, EngineBlock, Propose, RootBlock, Say
from tests.model.explore import drawn
from tests.model.scenarios import Scenario
from tests.model.state import Header, Log, Parameters, Proposal, Reset, State, Unstake
from tests.model.world import World
from tests.unit.app import logs
from tests.unit.app.network import GENESIS_S, Network, Validator, key, root_of, with_parameters

HEADER_ID_STEP = 10_000
STORY_MAX = 30
"""So many of the last actions before a difference are told."""


class ProposalView(NamedTuple):
    """All that counts of the open proposal."""

    turn: int
    proposer: int
    start: int
    end: int
    is_right: bool
    header: int
    valid_until: int
    valid: frozenset[int]
    invalid: frozenset[int]
    stage: str
    grace_left: int
    opened_s: int | None
    opened: frozenset[int]


class View(NamedTuple):
    """What the model and the application must agree on after each block."""

    turn: int
    proposer: int
    deadline: int | None
    wait_blocks: int
    head_limit: int | None
    rejections: int
    no_acks_backed: int
    no_acks_other: int
    next_start: int | None
    next_header: int
    last_ack_s: int | None
    current: ProposalView | None
    closed: tuple[tuple[int, frozenset[int]], ...]
    members: tuple[tuple[int, int], ...]
    epoch: int
    step: int
    latest_time: int


def model_view(state: State) -> View:
    """What the model says."""
    app, turn = state.app, state.app.turn
    return View(
        turn=turn.number,
        proposer=app.vector.proposer,
        deadline=turn.deadline,
        wait_blocks=turn.wait_blocks,
        head_limit=turn.head_limit,
        rejections=turn.rejections,
        no_acks_backed=turn.no_acks_backed,
        no_acks_other=turn.no_acks_other,
        next_start=turn.next_start,
        next_header=turn.next_header,
        last_ack_s=turn.last_ack_s,
        current=None if app.current is None else _proposal_view(app.current),
        closed=tuple((proposal.turn, proposal.valid) for proposal in app.closed),
        members=tuple((member.id, member.leaves) for member in app.members),
        epoch=app.epoch,
        step=app.step,
        latest_time=app.latest_time,
    )


def _proposal_view(proposal: Proposal) -> ProposalView:
    fields = proposal._asdict()
    return ProposalView(**{name: fields[name] for name in ProposalView._fields})


def replayed(world: World, seed: int, steps_max: int) -> tuple[Counter[str], str | None]:
    """A random walk on both: how often each event happened, and where the application first differs, if it does."""
    draw, counts = random.Random(seed), Counter[str]()
    state, replay, story = world.initial(), Replay(world.scenario), list[str]()
    for _ in range(steps_max):
        action = drawn(draw, world, state)
        assert action is not None, "a world without bounds always goes on"
        replay.take(state, action)
        transition = world.take(state, action)
        state = transition.after
        story.append(f"{action}  {[type(event).__name__ for event in transition.events] or ''}")
        counts.update(type(event).__name__ for event in transition.events)
        if isinstance(action, EngineBlock):
            counts["engine blocks"] += 1
            model, real = model_view(state), replay.view()
            if model != real:
                differing = [
                    f"{name}: the model says {ours}, the application {theirs}"
                    for name, ours, theirs in zip(View._fields, model, real, strict=True)
                    if ours != theirs
                ]
                return counts, "\n".join([*story[-STORY_MAX:], *differing])
    return counts, None


class Replay:
    """A network that does what the model did. Model validators are numbered in the order of their addresses."""

    def __init__(self, scenario: Scenario) -> None:
        numbers = sorted(range(1, len(scenario.powers) + 1), key=lambda number: key(number).address)
        self._place = {key(number).address: place for place, number in enumerate(numbers)}
        stakes = [scenario.powers[numbers.index(number)] for number in sorted(numbers)]
        self.network = Network(stakes=stakes, root_chains=(_root_chain(scenario.parameters),))
        self._validators = [self.network.validators[number - 1] for number in numbers]
        self._proposals: list[Propose] = []
        self._statements: dict[int, dict[object, Statement]] = {}
        self._bodies: dict[int, list[Step]] = {}
        self._blocks_in_second = 0

    def take(self, before: State, action: Action) -> None:
        """Do what the model does; `before` is its state."""
        match action:
            case Propose():
                self._proposals.append(action)
            case Say():
                for validator in action.who:
                    statement = self._statement(self._validators[validator], action, before)
                    self._statements.setdefault(validator, {})[subject_of(statement)] = statement
            case RootBlock():
                block_logs = () if action.log is None else (self._log(action.log),)
                if block_logs:
                    self.network.l1_block(*block_logs, time_s=GENESIS_S + before.l1.time + action.seconds)
            case EngineBlock():
                self._block(before.app.now)
            case _:
                pass

    def view(self) -> View:
        """What the application says."""
        state = self.network.state
        turn, feed, book = state.turns[0], state.feeds[0], state.proposals[0]
        return View(
            turn=turn.number,
            proposer=self._place[state.priorities[0].proposer],
            deadline=_since_genesis(turn.deadline),
            wait_blocks=turn.wait_blocks,
            head_limit=turn.head_limit,
            rejections=turn.rejections,
            no_acks_backed=turn.no_acks_backed,
            no_acks_other=turn.no_acks_other,
            next_start=turn.next_start,
            next_header=turn.next_header_id // HEADER_ID_STEP,
            last_ack_s=_since_genesis(turn.last_ack_s),
            current=None if book.current is None else self._view_of(book.current),
            closed=tuple((proposal.turn, self._verdicts(proposal, is_valid=True)) for proposal in book.closed),
            members=tuple(sorted((self._place[m.signer], m.deactivation_epoch) for m in state.validators.members)),
            epoch=state.validators.epoch,
            step=feed.step_number - 1,
            latest_time=feed.latest_time - GENESIS_S,
        )

    def _view_of(self, proposal: RealProposal) -> ProposalView:
        opening = proposal.opening
        signers = () if opening is None else opening.signatures
        return ProposalView(
            turn=proposal.turn,
            proposer=self._place[proposal.proposer],
            start=proposal.start,
            end=proposal.end,
            is_right=proposal.root_hash == root_of(proposal.start, proposal.end),
            header=proposal.header_id // HEADER_ID_STEP,
            valid_until=proposal.valid_until - GENESIS_S,
            valid=self._verdicts(proposal, is_valid=True),
            invalid=self._verdicts(proposal, is_valid=False),
            stage=proposal.stage.name.lower(),
            grace_left=proposal.grace_left,
            opened_s=None if opening is None else opening.time_s - GENESIS_S,
            opened=frozenset(self._place[signed.signer] for signed in signers),
        )

    def _verdicts(self, proposal: RealProposal, *, is_valid: bool) -> frozenset[int]:
        places = {validator.id: place for place, validator in enumerate(self._validators)}
        return frozenset(places[v.validator] for v in proposal.verdicts if v.is_valid is is_valid)

    def _statement(self, validator: Validator, action: Say, before: State) -> Statement:
        network, feed = self.network, self.network.state.feeds[0]
        book = network.state.proposals[0]
        match action.kind:
            case "HEAD":
                return Head(BlockNumber(action.value), keccak256(b"side %d" % action.value))
            case "VALID":
                return network.valid(validator)
            case "LATE":
                return network.valid(validator, book.closed[-1])
            case "INVALID":
                return network.invalid()
            case "QUIET":
                head_time = UnixSeconds(GENESIS_S + action.value)
                return Quiet(0, 1, feed.step_number, UnixSeconds(network.deadline), head_time)
            case "STEPS":
                place = self._validators.index(validator)
                ahead = [found for found in network.l1[0].steps if found[0].number >= feed.step_number][: action.value]
                self._bodies[place] = [step for step, _ in ahead]
                return Steps(0, 1, feed.step_number, tuple(digest for _, digest in ahead))

    def _log(self, log: Log) -> FeedLog:
        match log:
            case Header():
                root = _root(log.start, log.end, is_right=log.is_right)
                header_id = log.header * HEADER_ID_STEP
                return logs.new_header(self._address(log.proposer), header_id, log.start, log.end, root)
            case Reset():
                return logs.reset_header(log.header * HEADER_ID_STEP)
            case Unstake():
                return logs.unstake_init(self._validators[log.validator].id, 2, log.epoch)
            case _:
                return logs.unknown()

    def _block(self, now: int) -> None:
        network = self.network
        transactions = [
            network.transaction(
                self._validators[proposal.who],
                network.proposal_message(
                    proposal.start, proposal.end, _root(proposal.start, proposal.end, is_right=proposal.is_right)
                ),
            )
            for proposal in self._proposals
        ]
        for place in sorted(self._statements):
            said, bodies = self._statements[place].values(), self._bodies.get(place, ())
            transactions.append(network.attest(self._validators[place], *said, steps=bodies))
        self._proposals, self._statements, self._bodies = [], {}, {}
        time_ms = (GENESIS_S + now) * 1_000
        self._blocks_in_second = self._blocks_in_second + 1 if network.time_ms >= time_ms else 0
        network.time_ms = time_ms + self._blocks_in_second
        network.block(*transactions, seconds=0)

    def _address(self, validator: int) -> Address:
        return self._validators[validator].key.address


def _root_chain(p: Parameters) -> RootChainParameters:
    return with_parameters(
        data_form=DataForm.BOUND if p.is_bound else DataForm.POLYGON,
        minimum_blocks=p.minimum_blocks,
        maximum_blocks=p.maximum_blocks,
        multiple_blocks=p.multiple_blocks,
        interval_s=p.interval_s,
        force_after_s=p.force_after_s,
        confirmations=p.confirmation_lag_s,
        block_time_s=1,
        no_ack_buffer_s=p.no_ack_buffer_s,
        no_ack_growth_cap=p.no_ack_growth_cap,
        grace_blocks=p.grace_blocks,
        submission_ranks=1,
        rank_delay_s=1,
        inclusion_allowance_s=p.inclusion_allowance_s,
    )


def _root(start: int, end: int, *, is_right: bool) -> Hash32:
    return root_of(start, end) if is_right else keccak256(b"another root of %d to %d" % (start, end))


def _since_genesis(time_s: int | None) -> int | None:
    return None if time_s is None else time_s - GENESIS_S
