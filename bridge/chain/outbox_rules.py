"""The decisions of an outbox as pure functions: what an entry becomes, and what is due. `Outbox` does the I/O."""

from collections.abc import Iterable
from dataclasses import replace

from bridge.chain.fees import FeePolicy, Price
from bridge.chain.outbox_store import (
    ATTEMPTS_MAX,
    Attempt,
    EntryState,
    Inclusion,
    Intent,
    OutboxEntry,
    Waiting,
)
from bridge.chain.reader import MinedTransaction
from bridge.chain.sending import SendMeaning, SendReply
from bridge.codec.types import Wei

# What an entry waits for while nodes answer so. Meanings in neither table change nothing: the bytes are sent again.
_ACCEPTANCES = frozenset({SendMeaning.ACCEPTED, SendMeaning.KNOWN})
_WAITING_AFTER = {SendMeaning.NOT_FUNDED: Waiting.NOT_FUNDED, SendMeaning.REFUSED: Waiting.L1_REFUSES}

# A node that answers so wants a better price for the same nonce.
_OUTBID = frozenset({SendMeaning.REPLACEMENT_UNDERPRICED, SendMeaning.FEE_TOO_LOW})


def replanned(entry: OutboxEntry | None, intent: Intent) -> OutboxEntry:
    """What `plan` makes of an intent whose key has this entry (None: none yet).

    An entry that is being worked on keeps its nonce, and its next transaction carries the new call. One that succeeded
    stays as it is. One that ended without success, for good, starts anew: its old nonce can never be used again.
    """
    if entry is None or (entry.state.is_closed and not entry.succeeded):
        return OutboxEntry(intent, EntryState.PLANNED)
    return entry if entry.state.is_closed else replace(entry, intent=intent)


def next_nonce(transaction_count: int, entries: Iterable[OutboxEntry]) -> int:
    """The nonce for the next entry to be signed.

    Counted from mined transactions, not from the node's pool: whatever waits there under this nonce and is not in our
    store (a lost database) is the same intent, and is replaced rather than doubled.
    """
    return max([transaction_count, *(entry.nonce + 1 for entry in entries if entry.nonce is not None)])


def signed(entry: OutboxEntry, nonce: int, attempt: Attempt) -> OutboxEntry:
    """The entry with one more signed transaction, to be stored before it is sent."""
    state = EntryState.CANCELLING if attempt.is_cancel else EntryState.SIGNED
    return replace(
        entry, state=state, nonce=nonce, attempts=(*entry.attempts, attempt), waiting=Waiting.NONE, detail=""
    )


def after_send(entry: OutboxEntry, reply: SendReply) -> OutboxEntry:
    """The entry after a node answered to its current raw bytes."""
    waiting = _WAITING_AFTER.get(reply.meaning)
    if waiting is not None:
        state = EntryState.SIGNED if entry.state is EntryState.SENT else entry.state
        return replace(entry, state=state).waits(waiting, reply.text)
    if reply.meaning not in _ACCEPTANCES:
        return entry
    if entry.state is EntryState.SIGNED:
        return replace(entry, state=EntryState.SENT).waits(Waiting.NONE)
    return entry.waits(Waiting.NONE) if entry.waiting is Waiting.CANNOT_TELL else entry


def mined(entry: OutboxEntry, receipt: MinedTransaction) -> OutboxEntry:
    """The entry with one of its attempts in a block."""
    inclusion = Inclusion(
        block_number=receipt.block_number,
        block_hash=receipt.block_hash,
        transaction_hash=receipt.hash,
        succeeded=receipt.succeeded,
        gas_used=receipt.gas_used,
    )
    return replace(entry, state=EntryState.MINED, inclusion=inclusion, waiting=Waiting.NONE, detail="")


def unmined(entry: OutboxEntry) -> OutboxEntry:
    """The entry after the chain dropped the block that held its attempt: its bytes are sent again."""
    is_cancel = entry.current is not None and entry.current.is_cancel
    return replace(entry, state=EntryState.CANCELLING if is_cancel else EntryState.SENT, inclusion=None)


def at_depth(entry: OutboxEntry) -> OutboxEntry:
    """A mined entry at the network's depth: final, or cancelled if its zero transfer won."""
    included = entry.inclusion
    by_cancel = any(
        a.is_cancel and included is not None and a.hash == included.transaction_hash for a in entry.attempts
    )
    state = EntryState.CANCELLED if by_cancel else EntryState.FINAL
    return replace(entry, state=state, waiting=Waiting.NONE, detail="")


def price_of(attempt: Attempt) -> Price:
    """What an attempt offers."""
    return Price(attempt.max_fee_per_gas_wei, attempt.max_priority_fee_per_gas_wei)


def replacement_due(
    entry: OutboxEntry, policy: FeePolicy, chain_time_s: int, last_reply: SendMeaning | None, *, call_changed: bool
) -> bool:
    """Whether a new transaction should take the place of the current one: unmined for long, outbid, or out of date.

    Outbid counts once a block: a pool that asks for more and more must not drive the price to the ceiling in seconds.
    """
    current = entry.current
    if current is None or len(entry.attempts) >= ATTEMPTS_MAX:
        return False
    waited_s = chain_time_s - current.signed_at_s
    outbid = last_reply in _OUTBID and waited_s > 0
    return waited_s >= policy.replace_after_s or outbid or call_changed


def cost_max_wei(intent: Intent, price: Price) -> Wei:
    """The most that a transaction can take from the sender."""
    return Wei(intent.gas_limit * price.max_fee_wei + intent.value_wei)


def committed_wei(entries: Iterable[OutboxEntry], besides: str) -> Wei:
    """The most that the entries in flight, but for the one with key `besides`, can still take from the sender."""
    return Wei(
        sum(
            cost_max_wei(entry.intent, price_of(entry.current))
            for entry in entries
            if entry.current is not None
            and entry.intent.key != besides
            and not entry.state.is_closed
            and entry.state is not EntryState.MINED
        )
    )


def ended_unsigned(entry: OutboxEntry) -> OutboxEntry:
    """A planned entry that is over before it took a nonce."""
    return replace(entry, state=EntryState.CANCELLED, waiting=Waiting.NONE, detail="")


def lost(entry: OutboxEntry) -> OutboxEntry:
    """The entry after a stranger's transaction used its nonce, at depth."""
    return replace(entry, state=EntryState.LOST, waiting=Waiting.NONE, detail="another transaction used the nonce")
