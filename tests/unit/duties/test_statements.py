"""What to say, as pure functions: heads in time, steps and bodies by rank, quiet, conflict and what goes first."""

from dataclasses import replace

import pytest

from bridge.chain.feed import DigestedStep, Scan
from bridge.chain.feed import Quiet as QuietView
from bridge.chain.header_store import BlockPoint
from bridge.codec.feed import encode_step
from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, Signature, UnixSeconds, ValidatorId
from node.app.errors import InvalidReason
from node.app.messages import (
    BODY_BYTES_MAX,
    DIGESTS_MAX,
    STATEMENTS_MAX,
    TRANSACTION_BYTES_MAX,
    Attest,
    Conflict,
    Head,
    Invalid,
    MessageKind,
    Quiet,
    Reanchor,
    Statement,
    Steps,
    Transaction,
    Upgrade,
    Valid,
    decode_body,
    decode_transaction,
    encode_body,
    encode_transaction,
    statement_order,
)
from node.app.state import State
from node.duties.follow import RootView, feed_position
from node.duties.statements import (
    BODY_RANK_BLOCKS,
    BODY_TURN_STEPS,
    HeadReport,
    bodies_to_attach,
    by_precedence,
    feed_statements,
    head_statement,
    proposals_to_judge,
)
from tests.unit.app import logs
from tests.unit.app.network import GENESIS_S, Network, Validator, key

ME = ValidatorId(1)
OTHER_HASH = keccak256(b"another block")


def _point(number: int, fork: str = "") -> BlockPoint:
    return BlockPoint(BlockNumber(number), keccak256(f"side{fork} {number}".encode()), UnixSeconds(GENESIS_S + number))


def _told(network: Network, number: int) -> None:
    """We have reported this head, and it is in a block."""
    me, point = network.validators[0], _point(number)
    network.block(network.attest(me, Head(point.number, point.hash)))


def _head(network: Network, confirmed: BlockPoint | None, reported_ago_s: int | None) -> Head | None:
    now_s = network.app.committed.time_s
    last = None if reported_ago_s is None else HeadReport(UnixSeconds(now_s - reported_ago_s))
    return head_statement(network.state, ME, now_s, confirmed, last)


class TestHead:
    def test_head__nothing_told_yet__at_once(self) -> None:
        assert _head(Network(), _point(3), 0) == Head(_point(3).number, _point(3).hash)

    def test_head__nothing_confirmed__nothing(self) -> None:
        assert _head(Network(), None, None) is None

    def test_head__the_same_as_told__nothing_however_long_ago(self) -> None:
        network = Network()
        _told(network, 3)
        assert _head(network, _point(3), 1_000) is None

    @pytest.mark.parametrize(("ago_s", "is_said"), [(0, False), (1, False), (2, True), (60, True)])
    def test_head__a_new_one__no_more_often_than_the_interval(self, ago_s: int, is_said: bool) -> None:
        network = Network()
        _told(network, 3)
        assert (_head(network, _point(4), ago_s) is not None) is is_said

    def test_head__another_block_of_the_same_number__is_a_new_one(self) -> None:
        network = Network()
        _told(network, 3)
        assert _head(network, _point(3, "fork"), 2) == Head(BlockNumber(3), _point(3, "fork").hash)

    @pytest.mark.parametrize(
        ("told", "confirmed", "is_said"), [(6, 7, True), (5, 6, False), (7, 8, False), (3, 20, True)]
    )
    def test_head__the_minimum_is_reached_for_the_first_time__at_once(
        self, told: int, confirmed: int, is_said: bool
    ) -> None:
        network = Network()
        _told(network, told)
        assert (_head(network, _point(confirmed), 0) is not None) is is_said

    def test_head__the_first_new_block_after_the_force_time__at_once(self) -> None:
        network = Network()
        network.checkpoint()
        _told(network, 7)
        assert _head(network, _point(8), 0) is None
        network.block(seconds=61)
        assert _head(network, _point(8), 0) is not None
        _told(network, 8)
        assert _head(network, _point(9), 0) is None, "only the first one is urgent"

    def test_head__the_next_start_is_unknown__no_turn_needs_it(self) -> None:
        network = Network()
        _told(network, 6)
        turn = replace(network.turn, next_start=None)
        now_s = network.app.committed.time_s
        state = replace(network.state, turns=(turn,))
        assert head_statement(state, ME, now_s, _point(7), HeadReport(now_s)) is None


def _view(network: Network, *, quiet_at: int | None = None, conflict: Hash32 | None = None) -> RootView:
    """A view that has all of the L1 that the test made."""
    position = feed_position(network.state, 0)
    found = [DigestedStep(step, digest) for step, digest in network.l1[0].steps if step.number >= position.next_step]
    quiet = None if quiet_at is None else QuietView(UnixSeconds(quiet_at))
    return RootView(position, Scan(tuple(found[:64]), None), quiet, network.turn.deadline, conflict)


def _said(network: Network, view: RootView) -> tuple[Statement, ...]:
    return feed_statements(network.state, ME, 0, view)


class TestFeed:
    def test_steps__nothing_new__nothing(self) -> None:
        network = Network()
        assert _said(network, _view(network)) == ()

    def test_steps__said_once__not_again_until_there_are_more(self) -> None:
        network = Network()
        network.l1_block(logs.unknown())
        (steps,) = _said(network, _view(network))
        assert steps == network.steps()
        network.block(network.attest(network.validators[0], steps))
        assert _said(network, _view(network)) == ()
        network.l1_block(logs.unknown())
        assert _said(network, _view(network)) == (network.steps(),)

    def test_steps__some_were_applied_since__what_was_said_still_covers_the_rest(self) -> None:
        network = Network()
        for _ in range(3):
            network.l1_block(logs.unknown())
        said = network.steps()
        first = network.l1[0].steps[0][0]
        network.block(network.attest(network.validators[0], said))
        network.block(
            network.attest(network.validators[1], said, steps=[first]), network.attest(network.validators[2], said)
        )
        assert network.state.feeds[0].step_number == 2
        assert _said(network, _view(network)) == ()

    def test_steps__more_than_one_statement_carries__the_first_32(self) -> None:
        network = Network()
        for _ in range(DIGESTS_MAX + 8):
            network.l1_block(logs.unknown())
        (steps,) = _said(network, _view(network))
        assert isinstance(steps, Steps)
        assert len(steps.digests) == DIGESTS_MAX

    def test_steps__the_cursor_moved_since_the_look__nothing_from_the_old_view(self) -> None:
        network = Network()
        network.l1_block(logs.unknown())
        view = _view(network)
        network.see_l1(*network.validators[1:])
        assert network.state.feeds[0].step_number == 2
        assert _said(network, view) == ()

    def test_quiet__for_the_armed_deadline__said_once_for_it(self) -> None:
        network = Network()
        network.make_due(7)
        (quiet,) = _said(network, _view(network, quiet_at=network.deadline + 1))
        assert quiet == network.quiet()
        network.block(network.attest(network.validators[0], quiet))
        assert _said(network, _view(network, quiet_at=network.deadline + 9)) == (), "a later head alone is no reason"

    def test_quiet__the_deadline_is_another_by_now__nothing(self) -> None:
        network = Network()
        network.make_due(7)
        view = _view(network, quiet_at=network.deadline + 1)
        network.say_quiet(*network.validators[:3])
        network.make_due(7)
        assert _said(network, view) == ()

    def test_conflict__our_chain_has_another_block__said_alone_and_taken_back_with_the_state_s_hash(self) -> None:
        network = Network()
        cursor = network.state.feeds[0].cursor
        network.l1_block(logs.unknown())
        (conflict,) = _said(network, _view(network, conflict=OTHER_HASH))
        assert conflict == Conflict(0, 1, OTHER_HASH)
        network.block(network.attest(network.validators[0], conflict))
        assert _said(network, _view(network, conflict=OTHER_HASH)) == ()
        steps, withdrawal = _said(network, _view(network))
        assert isinstance(steps, Steps)
        assert withdrawal == Conflict(0, 1, cursor.hash)
        network.block(network.attest(network.validators[0], withdrawal, steps))
        assert _said(network, _view(network)) == ()

    def test_conflict__about_an_earlier_step__needs_no_withdrawal(self) -> None:
        network = Network()
        network.block(network.attest(network.validators[0], Conflict(0, 1, OTHER_HASH)))
        network.l1_block(logs.unknown())
        network.see_l1(*network.validators[1:])
        assert network.state.feeds[0].step_number == 2
        assert _said(network, _view(network)) == ()


def _in_rank_order(network: Network, step_number: int) -> list[Validator]:
    order = sorted(network.validators, key=lambda validator: validator.key.address)
    first = (step_number // BODY_TURN_STEPS) % len(order)
    return order[first:] + order[:first]


def _bodies(network: Network, who: Validator, state: State | None = None) -> list[int]:
    found = bodies_to_attach(state or network.state, who.id, 0, _view(network))
    return [step.number for step in found]


class TestBodies:
    def test_bodies__new_steps__only_from_the_first_in_rank(self) -> None:
        network = Network()
        for _ in range(3):
            network.l1_block(logs.unknown())
        first, *others = _in_rank_order(network, 1)
        assert _bodies(network, first) == [1, 2, 3]
        assert [_bodies(network, other) for other in others] == [[], [], []]

    def test_bodies__of_step_32_on__are_the_next_validator_s(self) -> None:
        network = Network()
        for _ in range(BODY_TURN_STEPS + 2):
            network.l1_block(logs.unknown())
        first, second, *_ = _in_rank_order(network, 1)
        assert _bodies(network, first) == list(range(1, BODY_TURN_STEPS))
        assert _bodies(network, second) == [BODY_TURN_STEPS], "what lies within the digests of one statement"

    @pytest.mark.parametrize("missing_blocks", range(8))
    def test_bodies__missing_for_some_blocks__the_next_step_s_from_one_rank_more_every_two(
        self, missing_blocks: int
    ) -> None:
        network = Network()
        for _ in range(2):
            network.l1_block(logs.unknown())
        feed = replace(network.state.feeds[0], body_missing_blocks=missing_blocks)
        state = replace(network.state, feeds=(feed,))
        for rank, validator in enumerate(_in_rank_order(network, 1)):
            wanted = [1, 2] if rank == 0 else [1] if missing_blocks >= BODY_RANK_BLOCKS * rank else []
            assert _bodies(network, validator, state) == wanted

    def test_bodies__held_already__not_sent_and_only_neighbours_together(self) -> None:
        network = Network()
        for _ in range(3):
            network.l1_block(logs.unknown())
        first, second, *_ = _in_rank_order(network, 1)
        said, steps = network.steps(), [step for step, _ in network.l1[0].steps]
        network.block(network.attest(first, said, steps=[steps[1]]), network.attest(second, said))
        assert _bodies(network, first) == [1]
        network.block(network.attest(first, steps=[steps[0]]))
        assert _bodies(network, first) == [3]

    def test_bodies__large_ones__no_more_bytes_than_an_attestation_carries(self) -> None:
        network = Network()
        for _ in range(4):
            network.l1_block(logs.unknown(data=bytes(25_000)))
        first = _in_rank_order(network, 1)[0]
        found = bodies_to_attach(network.state, first.id, 0, _view(network))
        assert [step.number for step in found] == [1, 2]
        assert sum(len(encode_step(step)) for step in found) <= BODY_BYTES_MAX

    def test_bodies__of_who_does_not_count__none(self) -> None:
        network = Network()
        network.l1_block(logs.unknown())
        assert bodies_to_attach(network.state, ValidatorId(77), 0, _view(network)) == ()


class TestProposalsToJudge:
    def test_judge__open_proposal__until_our_valid_is_there(self) -> None:
        network = Network()
        network.make_due(7)
        network.propose(0, 7)
        assert proposals_to_judge(network.state, ME, 0) == (network.proposal,)
        network.sign(network.validators[0])
        assert proposals_to_judge(network.state, ME, 0) == ()

    def test_judge__our_invalid_is_there__looked_at_again_because_it_may_become_valid(self) -> None:
        network = Network()
        network.make_due(7)
        network.propose(0, 7)
        network.block(network.attest(network.validators[0], network.invalid()))
        assert proposals_to_judge(network.state, ME, 0) == (network.proposal,)

    def test_judge__acknowledged_without_us__a_late_signature_until_the_turn_after_is_over(self) -> None:
        network = Network()
        network.make_due(7)
        network.propose(0, 7)
        network.sign(*network.validators[1:])
        network.land()
        (late,) = proposals_to_judge(network.state, ME, 0)
        assert (late.start, late.end) == (0, 7)
        network.make_due(15)
        network.say_quiet()
        assert proposals_to_judge(network.state, ME, 0) == ()

    def test_judge__rejected__no_more(self) -> None:
        network = Network()
        network.make_due(7)
        network.propose(0, 7)
        network.block(*(network.attest(one, network.invalid()) for one in network.validators[1:3]))
        assert network.state.proposals[0].current is None
        assert proposals_to_judge(network.state, ME, 0) == ()


def _everything_about(root_chain: int) -> list[Statement]:
    """More than a validator ever has to say of one root chain at a time."""
    digests = tuple(keccak256(b"%d" % number) for number in range(DIGESTS_MAX))
    signature = Signature(b"\x01" * 65)
    far = 2**63
    return [
        Steps(root_chain, far, far, digests),
        Reanchor(root_chain, far, 64, OTHER_HASH),
        Quiet(root_chain, far, far, UnixSeconds(far), UnixSeconds(far)),
        Valid(root_chain, far, signature),
        Invalid(root_chain, far - 1, InvalidReason.ROOT_MISMATCH),
        Conflict(root_chain, far, OTHER_HASH),
    ]


class TestPrecedence:
    def test_precedence__all_of_ten_root_chains_at_once__fits_with_the_largest_bodies(self) -> None:
        statements: list[Statement] = [Head(BlockNumber(2**63), OTHER_HASH), Upgrade(2, 2**63, OTHER_HASH)]
        for root_chain in range(10):
            statements += _everything_about(root_chain)
        kept = by_precedence(statements)
        assert set(kept) == set(statements)
        ordered = tuple(sorted(kept, key=statement_order))
        network = Network()
        steps = [network.l1_block(logs.unknown(data=bytes(size)))[0] for size in (30_000, 30_000, 4_000)]
        assert BODY_BYTES_MAX - 2_000 < sum(len(encode_step(step)) for step in steps) <= BODY_BYTES_MAX
        body = encode_body(Attest(bytes(8), 2**63, ordered, tuple(steps)))
        sent = encode_transaction(
            Transaction(1, MessageKind.ATTEST, 2**63, key(1).address, body, Signature(b"\x01" * 65))
        )
        assert len(sent) <= TRANSACTION_BYTES_MAX
        assert decode_body(decode_transaction(sent)) == Attest(bytes(8), 2**63, ordered, tuple(steps))

    def test_precedence__more_than_fits__heads_conflicts_and_verdicts_first_upgrades_last(self) -> None:
        statements: list[Statement] = [Upgrade(2, 1_000, OTHER_HASH)]
        for root_chain in range(12):
            statements += _everything_about(root_chain)
        statements.append(Head(BlockNumber(1), OTHER_HASH))
        kept = by_precedence(statements)
        assert len(kept) == STATEMENTS_MAX
        counts = {
            kind: sum(isinstance(one, kind) for one in kept) for kind in (Conflict, Valid, Invalid, Quiet, Reanchor)
        }
        assert counts == dict.fromkeys(counts, 12)
        assert isinstance(kept[0], Head)
        assert sum(isinstance(one, Steps) for one in kept) == STATEMENTS_MAX - 1 - 5 * 12
        assert not any(isinstance(one, Upgrade) for one in kept)
