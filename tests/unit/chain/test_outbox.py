"""The outbox on a real EVM and a real pool: one success per intent, whatever crashes, spikes, reorgs or lies."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise

import aiohttp
import pytest
from aiohttp import web

from bridge.chain.clock import ManualClock
from bridge.chain.errors import CallReverted, NoEndpoint, OutboxFull
from bridge.chain.fees import FeePolicy
from bridge.chain.headers import Confirmations
from bridge.chain.outbox import (
    CLOSED_ENTRIES_KEPT,
    OPEN_ENTRIES_MAX,
    RESEND_S,
    Judgement,
    Outbox,
    OutboxEvent,
    TransactionSigner,
)
from bridge.chain.outbox_store import EntryState, Intent, MemoryOutboxStore, OutboxEntry, OutboxStore, Waiting
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcLimits, RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.transaction import DynamicFeeTransaction, decode_raw, transaction_hash
from bridge.codec.types import Address, BlockNumber, ChainId, Wei
from tests.unit.chain.evm_rpc import ETHER, GWEI, Account, EvmChain
from tests.unit.chain.rpc_server import RpcFault, RpcServer, always
from tests.unit.chain.tiny_chain import CHAIN_ID

DEPTH = 2
KEY_1 = bytes(31) + b"\x01"
POLICY = FeePolicy(ceiling_wei=Wei(20 * GWEI), tip_floor_wei=Wei(GWEI), replace_after_s=60)


class World:
    """A chain, a node before it, and outboxes over stores: the scene of every story here."""

    def __init__(self, chain: EvmChain, server: RpcServer, reader: ChainReader, clock: ManualClock) -> None:
        self.chain = chain
        self.server = server
        self.reader = reader
        self.clock = clock
        self.store = MemoryOutboxStore()
        self.judgement: Judgement | None = None
        self.outbox = self.start()

    def start(
        self,
        store: OutboxStore | None = None,
        fees: FeePolicy = POLICY,
        signer: TransactionSigner | None = None,
    ) -> Outbox:
        """An outbox as after a restart of the node."""
        return Outbox(
            ChainId(CHAIN_ID),
            signer or self.chain.us,
            self.reader,
            store or self.store,
            fees,
            Confirmations(DEPTH),
            self.judge,
            self.clock,
        )

    async def judge(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        """Read the contract: a key that somebody took is over."""
        if self.judgement is not None:
            return self.judgement
        try:
            await self.reader.call(intent.to, intent.data, "latest" if at is None else at)
        except CallReverted:
            return Judgement.OVER
        return Judgement.WANTED

    def intent(self, number: int = 1, key: str = "") -> Intent:
        """Take a key of the contract."""
        return Intent(key or f"take/{number}", self.chain.once, number.to_bytes(32), Wei(0), gas_limit=100_000)

    def entry(self, key: str = "take/1") -> OutboxEntry:
        found = self.outbox.entry(key)
        assert found is not None
        return found

    async def rounds(self, count: int = 1, outbox: Outbox | None = None) -> list[OutboxEvent]:
        """`count` times: advance, then a block."""
        events: list[OutboxEvent] = []
        for _ in range(count):
            events.extend(await (outbox or self.outbox).advance())
            self.chain.mine()
        events.extend(await (outbox or self.outbox).advance())
        return events

    def override(self, method: str, answer: Callable[[list[object]], object]) -> Callable[[], None]:
        """Answer one method otherwise, until the function returned is called."""
        truth = self.server.answer
        self.server.answer = lambda asked, params: answer(params) if asked == method else truth(asked, params)

        def undo() -> None:
            self.server.answer = truth

        return undo

    def drop_transactions(self) -> Callable[[], None]:
        """The node says yes to transactions and forgets them."""
        return self.override("eth_sendRawTransaction", lambda params: to_hex(transaction_hash(from_hex(params[0]))))


@pytest.fixture
async def world(session: aiohttp.ClientSession, clock: ManualClock) -> AsyncIterator[World]:
    chain = EvmChain(clock)
    async with RpcServer(chain.answer) as server:
        pool = RpcPool("evm", [server.url], ChainId(CHAIN_ID), HttpTransport(session), clock)
        yield World(chain, server, ChainReader(pool), clock)


def states(events: list[OutboxEvent]) -> list[EntryState]:
    """The states that were entered, in order."""
    return [event.after.state for event in events if event.after.state is not event.before.state]


async def test_outbox__all_is_well__planned_to_final_at_the_depth(world: World) -> None:
    assert world.outbox.plan(world.intent()).state is EntryState.PLANNED
    events = await world.rounds(1)
    assert states(events) == [EntryState.SIGNED, EntryState.SENT, EntryState.MINED]
    included = world.entry().inclusion
    assert included is not None
    assert (included.succeeded, included.gas_used > 21_000) == (True, True)
    assert states(await world.rounds(DEPTH - 1)) == []
    assert states(await world.rounds(1)) == [EntryState.FINAL]
    assert world.entry().succeeded
    assert world.chain.owner(KEY_1) == world.chain.us.address


async def test_outbox__planned_many_times__is_one_transaction(world: World) -> None:
    for _ in range(4):
        world.outbox.plan(world.intent())
        await world.rounds(2)
    assert len(world.chain.successes(world.chain.us)) == 1
    assert world.chain.evm.nonce(world.chain.us.address) == 1


async def test_outbox__several_intents__take_consecutive_nonces_in_order(world: World) -> None:
    for number in (3, 1, 2):
        world.outbox.plan(world.intent(number))
    await world.rounds(1 + DEPTH)
    assert [(entry.intent.key, entry.nonce, entry.state) for entry in world.outbox.entries()] == [
        ("take/3", 0, EntryState.FINAL),
        ("take/1", 1, EntryState.FINAL),
        ("take/2", 2, EntryState.FINAL),
    ]


class CrashingStore(MemoryOutboxStore):
    """Dies at the n-th write: before it reaches the disk, or right after."""

    def __init__(self, at: int, *, after: bool) -> None:
        super().__init__()
        self._left = at
        self._after = after

    def save(self, entry: OutboxEntry) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Crash
        super().save(entry)
        if self._left == 0:
            raise Crash


class Crash(Exception):
    """The power went."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, 8))
@pytest.mark.parametrize("story", ["plain", "rival", "reorg"])
async def test_outbox__crash_at_any_write__one_success_and_the_same_end(
    world: World, story: str, write: int, *, after: bool
) -> None:
    """Live through a story, dying once at the n-th write; a new outbox on the same store takes over."""
    store = CrashingStore(write, after=after)
    outbox = world.start(store)
    drop = world.drop_transactions() if story == "rival" else None
    for turn in range(10):
        try:
            outbox.plan(world.intent())
            await outbox.advance()
        except Crash:
            outbox = world.start(store)
        if story == "rival" and turn == 2 and drop is not None:
            world.chain.evm.send_raw(world.chain.transaction(world.chain.rival, 1, world.chain.once, KEY_1))
            drop()
        if story == "reorg" and turn == 2:
            world.chain.evm.reorg(1)
        world.chain.mine()
    (entry,) = outbox.entries()
    owner = world.chain.owner(KEY_1)
    if story == "rival":
        assert entry.state is EntryState.CANCELLED
        assert owner == world.chain.rival.address
        assert world.chain.successes(world.chain.us) == []
    else:
        assert entry.state is EntryState.FINAL
        assert owner == world.chain.us.address
        assert len(world.chain.successes(world.chain.us)) == 1
    assert world.chain.evm.nonce(world.chain.us.address) == 1


async def test_outbox__disk_refuses_a_write__nothing_is_sent_that_is_not_stored(world: World) -> None:
    store = CrashingStore(at=2, after=False)  # the write of the signed transaction
    outbox = world.start(store)
    outbox.plan(world.intent())
    with pytest.raises(Crash):
        await outbox.advance()
    was_stored: list[bool] = []

    def send(params: list[object]) -> str:
        raw = from_hex(params[0])
        was_stored.append(raw in {attempt.raw for entry in store.entries() for attempt in entry.attempts})
        return to_hex(transaction_hash(raw))

    world.override("eth_sendRawTransaction", send)
    await outbox.advance()
    assert was_stored == [True]


async def test_outbox__restarted_right_after_the_plan__goes_on_with_it(world: World) -> None:
    world.outbox.plan(world.intent())
    world.outbox = world.start()
    await world.rounds(1)
    assert world.entry().state is EntryState.MINED


async def test_outbox__restart_while_its_transaction_waits__adopts_it_without_signing_again(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    before = world.entry()
    world.outbox = world.start()
    await world.outbox.advance()
    assert world.entry().attempts == before.attempts
    assert world.chain.evm.waiting_count == 1


async def test_outbox__database_lost_while_its_transaction_waits__makes_the_same_bytes_again(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.outbox = world.start(MemoryOutboxStore())
    world.outbox.plan(world.intent())
    await world.rounds(1 + DEPTH)
    assert world.entry().state is EntryState.FINAL
    assert world.chain.evm.nonce(world.chain.us.address) == 1


async def test_outbox__node_forgets_the_transaction__it_is_sent_again_with_each_head(world: World) -> None:
    world.outbox.plan(world.intent())
    undo = world.drop_transactions()
    await world.rounds(2)
    assert world.entry().state is EntryState.SENT
    undo()
    await world.rounds(2)
    assert world.entry().state is EntryState.MINED
    assert len(world.entry().attempts) == 1


async def test_outbox__unmined_for_long__is_replaced_step_by_step_up_to_the_ceiling(world: World) -> None:
    world.outbox.plan(world.intent())
    undo = world.drop_transactions()
    for _ in range(40):
        await world.outbox.advance()
        world.chain.mine(seconds=61)
    entry = world.entry()
    prices = [(a.max_fee_per_gas_wei, a.max_priority_fee_per_gas_wei) for a in entry.attempts]
    assert len(prices) > 5
    assert all(b[0] * 10 >= a[0] * 11 and b[1] * 10 >= a[1] * 11 for a, b in pairwise(prices))
    assert prices[-1][0] <= POLICY.ceiling_wei < prices[-1][0] * 9 // 8 + 1
    assert entry.waiting is Waiting.FEE_CEILING
    assert {decode_raw(a.raw).transaction.nonce for a in entry.attempts} == {0}
    undo()
    await world.rounds(1 + DEPTH)
    assert world.entry().state is EntryState.FINAL
    assert len(world.chain.successes(world.chain.us)) == 1


async def test_outbox__an_older_attempt_is_the_one_mined__is_found(world: World) -> None:
    world.outbox.plan(world.intent())
    undo = world.drop_transactions()
    await world.outbox.advance()
    world.chain.mine(seconds=61)
    await world.outbox.advance()
    first, second = world.entry().attempts
    world.chain.evm.send_raw(first.raw)
    undo()
    await world.rounds(1 + DEPTH)
    included = world.entry().inclusion
    assert included is not None
    assert included.transaction_hash == first.hash != second.hash
    assert world.entry().succeeded


async def test_outbox__chain_stands_still__nothing_is_replaced_however_long(world: World) -> None:
    world.outbox.plan(world.intent())
    undo = world.drop_transactions()
    for _ in range(20):
        await world.outbox.advance()
        world.clock.advance(1_000)
    undo()
    assert len(world.entry().attempts) == 1


async def test_outbox__polled_without_a_new_head__does_not_send_again(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.server.calls.clear()
    for _ in range(5):
        assert await world.outbox.advance() == ()
    assert set(world.server.calls) == {"eth_getBlockByNumber", "eth_getTransactionCount"}
    world.clock.advance(RESEND_S)
    await world.outbox.advance()
    assert world.server.calls.count("eth_sendRawTransaction") == 1


async def test_outbox__nothing_open__asks_nothing(world: World) -> None:
    await world.outbox.advance()
    assert world.server.calls == []


async def test_outbox__landed_by_another__nonce_is_freed_by_a_zero_transfer(world: World) -> None:
    world.outbox.plan(world.intent())
    undo = world.drop_transactions()
    await world.rounds(1)
    rival = world.chain.transaction(world.chain.rival, 1, world.chain.once, world.intent().data)
    world.chain.evm.send_raw(rival)
    world.chain.mine()
    undo()
    events = await world.rounds(1)
    assert states(events) == [EntryState.CANCELLING, EntryState.MINED]
    assert any(event.is_replacement for event in events)
    cancel = decode_raw(world.entry().attempts[-1].raw).transaction
    assert (cancel.to, cancel.value_wei, cancel.data, cancel.nonce) == (world.chain.us.address, 0, b"", 0)
    assert cancel.max_fee_per_gas_wei * 8 >= world.entry().attempts[0].max_fee_per_gas_wei * 9
    await world.rounds(DEPTH)
    assert world.entry().state is EntryState.CANCELLED
    assert not world.entry().succeeded
    assert world.chain.successes(world.chain.us) == []


async def test_outbox__landed_by_another_before_it_began__takes_no_nonce(world: World) -> None:
    world.outbox.plan(world.intent())
    world.judgement = Judgement.OVER
    assert states(list(await world.outbox.advance())) == [EntryState.CANCELLED]
    assert world.entry().nonce is None
    assert world.entry().attempts == ()


async def test_outbox__reverted_in_the_same_block_as_the_rivals__is_final_without_success(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.chain.evm.send_raw(
        world.chain.transaction(world.chain.rival, 1, world.chain.once, world.intent().data, tip_gwei=9)
    )
    world.chain.mine()
    await world.rounds(DEPTH)
    entry = world.entry()
    assert entry.state is EntryState.FINAL
    assert not entry.succeeded
    assert world.outbox.plan(world.intent()).state is EntryState.PLANNED
    await world.outbox.advance()
    assert world.entry().state is EntryState.CANCELLED


async def test_outbox__reorg_drops_the_block__is_sent_again_and_mined(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.rounds(1)
    world.chain.evm.reorg(1, with_transactions=False)
    assert states(list(await world.outbox.advance())) == [EntryState.SENT]
    await world.rounds(1 + DEPTH)
    assert world.entry().state is EntryState.FINAL
    assert world.chain.evm.nonce(world.chain.us.address) == 1


async def test_outbox__reorg_moves_it_to_another_block__follows(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.rounds(1)
    first = world.entry().inclusion
    world.chain.evm.reorg(1)
    await world.outbox.advance()
    second = world.entry().inclusion
    assert first is not None
    assert second is not None
    assert first.block_hash != second.block_hash
    assert world.entry().state is EntryState.MINED


async def test_outbox__node_hides_the_block_it_was_mined_in__keeps_what_it_knows(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.rounds(1)
    number = world.chain.evm.head.number

    def hide(params: list[object]) -> object:
        return None if params[0] == hex(number) else world.chain.answer("eth_getBlockByNumber", params)

    undo = world.override("eth_getBlockByNumber", hide)
    assert await world.outbox.advance() == ()
    undo()
    assert world.entry().state is EntryState.MINED


async def test_outbox__stranger_used_the_nonce__another_one_is_taken_only_at_depth(world: World) -> None:
    undo = world.drop_transactions()
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    stranger = world.chain.transaction(world.chain.us, 0, world.chain.rival.address, b"")
    world.chain.evm.send_raw(stranger)
    undo()
    events = await world.rounds(DEPTH)
    assert states(events) == []
    events = await world.rounds(3)
    assert states(events) == [
        EntryState.LOST,
        EntryState.PLANNED,
        EntryState.SIGNED,
        EntryState.SENT,
        EntryState.MINED,
    ]
    assert world.entry().nonce == 1


async def test_outbox__stranger_did_our_work__is_lost_and_stays_so(world: World) -> None:
    undo = world.drop_transactions()
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.chain.evm.send_raw(world.chain.transaction(world.chain.us, 0, world.chain.once, world.intent().data))
    undo()
    await world.rounds(2 * DEPTH)
    assert world.entry().state is EntryState.LOST
    assert world.chain.evm.nonce(world.chain.us.address) == 1


async def test_outbox__node_withholds_our_receipt__no_second_nonce_is_taken(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.override("eth_getTransactionReceipt", lambda _params: None)
    await world.rounds(3 * DEPTH)
    assert world.chain.evm.nonce(world.chain.us.address) == 1
    assert world.chain.successes(world.chain.us) == [world.entry().attempts[0].hash]


async def test_outbox__node_withholds_our_receipt_and_lies_about_the_contract__a_second_one_tells(
    world: World, session: aiohttp.ClientSession
) -> None:
    async with RpcServer(world.chain.answer) as honest:
        urls = [world.server.url, honest.url]
        world.reader = ChainReader(RpcPool("evm", urls, ChainId(CHAIN_ID), HttpTransport(session), world.clock))
        world.outbox = world.start()
        world.outbox.plan(world.intent())
        await world.outbox.advance()
        world.judgement = Judgement.WANTED
        undo = world.override("eth_getTransactionReceipt", lambda _: None)
        await world.rounds(2 + DEPTH)
        assert (world.entry().nonce, len(world.entry().attempts)) == (0, 1)
        undo()
        await world.rounds(1 + DEPTH)
        assert world.entry().state is EntryState.FINAL


async def test_outbox__nonce_used_and_the_contract_cannot_be_read__waits(world: World) -> None:
    undo = world.drop_transactions()
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    world.chain.evm.send_raw(world.chain.transaction(world.chain.us, 0, world.chain.rival.address, b""))
    undo()
    world.judgement = Judgement.CANNOT_TELL
    await world.rounds(3 * DEPTH)
    assert world.entry().state is EntryState.SENT


async def test_outbox__another_transaction_waits_under_the_nonce__is_outbid_by_a_step_a_block(world: World) -> None:
    def only_above_2_gwei(params: list[object]) -> object:
        if decode_raw(from_hex(params[0])).transaction.max_priority_fee_per_gas_wei < 2 * GWEI:
            raise RpcFault(-32000, "replacement transaction underpriced")
        return world.chain.answer("eth_sendRawTransaction", params)

    world.override("eth_sendRawTransaction", only_above_2_gwei)
    world.outbox.plan(world.intent())
    for _ in range(5):
        await world.outbox.advance()
    assert len(world.entry().attempts) == 1
    await world.rounds(1)
    assert len(world.entry().attempts) == 2
    await world.rounds(10 + DEPTH)
    assert world.entry().state is EntryState.FINAL
    assert world.entry().nonce == 0
    assert len(world.chain.successes(world.chain.us)) == 1


async def test_outbox__price_above_the_ceiling__waits_without_a_nonce_then_goes_on(world: World) -> None:
    undo = world.override(
        "eth_feeHistory", lambda _params: {"baseFeePerGas": [hex(30 * GWEI), hex(30 * GWEI)], "reward": []}
    )
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (EntryState.PLANNED, Waiting.FEE_CEILING)
    undo()
    await world.rounds(2)
    assert world.entry().state is EntryState.MINED
    assert world.entry().waiting is Waiting.NONE


async def test_outbox__sender_without_money__waits_and_goes_on_when_funded(world: World) -> None:
    poor = world.chain.poor
    outbox = world.outbox = world.start(signer=poor)
    outbox.plan(world.intent())
    await outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (EntryState.PLANNED, Waiting.NOT_FUNDED)
    world.chain.evm.send_raw(_transfer(world.chain.rival, 1, poor.address, ETHER))
    await world.rounds(3)
    assert world.entry().state is EntryState.MINED


async def test_outbox__money_for_one_of_two__second_waits_for_its_turn(world: World) -> None:
    poor = world.chain.poor
    one = 100_000 * 3 * GWEI
    world.chain.evm.send_raw(_transfer(world.chain.rival, 1, poor.address, one + one // 2))
    world.chain.mine()
    outbox = world.outbox = world.start(signer=poor)
    outbox.plan(world.intent(1))
    outbox.plan(world.intent(2))
    await outbox.advance()
    assert world.entry("take/1").state is EntryState.SENT
    assert world.entry("take/2").waiting is Waiting.NOT_FUNDED
    assert world.entry("take/2").nonce is None, "what cannot be paid is not even signed"
    await world.rounds(2 + DEPTH)
    assert world.entry("take/2").state in {EntryState.MINED, EntryState.FINAL}


async def test_outbox__contract_refuses_at_latest__pays_nothing_and_says_why(world: World) -> None:
    world.chain.evm.send_raw(world.chain.transaction(world.chain.rival, 1, world.chain.once, world.intent().data))
    world.chain.mine()
    world.judgement = Judgement.WANTED
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    entry = world.entry()
    assert (entry.state, entry.waiting, entry.nonce) == (EntryState.PLANNED, Waiting.L1_REFUSES, None)
    assert "execution reverted" in entry.detail


async def test_outbox__gas_limit_too_low__pays_nothing_and_says_why(world: World) -> None:
    world.judgement = Judgement.WANTED
    world.outbox.plan(replace(world.intent(), gas_limit=22_000))
    await world.rounds(3)
    entry = world.entry()
    assert (entry.state, entry.waiting, entry.nonce) == (EntryState.PLANNED, Waiting.L1_REFUSES, None)
    assert "gas" in entry.detail


async def test_outbox__contract_cannot_be_read__waits_unsigned_and_says_so(world: World) -> None:
    world.judgement = Judgement.CANNOT_TELL
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    entry = world.entry()
    assert (entry.state, entry.waiting, entry.nonce) == (EntryState.PLANNED, Waiting.CANNOT_TELL, None)
    world.judgement = None
    await world.rounds(2)
    assert (world.entry().state, world.entry().waiting) == (EntryState.MINED, Waiting.NONE)


async def test_outbox__call_changes_while_it_waits__next_transaction_carries_it_under_the_same_nonce(
    world: World,
) -> None:
    undo = world.drop_transactions()
    world.outbox.plan(world.intent(1, "header"))
    await world.outbox.advance()
    world.outbox.plan(world.intent(2, "header"))
    await world.outbox.advance()
    undo()
    await world.rounds(2 + DEPTH)
    entry = world.entry("header")
    assert entry.state is EntryState.FINAL
    assert [decode_raw(a.raw).transaction.data[-1] for a in entry.attempts] == [1, 2]
    assert world.chain.owner(KEY_1) is None
    assert world.chain.owner(bytes(31) + b"\x02") == world.chain.us.address


@pytest.mark.parametrize(
    ("text", "state", "waiting"),
    [
        ("already known", EntryState.SENT, Waiting.NONE),
        ("nonce too low", EntryState.SIGNED, Waiting.NONCE_USED),
        ("insufficient funds for gas * price + value", EntryState.SIGNED, Waiting.NOT_FUNDED),
        ("exceeds block gas limit", EntryState.SIGNED, Waiting.L1_REFUSES),
        ("the moon is full", EntryState.SIGNED, Waiting.CANNOT_TELL),
    ],
)
async def test_outbox__node_answers_the_send__state_and_reason_follow(
    world: World, text: str, state: EntryState, waiting: Waiting
) -> None:
    def refuse(_params: list[object]) -> object:
        raise RpcFault(-32000, text)

    undo = world.override("eth_sendRawTransaction", refuse)
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (state, waiting)
    undo()
    await world.rounds(2 + DEPTH)
    assert world.entry().state is EntryState.FINAL
    assert world.entry().waiting is Waiting.NONE


async def test_outbox__no_node_answers__raises_and_goes_on_later(
    world: World, session: aiohttp.ClientSession, clock: ManualClock
) -> None:
    limits = RpcLimits(budget_s=1.0)
    pool = RpcPool("evm", [world.server.url], ChainId(CHAIN_ID), HttpTransport(session), clock, limits)
    world.reader = ChainReader(pool)
    world.outbox = world.start()
    world.outbox.plan(world.intent())
    world.server.behaviour = always(lambda: web.Response(status=503))
    with pytest.raises(NoEndpoint):
        await world.outbox.advance()
    world.server.behaviour = None
    await world.rounds(1 + DEPTH)
    assert world.entry().state is EntryState.FINAL


async def test_outbox__node_dies_between_signing_and_sending__bytes_are_kept(world: World) -> None:
    def die(_params: list[object]) -> object:
        raise RpcFault(-32603, "internal error")

    undo = world.override("eth_sendRawTransaction", die)
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    undo()
    (stored,) = world.store.entries()
    assert stored.state is EntryState.SIGNED
    assert stored.current is not None
    await world.rounds(1)
    assert [a.raw for a in world.entry().attempts] == [stored.current.raw]


async def test_outbox__store_of_another_sender__is_refused(world: World) -> None:
    world.outbox.plan(world.intent())
    await world.outbox.advance()
    with pytest.raises(ValueError, match="take/1"):
        world.start(signer=world.chain.rival)


async def test_outbox__too_many_open_intents__are_refused(world: World) -> None:
    for number in range(OPEN_ENTRIES_MAX):
        world.outbox.plan(world.intent(number))
    world.outbox.plan(world.intent(0))
    with pytest.raises(OutboxFull):
        world.outbox.plan(world.intent(OPEN_ENTRIES_MAX))


async def test_outbox__many_closed_entries__the_oldest_are_forgotten(world: World) -> None:
    world.judgement = Judgement.OVER
    for number in range(CLOSED_ENTRIES_KEPT + 5):
        world.outbox.plan(world.intent(number))
        await world.outbox.advance()
    world.outbox.plan(world.intent(9_999))
    assert world.outbox.entry("take/0") is None
    assert len(world.store.entries()) == CLOSED_ENTRIES_KEPT + 1


def _transfer(account: Account, nonce: int, to: Address, value: int) -> bytes:
    """A plain transfer."""
    return account.sign(
        DynamicFeeTransaction(ChainId(CHAIN_ID), nonce, Wei(GWEI), Wei(10 * GWEI), 21_000, to, Wei(value), b"")
    )
