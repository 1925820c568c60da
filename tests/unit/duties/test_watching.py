"""What a validator watches beside its work: code of contracts, funds, and reorgs of confirmed blocks."""

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32
from node.app.messages import Conflict
from node.duties.contract_watch import LOOK_EVERY_S, ContractWatch, fingerprint, parse_fingerprint
from node.duties.follow import SKIPPED_MIN
from node.duties.funds import LOOK_EVERY_S as FUNDS_EVERY_S
from node.duties.reanchor import find_reanchoring
from tests.unit.app import logs
from tests.unit.app.network import ROOT
from tests.unit.duties.nodes import ETHER, GWEI
from tests.unit.duties.world import GAS_LIMIT, World, as_logs


async def _watch(world: World, watch: ContractWatch) -> str | None:
    """The next look is due."""
    world.clock.advance(LOOK_EVERY_S)
    await world.follow_root.run_once()
    await watch.run_once()
    return world.follow_root.contract_changed


class TestContracts:
    async def test_contracts__the_same_code__nothing_also_after_a_restart(self, world: World) -> None:
        assert await _watch(world, world.watch()) is None
        assert await _watch(world, world.watch()) is None

    async def test_contracts__other_code__told_until_the_operator_confirms_it(self, world: World) -> None:
        watch = world.watch()
        await _watch(world, watch)
        world.root_a.code = world.root_b.code = b"other code"
        told = await _watch(world, watch)
        assert told is not None
        assert await _watch(world, world.watch()) == told, "a restart changes nothing"
        assert await _watch(world, world.watch(keccak256(b"not what there is"))) == told
        confirmed = Hash32(from_hex(told.split('confirmed_contracts = "')[1].split('"')[0], 32))
        assert await _watch(world, world.watch(confirmed)) is None
        assert await _watch(world, world.watch()) is None, "once confirmed it is what is known"

    async def test_contracts__other_code_at_one_endpoint_only__is_not_believed(self, world: World) -> None:
        watch = world.watch()
        world.root_a.code = b"a lie"
        assert await _watch(world, watch) is None
        world.root_a.code = b"code"
        assert await _watch(world, watch) is None, "and the lie is not what is known from now on"
        world.root_a.code = b"a lie"
        assert await _watch(world, watch) is None

    async def test_contracts__code_changed_and_changed_back__nothing_any_more(self, world: World) -> None:
        watch = world.watch()
        await _watch(world, watch)
        world.root_a.code = world.root_b.code = b"other code"
        assert await _watch(world, watch) is not None
        world.root_a.code = world.root_b.code = b"code"
        assert await _watch(world, watch) is None

    @pytest.mark.parametrize("way", ["slot", "getter"])
    async def test_contracts__a_proxy_gets_another_implementation__told(self, world: World, way: str) -> None:
        def point_at(implementation: Address) -> None:
            if way == "slot":
                for node in (world.root_a, world.root_b):
                    node.storage[ROOT.root_chain_address] = implementation.rjust(32, b"\0")
            else:
                for node in (world.root_a, world.root_b):
                    node.implementations[ROOT.root_chain_address] = implementation

        point_at(Address(b"\x51" * 20))
        watch = world.watch()
        assert await _watch(world, watch) is None
        point_at(Address(b"\x52" * 20))
        assert await _watch(world, watch) is not None

    async def test_contracts__looked_at_once_a_minute_and_again_once_the_rpc_is_back(self, world: World) -> None:
        watch = world.watch()
        await _watch(world, watch)
        world.root_a.code = world.root_b.code = b"other code"
        world.clock.advance(LOOK_EVERY_S - 1)
        await watch.run_once()
        assert world.follow_root.contract_changed is None
        world.root_a.is_down = world.root_b.is_down = True
        world.clock.advance(1)
        await watch.run_once()
        assert world.follow_root.contract_changed is None, "absence is no change"
        world.root_a.is_down = world.root_b.is_down = False
        world.clock.advance(600)
        await watch.run_once()
        assert world.follow_root.contract_changed is not None

    async def test_contracts__the_feed_brings_an_upgrade__looked_at_at_once_and_told_though_the_code_is_known(
        self, world: World
    ) -> None:
        watch = world.watch()
        await _watch(world, watch)
        world.network.l1_block(logs.upgraded(logs.ROOT_CHAIN))
        world.network.see_l1()
        assert world.state.feeds[0].contract_changed_block is not None
        await watch.run_once()
        told = world.follow_root.contract_changed
        assert told is not None
        contracts = (ROOT.root_chain_address, ROOT.stake_manager_address, ROOT.staking_info_address)
        now = await fingerprint(world.follow_root.reader, contracts, world.root.head.number)
        assert await _watch(world, world.watch(now)) is None

    def test_fingerprint__of_the_configuration__empty_is_none(self) -> None:
        assert parse_fingerprint("") is None
        assert parse_fingerprint("0x" + "ab" * 32) == b"\xab" * 32


class TestFunds:
    async def test_funds__balance_and_price__so_many_checkpoints_are_left(self, world: World) -> None:
        funds = world.funds()
        world.root_a.balance_wei, world.root_a.base_fee_wei = ETHER, 4 * GWEI
        await funds.run_once()
        assert funds.balance is not None
        price_wei = 2 * 4 * GWEI + GWEI
        assert funds.balance.checkpoints_left == ETHER // (GAS_LIMIT * price_wei) == 222

    async def test_funds__the_market_is_above_the_ceiling__counted_at_the_ceiling(self, world: World) -> None:
        funds = world.funds()
        world.root_a.balance_wei, world.root_a.base_fee_wei = ETHER, 900 * GWEI
        await funds.run_once()
        assert funds.balance is not None
        assert funds.balance.checkpoints_left == ETHER // (GAS_LIMIT * 50 * GWEI)

    async def test_funds__empty_account__none_left(self, world: World) -> None:
        funds = world.funds()
        world.root_a.balance_wei = 0
        await funds.run_once()
        assert funds.balance is not None
        assert funds.balance.checkpoints_left == 0

    async def test_funds__looked_at_every_half_minute_and_kept_when_the_rpc_is_down(self, world: World) -> None:
        funds = world.funds()
        await funds.run_once()
        known = funds.balance
        world.root_a.balance_wei = 0
        world.clock.advance(FUNDS_EVERY_S - 1)
        await funds.run_once()
        assert funds.balance == known
        world.root_a.is_down = world.root_b.is_down = True
        world.clock.advance(1)
        await funds.run_once()
        assert funds.balance == known


def _fork(world: World, depth: int) -> None:
    world.root.reorg(depth, length=0)
    world.root.mine(salt=b"fork", count=depth + 1)


class TestReorgs:
    async def test_reorg__of_confirmed_blocks_at_both_endpoints__followed_and_counted(self, world: World) -> None:
        world.root.mine(count=6)
        await world.look()
        _fork(world, 5)
        await world.look()
        await world.look()
        assert world.follow_root.deep_reorgs == 1
        assert world.follow_root.confirmed is not None
        assert world.follow_root.confirmed.hash == world.root.blocks[-3].header.hash
        assert world.follow_root.trouble is None

    async def test_reorg__endpoints_serve_another_network_now__is_none(self, world: World) -> None:
        world.root.mine(count=6)
        await world.look()
        kept = world.follow_root.confirmed
        world.root.chain_id += 1
        _fork(world, 5)
        await world.look()
        assert world.follow_root.deep_reorgs == 0
        assert world.follow_root.confirmed == kept
        assert "serves another chain id" in str(world.follow_root.trouble)

    async def test_reorg__only_the_first_endpoint_shows_it__not_followed_and_told(self, world: World) -> None:
        world.root.mine(count=6)
        await world.look()
        kept = world.follow_root.confirmed
        true_chain = type(world.root)(world.root.block_time_s)
        true_chain.blocks, true_chain.by_hash = list(world.root.blocks), dict(world.root.by_hash)
        world.root_b.chain = true_chain
        _fork(world, 5)
        await world.look()
        assert world.follow_root.deep_reorgs == 0
        assert world.follow_root.confirmed == kept
        assert "two endpoints of root differ about confirmed block" in str(world.follow_root.trouble)

    async def test_reorg__above_the_confirmed_block__nobody_notices(self, world: World) -> None:
        world.root.mine(count=6)
        await world.look()
        _fork(world, 2)
        await world.look()
        assert world.follow_root.deep_reorgs == 0
        assert world.follow_root.trouble is None


class TestSnapshots:
    @pytest.mark.parametrize(("behind", "begins"), [(SKIPPED_MIN, 0), (SKIPPED_MIN + 1, 1)])
    async def test_follow__the_state_came_from_a_snapshot__long_behind_it_leaves_older_headers_out(
        self, world: World, monkeypatch: pytest.MonkeyPatch, behind: int, begins: int
    ) -> None:
        await world.look()
        held, side = world.follow_side.follower.next_number, world.follow_side
        needed = BlockNumber(held + behind)
        monkeypatch.setattr(side, "needed_from", lambda: needed)

        await world.look()

        assert side.follower.next_number == (needed if begins else held)
        assert (side.head is None) == bool(begins)
        assert side.trouble is None


async def _paused(world: World, *contents: Log) -> None:
    """A step is applied, then its blocks are replaced by some with these contents, and over 1/3 says so."""
    world.root.mine(as_logs(logs.unknown(), logs.reset_header(1)))
    world.root.mine(count=5)
    await world.look()
    world.attest_steps(*world.others)
    _fork(world, 6)
    world.root.reorg(3, length=0)
    if contents:
        world.root.mine(list(contents), salt=b"again")
    world.root.mine(count=6, salt=b"again")
    await world.look()
    await world.look()
    view = world.follow_root.view
    assert view is not None
    assert view.conflict is not None
    conflict = Conflict(0, 2, view.conflict)
    world.network.block(*(world.network.attest(one, conflict) for one in world.others))
    assert world.state.feeds[0].is_paused
    await world.look()


class TestReanchoring:
    async def test_reanchor__the_same_logs_in_another_block__found(self, world: World) -> None:
        await _paused(world, *as_logs(logs.unknown(), logs.reset_header(1)))
        found = await find_reanchoring(world.state, world.follow_root)
        assert found is not None
        (step,) = found.body.steps
        assert step.block_hash == world.root.blocks[step.block_number].header.hash
        assert (found.statement.first, found.statement.count) == (1, 1)

    async def test_reanchor__other_logs__stays_paused_for_people(self, world: World) -> None:
        await _paused(world, *as_logs(logs.reset_header(2)))
        assert await find_reanchoring(world.state, world.follow_root) is None

    async def test_reanchor__the_logs_are_gone__stays_paused(self, world: World) -> None:
        await _paused(world)
        assert await find_reanchoring(world.state, world.follow_root) is None

    async def test_reanchor__not_paused__nothing_to_look_for(self, world: World) -> None:
        await world.look()
        assert await find_reanchoring(world.state, world.follow_root) is None


class TestFollowing:
    async def test_follow__called_between_looks__thinks_anew_but_asks_nothing(self, world: World) -> None:
        every_s = 6.0
        follow = world.follow_root_again(every_s)
        while await follow.run_once():
            pass
        head, view = follow.head, follow.view
        world.root.mine(count=3)
        world.clock.advance(every_s - 1)
        await follow.run_once()
        assert follow.head == head
        assert follow.view is not view
        world.clock.advance(1)
        await follow.run_once()
        assert follow.head is not None
        assert follow.head.hash == world.root.head.hash
