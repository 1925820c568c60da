"""Transactions that must happen once: planned, signed, sent, replaced, mined, final (docs/protocol.md P8).

    outbox = Outbox(chain_id, signer, reader, store, FeePolicy(), Confirmations(depth=12), judge, clock)
    outbox.plan(Intent("checkpoint/0/10000", root_chain_address, calldata, Wei(0), gas_limit=600_000))
    events = await outbox.advance()          # again and again: one bounded round over all entries

An intent takes one nonce and keeps it until a transaction with that nonce is mined at the network's depth, so at most
one of its transactions can ever succeed; only if a stranger used the nonce may it take another, after the contract was
read. Every transition is in the store before anything acts on it, and raw bytes are sent again until one attempt is
mined: that is also how a restart adopts what an earlier life sent, because a node that answers "already known" has
compared the bytes. One outbox per (chain id, sender), for all uses of that sender.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol

from bridge.chain import outbox_rules as rules
from bridge.chain.clock import Clock
from bridge.chain.errors import CallReverted, ChainError, NotHeld, OutboxFull
from bridge.chain.fees import FeePolicy, first_price, market_of, replacement_price
from bridge.chain.headers import Confirmations
from bridge.chain.outbox_store import Attempt, EntryState, Intent, OutboxEntry, OutboxStore, Waiting
from bridge.chain.reader import ChainReader, MinedTransaction
from bridge.chain.sending import SendMeaning, SendReply
from bridge.codec.header import Header
from bridge.codec.transaction import DynamicFeeTransaction, decode_raw, transaction_hash
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, Wei

OPEN_ENTRIES_MAX = 64
CLOSED_ENTRIES_KEPT = 256
RESEND_S = 10.0

_UNREADABLE = "whether it is still wanted cannot be read from the contract now"


class Judgement(Enum):
    """Whether an intent is still worth its transaction."""

    WANTED = "wanted"
    OVER = "over"
    """Done by somebody else, or too late: its transaction could only fail."""
    CANNOT_TELL = "cannot_tell"


class IntentJudge(Protocol):
    """Reads the contract for an intent; the owner of the outbox knows how, by the intent's key."""

    async def __call__(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        """The judgement as of block `at` (None: latest). ChainError counts as CANNOT_TELL."""
        ...


class TransactionSigner(Protocol):
    """The key of one sender."""

    @property
    def address(self) -> Address:
        """Who sends, and pays."""
        ...

    def sign(self, transaction: DynamicFeeTransaction) -> bytes:
        """The raw signed transaction."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An entry changed: its state, its attempts or its waiting reason. For logs, metrics and the terminal's story."""

    before: OutboxEntry
    after: OutboxEntry

    @property
    def is_replacement(self) -> bool:
        """Whether a further transaction was signed for the same nonce."""
        return len(self.after.attempts) > len(self.before.attempts) > 0


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round of `advance` knows of the chain: read once, used for all entries."""

    latest: Header
    confirmed: BlockNumber
    transaction_count: int
    """Of the sender, at latest."""
    is_fresh: bool
    """Whether there is a new head, or a while has passed: time to judge, to price and to send again."""


class Outbox:
    """The transactions of one sender on one chain. One `advance` at a time; `plan` at any time."""

    def __init__(
        self,
        chain_id: ChainId,
        signer: TransactionSigner,
        reader: ChainReader,
        store: OutboxStore,
        fees: FeePolicy,
        confirmations: Confirmations,
        judge: IntentJudge,
        clock: Clock,
    ) -> None:
        """Loads the store. Raises ValueError if it holds raw bytes of another sender, chain or nonce."""
        self._chain_id = chain_id
        self._signer = signer
        self._reader = reader
        self._store = store
        self._fees = fees
        self._confirmations = confirmations
        self._judge = judge
        self._clock = clock
        self._entries = {entry.intent.key: entry for entry in store.entries()}
        self._last_reply: dict[str, SendMeaning] = {}
        self._doubted: set[str] = set()
        self._looked_at: tuple[Hash32, float] | None = None
        self._events: list[OutboxEvent] = []
        for entry in self._entries.values():
            self._check_own(entry)

    def entries(self) -> tuple[OutboxEntry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries.values())

    def entry(self, key: str) -> OutboxEntry | None:
        """The entry of an intent's key."""
        return self._entries.get(key)

    def plan(self, intent: Intent) -> OutboxEntry:
        """Want something done once; nothing happens before `advance`. Planning a key again is harmless.

        While the intent is open, a changed call goes into its next transaction, under the same nonce. After it ended
        without success it starts anew; after a success the chain is asked whether it still has that block. Raises
        OutboxFull.
        """
        known = self._entries.get(intent.key)
        opened = self._open()
        if len(opened) >= OPEN_ENTRIES_MAX and known not in opened:
            raise OutboxFull(f"{len(opened)} transactions wait already; plan {intent.key} again later")
        entry = rules.replanned(known, intent)
        if entry != known:
            self._entries[intent.key] = entry
            self._store.save(entry)
            self._forget_old()
        elif entry.state.is_closed:
            self._doubted.add(intent.key)
        return entry

    async def advance(self) -> tuple[OutboxEvent, ...]:
        """Bring every open entry as far as it goes now, oldest nonce first, and tell what changed.

        Raises ChainError if the chain cannot be read at all; events of before come with the next call.
        """
        if self._open() or self._doubted:
            now = await self._look()
            if now.is_fresh:
                await self._heal(now)
            planned = [entry.intent.key for entry in self._open() if entry.nonce is None]
            nonces = sorted((entry.nonce, entry.intent.key) for entry in self._open() if entry.nonce is not None)
            for key in [*(key for _, key in nonces), *planned]:
                await self._work(self._entries[key], now)
        events, self._events = tuple(self._events), []
        return events

    def _open(self) -> list[OutboxEntry]:
        return [entry for entry in self._entries.values() if not entry.state.is_closed]

    async def _look(self) -> _Round:
        latest = await self._reader.header("latest")
        if latest is None:
            raise NotHeld("the node shows no latest block")
        if self._confirmations.tag is None:
            confirmed = latest.number - self._confirmations.depth
        else:
            tagged = await self._reader.header(self._confirmations.tag)
            confirmed = -1 if tagged is None else tagged.number
        count = await self._reader.transaction_count(self._signer.address)
        now_s = self._clock.monotonic()
        seen = self._looked_at
        is_fresh = seen is None or seen[0] != latest.hash or now_s - seen[1] >= RESEND_S
        if is_fresh:
            self._looked_at = (latest.hash, now_s)
        return _Round(latest, BlockNumber(confirmed), count, is_fresh)

    async def _heal(self, now: _Round) -> None:
        """Open again what a reorganisation deeper than the confirmations undid, and fill a gap that nothing else fills.

        An endpoint that lags shows used nonces as free. So an entry is opened again only if another block stands where
        its own stood, and a gap is filled only if the transaction behind it has waited for as long as for a better
        price. If it was a lag after all, what is sent has a used nonce, and costs nothing.
        """
        for entry in tuple(self._entries.values()):
            is_free = entry.nonce is not None and entry.nonce >= now.transaction_count
            if entry.state.is_closed and (is_free or entry.intent.key in self._doubted):
                await self._reopen(entry)
        self._doubted.clear()
        gap = rules.missing_nonce(now.transaction_count, self._entries.values())
        for entry in self._open():
            self._change(entry.intent.key, partial(rules.with_gap, gap=gap))
        if gap is None or not rules.gap_is_overdue(gap, self._open(), self._fees, now.latest.timestamp):
            return
        holder = next((entry for entry in self._entries.values() if entry.nonce == gap), None)
        if holder is not None and holder.state is EntryState.LOST:
            self._change(holder.intent.key, rules.unmined)
        elif holder is None and len(self._open()) < OPEN_ENTRIES_MAX:
            filling = rules.gap_filling(gap, self._signer.address)
            self._store.save(filling)
            self._entries[filling.intent.key] = filling

    async def _reopen(self, entry: OutboxEntry) -> None:
        included = entry.inclusion
        if included is None:
            return
        try:
            shown = await self._reader.header(included.block_number)
        except ChainError:
            return
        if shown is not None and shown.hash != included.block_hash:
            self._change(entry.intent.key, rules.unmined)

    async def _work(self, entry: OutboxEntry, now: _Round) -> None:
        """One round for one entry; what cannot be read leaves it where it is."""
        try:
            if entry.state is EntryState.MINED:
                await self._watch_mined(entry, now)
            elif entry.nonce is None:
                await self._start(entry, now)
            elif now.transaction_count > entry.nonce:
                await self._find_mined(entry, entry.nonce, now)
            else:
                await self._push(entry, now)
        except ChainError as error:
            self._wait(entry.intent.key, Waiting.CANNOT_TELL, str(error))

    async def _start(self, entry: OutboxEntry, now: _Round) -> None:
        """A planned entry: sign its first transaction if it is wanted, would succeed, and can be paid."""
        key = entry.intent.key
        if entry.waiting is not Waiting.NONE and not now.is_fresh:
            return
        judgement = await self._judge(entry.intent, None)
        if judgement is Judgement.OVER:
            self._change(key, rules.ended_unsigned)
        elif judgement is Judgement.CANNOT_TELL:
            self._wait(key, Waiting.CANNOT_TELL, _UNREADABLE)
        if judgement is not Judgement.WANTED or not await self._would_succeed(entry):
            return
        nonce = rules.next_nonce(now.transaction_count, self._entries.values())
        await self._offer(entry, nonce, now, is_cancel=False)

    async def _push(self, entry: OutboxEntry, now: _Round) -> None:
        """A signed entry whose nonce is free: cancel it if it is over, replace it if due, else send it again."""
        current, reply = entry.current, self._last_reply.get(entry.intent.key)
        if entry.nonce is None:
            raise AssertionError("an entry without a nonce has nothing to push")
        if current is None:
            if now.is_fresh:
                await self._offer(entry, entry.nonce, now, is_cancel=True)
            return
        due = rules.replacement_due(
            entry,
            self._fees,
            now.latest.timestamp,
            reply,
            is_next=entry.nonce == now.transaction_count,
            call_changed=not current.is_cancel and _differs(current, entry.intent),
        )
        if not (now.is_fresh or reply is None or (due and not rules.is_held(entry))):
            return
        judgement = Judgement.OVER if current.is_cancel else await self._judged(entry.intent, None)
        cancels = judgement is Judgement.OVER
        if due and judgement is Judgement.WANTED:
            due = await self._would_succeed(entry)
        if (cancels and not current.is_cancel) or (due and judgement is not Judgement.CANNOT_TELL):
            await self._offer(entry, entry.nonce, now, is_cancel=cancels)
        elif now.is_fresh or reply is None:
            await self._send(entry)

    async def _offer(self, entry: OutboxEntry, nonce: int, now: _Round, *, is_cancel: bool) -> None:
        """Sign a transaction at the next price and send it; if it cannot be paid, say so, and send what there is."""
        key, intent, current = entry.intent.key, entry.intent, entry.current
        market = market_of(await self._reader.fee_history(self._fees.history_blocks, self._fees.tip_percentile))
        price = (
            first_price(self._fees, market)
            if current is None
            else replacement_price(self._fees, market, rules.price_of(current))
        )
        if price is None:
            offered = 0 if current is None else current.max_fee_per_gas_wei
            words = (
                f"the base fee is {market.base_fee_wei} wei, the offer {offered}, the ceiling {self._fees.ceiling_wei}"
            )
            await self._hold(key, Waiting.FEE_CEILING, words, now)
            return
        to, data, value, gas = intent.to, intent.data, intent.value_wei, intent.gas_limit
        if is_cancel:
            to, data, value, gas = self._signer.address, b"", Wei(0), rules.CANCEL_GAS
        cost = rules.cost_max_wei(Intent(key, to, data, value, gas), price)
        needed = cost + rules.committed_wei(self._entries.values(), besides=key)
        balance = await self._reader.balance(self._signer.address)
        if balance < needed and self._entries[key].waiting is not Waiting.NOT_FUNDED:
            self._reader.pool.doubt()  # an endpoint that serves another chain by now knows no money of ours
            balance = await self._reader.balance(self._signer.address)
        if balance < needed:
            words = f"the balance is {balance} wei; with what is under way this may take {needed}"
            await self._hold(key, Waiting.NOT_FUNDED, words, now)
            return
        raw = self._signer.sign(
            DynamicFeeTransaction(self._chain_id, nonce, price.tip_wei, price.max_fee_wei, gas, to, value, data)
        )
        attempt = Attempt(
            raw=raw,
            hash=transaction_hash(raw),
            max_fee_per_gas_wei=price.max_fee_wei,
            max_priority_fee_per_gas_wei=price.tip_wei,
            is_cancel=is_cancel,
            signed_at_s=now.latest.timestamp,
        )
        await self._send(self._change(key, lambda held: rules.signed(held, nonce, attempt)))

    async def _hold(self, key: str, waiting: Waiting, detail: str, now: _Round) -> None:
        """Nothing better can be offered: say why, and keep sending what there is."""
        entry = self._wait(key, waiting, detail)
        if now.is_fresh and entry.current is not None:
            await self._send(entry)

    async def _send(self, entry: OutboxEntry) -> None:
        """Hand the current raw bytes to every endpoint, and take note of the answer; no answer is one as well.

        It may have left this machine all the same, so the next try is with the next block, not at once.
        """
        if entry.current is None:
            raise AssertionError("only a signed entry is sent")
        try:
            reply = await self._reader.send_raw(entry.current.raw)
        except ChainError as error:
            reply = SendReply(SendMeaning.UNAVAILABLE, str(error))
        self._last_reply[entry.intent.key] = reply.meaning
        self._change(entry.intent.key, lambda held: rules.after_send(held, reply))

    async def _find_mined(self, entry: OutboxEntry, nonce: int, now: _Round) -> None:
        """The nonce is used: by one of our attempts, or, which takes more to believe, by a stranger.

        A receipt that is withheld cannot be told from one that never was, so before the intent takes another nonce the
        nonce must be used at depth, a second endpoint, if there is one, must show no receipt either, and the contract
        at depth must still want the call. With one endpoint that lies in all three we pay for a transaction which the
        contract refuses; there is no second success.
        """
        key = entry.intent.key
        if entry.waiting is Waiting.NONCE_USED and not now.is_fresh:
            return
        receipt = await self._receipt_of(entry, self._reader)
        second = self._reader.second()  # at once, while the endpoint that answered last is the one that answered us
        if receipt is not None:
            self._change(key, lambda held: rules.mined(held, receipt))
            return
        self._wait(key, Waiting.NONCE_USED, f"nonce {nonce} is used, and no receipt of a transaction of ours is shown")
        if now.confirmed < 0 or await self._reader.transaction_count(self._signer.address, now.confirmed) <= nonce:
            return
        if second is not None and await self._receipt_of(entry, second) is not None:
            return
        judgement = await self._judged(entry.intent, now.confirmed)
        if judgement is Judgement.CANNOT_TELL:
            self._wait(key, Waiting.CANNOT_TELL, _UNREADABLE)
            return
        self._change(key, rules.lost)
        if judgement is Judgement.WANTED:
            self._change(key, lambda held: rules.replanned(held, held.intent))

    async def _receipt_of(self, entry: OutboxEntry, reader: ChainReader) -> MinedTransaction | None:
        """The receipt of whichever attempt was mined, the newest asked first."""
        for attempt in reversed(entry.attempts):
            receipt = await reader.transaction_receipt(attempt.hash)
            if receipt is not None:
                return receipt
        return None

    async def _watch_mined(self, entry: OutboxEntry, now: _Round) -> None:
        """A mined entry: final once its block is deep enough; sent again if the chain dropped the block."""
        included = entry.inclusion
        if included is None:
            raise AssertionError("a mined entry has a block")
        shown = await self._reader.header(included.block_number)
        if shown is None:
            return
        key = entry.intent.key
        if shown.hash != included.block_hash:
            receipt = await self._receipt_of(entry, self._reader)
            self._change(key, lambda held: rules.unmined(held) if receipt is None else rules.mined(held, receipt))
        elif included.block_number <= now.confirmed:
            self._change(key, rules.at_depth)
        else:
            self._wait(key, Waiting.NONE, "")

    async def _would_succeed(self, entry: OutboxEntry) -> bool:
        """Try the call at latest before paying for it; a refusal is a waiting reason, not an error.

        With the transaction's own gas limit: one that is too low would else be paid for again with every new plan.
        """
        intent, sender = entry.intent, self._signer.address
        try:
            await self._reader.call(intent.to, intent.data, "latest", sender, intent.value_wei, intent.gas_limit)
        except CallReverted as error:
            self._wait(intent.key, Waiting.L1_REFUSES, f"{error.reason} {error.data.hex()}".strip())
            return False
        return True

    async def _judged(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        if rules.fills_gap(intent):
            return Judgement.OVER
        try:
            return await self._judge(intent, at)
        except ChainError:
            return Judgement.CANNOT_TELL

    def _wait(self, key: str, waiting: Waiting, detail: str) -> OutboxEntry:
        return self._change(key, lambda held: held.waits(waiting, detail))

    def _change(self, key: str, change: Callable[[OutboxEntry], OutboxEntry]) -> OutboxEntry:
        """Store what the entry becomes, then let it be so; a change that changes nothing is neither stored nor told."""
        before = self._entries[key]
        after = change(before)
        if after != before:
            self._store.save(after)
            self._entries[key] = after
            self._events.append(OutboxEvent(before, after))
            if len(after.attempts) != len(before.attempts) or (before.inclusion and not after.inclusion):
                self._last_reply.pop(key, None)  # what was said of other bytes, or before they were mined
        return after

    def _forget_old(self) -> None:
        closed = [entry.intent.key for entry in self._entries.values() if entry.state.is_closed]
        for key in closed[:-CLOSED_ENTRIES_KEPT]:
            self._store.remove(key)
            del self._entries[key]

    def _check_own(self, entry: OutboxEntry) -> None:
        """What the store holds must be ours: a database of another node must not be sent, let alone continued."""
        for attempt in entry.attempts:
            held = decode_raw(attempt.raw)
            ours = (self._signer.address, self._chain_id, entry.nonce, transaction_hash(attempt.raw))
            if (held.sender, held.transaction.chain_id, held.transaction.nonce, attempt.hash) != ours:
                raise ValueError(f"the outbox holds a transaction for {entry.intent.key} that its sender did not sign")


def _differs(attempt: Attempt, intent: Intent) -> bool:
    """Whether the attempt carries another call than the intent now wants."""
    held = decode_raw(attempt.raw).transaction
    return (held.to, held.data, held.value_wei, held.gas_limit) != (
        intent.to,
        intent.data,
        intent.value_wei,
        intent.gas_limit,
    )
