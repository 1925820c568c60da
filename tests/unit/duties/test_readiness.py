"""Before the first signature: genesis, signed ends and the record; and afterwards the stops that only a person ends."""

from dataclasses import replace

import pytest

from bridge.codec.feed import Cursor
from bridge.codec.hash import keccak256
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, Wei
from node.app.messages import Attest, Head, Transaction, decode_transaction, transaction_digest
from node.app.state import State
from node.duties.contract_view import ContractReader
from node.duties.genesis_check import GenesisContradicted, check_genesis
from node.duties.readiness import acknowledged_end
from node.duties.status import Reason
from node.keys.errors import RecordMissing
from tests.unit.app import logs
from tests.unit.duties.world import ROOT_GENESIS_BLOCK, World, as_logs

TOKEN = 10**18


async def _check(world: World, state: State | None = None) -> BlockNumber:
    return await check_genesis(world.network.genesis, 0, world.follow_root.reader, state or world.state)


class TestGenesis:
    async def test_genesis__contracts_say_the_same__checked_at_its_block_and_remembered(self, world: World) -> None:
        await world.look()
        assert world.readiness.waiting_for is None
        assert set(world.root_a.calls_at) == {hex(ROOT_GENESIS_BLOCK)}
        asked = len(world.root_a.calls_at)
        world.start()
        await world.look()
        assert world.readiness.waiting_for is None
        assert len(world.root_a.calls_at) == asked, "once in the life of a home"

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("last_header_id", 10_000, "last_header_id: the root chain says 10000, genesis or state 0"),
            ("next_header_id", 20_000, "next_header_id: the root chain says 20000, genesis or state 10000"),
        ],
    )
    async def test_genesis__rootchain_says_otherwise__contradicted(
        self, world: World, field: str, value: int, told: str
    ) -> None:
        world.root_a.checkpoints = replace(world.root_a.checkpoints, **{field: value})  # type: ignore[arg-type]  # named
        world.root_b.checkpoints = world.root_a.checkpoints
        await _is_contradicted(world, told)

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("epoch", 7, "epoch: the root chain says 7, genesis or state 1"),
            ("account_root", keccak256(b"x"), "account_root: "),
            ("total_stake_wei", 341 * TOKEN, "stake of all validators: "),
        ],
    )
    async def test_genesis__stakemanager_says_otherwise__contradicted(
        self, world: World, field: str, value: object, told: str
    ) -> None:
        world.root_a.staking = replace(world.root_a.staking, **{field: value})  # type: ignore[arg-type]  # named
        world.root_b.staking = world.root_a.staking
        await _is_contradicted(world, told)

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("signer", Address(b"\x05" * 20), "signer of validator 2: the root chain says 0x0505"),
            ("stake_wei", Wei(91 * TOKEN), "stake_wei of validator 2: the root chain says 91"),
            ("activation_epoch", 2, "activation_epoch of validator 2: the root chain says 2"),
            ("deactivation_epoch", 9, "deactivation_epoch of validator 2: the root chain says 9"),
        ],
    )
    async def test_genesis__a_validator_is_another__contradicted(
        self, world: World, field: str, value: object, told: str
    ) -> None:
        validators = world.root_a.validators
        validators[2] = replace(validators[2], **{field: value})  # type: ignore[arg-type]  # fields by name
        await _is_contradicted(world, told)

    async def test_genesis__another_side_chain__contradicted(self, world: World) -> None:
        world.root_a.contract_chain_id = world.root_b.contract_chain_id = 9
        await _is_contradicted(world, "contract_chain_id: the root chain says 9, genesis or state 15001")

    async def test_genesis__one_endpoint_says_otherwise__the_other_is_believed(self, world: World) -> None:
        world.root_a.staking = replace(world.root_a.staking, epoch=7)
        await world.look()
        assert world.readiness.stop is None
        assert world.readiness.signing_identity(world.committed) is not None

    async def test_genesis__endpoints_say_otherwise_each_in_another_way__is_no_answer(self, world: World) -> None:
        world.root_a.staking = replace(world.root_a.staking, epoch=7)
        world.root_b.staking = replace(world.root_b.staking, epoch=8)
        await world.look()
        assert world.readiness.stop is None
        assert "two endpoints contradict the genesis" in str(world.readiness.waiting_for)

    async def test_genesis__the_block_is_another__contradicted(self, world: World) -> None:
        world.root.reorg(depth=4, length=5)
        await _is_contradicted(world, "hash of the genesis block: ")

    async def test_genesis__its_time_is_another__contradicted(self, world: World) -> None:
        genesis = world.network.genesis
        chain = replace(genesis.root_chains[0], block_time=UnixSeconds(genesis.root_chains[0].block_time + 1))
        with pytest.raises(GenesisContradicted, match="time of the genesis block"):
            await check_genesis(replace(genesis, root_chains=(chain,)), 0, world.follow_root.reader, world.state)

    async def test_genesis__the_rpc_is_down__waits_and_goes_on(self, world: World) -> None:
        world.root_a.is_down = world.root_b.is_down = True
        await world.readiness.run_once()
        assert world.readiness.waiting_for is not None
        assert "could not be made yet: RPC_" in world.readiness.waiting_for
        assert world.readiness.stop is None
        world.root_a.is_down = False
        world.clock.advance(600)
        await world.readiness.run_once()
        assert world.readiness.waiting_for is None

    async def test_genesis__the_block_is_not_shown_yet__waits(self, world: World) -> None:
        world.root_a.hidden_blocks = 3
        await world.readiness.run_once()
        assert "does not show block 10, which genesis names" in str(world.readiness.waiting_for)

    async def test_genesis__the_state_there_is_pruned__checked_at_the_cursor(self, world: World) -> None:
        world.root_a.state_from = world.root_b.state_from = ROOT_GENESIS_BLOCK + 1
        world.root.mine(as_logs(logs.unknown(), logs.stake_update(1, 2, 110 * TOKEN)), count=5)
        await world.look()
        assert "missing trie node" in str(world.readiness.waiting_for), "the cursor is at the pruned block itself"
        world.attest_steps(*world.others)
        world.root_a.validators[1] = replace(world.root_a.validators[1], stake_wei=Wei(110 * TOKEN))
        world.root_a.staking = replace(world.root_a.staking, total_stake_wei=Wei(350 * TOKEN))
        cursor = world.state.feeds[0].cursor.number
        assert await _check(world) == cursor > ROOT_GENESIS_BLOCK

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [("next_header_id", 20_000, "next header id"), ("last_header_id", 1, "next start")],
    )
    async def test_genesis__pruned_and_the_state_is_not_l1_s__contradicted(
        self, world: World, field: str, value: int, told: str
    ) -> None:
        _prune_genesis(world)
        world.root_a.checkpoints = replace(world.root_a.checkpoints, **{field: value})  # type: ignore[arg-type]  # named
        with pytest.raises(GenesisContradicted, match=told):
            await _check(world, _moved_on(world.state))

    async def test_genesis__pruned_and_a_validator_too_many_on_l1__contradicted(self, world: World) -> None:
        _prune_genesis(world)
        world.root_a.staking = replace(world.root_a.staking, total_stake_wei=Wei(400 * TOKEN))
        with pytest.raises(GenesisContradicted, match="stake of all validators"):
            await _check(world, _moved_on(world.state))

    async def test_genesis__pruned_and_the_cursor_stands_inside_a_block__waits(self, world: World) -> None:
        _prune_genesis(world)
        state = _moved_on(world.state)
        feed = state.feeds[0]
        inside = replace(state, feeds=(replace(feed, cursor=replace(feed.cursor, next_index=64)),))
        world.facts.values.clear()
        with pytest.raises(Exception, match="inside a block") as refusal:
            await _check(world, inside)
        assert getattr(refusal.value, "code", None) == "RPC_NOT_HELD"

    async def test_contracts__an_address_without_code__told(self, world: World) -> None:
        nowhere = ContractReader(world.follow_root.reader, Address(b"\x01" * 20), Address(b"\x02" * 20))
        world.root_a.checkpoints = None  # type: ignore[assignment]  # every call answers nothing
        world.servers[2].answer = lambda method, _: "0x" if method == "eth_call" else "0x1092"
        with pytest.raises(Exception, match="is the address right"):
            await nowhere.checkpoints("latest")


class TestRecord:
    async def test_record__signed_ends_are_compared_once_then_only_the_later_ones(self, world: World) -> None:
        await _sign_first_checkpoint(world)
        world.start()
        world.side_a.hidden_blocks = 8
        await world.readiness.run_once()
        assert str(world.readiness.waiting_for) == "the side chain does not show signed block 7 yet"
        assert world.readiness.signing_identity(world.committed) is None
        world.side_a.hidden_blocks = 0
        await world.look()
        assert world.readiness.waiting_for is None
        assert world.readiness.signing_identity(world.committed) == world.identity

    async def test_record__the_side_chain_has_another_block_at_a_signed_end__stops(self, world: World) -> None:
        await _sign_first_checkpoint(world)
        _fork_side(world, depth=5)
        world.start()
        await world.readiness.run_once()
        _has_stopped(world, Reason.SIDE_REORG_BELOW_SIGNED)

    async def test_record__the_reorg_is_undone_at_the_rpc__goes_on(self, world: World) -> None:
        await _sign_first_checkpoint(world)
        kept = list(world.side.blocks)
        _fork_side(world, depth=5)
        world.start()
        await world.readiness.run_once()
        world.side.blocks[:] = kept
        await world.look()
        assert world.readiness.stop is None
        assert world.readiness.waiting_for is None

    async def test_record__reorg_above_the_signed_end__nobody_notices(self, world: World) -> None:
        await _sign_first_checkpoint(world)
        world.side.reorg(depth=1, length=3)
        await world.look()
        assert world.readiness.stop is None

    async def test_record__an_old_copy_of_it__stale_before_anything_is_signed(self, world: World) -> None:
        await world.proposed()
        world.network.sign(world.me)  # in another life of ours
        await world.look()
        world.start()
        await world.look()
        _has_stopped(world, Reason.STALE_RECORD)

    async def test_record__a_replayed_transaction_that_it_lacks__stale(self, world: World) -> None:
        world.readiness.observe(_transaction_of_ours(world))
        await world.look()
        _has_stopped(world, Reason.STALE_RECORD)

    async def test_record__missing__says_so_and_the_duty_does_not_fail(self, world: World) -> None:
        world.record = RecordMissing("there is no signing.db")
        world.start()
        for _ in range(3):
            await world.readiness.run_once()
        _has_stopped(world, Reason.STALE_RECORD)
        assert "there is no signing.db" in str(world.readiness.stop)

    async def test_twin__a_transaction_of_ours_that_we_never_sent__stops_at_once(self, world: World) -> None:
        await world.look()
        world.readiness.observe(_transaction_of_ours(world))
        _has_stopped(world, Reason.TWIN_NODE)

    async def test_twin__our_own_transactions__go_on(self, world: World) -> None:
        world.side.mine(count=5)
        await world.look()
        await world.attest.run_once()
        world.block()
        assert world.readiness.stop is None

    async def test_twin__a_stranger_s_transaction__is_none_of_ours(self, world: World) -> None:
        await world.look()
        other = world.others[0]
        world.readiness.observe(decode_transaction(world.network.attest(other, _head())))
        assert world.readiness.stop is None

    async def test_twin__another_attest_id_under_a_known_signature__only_after_the_catch_up(self, world: World) -> None:
        """A record merged from the chain knows what was signed, but not under which ids."""
        await world.look()
        world.side.mine(count=5)
        await world.look()
        await world.attest.run_once()
        ours = decode_transaction(world.engine.sent[0])
        later = _signed_again_under_another_id(world, ours)
        world.start()
        world.readiness.observe(later)
        await world.look()
        assert world.readiness.stop is None
        world.readiness.observe(later)
        _has_stopped(world, Reason.TWIN_NODE)


class TestIdentity:
    @pytest.mark.parametrize(("switch", "value"), [("is_caught_up", False), ("quorum", False)])
    async def test_identity__the_engine_is_not_there_yet__nothing_is_signed(
        self, world: World, switch: str, value: bool
    ) -> None:
        setattr(world.engine, switch, value)
        await world.look()
        assert world.readiness.signing_identity(world.committed) is None
        assert "the engine has" in str(world.readiness.waiting_for)

    async def test_identity__paused__none_until_it_is_resumed(self, world: World) -> None:
        await world.look()
        world.engine.is_paused = True
        assert world.readiness.signing_identity(world.committed) is None
        world.engine.is_paused = False
        assert world.readiness.signing_identity(world.committed) == world.identity

    async def test_identity__the_contract_names_another_key_of_another_home__none(self, world: World) -> None:
        await world.look()
        change = logs.signer_change(1, 2, world.me.key.address, Address(b"\x07" * 20), b"")
        world.network.l1_block(change)
        world.network.see_l1()
        assert world.readiness.signing_identity(world.committed) is None


def test_acknowledged_end__several_root_chains__what_all_of_them_have(world_state: State) -> None:
    def with_starts(*starts: int | None) -> State:
        turns = tuple(replace(world_state.turns[0], next_start=start) for start in starts)  # type: ignore[arg-type]
        return replace(world_state, turns=turns)

    assert acknowledged_end(with_starts(0)) is None
    assert acknowledged_end(with_starts(8)) == 7
    assert acknowledged_end(with_starts(64, 8, 16)) == 7
    assert acknowledged_end(with_starts(64, None)) is None


@pytest.fixture
def world_state(world: World) -> State:
    return world.state


async def _is_contradicted(world: World, told: str) -> None:
    await world.look()
    stop = world.readiness.stop
    assert stop is not None
    assert stop.reason is Reason.GENESIS_CONTRADICTED
    assert stop.text.startswith(told)
    assert "compare genesis.json with the other operators" in stop.text
    assert world.readiness.signing_identity(world.committed) is None


def _has_stopped(world: World, reason: Reason) -> None:
    stop = world.readiness.stop
    assert stop is not None
    assert stop.reason is reason
    assert world.readiness.signing_identity(world.committed) is None


def _prune_genesis(world: World) -> None:
    world.root_a.state_from = world.root_b.state_from = ROOT_GENESIS_BLOCK + 1
    world.root.mine(count=3)


def _moved_on(state: State) -> State:
    """The same state with its cursor at the end of a later block."""
    cursor = state.feeds[0].cursor
    later = Cursor(BlockNumber(ROOT_GENESIS_BLOCK + 1), Hash32(bytes(32)), cursor.next_index)
    return replace(state, feeds=(replace(state.feeds[0], cursor=later),))


async def _sign_first_checkpoint(world: World) -> None:
    await world.proposed()
    await world.attest.run_once()
    world.block()
    assert world.network.proposal.verdicts


def _fork_side(world: World, depth: int) -> None:
    world.side.reorg(depth, length=0)
    for _ in range(depth + 1):
        world.side.mine([Log(Address(bytes(20)), (), b"fork")], salt=b"fork")


def _head() -> Head:
    return Head(BlockNumber(1), keccak256(b"block 1"))


def _transaction_of_ours(world: World) -> Transaction:
    """Under our key, but by another node."""
    return decode_transaction(world.network.attest(world.me, _head()))


def _signed_again_under_another_id(world: World, ours: Transaction) -> Transaction:
    """What another record issued under our key, and ours was told of: the same slot and digest, another id."""
    foreign = Attest(b"old node", 9, (_head(),))
    raw = world.network.transaction(world.me, foreign, nonce=ours.nonce + 1)
    transaction = decode_transaction(raw)
    digest = transaction_digest(
        world.state.params.genesis_hash, transaction.kind, transaction.nonce, transaction.sender, transaction.body
    )
    world.signer.sign_transaction(transaction.sender, transaction.nonce, digest)
    return transaction
