"""The follower: linked, confirmed, unwound, resumed; and what it does not believe."""

from itertools import pairwise

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.clock import ManualClock
from bridge.chain.errors import BadAnswer, NotHeld, RpcRefused
from bridge.chain.header_store import HeaderChange, MemoryHeaderStore
from bridge.chain.headers import HEADERS_PER_ADVANCE, Confirmations, FollowReport, HeaderFollower, ReorgBelowConfirmed
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.header import leaf_of
from bridge.codec.types import BlockNumber, ChainId
from tests.unit.chain.rpc_server import RpcFault, RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID, TinyChain, header_json


def follower_of(reader: ChainReader, depth: int = 2, start: int = 0) -> HeaderFollower:
    return HeaderFollower(reader, MemoryHeaderStore(), Confirmations(depth), BlockNumber(start))


class _CountingStore(MemoryHeaderStore):
    """Counts what would be durable writes."""

    writes = 0

    def apply(self, change: HeaderChange) -> None:
        self.writes += 1
        super().apply(change)


async def catch_up(follower: HeaderFollower) -> list[FollowReport]:
    """Advance until there is no more, or until a reorg below the confirmed block stops it."""
    reports = [await follower.advance()]
    while reports[-1].more:
        reports.append(await follower.advance())
    return reports


def numbers(follower: HeaderFollower) -> tuple[int | None, int | None]:
    head, confirmed = follower.head, follower.confirmed
    return (None if head is None else head.number, None if confirmed is None else confirmed.number)


def assert_same_chain(follower: HeaderFollower, chain: TinyChain) -> None:
    held = follower.store.headers(BlockNumber(0), 100_000)
    assert [header.hash for header in held] == [block.header.hash for block in chain.blocks[: len(held)]]


async def test_follower__chain_grows__block_is_confirmed_at_head_minus_depth(
    reader: ChainReader, chain: TinyChain
) -> None:
    follower = follower_of(reader, depth=2)
    await follower.advance()
    assert numbers(follower) == (0, None)
    chain.mine(count=2)
    await follower.advance()
    assert numbers(follower) == (2, 0)
    chain.mine(count=3)
    assert await follower.advance() == FollowReport(added=3)
    assert numbers(follower) == (5, 3)
    assert_same_chain(follower, chain)


async def test_follower__leaves__only_of_a_confirmed_range(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=9)
    follower = follower_of(reader, depth=2)
    await follower.advance()
    expected = tuple(leaf_of(block.header) for block in chain.blocks)
    assert follower.leaves(BlockNumber(0), 8) == expected[:8]
    assert follower.leaves(BlockNumber(3), 2) == expected[3:5]
    assert follower.leaves(BlockNumber(1), 8) is None
    assert follower.point(BlockNumber(9)) == follower.head
    assert follower.point(BlockNumber(10)) is None


async def test_follower__long_chain__comes_in_bounded_pieces(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=HEADERS_PER_ADVANCE + 150)
    follower = follower_of(reader)
    reports = await catch_up(follower)
    assert [report.added for report in reports] == [HEADERS_PER_ADVANCE, 151]
    assert [report.more for report in reports] == [True, False]
    assert server.calls.count("eth_getBlockByNumber") == HEADERS_PER_ADVANCE + 151 + 1
    assert_same_chain(follower, chain)


async def test_follower__restarted_on_its_store__fetches_only_what_is_new(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=50)
    first = follower_of(reader)
    await first.advance()
    chain.mine(count=3)
    server.calls.clear()
    again = HeaderFollower(reader, first.store, Confirmations(2), BlockNumber(0))
    assert (await again.advance()).added == 3
    assert len(server.calls) == 3


async def test_follower__one_block_behind__asks_once_and_writes_once(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    store = _CountingStore()
    follower = HeaderFollower(reader, store, Confirmations(2), BlockNumber(0))
    chain.mine(count=9)
    await follower.advance()
    chain.mine()
    server.calls.clear()
    store.writes = 0
    assert await follower.advance() == FollowReport(added=1)
    assert numbers(follower) == (10, 8)
    assert server.calls == ["eth_getBlockByNumber"]
    assert store.writes == 1


async def test_follower__starts_at_a_later_block__holds_from_there(reader: ChainReader, chain: TinyChain) -> None:
    follower = follower_of(reader, start=5)
    assert await follower.advance() == FollowReport()
    assert follower.head is None
    chain.mine(count=8)
    await follower.advance()
    first = follower.store.first()
    assert first is not None
    assert first.number == 5


async def test_follower__reorg_above_the_confirmed_block__is_unwound(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=10)
    follower = follower_of(reader, depth=4)
    await follower.advance()
    chain.reorg(depth=3, length=4)
    reports = await catch_up(follower)
    assert sum(report.removed for report in reports) == 3
    assert all(report.below_confirmed is None for report in reports)
    assert numbers(follower) == (11, 7)
    assert_same_chain(follower, chain)


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_follower__reorg_to_a_chain_that_is_not_longer__is_unwound_too(
    reader: ChainReader, chain: TinyChain, length: int
) -> None:
    chain.mine(count=10)
    follower = follower_of(reader, depth=4)
    await follower.advance()
    chain.reorg(depth=3, length=length)
    await catch_up(follower)
    assert_same_chain(follower, chain)
    assert numbers(follower) == (7 + length, 6)


async def test_follower__reorg_below_the_confirmed_block__is_reported_and_not_followed(
    reader: ChainReader, chain: TinyChain
) -> None:
    chain.mine(count=10)
    follower = follower_of(reader, depth=2)
    await follower.advance()
    old = [block.header.hash for block in chain.blocks]
    chain.reorg(depth=5, length=8)
    for _ in range(2):
        report = await follower.advance()
        assert report.below_confirmed == ReorgBelowConfirmed(BlockNumber(8), old[8], chain.blocks[8].header.hash)
        assert [header.hash for header in follower.store.headers(BlockNumber(0), 99)] == old
    accepted = await follower.accept_reorg()
    assert accepted is not None
    assert accepted.number == 5
    assert numbers(follower) == (5, 5)
    await catch_up(follower)
    assert numbers(follower) == (13, 11)
    assert_same_chain(follower, chain)


async def test_follower__whole_run_orphaned__accepting_starts_anew(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=10)
    follower = follower_of(reader, depth=1, start=6)
    await follower.advance()
    chain.reorg(depth=8, length=9)
    assert (await follower.advance()).below_confirmed is not None
    assert await follower.accept_reorg() is None
    await catch_up(follower)
    assert numbers(follower) == (11, 10)


async def test_follower__nothing_confirmed_and_all_orphaned__starts_anew_by_itself(
    reader: ChainReader, chain: TinyChain
) -> None:
    chain.mine(count=3)
    follower = follower_of(reader, depth=50, start=2)
    await follower.advance()
    chain.reorg(depth=2, length=4)
    await catch_up(follower)
    assert numbers(follower) == (5, None)
    assert [h.hash for h in follower.store.headers(BlockNumber(2), 9)] == [b.header.hash for b in chain.blocks[2:]]


async def test_follower__endpoint_falls_behind__nothing_is_unwound(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=10)
    follower = follower_of(reader)
    await follower.advance()
    newest = chain.blocks[-4:]
    del chain.blocks[-4:]
    assert await follower.advance() == FollowReport()
    assert numbers(follower) == (10, 8)
    chain.blocks.extend(newest)
    chain.mine()
    assert (await follower.advance()).added == 1


async def test_follower__tag__confirms_up_to_the_tagged_block(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=10)
    follower = HeaderFollower(reader, MemoryHeaderStore(), Confirmations(tag="finalized"), BlockNumber(0))
    await follower.advance()
    assert numbers(follower) == (10, 6)
    chain.safe_lag = 8
    await follower.advance()
    assert numbers(follower) == (10, 6)


async def test_follower__tag_names_a_block_that_is_not_ours__confirms_nothing(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=10)
    other = TinyChain()
    other.mine(count=10, salt=b"other")
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        return other.answer(method, params) if params[:1] == ["finalized"] else truth(method, params)

    server.answer = answer
    follower = HeaderFollower(reader, MemoryHeaderStore(), Confirmations(tag="finalized"), BlockNumber(0))
    await follower.advance()
    assert numbers(follower) == (10, None)


async def test_follower__block_does_not_link_though_nothing_changed__is_not_believed(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=5)
    follower = follower_of(reader)
    await follower.advance()
    stranger = TinyChain()
    stranger.mine(count=6, salt=b"x")
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        if method == "eth_getBlockByNumber" and params[0] in {"latest", "0x6"}:
            return header_json(stranger.head)
        return truth(method, params)

    server.answer = answer
    with pytest.raises(BadAnswer, match="does not name block 5"):
        await follower.advance()
    assert_same_chain(follower, chain)


async def test_follower__hash_of_one_header_lies__keeps_what_came_before_it(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=300)
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        shown = truth(method, params)
        if method == "eth_getBlockByNumber" and params[0] == hex(150) and isinstance(shown, dict):
            return {**shown, "timestamp": "0x1"}
        return shown

    server.answer = answer
    follower = follower_of(reader)
    with pytest.raises(BadAnswer):
        await follower.advance()
    assert numbers(follower)[0] == 99
    server.answer = truth
    await catch_up(follower)
    assert_same_chain(follower, chain)


async def test_follower__newest_blocks_hidden_in_batches__waits_for_them(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=10)
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        return None if params[:1] in (["0x8"], ["0x9"]) else truth(method, params)

    server.answer = answer
    follower = follower_of(reader)
    assert await follower.advance() == FollowReport(added=8, more=True)
    assert await follower.advance() == FollowReport()
    assert numbers(follower) == (7, 5)


async def test_follower__no_latest_block__cannot_tell(reader: ChainReader, server: RpcServer, chain: TinyChain) -> None:
    server.answer = lambda method, params: chain.answer(method, params) if method == "eth_chainId" else None
    with pytest.raises(NotHeld):
        await follower_of(reader).advance()


async def test_follower__node_refuses_everything__keeps_its_run(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=5)
    follower = follower_of(reader)
    await follower.advance()

    def refuse(_method: str, _params: list[object]) -> object:
        raise RpcFault(-32603, "internal error")

    server.answer = refuse
    with pytest.raises(RpcRefused, match="internal error"):
        await follower.advance()
    assert numbers(follower) == (5, 3)


async def test_follower__blooms_not_kept__are_empty(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=2)
    follower = HeaderFollower(reader, MemoryHeaderStore(), Confirmations(0), BlockNumber(0), keep_blooms=False)
    await follower.advance()
    assert {header.logs_bloom for header in follower.store.headers(BlockNumber(0), 9)} == {b""}


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(st.tuples(st.sampled_from((0, 0, 1, 2, 3, 6)), st.integers(1, 12)), min_size=1, max_size=10),
    depth=st.integers(0, 6),
)
async def test_follower__any_history_of_growth_and_reorgs__ends_on_the_chain_or_says_why(
    moves: list[tuple[int, int]], depth: int
) -> None:
    """A move is (blocks unwound, blocks mined). The run is always linked, and the chain's once reorgs are accepted."""
    chain = TinyChain()
    async with RpcServer(chain.answer) as server, aiohttp.ClientSession() as session:
        pool = RpcPool("tiny", [server.url], ChainId(CHAIN_ID), HttpTransport(session), ManualClock())
        follower = follower_of(ChainReader(pool), depth)
        for salt, (unwound, length) in enumerate(moves):
            chain.reorg(min(unwound, len(chain.blocks) - 1), length, bytes([salt]))
            reports = await catch_up(follower)
            held = follower.store.headers(BlockNumber(0), 10_000)
            assert all(above.parent_hash == below.hash for below, above in pairwise(held))
            if reports[-1].below_confirmed is not None:
                await follower.accept_reorg()
                await catch_up(follower)
            assert_same_chain(follower, chain)
            assert numbers(follower)[0] == chain.head.number


async def test_follower__told_to_begin_later__forgets_what_it_held_and_goes_on_from_there(
    reader: ChainReader, chain: TinyChain
) -> None:
    follower = follower_of(reader, depth=2)
    await follower.advance()
    chain.mine(count=20)
    follower.begin_at(BlockNumber(15))

    assert (follower.head, follower.confirmed, follower.next_number) == (None, None, 15)
    await catch_up(follower)
    first = follower.store.first()
    assert first is not None
    assert first.number == 15
    assert numbers(follower) == (20, 18)
