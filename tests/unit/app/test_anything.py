"""Whatever validators say and L1 does: no block fails, the engine could follow, and every node gets the same."""

import random
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.codec.checkpoint import DataForm
from bridge.codec.feed import FeedLog
from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.app.application import Application
from node.app.engine_set import checked_update
from node.app.errors import InvalidReason
from node.app.messages import (
    Conflict,
    Head,
    Invalid,
    Quiet,
    Reanchor,
    ReanchoredStep,
    ReanchorList,
    Statement,
    Steps,
    Upgrade,
    reanchor_digest,
    subject_of,
)
from node.app.queries import next_range, ranks, why_waiting
from node.app.state import State
from node.app.store import MemoryStateStore
from tests.unit.app import logs
from tests.unit.app.network import TOKEN, Network, Validator, key, with_parameters

BLOCKS = 40


class Chaos:
    """A network whose validators say, and whose L1 does, what a seed draws."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        form = self.random.choice([DataForm.BOUND, DataForm.POLYGON])
        self.network = Network(
            stakes=[self.random.choice([1, 10, 10, 10, 50]) for _ in range(self.random.randint(1, 6))],
            root_chains=(with_parameters(data_form=form, interval_s=1, force_after_s=20),),
        )
        self.network.twins = [Application(self.network.genesis, MemoryStateStore())]
        self.engine = self.network.state.engine_set.members
        self.headers = 0
        self.next_key = 100

    def l1_event(self) -> None:
        """L1 mines a block with some logs."""
        network, draw = self.network, self.random
        proposal = network.state.proposals[0].current
        somebody = draw.randint(1, 8)
        header_id = draw.choice([self.headers + 10_000, 10_000, 20_000])
        self.next_key += 1
        new = key(self.next_key)
        events: list[Callable[[], FeedLog]] = [
            logs.unknown,
            lambda: logs.elided(50_000),
            lambda: logs.reset_header(header_id),
            lambda: logs.stake_update(somebody, draw.randint(1, 9), draw.choice([0, 1, 5 * TOKEN, 2**250])),
            lambda: logs.staked(new.address, somebody, 10 * TOKEN, draw.choice([new.public, bytes(64), b""])),
            lambda: logs.signer_change(somebody, 2, key(somebody).address, new.address, new.public),
            lambda: logs.unstake_init(somebody, 2, draw.choice([0, 1, 2, 3, 10, 2**63 - 1, 2**63])),
            lambda: logs.new_header(new.address, header_id, 0, draw.choice([0, 9, 2**70]), keccak256(b"foreign")),
        ]
        if proposal is not None:
            header = (proposal.header_id, proposal.start, proposal.end, proposal.root_hash)
            events += [lambda: logs.new_header(proposal.proposer, *header)] * 5
        chosen = [draw.choice(events)() for _ in range(draw.choice([0, 1, 1, 2, 70]))]
        network.l1_block(*chosen, time_s=network.now_s + draw.choice([-5, 0, 0, 100]))

    def statements(self, validator: Validator) -> list[Statement]:
        """Some true statements, some false ones."""
        network, draw = self.network, self.random
        feed, turn, proposal = network.state.feeds[0], network.turn, network.state.proposals[0].current
        junk = keccak256(b"%d" % draw.randint(0, 2))
        said: list[Statement] = [Head(BlockNumber(draw.choice([3, 11, 30, 60, 2**63])), junk)]
        if draw.random() < 0.1:
            said.append(Conflict(0, feed.step_number, draw.choice([junk, feed.cursor.hash])))
        if draw.random() < 0.1:
            said.append(Upgrade(draw.choice([1, 2]), draw.choice([5, 10_000]), Hash32(bytes(32))))
        true_steps = network.steps()
        if true_steps.digests:
            said.append(true_steps if draw.random() < 0.9 else Steps(0, 1, feed.step_number, (junk,)))
        if turn.deadline is not None and draw.random() < 0.3:
            shown = UnixSeconds(draw.choice([turn.deadline + 1, turn.deadline + 500, 2**64 - 1]))
            said.append(Quiet(0, feed.generation, feed.step_number, turn.deadline, shown))
        if proposal is not None:
            is_valid = draw.random() < 0.8
            said.append(
                network.valid(validator) if is_valid else Invalid(0, proposal.turn, InvalidReason.ROOT_MISMATCH)
            )
        return list({subject_of(statement): statement for statement in said}.values())

    def reorg(self) -> ReanchorList:
        """Where some of the last steps could stand now, mostly with the contents that they had."""
        feed, draw = self.network.state.feeds[0], self.random
        applied = feed.applied[-draw.randint(1, 5) :]
        contents = [step.contents_hash for step in applied] if draw.random() < 0.8 else []
        steps = tuple(
            ReanchoredStep(
                BlockNumber(feed.cursor.number + 1 + place), keccak256(contents_hash), UnixSeconds(5), 1, contents_hash
            )
            for place, contents_hash in enumerate(contents)
        )
        return ReanchorList(0, feed.step_number - len(steps), steps)

    def block(self) -> None:
        """A block of what some validators say, and a proposal if somebody may make one."""
        network, draw = self.network, self.random
        by_signer = {validator.key.address: validator for validator in network.validators}
        transactions = []
        blocks = next_range(network.state, 0, network.now_s)
        proposer = by_signer.get(network.state.priorities[0].proposer)
        if blocks is not None and proposer is not None and draw.random() < 0.7:
            transactions.append(network.transaction(proposer, network.proposal_message(blocks.start, blocks.end)))
        ahead = [step for step, _ in network.l1[0].steps if step.number >= network.state.feeds[0].step_number]
        reorg = self.reorg() if draw.random() < 0.1 else None
        for validator in network.validators:
            if draw.random() < 0.8:
                bodies = ahead[:1] if draw.random() < 0.5 and reorg is None else []
                said = self.statements(validator) if reorg is None else reanchoring(reorg)
                transactions.append(network.attest(validator, *said, steps=bodies, reanchor=reorg))
        generation = network.state.feeds[0].generation
        response = network.block(*transactions, seconds=draw.choice([0.5, 1, 1, 30]))
        if network.state.feeds[0].generation != generation:
            network.l1[0].reorganise(network.state.feeds[0])
        self.engine = checked_update(self.engine, response.validator_updates)
        self.headers = network.turn.next_header_id - 10_000

    def check(self, before: State) -> None:
        """What holds after every block."""
        state = self.network.state
        assert self.engine == state.engine_set.members
        assert state.validators.tally_set
        assert state.turns[0].number >= before.turns[0].number
        assert state.feeds[0].step_number >= before.feeds[0].step_number
        signers = {member.signer for member in state.validators.tally_set}
        assert {member.signer for member in state.priorities[0].members} == signers
        assert state.priorities[0].proposer in signers
        assert set(ranks(state, 0)) <= signers
        current = state.proposals[0].current
        assert current is None or current.turn == state.turns[0].number
        assert why_waiting(self.network.app.committed, 0).code


def reanchoring(body: ReanchorList) -> list[Statement]:
    """The statement that names a list."""
    return [Reanchor(0, body.first, len(body.steps), reanchor_digest(body))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_any_story__no_block_fails_and_all_nodes_agree(seed: int) -> None:
    chaos = Chaos(seed)
    for _ in range(BLOCKS):
        if chaos.random.random() < 0.4:
            chaos.l1_event()
        before = chaos.network.state
        chaos.block()
        chaos.check(before)
    restarted = chaos.network.restarted()
    assert restarted.committed == chaos.network.app.committed
