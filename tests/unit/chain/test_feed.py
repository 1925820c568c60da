"""The step builder: the same steps whatever the depth and the pace, and silence wherever absence is not proved."""

import itertools
from collections.abc import Callable

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.clock import ManualClock
from bridge.chain.feed import (
    ANCHOR_DEPTH_BLOCKS,
    HEADERS_PER_CALL,
    RECEIPTS_PER_CALL,
    STEPS_MAX,
    CannotTell,
    DigestedStep,
    FeedPosition,
    NotQuiet,
    Quiet,
    StepBuilder,
)
from bridge.chain.header_parsing import stored_header
from bridge.chain.header_store import HeaderChange, HeaderStore, MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.feed import (
    DONE_INDEX,
    LOG_DATA_MAX,
    STEP_BYTES_MAX,
    Cursor,
    FilterEntry,
    cursor_after,
    encode_step,
    genesis_digest,
    matching_logs,
    next_digest,
    steps_of_block,
)
from bridge.codec.hash import keccak256
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds
from tests.unit.chain.rpc_server import RpcFault, RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID, GENESIS_TIME, TinyChain

OURS, OTHERS = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
TOPIC, FOREIGN = Hash32(b"\x01" * 32), Hash32(b"\x02" * 32)
FILTER = (FilterEntry(OURS, TOPIC, BlockNumber(0)),)
ANCHOR_BLOCKS = 16


def match(data: bytes = b"") -> Log:
    return Log(OURS, (TOPIC,), data)


def noise() -> Log:
    return Log(OTHERS, (FOREIGN,), b"\x01")


def position_at(chain: TinyChain, number: int = 0, entries: tuple[FilterEntry, ...] = FILTER) -> FeedPosition:
    """The feed just started: the cursor is the end of a block."""
    block = chain.blocks[number].header
    cursor = Cursor(block.number, block.hash, DONE_INDEX)
    return FeedPosition(0, 1, entries, cursor, 1, genesis_digest(0, 1, block.number, block.hash))


def after(position: FeedPosition, found: DigestedStep) -> FeedPosition:
    """The state's position once the step is applied."""
    step = found.step
    return FeedPosition(0, 1, position.filter, cursor_after(step), step.number + 1, found.digest)


class Node:
    """A validator's view: follower and builder at its own depth."""

    def __init__(self, reader: ChainReader, depth: int = 2, store: HeaderStore | None = None) -> None:
        self.follower = HeaderFollower(reader, store or MemoryHeaderStore(), Confirmations(depth), BlockNumber(0))
        self.builder = StepBuilder(reader, self.follower.store, ANCHOR_BLOCKS)

    async def steps(self, position: FeedPosition) -> tuple[DigestedStep, ...]:
        """All that is new, after following the chain to its head."""
        while (await self.follower.advance()).more:
            pass
        return (await self.builder.next_steps(position)).steps


def oracle(chain: TinyChain, position: FeedPosition, confirmed: int) -> list[DigestedStep]:
    """The rules read word for word over the true blocks: no bloom, no memory, no limits."""
    found: list[DigestedStep] = []
    waiting = []
    for block in chain.blocks[position.cursor.number + 1 : confirmed + 1]:
        header = block.header
        logs = matching_logs(position.filter, header.number, block.receipts)
        if not logs and header.number % ANCHOR_BLOCKS == 0:
            waiting.append(block)
        released = waiting if logs else [b for b in waiting if b.header.number + ANCHOR_DEPTH_BLOCKS <= confirmed]
        for one in [*released, *([block] if logs else [])]:
            for step in steps_of_block(
                root_chain=0,
                generation=1,
                first_number=position.next_step + len(found),
                block_number=one.header.number,
                block_hash=one.header.hash,
                block_time=one.header.timestamp,
                logs=matching_logs(position.filter, one.header.number, one.receipts),
                is_anchor=True,
            ):
                found.append(DigestedStep(step, next_digest(found[-1].digest if found else position.digest, step)))
        waiting = [b for b in waiting if b not in released]
    return found


async def test_steps__matches_among_noise__are_found_in_order(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine([noise()], [match(b"\x01"), noise(), match(b"\x02")])
    chain.mine([noise()])
    chain.mine([match(b"\x03")])
    chain.mine(count=2)
    first, second = await Node(reader).steps(position)
    assert [(log.index, log.transaction_index, log.data) for log in first.step.logs] == [
        (1, 1, b"\x01"),
        (3, 1, b"\x02"),
    ]
    assert (second.step.block_number, second.step.number, second.step.done) == (3, 2, True)
    assert second.digest == next_digest(first.digest, second.step)


async def test_steps__chain_whose_blooms_are_not_true__are_found_in_the_receipts(
    reader: ChainReader, chain: TinyChain
) -> None:
    chain.blooms_are_true = False
    position = position_at(chain)
    chain.mine([match(b"\x01")])
    chain.mine(count=3)
    node = Node(reader)
    assert await node.steps(position) == ()
    node.builder = StepBuilder(reader, node.follower.store, ANCHOR_BLOCKS, blooms_are_true=False)
    (found,) = await node.steps(position)
    assert [log.data for log in found.step.logs] == [b"\x01"]


async def test_steps__block_above_the_confirmed_head__is_not_named(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine([match()])
    chain.mine()
    node = Node(reader, depth=2)
    assert await node.steps(position) == ()
    chain.mine()
    assert len(await node.steps(position)) == 1


async def test_steps__nodes_of_different_depth_and_pace__name_the_same(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    eager, late = Node(reader, depth=0), Node(reader, depth=5)
    for number in range(40):
        chain.mine([match(bytes([number]))] if number % 3 == 0 else [noise()])
        await eager.steps(position)
    chain.mine(count=6)
    assert await eager.steps(position) == await late.steps(position) == tuple(oracle(chain, position, 41))


async def test_steps__200_logs_in_a_block__are_split_and_a_cursor_inside_the_block_goes_on(
    reader: ChainReader, chain: TinyChain
) -> None:
    position = position_at(chain)
    chain.mine([match(bytes([number])) for number in range(200)])
    chain.mine(count=2)
    node = Node(reader)
    steps = await node.steps(position)
    assert [len(found.step.logs) for found in steps] == [64, 64, 64, 8]
    assert [found.step.done for found in steps] == [False, False, False, True]
    for applied in range(1, 4):
        inside = after(position, steps[applied - 1])
        assert (await Node(reader).steps(inside)) == steps[applied:]
        assert (await node.steps(inside)) == steps[applied:]


async def test_steps__64_logs_exactly__are_done_in_one_step(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine([match()] * 64)
    chain.mine(count=2)
    (found,) = await Node(reader).steps(position)
    assert found.step.done


async def test_steps__large_log_data__is_elided_or_split_by_size(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    huge = b"\x07" * 100_000
    chain.mine([match(huge)], [match(b"\x08" * LOG_DATA_MAX)] * 5)
    chain.mine(count=2)
    steps = await Node(reader).steps(position)
    elided = steps[0].step.logs[0].data_elided
    assert elided is not None
    assert (elided.length, elided.hash) == (100_000, keccak256(huge))
    assert all(len(encode_step(found.step)) <= STEP_BYTES_MAX for found in steps)
    assert sum(len(found.step.logs) for found in steps) == 6


async def test_steps__more_than_the_limit__come_as_the_cursor_moves(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    for _ in range(STEPS_MAX + 10):
        chain.mine([match()])
    chain.mine(count=2)
    node = Node(reader)
    first = await node.steps(position)
    assert len(first) == STEPS_MAX
    rest = await node.steps(after(position, first[-1]))
    matches = [found for found in (*first, *rest) if found.step.logs]
    assert [found.step.block_number for found in matches] == list(range(1, STEPS_MAX + 11))


async def test_filter__entry_for_later_blocks__matches_from_there_on(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain, 0, (FilterEntry(OURS, TOPIC, BlockNumber(2)),))
    chain.mine([match(b"\x01")])
    chain.mine([match(b"\x02")])
    chain.mine([Log(OURS, (), b"")])
    chain.mine(count=2)
    (found,) = await Node(reader).steps(position)
    assert found.step.block_number == 2


async def test_anchor__quiet_contract__is_named_only_once_deep(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    node = Node(reader, depth=0)
    chain.mine(count=ANCHOR_BLOCKS + ANCHOR_DEPTH_BLOCKS - 1)
    assert await node.steps(position) == ()
    chain.mine()
    (found,) = await node.steps(position)
    assert (found.step.block_number, found.step.done, found.step.logs) == (ANCHOR_BLOCKS, True, ())


async def test_anchor__match_follows__is_named_with_it(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    node = Node(reader, depth=0)
    chain.mine(count=2 * ANCHOR_BLOCKS)
    assert await node.steps(position) == ()
    chain.mine([match()])
    steps = await node.steps(position)
    assert [found.step.block_number for found in steps] == [16, 32, 33]
    assert [found.step.number for found in steps] == [1, 2, 3]


async def test_anchor__block_that_matches_itself__is_one_step_at_once(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine(count=ANCHOR_BLOCKS - 1)
    chain.mine([match()])
    (found,) = await Node(reader, depth=0).steps(position)
    assert found.step.block_number == ANCHOR_BLOCKS
    assert len(found.step.logs) == 1


async def test_anchor__applied_by_others_before_we_would_name_it__we_go_on_from_it(
    reader: ChainReader, chain: TinyChain
) -> None:
    position = position_at(chain)
    chain.mine(count=ANCHOR_BLOCKS + 5)
    node = Node(reader, depth=0)
    assert await node.steps(position) == ()
    header = chain.blocks[ANCHOR_BLOCKS].header
    (step,) = steps_of_block(
        root_chain=0,
        generation=1,
        first_number=1,
        block_number=header.number,
        block_hash=header.hash,
        block_time=header.timestamp,
        logs=(),
        is_anchor=True,
    )
    moved = after(position, DigestedStep(step, next_digest(position.digest, step)))
    chain.mine([match()])
    (found,) = await node.steps(moved)
    assert (found.step.number, found.step.block_number) == (2, ANCHOR_BLOCKS + 6)


@pytest.mark.parametrize(
    ("method", "lie", "code"),
    [
        ("eth_getBlockReceipts", lambda _shown: None, "RPC_NOT_HELD"),
        ("eth_getBlockReceipts", lambda _shown: [], "RPC_NOT_HELD"),
        ("eth_getBlockReceipts", lambda shown: shown[:1], "RECEIPTS_MISMATCH"),
        ("eth_getBlockReceipts", lambda _shown: "0x", "RPC_BAD_ANSWER"),
    ],
)
async def test_absence__receipts_emptied_or_cut__nothing_is_named_until_they_are_whole(
    reader: ChainReader,
    chain: TinyChain,
    server: RpcServer,
    method: str,
    lie: Callable[[object], object],
    code: str,
) -> None:
    position = position_at(chain)
    chain.mine([match(b"\x01")])
    chain.mine([noise()], [match(b"\x02")])
    chain.mine(count=2)
    truth = server.answer
    hidden = chain.blocks[2].header.hash

    def answer(asked: str, params: list[object]) -> object:
        shown = truth(asked, params)
        return lie(shown) if asked == method and params == ["0x" + hidden.hex()] else shown

    server.answer = answer
    node = Node(reader)
    (found,) = await node.steps(position)
    scan = await node.builder.next_steps(position)
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == code
    before_the_hidden_block = UnixSeconds(chain.blocks[2].header.timestamp - 1)
    assert await node.builder.quiet_after(after(position, found), before_the_hidden_block) == scan.cannot_tell
    server.answer = truth
    assert await node.steps(position) == tuple(oracle(chain, position, 2))


async def test_absence__eth_getlogs_is_empty__plays_no_part(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    position = position_at(chain)
    chain.mine([match()])
    chain.mine(count=2)
    assert len(await Node(reader).steps(position)) == 1
    assert "eth_getLogs" not in server.calls


async def test_scan__polled_again_and_restarted__reads_no_block_twice(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    position = position_at(chain)
    chain.mine([match()])
    chain.mine(count=5)
    node = Node(reader)
    await node.steps(position)
    await node.steps(position)
    assert server.calls.count("eth_getBlockReceipts") == 1
    server.calls.clear()
    again = Node(reader, store=node.follower.store)
    assert len(await again.steps(position)) == 1
    assert server.calls == ["eth_getBlockByNumber", "eth_getBlockReceipts"]


async def test_scan__many_hits__is_bounded_per_call_and_goes_on(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    misses = (FilterEntry(OURS, TOPIC, BlockNumber(0)), FilterEntry(OTHERS, FOREIGN, BlockNumber(0)))
    position = position_at(chain, 0, misses)
    for _ in range(RECEIPTS_PER_CALL + 5):
        chain.mine([Log(OURS, (FOREIGN,), b""), Log(OTHERS, (TOPIC,), b"")])
    chain.mine(count=2)
    node = Node(reader)
    assert await node.steps(position) == ()
    assert server.calls.count("eth_getBlockReceipts") == RECEIPTS_PER_CALL
    scan = await node.builder.next_steps(position)
    assert scan.scanned is not None
    assert scan.scanned.number == RECEIPTS_PER_CALL + 5
    assert scan.cannot_tell is None


async def test_scan__long_quiet_chain__is_bounded_per_call(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine(count=HEADERS_PER_CALL + 500)
    node = Node(reader)
    await node.steps(position)
    scanned = (await node.builder.next_steps(position)).scanned
    assert scanned is not None
    assert scanned.number > ANCHOR_BLOCKS * STEPS_MAX


async def test_cursor__not_on_our_chain__cannot_tell_and_conflicts(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=5)
    orphan = position_at(chain, 3)
    chain.reorg(depth=4, length=8)
    node = Node(reader)
    assert await node.steps(orphan) == ()
    scan = await node.builder.next_steps(orphan)
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == "CURSOR_OFF_CHAIN"
    assert node.builder.conflict(orphan.cursor) == chain.blocks[3].header.hash
    assert node.builder.conflict(position_at(chain, 3).cursor) is None


async def test_cursor__ahead_of_us__cannot_tell_and_does_not_conflict(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=5)
    node = Node(reader, depth=2)
    unconfirmed = position_at(chain, 5)
    assert await node.steps(unconfirmed) == ()
    scan = await node.builder.next_steps(unconfirmed)
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == "CURSOR_NOT_CONFIRMED"
    chain.mine()
    scan = await node.builder.next_steps(position_at(chain, 6))
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == "CURSOR_NOT_HELD"
    assert node.builder.conflict(Cursor(BlockNumber(5), Hash32(bytes(32)), DONE_INDEX)) is None
    assert node.builder.conflict(Cursor(BlockNumber(6), Hash32(bytes(32)), DONE_INDEX)) is None


async def test_scan__reorg_while_a_block_is_read__names_nothing_over_both_chains(
    reader: ChainReader, chain: TinyChain, server: RpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.chain.feed.HEADERS_PER_READ", 2)
    position = position_at(chain)
    chain.mine()
    chain.mine([match(b"old")])
    chain.mine(count=6)
    node, answer = Node(reader), server.answer
    await node.follower.advance()

    def answer_and_reorganise(method: str, params: list[object]) -> object:
        found = answer(method, params)
        if method == "eth_getBlockReceipts":
            server.answer = answer
            del chain.blocks[2:]
            for _ in range(8):
                chain.mine([match(b"new")], salt=b"fork")
            headers = tuple(stored_header(block.header) for block in chain.blocks[2:])
            node.follower.store.apply(HeaderChange(BlockNumber(2), headers, BlockNumber(7)))
        return found

    server.answer = answer_and_reorganise
    scan = await node.builder.next_steps(position)
    assert scan.steps == ()
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == "CURSOR_OFF_CHAIN"
    steps = (await node.builder.next_steps(position)).steps
    assert [found.step.logs[0].data for found in steps] == [b"new"] * 6


async def test_scan__reorg_below_what_was_scanned__is_scanned_anew(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine(count=3)
    chain.mine([match(b"\x01")])
    chain.mine(count=4)
    node = Node(reader, depth=1)
    assert len(await node.steps(position)) == 1
    del chain.blocks[4:]
    chain.mine([match(b"\x02")], salt=b"fork")
    chain.mine(count=6)
    assert (await node.follower.advance()).below_confirmed is not None
    await node.follower.accept_reorg()
    (found,) = await node.steps(position)
    assert found.step.logs[0].data == b"\x02"


async def test_quiet__head_beyond_the_deadline_and_no_match__is_quiet(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine([noise()], count=10)
    node = Node(reader)
    await node.steps(position)
    head_time = chain.blocks[8].header.timestamp
    assert await node.builder.quiet_after(position, UnixSeconds(head_time - 1)) == Quiet(head_time)
    not_beyond = await node.builder.quiet_after(position, head_time)
    assert isinstance(not_beyond, CannotTell)
    assert not_beyond.code == "HEAD_NOT_BEYOND_DEADLINE"


async def test_quiet__match_at_the_deadline_exactly__wins(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine(count=4)
    chain.mine([match()])
    chain.mine(count=4)
    node = Node(reader)
    await node.steps(position)
    at = chain.blocks[5].header.timestamp
    head_time = chain.blocks[7].header.timestamp
    assert await node.builder.quiet_after(position, at) == NotQuiet(BlockNumber(5))
    assert await node.builder.quiet_after(position, UnixSeconds(at - 1)) == Quiet(head_time)


async def test_quiet__rest_of_the_cursors_own_block__counts(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine([match()] * 65)
    chain.mine(count=4)
    node = Node(reader)
    first, _ = await node.steps(position)
    inside = after(position, first)
    deadline = chain.blocks[1].header.timestamp
    assert await node.builder.quiet_after(inside, deadline) == NotQuiet(BlockNumber(1))


async def test_quiet__anchors_before_the_deadline__do_not_disturb(reader: ChainReader, chain: TinyChain) -> None:
    position = position_at(chain)
    chain.mine(count=ANCHOR_BLOCKS + ANCHOR_DEPTH_BLOCKS + 10)
    node = Node(reader, depth=0)
    assert len(await node.steps(position)) == 1
    assert await node.builder.quiet_after(position, chain.blocks[-2].header.timestamp) == Quiet(chain.head.timestamp)


async def test_quiet__chain_cannot_be_read__cannot_tell(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    position = position_at(chain)
    chain.mine([match()])
    chain.mine(count=3)
    node = Node(reader)
    await node.follower.advance()

    def refuse(_method: str, _params: list[object]) -> object:
        raise RpcFault(-32603, "internal error")

    server.answer = refuse
    answer = await node.builder.quiet_after(position, UnixSeconds(GENESIS_TIME + 3))
    assert isinstance(answer, CannotTell)
    assert answer.code == "RPC_REFUSED"


@settings(max_examples=20, deadline=None)
@given(blocks=st.lists(st.sampled_from("...nnmM"), min_size=1, max_size=80), stops=st.data())
async def test_steps__any_chain_polled_at_any_moments__equal_the_rules_read_word_for_word(
    blocks: list[str], stops: st.DataObject
) -> None:
    """`.` empty, `n` noise, `m` one match, `M` 70 matches. The state applies some of what was found at every poll."""
    chain = TinyChain()
    start = position = position_at(chain)
    applied: list[DigestedStep] = []
    content = {".": (), "n": ([noise()],), "m": ([noise(), match()],), "M": ([match()] * 70,)}
    async with RpcServer(chain.answer) as server, aiohttp.ClientSession() as session:
        pool = RpcPool("tiny", [server.url], ChainId(CHAIN_ID), HttpTransport(session), ManualClock())
        node = Node(ChainReader(pool))
        for kind in blocks:
            chain.mine(*content[kind])
            if stops.draw(st.booleans()):
                steps = await node.steps(position)
                taken = steps[: stops.draw(st.integers(0, len(steps)))]
                applied.extend(taken)
                position = after(position, taken[-1]) if taken else position
        chain.mine(count=2)
        applied.extend(await node.steps(position))
        assert applied == oracle(chain, start, len(blocks))
        assert all(a.step.number + 1 == b.step.number for a, b in itertools.pairwise(applied))
