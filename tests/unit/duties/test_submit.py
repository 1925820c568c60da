"""Submission: who may send when, with which signatures, and when the outbox should let go."""

from dataclasses import replace

import pytest

from bridge.chain.header_store import HeaderChange
from bridge.chain.outbox import Judgement
from bridge.chain.outbox_store import EntryState, Intent, Waiting
from bridge.codec.checkpoint import DataForm, decode_submit_calldata
from bridge.codec.hash import keccak256
from bridge.codec.transaction import decode_raw
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds, Wei
from node.app import queries
from node.app.state import Proposal, Stage
from node.duties.contract_view import CheckpointView
from node.duties.genesis_check import contract_reader
from node.duties.identity import Identity
from node.duties.pending import shows_pending
from node.duties.submit import (
    L1View,
    SubmissionJudge,
    may_submit,
    rank_of,
    submission_calldata,
    submission_key,
)
from tests.unit.app.network import ROOT, Validator
from tests.unit.duties.nodes import GWEI
from tests.unit.duties.world import GAS_LIMIT, World

HEADER = 10_000


async def _opened(world: World, *signers: Validator, root: Hash32 | None = None) -> Proposal:
    """The first checkpoint is signed and may be submitted; L1's clock is the engine's."""
    await world.proposed(root=root)
    world.network.sign(*signers)
    world.network.empty_blocks(ROOT.grace_blocks)
    assert world.network.stage() is Stage.OPEN
    _l1_at(world, _opening_s(world))
    return world.network.proposal


def _opening_s(world: World) -> int:
    opening = world.network.proposal.opening
    assert opening is not None
    return opening.time_s


def _l1_at(world: World, time_s: int) -> None:
    """The root chain's newest block has this time."""
    world.root.block_time_s = time_s - world.root.head.timestamp
    world.root.mine()


def _by_rank(world: World) -> list[Validator]:
    """The submitters in rank order, then who has no rank."""
    ranked = [world.network.validator_of(signer) for signer in queries.ranks(world.state, 0)]
    return [*ranked, *(one for one in world.network.validators if one not in ranked)]


def _l1(
    world: World, after_s: int, *, next_header_id: int = HEADER, clock_ahead: bool = False, seen_open_after_s: int = 0
) -> L1View:
    opened_s = _opening_s(world)
    return L1View(
        turn=world.network.turn.number,
        block_hash=keccak256(b"newest"),
        time_s=UnixSeconds(opened_s + after_s),
        next_header_id=next_header_id,
        clock_ahead=clock_ahead,
        seen_open_s=UnixSeconds(opened_s + seen_open_after_s),
    )


def _l1_seen(world: World) -> L1View:
    assert world.submit.l1 is not None
    return world.submit.l1


class TestRanks:
    @pytest.mark.parametrize("after_s", [-1, 0, 3, 4, 7, 8, 100])
    async def test_ranks__by_l1_s_time__the_proposer_at_once_and_each_next_a_delay_later(
        self, world: World, after_s: int
    ) -> None:
        proposal = await _opened(world)
        may = [
            may_submit(world.state, proposal, Identity(one.id, one.key.address), _l1(world, after_s))
            for one in _by_rank(world)
        ]
        assert may == [True, after_s >= 4, after_s >= 8, False]
        assert rank_of(world.state, proposal, world.identity) == 0

    @pytest.mark.parametrize(("after_s", "is_second_s_turn"), [(900, False), (903, False), (904, True)])
    async def test_ranks__l1_s_clock_is_far_ahead__the_delays_count_from_when_we_saw_it_open(
        self, world: World, after_s: int, is_second_s_turn: bool
    ) -> None:
        proposal = await _opened(world)
        second = _by_rank(world)[1]
        l1 = _l1(world, after_s, seen_open_after_s=900)
        assert may_submit(world.state, proposal, Identity(second.id, second.key.address), l1) is is_second_s_turn

    async def test_ranks__l1_s_clock_leaves_no_time__nobody(self, world: World) -> None:
        proposal = await _opened(world)
        assert not may_submit(world.state, proposal, world.identity, _l1(world, 0, clock_ahead=True))

    async def test_ranks__the_header_is_there__nobody(self, world: World) -> None:
        proposal = await _opened(world)
        assert not may_submit(world.state, proposal, world.identity, _l1(world, 0, next_header_id=2 * HEADER))

    @pytest.mark.parametrize("stage", [Stage.COLLECTING, Stage.GRACE, Stage.EXPIRED])
    async def test_ranks__not_open__nobody(self, world: World, stage: Stage) -> None:
        proposal = replace(await _opened(world), stage=stage)
        assert not may_submit(world.state, proposal, world.identity, _l1(world, 0))


class TestSubmit:
    async def test_submit__open_and_our_rank__one_transaction_with_the_signatures_of_the_opening(
        self, world: World
    ) -> None:
        proposal = await _opened(world)
        for _ in range(3):
            await world.work_submit()
        (raw,) = set(world.root_a.sent)
        sent = decode_raw(raw).transaction
        assert (sent.to, sent.gas_limit, sent.value_wei) == (ROOT.root_chain_address, GAS_LIMIT, 0)
        assert proposal.opening is not None
        assert decode_submit_calldata(sent.data).signatures == tuple(
            signed.signature for signed in proposal.opening.signatures
        )
        assert sent.data == submission_calldata(world.state, proposal, proposal.opening.signatures)
        assert world.submit.last_submitted is not None
        assert world.submit.last_submitted.number == HEADER
        entry = world.submit.entry(HEADER)
        assert entry is not None
        assert entry.state is EntryState.SENT

    async def test_submit__a_signature_after_the_opening__is_left_out_so_that_all_send_the_same(
        self, world: World
    ) -> None:
        proposal = await _opened(world, *world.network.validators[:3])
        world.network.sign(world.network.validators[3])
        assert len(world.network.proposal.verdicts) == 4
        await world.submit.run_once()
        sent = decode_raw(world.root_a.sent[-1]).transaction
        assert proposal.opening is not None
        assert sent.data == submission_calldata(world.state, proposal, proposal.opening.signatures)

    async def test_submit__the_signed_blocks_are_not_confirmed_here_any_more__waits_until_they_are(
        self, world: World
    ) -> None:
        await world.proposed()
        assert await world.judge.verdict(world.state, world.network.proposal, world.identity) is not None
        world.network.sign()
        _l1_at(world, _opening_s(world))
        world.side_store.apply(HeaderChange(remove_from=BlockNumber(5)))
        await world.submit.run_once()
        assert world.submit.entry(HEADER) is None
        await world.look()
        await world.submit.run_once()
        assert world.submit.entry(HEADER) is not None

    async def test_submit__nothing_open__l1_is_not_even_asked(self, world: World) -> None:
        await world.proposed()
        world.root_a.calls_at.clear()
        await world.work_submit()
        assert world.submit.l1 is None
        assert world.root_a.calls_at == []

    async def test_submit__of_a_root_that_our_side_chain_contradicts__is_left_to_others(self, world: World) -> None:
        """As after a rebase: the chain that we hold is right, and the proposal is of the one that it replaced."""
        proposal = await _opened(world, root=keccak256(b"of blocks that are gone"))
        assert may_submit(world.state, proposal, world.identity, _l1(world, 0))

        await world.submit.run_once()

        assert world.submit.entry(HEADER) is None
        assert world.root_a.sent == []

    async def test_submit__paused__nothing_is_planned_or_sent(self, world: World) -> None:
        await _opened(world)
        world.engine.is_paused = True
        await world.work_submit()
        assert world.submit.outbox is not None
        assert world.submit.outbox.entries() == ()
        world.engine.is_paused = False
        await world.work_submit()
        assert len(world.submit.outbox.entries()) == 1

    async def test_submit__another_proposer_s_is_pending__we_wait_for_it(self, world: World) -> None:
        proposal = await _opened_by_another(world)
        assert proposal.opening is not None
        _l1_at(world, _opening_s(world))
        await world.work_submit()
        _l1_at(world, _opening_s(world) + 2 * ROOT.rank_delay_s)
        world.root_a.pending_calldata = [submission_calldata(world.state, proposal, proposal.opening.signatures)]
        await world.work_submit()
        assert world.submit.entry(HEADER) is None
        world.root_a.pending_calldata = [b"something else"]
        await world.work_submit()
        assert world.submit.entry(HEADER) is None, "it is asked once a block"
        _l1_at(world, _opening_s(world) + 2 * ROOT.rank_delay_s + 1)
        await world.work_submit()
        assert world.submit.entry(HEADER) is not None

    async def test_submit__another_s_stays_pending__we_send_after_one_more_delay(self, world: World) -> None:
        proposal = await _opened_by_another(world)
        assert proposal.opening is not None
        world.root_a.pending_calldata = [submission_calldata(world.state, proposal, proposal.opening.signatures)]
        _l1_at(world, _opening_s(world))
        await world.work_submit()
        rank = rank_of(world.state, proposal, world.identity)
        assert rank
        _l1_at(world, _opening_s(world) + (rank + 1) * ROOT.rank_delay_s - 1)
        await world.work_submit()
        assert world.submit.entry(HEADER) is None
        _l1_at(world, _opening_s(world) + (rank + 1) * ROOT.rank_delay_s)
        await world.work_submit()
        assert world.submit.entry(HEADER) is not None

    async def test_submit__it_has_landed_by_another__nothing_to_send(self, world: World) -> None:
        await _opened(world)
        world.root_a.checkpoints = CheckpointView(HEADER, BlockNumber(7), 2 * HEADER)
        await world.work_submit()
        assert world.root_a.sent == []
        assert world.submit.l1 is not None
        assert world.submit.l1.next_header_id == 2 * HEADER

    async def test_submit__l1_s_clock_is_ahead__waits_and_says_so(self, world: World) -> None:
        proposal = await _opened(world)
        _l1_at(world, proposal.valid_until - ROOT.inclusion_allowance_s + 1)
        await world.work_submit()
        assert _l1_seen(world).clock_ahead
        assert world.root_a.sent == []

    async def test_submit__just_time_enough__sends(self, world: World) -> None:
        proposal = await _opened(world)
        _l1_at(world, proposal.valid_until - ROOT.inclusion_allowance_s)
        await world.work_submit()
        assert len(world.root_a.sent) == 1

    async def test_submit__l1_calls_it_no_majority__then_with_all_signatures_there_are(self, world: World) -> None:
        proposal = await _opened(world, *world.network.validators[:3])
        world.root_a.refuses_submissions = "non-majority"
        await world.work_submit()
        entry = world.submit.entry(HEADER)
        assert entry is not None
        assert (entry.waiting, entry.state) == (Waiting.L1_REFUSES, EntryState.PLANNED)
        world.network.sign(world.network.validators[3])
        world.root_a.refuses_submissions = None
        world.root.mine()
        await world.work_submit()
        await world.work_submit()
        sent = decode_raw(world.root_a.sent[-1]).transaction
        assert len(decode_submit_calldata(sent.data).signatures) == 4
        assert proposal.opening is not None
        assert len(proposal.opening.signatures) == 3
        for _ in range(3):
            world.root.mine()
            await world.work_submit()
        assert {decode_raw(raw).transaction.data for raw in world.root_a.sent} == {sent.data}, "it is kept to"

    async def test_submit__the_next_turn_opens_at_the_same_l1_block__is_looked_at_anew(self, world: World) -> None:
        proposal = await _opened(world)
        _l1_at(world, proposal.valid_until)
        await world.work_submit()
        assert _l1_seen(world).clock_ahead
        world.network.say_quiet()
        world.network.make_due(7)
        assert world.network.propose(0, 7, world.honest_root(0, 7)) == 0
        world.network.sign()
        assert world.network.stage() is Stage.OPEN
        await world.work_submit()
        assert _l1_seen(world).turn == proposal.turn + 1
        assert not _l1_seen(world).clock_ahead, "there is a new deadline"

    async def test_submit__too_dear_or_no_money__waits_with_its_name(self, world: World) -> None:
        await _opened(world)
        world.root_a.base_fee_wei = 60 * GWEI
        await world.work_submit()
        entry = world.submit.entry(HEADER)
        assert entry is not None
        assert entry.waiting is Waiting.FEE_CEILING
        world.root_a.base_fee_wei, world.root_a.balance_wei = GWEI, 0
        world.root.mine()
        await world.work_submit()
        entry = world.submit.entry(HEADER)
        assert entry is not None
        assert entry.waiting is Waiting.NOT_FUNDED
        assert world.root_a.sent == []

    async def test_submit__the_rpc_is_down__told_and_tried_again(self, world: World) -> None:
        await _opened(world)
        world.root_a.is_down = world.root_b.is_down = True
        await world.work_submit()
        assert str(world.submit.trouble).startswith("RPC_")
        world.root_a.is_down = False
        await world.work_submit()
        assert world.submit.trouble is None
        assert len(world.root_a.sent) == 1

    async def test_submit__restarted_after_sending__the_same_bytes_and_no_second_nonce(self, world: World) -> None:
        await _opened(world)
        await world.work_submit()
        await world.work_submit()
        world.start()
        await world.look()
        for _ in range(3):
            world.root.mine()
            await world.work_submit()
        assert len(set(world.root_a.sent)) == 1


async def _opened_by_another(world: World) -> Proposal:
    """The same in a later turn: another proposes, and we are among the ranks."""
    world.side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    while world.me.key.address not in queries.ranks(world.state, 0)[1:]:
        world.network.say_quiet()
        world.network.make_due(7)
    assert world.network.propose(0, 7, world.honest_root(0, 7)) == 0
    world.network.sign()
    return world.network.proposal


class TestJudge:
    def _intent(self, world: World, proposal: Proposal) -> Intent:
        assert proposal.opening is not None
        calldata = submission_calldata(world.state, proposal, proposal.opening.signatures)
        return Intent(submission_key(HEADER), ROOT.root_chain_address, calldata, Wei(0), GAS_LIMIT)

    def _judge(self, world: World, form: DataForm = DataForm.BOUND) -> SubmissionJudge:
        reader = world.follow_root.reader
        return SubmissionJudge(contract_reader(reader, ROOT), reader, form)

    async def test_judge__not_there_and_in_time__wanted(self, world: World) -> None:
        intent = self._intent(world, await _opened(world))
        assert await self._judge(world)(intent, None) is Judgement.WANTED

    async def test_judge__the_header_is_there__over(self, world: World) -> None:
        intent = self._intent(world, await _opened(world))
        world.root_a.checkpoints = CheckpointView(HEADER, BlockNumber(7), 2 * HEADER)
        assert await self._judge(world)(intent, None) is Judgement.OVER
        assert await self._judge(world)(intent, world.root.head.number) is Judgement.OVER

    @pytest.mark.parametrize(("late_s", "judgement"), [(0, Judgement.WANTED), (1, Judgement.OVER)])
    async def test_judge__beyond_its_last_valid_time__over(
        self, world: World, late_s: int, judgement: Judgement
    ) -> None:
        proposal = await _opened(world)
        intent = self._intent(world, proposal)
        _l1_at(world, proposal.valid_until + late_s)
        assert await self._judge(world)(intent, None) is judgement

    async def test_judge__polygon_form__has_no_last_time(self, world: World) -> None:
        proposal = await _opened(world)
        intent = self._intent(world, proposal)
        _l1_at(world, proposal.valid_until + 1_000)
        assert await self._judge(world, DataForm.POLYGON)(intent, None) is Judgement.WANTED

    async def test_judge__the_block_is_not_shown__cannot_tell(self, world: World) -> None:
        intent = self._intent(world, await _opened(world))
        beyond = BlockNumber(world.root.head.number + 5)
        assert await self._judge(world)(intent, beyond) is Judgement.CANNOT_TELL


@pytest.mark.parametrize(
    ("shown", "is_pending"),
    [
        ({"transactions": [{"input": "0x01"}, {"input": "0xabcd"}]}, True),
        ({"transactions": [{"input": "0xabce"}]}, False),
        ({"transactions": []}, False),
        (None, False),
        ({"transactions": "0xabcd"}, False),
        ({"transactions": ["0xabcd"]}, False),
        ("nonsense", False),
    ],
)
async def test_pending__whatever_the_node_shows__only_the_same_calldata_counts(
    world: World, shown: object, is_pending: bool
) -> None:
    world.servers[2].answer = lambda method, params: (
        shown if params[:1] == ["pending"] else world.root_a.answer(method, params)
    )
    assert await shows_pending(world.follow_root.reader, b"\xab\xcd") is is_pending


async def test_pending__only_the_last_endpoint_shows_it__is_seen(world: World) -> None:
    world.root_a.pending_calldata, world.root_b.pending_calldata = [], [b"\xab\xcd"]
    assert await shows_pending(world.follow_root.reader, b"\xab\xcd")


async def test_pending__a_node_without_a_pending_block__costs_only_the_saving(world: World) -> None:
    world.root_a.pending_calldata = world.root_b.pending_calldata = None
    assert not await shows_pending(world.follow_root.reader, b"\xab\xcd")
