"""The root-chain transaction that took an exit is named, or none is: never another."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.burns.doors import Door, ExitMark, plasma_exit_key
from bridge.burns.exit_traces import PAYLOADS_MAX, called_exits
from bridge.burns.exits import CALLS_MAX, HEADER_READS_MAX, NEAR_BLOCKS, ExitFinder, block_before
from bridge.burns.kinds import BurnKind, FoundBurn
from bridge.burns.report import PaidExit
from bridge.burns.views import ExitContracts, RootView
from bridge.chain.clock import ManualClock
from bridge.chain.endpoint import EndpointState
from bridge.chain.header_store import BlockPoint, MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.abi import encode_call
from bridge.codec.exit_payload import branch_mask, exit_hash
from bridge.codec.hash import keccak256
from bridge.codec.header import Header
from bridge.codec.receipts import Log
from bridge.codec.types import ZERO_HASH, Address, BlockNumber, ChainId, Hash32, UnixSeconds
from tests.unit.burns.exit_chain import (
    PREDICATE,
    TUNNEL,
    WALLET,
    WITHDRAW_MANAGER,
    ExitChain,
    Sent,
    exit_payload,
    wrapped,
)
from tests.unit.burns.world import BURNER, MANAGER, ROOT_CHAIN, ROOT_TOKEN, STRANGER, TOKEN, topic
from tests.unit.chain.rpc_server import ConnectionCut, RpcFault, RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID
from tests.unit.codec.strategies import law

SIDE_BLOCK = BlockNumber(70)
EXITED_ERC20 = Hash32(bytes.fromhex("bb61bd1b26b3684c7c028ff1a8f6dabcac2fac8ac57b66fa6b1efb6edeab03c4"))
EXIT_STARTED = Hash32(bytes.fromhex("aa5303fdad123ab5ecaefaf69137bf8632257839546d43a3b3dd148cc2879d6f"))


def burn_of(kind: BurnKind = BurnKind.ERC20, log_index: int = 0, amount: int = 5) -> FoundBurn:
    """A burn, in as far as its exit is concerned."""
    return FoundBurn(
        kind=kind,
        log_index=log_index,
        token_index=0,
        token=TOKEN,
        burner=None if kind is BurnKind.MESSAGE else BURNER,
        ids=(),
        amounts=(amount,),
        root_token_hint=None,
        data=b"",
        signature=ZERO_HASH,
        twins=(),
    )


def mark_of(burn: FoundBurn, transaction_index: int = 0) -> ExitMark:
    """The burn at its door."""
    doors = {
        BurnKind.MESSAGE: Door(TUNNEL, "receiveMessage(bytes)"),
        BurnKind.PLASMA_ERC20: Door(PREDICATE, "startExitWithBurntTokens(bytes)", ROOT_TOKEN, BURNER),
    }
    key = exit_hash(SIDE_BLOCK, branch_mask(transaction_index), burn.log_index)
    return ExitMark(
        burn, doors.get(burn.kind, Door(MANAGER, "exit(bytes)", ROOT_TOKEN)), key, SIDE_BLOCK, transaction_index
    )


MARK = mark_of(burn_of())
OTHER_MARK = mark_of(burn_of(log_index=1))
THIRD_MARK = mark_of(burn_of(log_index=2))


def call_of(mark: ExitMark) -> bytes:
    """The call that makes the exit."""
    payload = exit_payload(mark.block_number, mark.transaction_index, mark.burn.log_index)
    return encode_call(mark.door.function, payload)


def payment(amount: int = 5, to: Address = BURNER) -> Log:
    """What the predicate says when it pays."""
    return Log(PREDICATE, (EXITED_ERC20, topic(to), topic(ROOT_TOKEN)), amount.to_bytes(32))


def direct(mark: ExitMark) -> Sent:
    """An exit made by a transaction of its own."""
    return Sent(MANAGER, call_of(mark), (payment(mark.burn.amounts[0]),), (mark.exit_hash,))


def hidden(*marks: ExitMark) -> Sent:
    """Exits made by a contract that had the payloads from elsewhere: nothing of them is in the call."""
    return Sent(WALLET, b"go", tuple(payment() for _ in marks), tuple(one.exit_hash for one in marks))


@dataclass
class Searching:
    """A chain, its server, and who searches it."""

    chain: ExitChain
    server: RpcServer
    second: RpcServer
    view: RootView
    finder: ExitFinder

    async def find(self, mark: ExitMark = MARK, since: int = 0) -> PaidExit | None:
        """Search up to the head."""
        return await self.finder.find(mark, BlockNumber(since), _point(self.chain.head))

    def paid(self, transaction: Hash32) -> PaidExit:
        """What is to be found."""
        (one,) = (one for one in self.chain.mined if one.hash == transaction)
        return PaidExit(transaction, one.block_number)

    def searched(self) -> int:
        """Calls since the last time, without the question for the chain's id."""
        calls = [call for call in (*self.server.calls, *self.second.calls) if call != "eth_chainId"]
        self.server.calls.clear()
        self.second.calls.clear()
        return len(calls)


def _point(header: Header) -> BlockPoint:
    return BlockPoint(header.number, header.hash, header.timestamp)


@asynccontextmanager
async def searching(*, seconded: bool = False) -> AsyncIterator[Searching]:
    """A chain of a few blocks."""
    chain = ExitChain()
    chain.mine(count=3)
    async with (
        aiohttp.ClientSession() as session,
        RpcServer(chain.answer) as server,
        RpcServer(chain.answer) as second,
    ):
        urls = [server.url, second.url] if seconded else [server.url]
        reader = ChainReader(RpcPool("root", urls, ChainId(CHAIN_ID), HttpTransport(session), ManualClock()))
        exits = ExitContracts(root_chain_manager=MANAGER, withdraw_manager=WITHDRAW_MANAGER)
        view = RootView("root", reader, MemoryHeaderStore(), ROOT_CHAIN, exits)
        yield Searching(chain, server, second, view, ExitFinder(view))


async def test_find__among_payments_of_the_same_amount__is_the_call_with_this_exit() -> None:
    async with searching() as world:
        for mark in (OTHER_MARK, MARK, THIRD_MARK):
            world.chain.send(Sent(STRANGER, b""), direct(mark))
        found = await world.find()
        assert found == world.paid(world.chain.mined[3].hash)
        assert world.searched() == 5


async def test_find__no_exit__is_none() -> None:
    async with searching() as world:
        world.chain.send(direct(OTHER_MARK), Sent(STRANGER, b"", (payment(to=STRANGER),)))
        assert await world.find() is None


async def test_find__in_a_wallets_call_among_others__needs_no_state() -> None:
    async with searching() as world:
        world.chain.state_from = 10**9
        world.chain.send(direct(OTHER_MARK))
        data = wrapped(call_of(THIRD_MARK), call_of(MARK))
        marks = (THIRD_MARK.exit_hash, MARK.exit_hash)
        (transaction,) = world.chain.send(Sent(WALLET, data, (payment(), payment()), marks))
        assert await world.find() == world.paid(transaction)


async def test_find__nothing_in_the_call__is_told_by_the_state_alone() -> None:
    async with searching() as world:
        world.chain.send(hidden(OTHER_MARK))
        (transaction,) = world.chain.send(hidden(MARK))
        world.chain.send(hidden(THIRD_MARK))
        assert await world.find() == world.paid(transaction)
        world.chain.state_from = 10**9
        assert await world.find() is None


async def test_find__two_that_could_be_meant_in_one_block__is_none() -> None:
    async with searching() as world:
        world.chain.send(hidden(OTHER_MARK), hidden(MARK))
        assert await world.find() is None


async def test_find__an_exit_that_failed_inside_a_later_call__is_not_taken_for_it() -> None:
    async with searching() as world:
        (first,) = world.chain.send(hidden(MARK))
        # It holds our exit, which was taken before and fails unseen, and pays another whose payload is not in it.
        world.chain.send(Sent(WALLET, wrapped(call_of(MARK)), (payment(),), (OTHER_MARK.exit_hash,)))
        assert await world.find() == world.paid(first)
        world.chain.state_from = 10**9
        assert await world.find() is None


async def test_find__fewer_exits_in_the_call_than_payments__is_not_enough() -> None:
    async with searching() as world:
        world.chain.state_from = 10**9
        world.chain.send(Sent(WALLET, wrapped(call_of(MARK)), (payment(), payment()), (OTHER_MARK.exit_hash,)))
        assert await world.find() is None


async def test_find__a_log_of_another_contract__is_not_looked_at() -> None:
    async with searching() as world:
        forged = replace(payment(), address=STRANGER)
        world.chain.send(Sent(WALLET, wrapped(call_of(MARK)), (forged,)))
        assert await world.find() is None


@pytest.mark.parametrize(
    ("kind", "event", "ids", "amounts", "data"),
    [
        (BurnKind.ERC20, "ExitedEther(address,uint256)", (), (7,), encode(("uint256",), (7,))),
        (BurnKind.ERC20, "ExitedMintableERC20(address,address,uint256)", (), (7,), encode(("uint256",), (7,))),
        (BurnKind.ERC721, "ExitedERC721(address,address,uint256)", (9,), (), encode(("uint256",), (9,))),
        (BurnKind.ERC721_METADATA, "ExitedMintableERC721(address,address,uint256)", (9,), (), (9).to_bytes(32)),
        (
            *(BurnKind.ERC721_BATCH, "ExitedMintableERC721Batch(address,address,uint256[])", (9, 8), ()),
            encode(("uint256[]",), ((9, 8),)),
        ),
        (
            *(BurnKind.ERC1155, "ExitedERC1155(address,address,uint256,uint256)", (9,), (2,)),
            encode(("uint256", "uint256"), (9, 2)),
        ),
        (
            *(BurnKind.ERC1155_BATCH, "ExitedBatchMintableERC1155(address,address,uint256[],uint256[])"),
            *((9, 8), (2, 3), encode(("uint256[]", "uint256[]"), ((9, 8), (2, 3)))),
        ),
    ],
)
async def test_find__each_kind_that_predicates_tell_of__is_found(
    kind: BurnKind, event: str, ids: tuple[int, ...], amounts: tuple[int, ...], data: bytes
) -> None:
    mark = mark_of(replace(burn_of(kind), ids=ids, amounts=amounts))
    log = Log(PREDICATE, (keccak256(event.encode()), topic(BURNER)), data)
    async with searching() as world:
        (transaction,) = world.chain.send(Sent(MANAGER, call_of(mark), (log,), (mark.exit_hash,)))
        assert await world.find(mark) == world.paid(transaction)


REFUSALS = [
    RpcFault(-32602, "query exceeds max block range"),
    RpcFault(-32005, "query returned more than 10000 results"),
    RpcFault(-32000, "block range too large"),
]


@pytest.mark.parametrize("window_max", [10, 100, 1_000])
@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.message)
async def test_find__node_takes_short_ranges_only__splits_them_and_remembers(window_max: int, fault: RpcFault) -> None:
    async with searching() as world:
        world.chain.window_max, world.chain.window_fault = window_max, fault
        world.chain.mine(count=window_max // 2)
        (transaction,) = world.chain.send(direct(MARK))
        world.chain.mine(count=2 * window_max)
        assert await world.find() == world.paid(transaction)
        first = world.searched()
        assert await world.find() == world.paid(transaction)
        assert world.searched() < first <= CALLS_MAX


async def test_find__node_cuts_long_ranges_off__splits_once_and_rests_nobody() -> None:
    async with searching() as world:
        world.chain.mine(count=100)
        (transaction,) = world.chain.send(direct(MARK))
        world.chain.window_max, world.chain.window_fault = 20, ConnectionCut()
        assert await world.find() == world.paid(transaction)
        world.chain.window_max = 5
        assert await world.find() is None
        assert [one.state for one in world.view.reader.pool.endpoints] == [EndpointState.READY]


async def test_find__too_far_for_the_calls_it_has__is_none_at_the_limit() -> None:
    async with searching() as world:
        world.chain.window_max = 10
        world.chain.mine(count=300)
        (transaction,) = world.chain.send(direct(MARK))
        assert await world.find() is None
        assert world.searched() == CALLS_MAX
        assert await world.find(since=250) == world.paid(transaction)


async def test_find__many_payments_to_one_burner__ends_at_the_limit() -> None:
    async with searching() as world:
        world.chain.send(*(direct(mark_of(burn_of(log_index=index))) for index in range(1, 40)), direct(MARK))
        assert await world.find() is None
        assert world.searched() == CALLS_MAX


async def test_find__root_chain_does_not_answer__is_none() -> None:
    async with searching() as world:
        world.chain.send(direct(MARK))
        world.server.answer = _refusing
        assert await world.find() is None


def _refusing(method: str, params: list[object]) -> object:
    raise RpcFault(-32603, "internal error")


async def test_find__logs_of_old_blocks_are_gone__is_none() -> None:
    async with searching() as world:
        world.chain.send(direct(MARK))
        world.chain.window_max, world.chain.window_fault = 0, RpcFault(4444, "pruned history unavailable")
        assert await world.find() is None


async def test_find__message__is_found_where_the_state_changed() -> None:
    mark = mark_of(burn_of(BurnKind.MESSAGE))
    async with searching() as world:
        world.chain.mine(count=400)
        failed = Sent(TUNNEL, call_of(mark), succeeded=False)
        right = Sent(TUNNEL, call_of(mark), takes=(mark.exit_hash,))
        transactions = world.chain.send(failed, right, Sent(STRANGER, b""))
        world.chain.mine(count=100)
        assert await world.find(mark) == world.paid(transactions[1])
        assert world.searched() <= CALLS_MAX


@pytest.mark.parametrize(("kept_blocks", "is_found"), [(50, True), (21, True), (20, False), (3, False)])
async def test_find__message_on_a_node_with_the_last_states_only__is_found_if_recent(
    kept_blocks: int, is_found: bool
) -> None:
    mark = mark_of(burn_of(BurnKind.MESSAGE))
    async with searching() as world:
        world.chain.mine(count=400)
        (transaction,) = world.chain.send(Sent(TUNNEL, call_of(mark), takes=(mark.exit_hash,)))
        world.chain.mine(count=20)
        world.chain.state_from = world.chain.head.number - kept_blocks
        assert await world.find(mark) == (world.paid(transaction) if is_found else None)


async def test_find__plasma__is_the_start_whose_id_ends_with_the_burns_place() -> None:
    mark = mark_of(burn_of(BurnKind.PLASMA_ERC20), transaction_index=3)

    def started(number: int, index: int, burner: Address = BURNER) -> Sent:
        key = plasma_exit_key(BlockNumber(number), index) | 1_700_000_000 << 128
        topics = (EXIT_STARTED, topic(burner), Hash32(key.to_bytes(32)), topic(ROOT_TOKEN))
        return Sent(PREDICATE, b"", (Log(WITHDRAW_MANAGER, topics, bytes(64)),))

    async with searching() as world:
        sent = (started(69, 3), started(70, 2), started(70, 3, STRANGER), started(70, 3), started(71, 3))
        transactions = world.chain.send(*sent)
        assert await world.find(mark) == world.paid(transactions[3])
        assert await world.find(mark_of(mark.burn, transaction_index=4)) is None


async def test_find__another_endpoint_shows_another_transaction__is_none() -> None:
    async with searching(seconded=True) as world:
        (transaction,) = world.chain.send(direct(MARK))
        assert await world.find() == world.paid(transaction)
        world.server.answer = _lying(world.chain.answer, call_of(THIRD_MARK))
        assert await world.find(THIRD_MARK) is None
        world.second.answer = _refusing
        assert await world.find(THIRD_MARK) == world.paid(transaction)


def _lying(truth: Callable[[str, list[object]], object], data: bytes) -> Callable[[str, list[object]], object]:
    def answer(method: str, params: list[object]) -> object:
        shown = truth(method, params)
        if method == "eth_getTransactionByHash" and isinstance(shown, dict):
            return {**shown, "input": "0x" + data.hex()}
        return shown

    return answer


@law
@given(
    st.lists(st.integers(0, 2**20), max_size=4, unique=True), st.lists(st.binary(max_size=9), min_size=5, max_size=5)
)
def test_called_exits__wrapped_in_anything__are_all_found(log_indexes: list[int], between: list[bytes]) -> None:
    marks = [mark_of(burn_of(log_index=index)) for index in log_indexes]
    data = between[0] + b"".join(call_of(mark) + after for mark, after in zip(marks, between[1:], strict=False))
    assert called_exits(data, "exit(bytes)") == {mark.exit_hash for mark in marks}
    assert called_exits(data, "receiveMessage(bytes)") == frozenset()


def test_called_exits__a_payload_cut_or_changed__is_not_one() -> None:
    call = call_of(MARK)
    padding = -len(exit_payload(SIDE_BLOCK, 0, 0)) % 32
    assert called_exits(call[: len(call) - padding - 1], "exit(bytes)") == frozenset()
    assert called_exits(call[:4] + (64).to_bytes(32) + call[36:], "exit(bytes)") == frozenset()
    assert called_exits(call[:36] + (2**255).to_bytes(32) + call[68:], "exit(bytes)") == frozenset()
    assert called_exits(call[:68] + b"\x00" + call[69:], "exit(bytes)") == frozenset()


def test_called_exits__more_than_are_looked_for__are_none_at_all() -> None:
    calls = [call_of(mark_of(burn_of(log_index=index))) for index in range(PAYLOADS_MAX)]
    assert len(called_exits(b"".join(calls[:-1]), "exit(bytes)")) == PAYLOADS_MAX - 1
    assert called_exits(b"".join(calls), "exit(bytes)") == frozenset()


async def test_block_before__on_a_regular_chain__is_near_in_a_few_reads() -> None:
    async with searching() as world:
        world.chain.mine(count=3_000)
        for wanted in (200, 1_500, 2_990):
            time = world.chain.blocks[wanted].header.timestamp
            found = await block_before(world.view.reader, world.view.headers, time, _point(world.chain.head))
            assert wanted - 2 * NEAR_BLOCKS <= found < wanted
            assert world.searched() <= 4


async def test_block_before__in_the_headers_that_are_kept__needs_no_reads() -> None:
    async with searching() as world:
        world.chain.mine(count=300)
        store = MemoryHeaderStore()
        follower = HeaderFollower(world.view.reader, store, Confirmations(depth=2), BlockNumber(100))
        while (await follower.advance()).more:
            pass
        world.searched()
        time = world.chain.blocks[250].header.timestamp
        found = await block_before(world.view.reader, store, time, _point(world.chain.head))
        assert 100 <= found < 250
        assert world.searched() == 0


async def test_block_before__on_a_chain_that_stood_still__is_still_before() -> None:
    async with searching() as world:
        for block_time_s in (1, 10_000, 1, 500):
            world.chain.block_time_s = block_time_s
            world.chain.mine(count=300)
        for wanted in range(0, 1_200, 97):
            time = world.chain.blocks[wanted].header.timestamp
            found = await block_before(world.view.reader, world.view.headers, time, _point(world.chain.head))
            assert found == 0 or world.chain.blocks[found].header.timestamp < time
            assert world.searched() <= HEADER_READS_MAX + 1


async def test_block_before__a_time_before_the_chain__is_its_beginning() -> None:
    async with searching() as world:
        at = _point(world.chain.head)
        assert await block_before(world.view.reader, world.view.headers, UnixSeconds(5), at) == 0
