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
from bridge.codec.types import Address, Wei

CANCEL_GAS = 21_000

_GAP_KEY = "nonce/"

_ACCEPTANCES = frozenset({SendMeaning.ACCEPTED, SendMeaning.KNOWN})

# What an entry waits for while nodes answer so.
_WAITING_AFTER = {
    SendMeaning.NONCE_USED: Waiting.NONCE_USED,
    SendMeaning.REPLACEMENT_UNDERPRICED: Waiting.UNDERPRICED,
    SendMeaning.FEE_TOO_LOW: Waiting.UNDERPRICED,
    SendMeaning.ABOVE_NODE_CAP: Waiting.FEE_CEILING,
    SendMeaning.NOT_FUNDED: Waiting.NOT_FUNDED,
    SendMeaning.POOL_FULL: Waiting.POOL_FULL,
    SendMeaning.NONCE_GAP: Waiting.NONCE_GAP,
    SendMeaning.REVERTS: Waiting.L1_REFUSES,
    SendMeaning.REFUSED: Waiting.L1_REFUSES,
    SendMeaning.UNKNOWN: Waiting.CANNOT_TELL,
    SendMeaning.UNAVAILABLE: Waiting.CANNOT_TELL,
}

# After these answers a node that accepted the bytes before may still have them.
_LEAVES_SENT = frozenset({SendMeaning.NONCE_USED, SendMeaning.UNKNOWN, SendMeaning.UNAVAILABLE})

# Why nothing better can be offered. It says more than what nodes answer meanwhile to the bytes that there are.
_NO_BETTER_OFFER = frozenset({Waiting.FEE_CEILING, Waiting.NOT_FUNDED, Waiting.L1_REFUSES})

# A node that answers so wants a better price for the same nonce.
_OUTBID = frozenset({SendMeaning.REPLACEMENT_UNDERPRICED, SendMeaning.FEE_TOO_LOW})

# What stays unmined after these answers may need a better price; after all others it needs something else.
_MAY_BE_TOO_CHEAP = _ACCEPTANCES | _OUTBID | {SendMeaning.POOL_FULL, SendMeaning.UNKNOWN}


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


def missing_nonce(transaction_count: int, entries: Iterable[OutboxEntry]) -> int | None:
    """The chain's next nonce, if higher ones of ours wait for it and no open entry is about to use it.

    A reorganisation deeper than the confirmations leaves such a gap: it undoes what a closed entry, or one that is no
    longer remembered, or a stranger had used the nonce for.
    """
    nonces = {entry.nonce for entry in entries if entry.nonce is not None and not entry.state.is_closed}
    has_gap = transaction_count not in nonces and any(nonce > transaction_count for nonce in nonces)
    return transaction_count if has_gap else None


def gap_is_overdue(gap: int, entries: Iterable[OutboxEntry], policy: FeePolicy, chain_time_s: int) -> bool:
    """Whether an open entry behind the gap has waited for as long as until a better offer is due."""
    return any(
        entry.nonce is not None
        and entry.nonce > gap
        and not entry.state.is_closed
        and entry.current is not None
        and chain_time_s - entry.current.signed_at_s >= policy.replace_after_s
        for entry in entries
    )


def gap_filling(nonce: int, sender: Address) -> OutboxEntry:
    """An entry that only uses up a nonce, by a zero transfer."""
    intent = Intent(f"{_GAP_KEY}{nonce}", sender, b"", Wei(0), CANCEL_GAS)
    return OutboxEntry(intent, EntryState.CANCELLING, nonce)


def fills_gap(intent: Intent) -> bool:
    """Whether the intent is the outbox's own, to use up a nonce."""
    return intent.key.startswith(_GAP_KEY)


def with_gap(entry: OutboxEntry, gap: int | None) -> OutboxEntry:
    """The entry once it is known which nonce is missing (None: none): what stands behind says so."""
    in_pool = entry.state in {EntryState.SENT, EntryState.CANCELLING}
    if in_pool and entry.nonce is not None and gap is not None and entry.nonce > gap:
        words = f"nonce {gap} must be mined first; the chain no longer has the transaction that used it"
        return entry.waits(Waiting.NONCE_GAP, words) if entry.waiting is Waiting.NONE else entry
    return entry.waits(Waiting.NONE) if in_pool and entry.waiting is Waiting.NONCE_GAP else entry


def signed(entry: OutboxEntry, nonce: int, attempt: Attempt) -> OutboxEntry:
    """The entry with one more signed transaction, to be stored before it is sent."""
    state = EntryState.CANCELLING if attempt.is_cancel else EntryState.SIGNED
    return replace(
        entry, state=state, nonce=nonce, attempts=(*entry.attempts, attempt), waiting=Waiting.NONE, detail=""
    )


def after_send(entry: OutboxEntry, reply: SendReply) -> OutboxEntry:
    """The entry after nodes answered to its current raw bytes.

    A reason why nothing better can be offered stays while the bytes that there are go around, whatever becomes of them.
    """
    keeps_reason = entry.waiting in _NO_BETTER_OFFER
    if reply.meaning in _ACCEPTANCES:
        if entry.state is EntryState.SIGNED:
            return replace(entry, state=EntryState.SENT).waits(Waiting.NONE)
        return entry if keeps_reason or entry.waiting is Waiting.NONCE_GAP else entry.waits(Waiting.NONE)
    leaves_pool = entry.state is EntryState.SENT and reply.meaning not in _LEAVES_SENT
    after = replace(entry, state=EntryState.SIGNED) if leaves_pool else entry
    waiting = _WAITING_AFTER[reply.meaning]
    return after if keeps_reason and waiting not in _NO_BETTER_OFFER else after.waits(waiting, reply.text)


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
    """The entry after the chain dropped the block that used its nonce: its bytes are sent again, though it was closed.

    They are valid, harmless, and the only ones that may use the nonce; whether they are still wanted is judged anew.
    """
    is_cancel = entry.current is not None and entry.current.is_cancel
    state = EntryState.CANCELLING if is_cancel else EntryState.SENT
    return replace(entry, state=state, inclusion=None, waiting=Waiting.NONE, detail="")


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
    entry: OutboxEntry,
    policy: FeePolicy,
    chain_time_s: int,
    last_reply: SendMeaning | None,
    *,
    is_next: bool,
    call_changed: bool,
) -> bool:
    """Whether a new transaction should take the place of the current one: unmined for long, outbid, or out of date.

    Unmined counts only while the nonce is the chain's next and nodes answer: behind another nonce, or without a node,
    no price helps. Outbid counts once a block: a pool that asks for more and more must not drive the price to the
    ceiling in seconds.
    """
    current = entry.current
    if current is None or len(entry.attempts) >= ATTEMPTS_MAX:
        return False
    waited_s = chain_time_s - current.signed_at_s
    outbid = last_reply in _OUTBID and waited_s > 0
    unmined = is_next and last_reply in _MAY_BE_TOO_CHEAP and waited_s >= policy.replace_after_s
    return unmined or outbid or call_changed


def is_held(entry: OutboxEntry) -> bool:
    """Whether the entry waits for something that no better offer can change before the next block."""
    return entry.waiting in _NO_BETTER_OFFER


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
