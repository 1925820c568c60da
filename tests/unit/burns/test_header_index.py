"""Every header block is found, whatever window a provider takes; none that the contract does not have is believed."""

from pathlib import Path

import pytest

from bridge.burns.errors import BurnError
from bridge.burns.header_index import MemoryIndex
from bridge.chain.errors import BadAnswer
from bridge.codec.types import BlockNumber
from node.store.header_index import SqliteHeaderIndex
from tests.unit.burns.long_root import BLOCKS_EACH, Indexing, Json, LongRoot, indexing

REFUSALS = (
    "query exceeds max block range 10",
    "exceed maximum block range: 50000",
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
    "block range is too wide",
)


def store(path: Path) -> SqliteHeaderIndex:
    return SqliteHeaderIndex(path / "index.db", b"contract")


def assert_whole(made: Indexing) -> None:
    index, chain = made.indexer.index, made.chain
    assert len(index) == chain.checkpoints
    for number in {1, 2, chain.checkpoints // 2, chain.checkpoints}:
        start = BlockNumber((number - 1) * BLOCKS_EACH)
        for block in (start, BlockNumber(start + BLOCKS_EACH - 1)):
            found = index.holding(block)
            assert found is not None
            assert (found.header_id, found.start, found.root) == (number * 10_000, start, chain.root(number))
    assert index.holding(BlockNumber(chain.checkpoints * BLOCKS_EACH)) is None
    last = [(chain.checkpoints - back) * 10_000 for back in range(min(3, chain.checkpoints))]
    assert [one.header_id for one in index.latest(3)] == last
    assert made.indexer.progress().is_complete


@pytest.mark.parametrize(("window", "checkpoints"), [(10, 3), (1_000, 200), (10_000, 2_000), (10**9, 2_000)])
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_index__with_any_window_that_a_provider_takes__finds_all(
    tmp_path: Path, window: int, checkpoints: int, refusal: str
) -> None:
    chain = LongRoot(checkpoints, window_max=window, refusal=refusal)
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        assert_whole(made)


async def test_index__with_a_limit_of_results__finds_all(tmp_path: Path) -> None:
    async with indexing(LongRoot(2_000, logs_max=100), store(tmp_path)) as made:
        await made.run()
        assert_whole(made)


async def test_index__after_a_restart__goes_on_where_it_was(tmp_path: Path) -> None:
    chain = LongRoot(100)
    kept = store(tmp_path)
    async with indexing(chain, kept) as made:
        await made.run()
    kept.close()
    chain.checkpoints = 120
    async with indexing(chain, store(tmp_path)) as made:
        assert len(made.indexer.index) == 100
        await made.run()
        assert_whole(made)
        assert made.servers[0].calls.count("eth_getLogs") == 1


async def test_index__kept_of_another_contract__is_not_taken(tmp_path: Path) -> None:
    kept = store(tmp_path)
    async with indexing(LongRoot(5), kept) as made:
        await made.run()
    kept.close()
    assert SqliteHeaderIndex(tmp_path / "index.db", b"another").load() == (None, ())


async def test_index__while_new_checkpoints_come__keeps_up_with_the_confirmed_head(tmp_path: Path) -> None:
    chain = LongRoot(3)
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        chain.checkpoints = 5
        assert not await made.indexer.run_once()
        assert len(made.indexer.index) == 3
        made.confirm()
        await made.run()
        assert_whole(made)


async def test_index__with_logs_hidden__reads_what_is_missing_from_the_contract(tmp_path: Path) -> None:
    chain = LongRoot(300, hidden={1, 7, 8, 9, 150, 299, 300})
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        assert_whole(made)


async def test_index__whose_contract_was_reset__forgets_what_it_no_longer_has(tmp_path: Path) -> None:
    chain = LongRoot(20)
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        # Both ways to learn of it: by the log of the reset, and by the contract where that log is hidden.
        for left in (15, 9):
            chain.resets = {chain.head + 1: left + 1} if left == 15 else {}
            chain.later += 1_000
            chain.checkpoints = left
            made.confirm()
            await made.run()
            assert_whole(made)


@pytest.mark.parametrize("field", ["start", "data"])
async def test_index__told_of_what_cannot_follow__asks_another_endpoint(field: str) -> None:
    def changed(number: int, log: Json) -> Json:
        if number != 7:
            return log
        if field == "start":
            return {**log, "data": "0x" + "00" * 31 + "07" + str(log["data"])[66:]}
        return {**log, "data": "0x01"}

    false, true = LongRoot(20, changed=changed), LongRoot(20)
    async with indexing(false, MemoryIndex()) as made:
        with pytest.raises(BadAnswer):
            await made.run()
        assert len(made.indexer.index) == 0
    async with indexing(false, MemoryIndex(), true) as made:
        with pytest.raises((BadAnswer, BurnError)):
            await made.run()
        await made.run()
        assert_whole(made)


async def test_index__told_of_an_id_that_cannot_be__reads_that_checkpoint_from_the_contract(tmp_path: Path) -> None:
    def changed(number: int, log: Json) -> Json:
        topics = log["topics"]
        assert isinstance(topics, list)
        return {**log, "topics": [*topics[:2], f"0x{7:064x}", topics[3]]} if number == 7 else log

    async with indexing(LongRoot(20, changed=changed), store(tmp_path)) as made:
        await made.run()
        assert_whole(made)


async def test_index__before_the_first_checkpoint__waits(tmp_path: Path) -> None:
    chain = LongRoot(0)
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        assert len(made.indexer.index) == 0
        assert made.indexer.index.holding(BlockNumber(0)) is None
        assert made.indexer.index.latest(5) == ()
        chain.checkpoints = 2
        made.confirm()
        await made.run()
        assert_whole(made)


async def test_index__kept_of_a_chain_that_was_made_anew__is_begun_anew(tmp_path: Path) -> None:
    kept = store(tmp_path)
    async with indexing(LongRoot(30), kept) as made:
        await made.run()
    kept.close()
    async with indexing(LongRoot(12, salt=b"another chain"), store(tmp_path)) as made:
        await made.run()
        assert_whole(made)


async def test_index__far_behind_with_narrow_windows__reads_the_contract_in_a_few_requests(tmp_path: Path) -> None:
    chain = LongRoot(3_000, window_max=10)
    async with indexing(chain, store(tmp_path)) as made:
        await made.run()
        assert_whole(made)
        assert made.servers[0].requests < 3_000 / 100 + 60
