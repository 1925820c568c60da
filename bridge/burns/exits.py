"""Which root-chain transaction took the exit of a burn; or None, never a wrong one.

Where the contracts tell of exits, eth_getLogs gives the transactions that paid the burner such tokens, and what they
called says which burn that was:

- a call of the exit function itself, with this exit: certain, for the contract takes an exit once;
- a call that holds this exit among others (a wallet, a multicall), if no payment before it is unexplained;
- any other: only if `processedExits` turns true at its block, and no other in that block can be meant.

Messages and ChainExit leave no log; theirs is found where `processedExits` turns true, if the node still has that
state. A Plasma exit's id says which burn it is for, without any call.
"""

from collections.abc import AsyncIterator, Awaitable
from itertools import groupby
from typing import TypeVar, cast

from bridge.burns.doors import PLASMA_KINDS, ExitMark
from bridge.burns.exit_traces import (
    EXIT_STARTED_TOPIC,
    EXITED_TOPICS,
    PLASMA_KEY_BITS,
    Meaning,
    called_exits,
    meaning,
    paid_data,
)
from bridge.burns.report import PaidExit
from bridge.burns.views import RootView
from bridge.chain.claims import ClaimedLog, LogFilter, MinedCall
from bridge.chain.errors import BadAnswer, CallReverted, ChainError, NoEndpoint, RpcRefused
from bridge.chain.header_store import BlockPoint, HeaderStore
from bridge.chain.reader import ChainReader
from bridge.codec.abi import decode_values, encode_call
from bridge.codec.errors import AbiError
from bridge.codec.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, UnixSeconds

Answer = TypeVar("Answer")

CALLS_MAX = 24
"""RPC calls for one search."""
HEADER_READS_MAX = 16
WINDOW_SHRINKS_BY = 8
"""When a node refuses a range of blocks; from the whole chain, few refusals lead to what any provider takes."""
FAILURES_MAX = 1
"""In one search: some endpoints cut off or time out where a range is too long; more in a row would rest them all."""
NEAR_BLOCKS = 64
"""How exactly the block of a time is looked for."""


class ExitFinder:
    """Finds exits on one root chain; it learns how long a range of blocks its nodes take for logs."""

    def __init__(self, view: RootView, calls_max: int = CALLS_MAX) -> None:
        self._view = view
        self._calls_max = calls_max
        self._window: int | None = None

    async def find(self, mark: ExitMark, since: BlockNumber, at: BlockPoint) -> PaidExit | None:
        """The transaction that took the exit, in the blocks since..at; final once `at` is confirmed.

        None where none can be named with certainty, within the limits or now: the root chain may be pruned, or not
        answer. Never raises for what a chain says.
        """
        if mark.door.contract is None:
            return None
        search = _Search(self._view, mark, mark.door.contract, at, self._calls_max, self._window)
        try:
            found = await search.run(since)
        except (ChainError, AbiError, _OutOfCalls):
            found = None
        self._window = search.window
        return found


class _OutOfCalls(Exception):
    """The search has used up its calls."""


class _Search:
    """One search; `window` is how many blocks a node takes for logs, None if it never refused."""

    def __init__(
        self, view: RootView, mark: ExitMark, contract: Address, at: BlockPoint, calls_left: int, window: int | None
    ) -> None:
        self._reader = view.reader
        self._withdraw_manager = view.exits.withdraw_manager
        self._mark = mark
        self._contract = contract
        self._at = at
        self._calls_left = calls_left
        self.window = window

    async def run(self, since: BlockNumber) -> PaidExit | None:
        kind = self._mark.burn.kind
        if kind in PLASMA_KINDS:
            return await self._started(since)
        if kind in EXITED_TOPICS:
            return await self._by_payments(since)
        return await self._by_state(since)

    async def _started(self, since: BlockNumber) -> PaidExit | None:
        """Plasma: ids end with the burn's place on the side chain, and WithdrawManager takes each such end once."""
        mark, manager = self._mark, self._withdraw_manager
        if manager is None or mark.burn.burner is None:
            return None
        key = mark.plasma_key
        wanted = LogFilter(manager, ((EXIT_STARTED_TOPIC,), (_topic(mark.burn.burner),)))
        async for group in self._transactions(wanted, since):
            for one in group:
                if len(one.log.topics) == 4 and int.from_bytes(one.log.topics[2]) % 2**PLASMA_KEY_BITS == key:
                    return await self._seconded_log(wanted, one)
        return None

    async def _by_payments(self, since: BlockNumber) -> PaidExit | None:
        predicate = await self._predicate()
        burner = self._mark.burn.burner
        if predicate is None or burner is None:
            return None
        wanted = LogFilter(predicate, (EXITED_TOPICS[self._mark.burn.kind], (_topic(burner),)))
        unexplained: list[PaidExit] = []
        expected = paid_data(self._mark.burn)
        async for group in self._transactions(wanted, since):
            count = sum(one.log.data == expected for one in group)
            if not count:
                continue
            payment = PaidExit(group[0].transaction_hash, group[0].block_number)
            said = meaning(self._mark, await self._mined_call(payment), count)
            if said is Meaning.THIS or (said is Meaning.AMONG_OTHERS and not unexplained):
                return payment
            if said is not Meaning.ANOTHER:
                unexplained.append(payment)
        for number, same_block in groupby(unexplained, key=lambda one: one.block_number):
            payments = tuple(same_block)
            if await self._turned_true_at(number):
                return payments[0] if len(payments) == 1 else None
        return None

    async def _by_state(self, since: BlockNumber) -> PaidExit | None:
        """By bisection; where the node has no state any more, the exit is hoped to be later."""
        low, high = max(0, since - 1), int(self._at.number)
        while high - low > 1:
            middle = (low + high) // 2
            if await self._is_taken(BlockNumber(middle)):
                high = middle
            else:
                low = middle
        number = BlockNumber(high)
        if not await self._turned_true_at(number):
            return None
        self._spend()
        holding = [
            PaidExit(call.hash, number)
            for call in await self._reader.calls_of_block(number)
            if self._mark.exit_hash in called_exits(call.data, self._mark.door.function)
        ]
        succeeded = [one for one in holding if await self._succeeded(one)]
        if len(succeeded) != 1:
            return None
        await self._mined_call(succeeded[0])
        return succeeded[0]

    async def _transactions(self, wanted: LogFilter, since: BlockNumber) -> AsyncIterator[tuple[ClaimedLog, ...]]:
        """The logs since..at by transaction, in order, in windows that become shorter where a node refuses one."""
        start, window, failures = int(since), self.window or self._at.number - since + 1, 0
        while start <= self._at.number:
            end = min(self._at.number, start + window - 1)
            self._spend()
            try:
                logs = await self._reader.logs(wanted, BlockNumber(start), BlockNumber(end))
            except (RpcRefused, NoEndpoint) as error:
                failures += isinstance(error, NoEndpoint)
                if end == start or failures > FAILURES_MAX:
                    raise
                window = max(1, (end - start + 1) // WINDOW_SHRINKS_BY)
                continue
            if failures == 0 and end < self._at.number:
                self.window = window
            for _, group in groupby(logs, key=lambda one: (one.block_number, one.transaction_hash)):
                yield tuple(group)
            start = end + 1

    async def _predicate(self) -> Address | None:
        token = self._mark.door.root_token
        if token is None:
            return None
        (token_type,) = await self._read(("bytes32",), "tokenToType(address)", token)
        (predicate,) = await self._read(("address",), "typeToPredicate(bytes32)", token_type)
        return None if predicate == ZERO_ADDRESS else cast(Address, predicate)

    async def _turned_true_at(self, number: BlockNumber) -> bool:
        """Whether the exit was taken in this very block; False also where the node cannot say."""
        before, after = await self._is_taken(BlockNumber(number - 1)), await self._is_taken(number)
        return before is False and after is True

    async def _is_taken(self, number: BlockNumber) -> bool | None:
        """Whether the exit was taken by the end of a block; None where the node has no state, or no contract, there."""
        try:
            (taken,) = await self._read(("bool",), "processedExits(bytes32)", self._mark.exit_hash, at=number)
        except (RpcRefused, CallReverted, AbiError):
            return None
        return bool(taken)

    async def _read(
        self, types: tuple[str, ...], function: str, *arguments: object, at: BlockNumber | None = None
    ) -> tuple[object, ...]:
        """What a view function of the contract that takes exits returns."""
        self._spend()
        number = self._at.number if at is None else at
        return decode_values(types, await self._reader.call(self._contract, encode_call(function, *arguments), number))

    async def _mined_call(self, claimed: PaidExit) -> MinedCall:
        """What the transaction called. A second endpoint, if one can answer, must agree, for no proof comes with it."""
        self._spend()
        call = await self._reader.mined_call(claimed.transaction_hash)
        if call is None or call.block_number != claimed.block_number:
            raise BadAnswer("the transaction of a log is not in the log's block")
        second = self._reader.second()
        if second is not None:
            self._spend()
            other = await _or_none(second.mined_call(call.hash))
            if other is not None and other != call:
                raise BadAnswer("two endpoints differ about a transaction")
        return call

    async def _seconded_log(self, wanted: LogFilter, claimed: ClaimedLog) -> PaidExit:
        """The transaction of a log that a second endpoint, if one can answer, shows too."""
        second = self._reader.second()
        if second is not None:
            self._spend()
            shown = await _or_none(second.logs(wanted, claimed.block_number, claimed.block_number))
            if shown is not None and claimed not in shown:
                raise BadAnswer("two endpoints differ about a log")
        return PaidExit(claimed.transaction_hash, claimed.block_number)

    async def _succeeded(self, claimed: PaidExit) -> bool:
        self._spend()
        receipt = await self._reader.transaction_receipt(claimed.transaction_hash)
        return receipt is not None and receipt.succeeded and receipt.block_number == claimed.block_number

    def _spend(self) -> None:
        if self._calls_left == 0:
            raise _OutOfCalls
        self._calls_left -= 1


async def _or_none(answer: Awaitable[Answer]) -> Answer | None:
    try:
        return await answer
    except ChainError:
        return None


def _topic(address: Address) -> Hash32:
    return Hash32(bytes(12) + address)


async def block_before(reader: ChainReader, headers: HeaderStore, time: UnixSeconds, at: BlockPoint) -> BlockNumber:
    """A block before `time`, and near it if the chain is regular: where to begin a search for what came then.

    Takes at most HEADER_READS_MAX + 1 header reads, none where the store has the headers. Raises ChainError.
    """

    async def point(number: int) -> BlockPoint | None:
        own = headers.header(BlockNumber(number))
        found = own if own is not None else await reader.stored_header(BlockNumber(number), keep_bloom=False)
        return None if found is None else found.point

    first = headers.first()
    low = first.point if first is not None and first.timestamp < time else await point(1)
    if low is None or low.timestamp >= time:
        return BlockNumber(0)
    high = at
    for _ in range(HEADER_READS_MAX):
        pace = max(1, high.timestamp - low.timestamp)
        guess = low.number + (time - low.timestamp) * (high.number - low.number) // pace
        if guess - low.number <= NEAR_BLOCKS or high.timestamp < time:
            break
        middle = await point(min(guess - NEAR_BLOCKS // 2, high.number - 1))
        if middle is None:
            break
        low, high = (middle, high) if middle.timestamp < time else (low, middle)
    return low.number
