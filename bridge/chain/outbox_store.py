"""What an outbox remembers across a crash: intents, the nonces they took, and every raw transaction signed for them.

The outbox saves an entry before it acts on it, so whatever left this machine is in here. One store serves one
(chain id, sender). The node keeps it in SQLite (`encode_entry` gives a row's bytes); `MemoryOutboxStore` serves tests.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from bridge.codec import rlp
from bridge.codec.types import Address, BlockNumber, Hash32, Wei

ENTRY_VERSION = 1
ATTEMPTS_MAX = 64
"""Signed transactions kept for one entry: 12.5 % a step, so 64 of them raise a price by a factor of 1,800."""


class EntryState(Enum):
    """Where an intent stands. `FINAL`, `CANCELLED` and `LOST` are closed; the others are worked on."""

    PLANNED = "planned"
    """Wanted; no nonce is taken and nothing is signed."""
    SIGNED = "signed"
    """Raw bytes and nonce are stored; it may or may not have left this machine."""
    SENT = "sent"
    """A node has accepted the current raw bytes, and they are sent again until one attempt is mined."""
    CANCELLING = "cancelling"
    """No longer wanted: a zero transfer at the replacement price competes for the nonce."""
    MINED = "mined"
    """One attempt stands in a block that is not deep enough yet."""
    FINAL = "final"
    """An attempt of the intent is in a block at the network's depth; `succeeded` says how it ended."""
    CANCELLED = "cancelled"
    """The nonce went to the zero transfer, at depth, or the intent ended before it took a nonce."""
    LOST = "lost"
    """A transaction that is not ours used the nonce, at depth. `plan` may open the intent again."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will happen to the entry by itself."""
        return self in {EntryState.FINAL, EntryState.CANCELLED, EntryState.LOST}


class Waiting(Enum):
    """Why an entry does not move; shown by status, logs and metrics. Nothing is wrong with the intent itself.

    An entry without one moves by itself: it was just planned, a node has its transaction, or a block has.
    """

    NONE = ""
    FEE_CEILING = "FEE_CEILING"
    """The market, or the price of a replacement, is above our fee ceiling, or the transaction above the node's own."""
    NOT_FUNDED = "NOT_FUNDED"
    """The sender's balance does not cover gas limit × price + value of all open entries."""
    L1_REFUSES = "L1_REFUSES"
    """The call reverts at the latest block, or the node refuses the transaction as such."""
    UNDERPRICED = "UNDERPRICED"
    """Nodes want a better price; one is offered with the next block."""
    POOL_FULL = "POOL_FULL"
    """Nodes have no room for the transaction."""
    NONCE_GAP = "NONCE_GAP"
    """A lower nonce of this sender must be mined first."""
    NONCE_USED = "NONCE_USED"
    """The nonce is used, and no endpoint shows a receipt of ours for it: one lags, or a stranger has our key."""
    CANNOT_TELL = "CANNOT_TELL"
    """No endpoint gave a usable answer."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something to do on a chain, once.

    `key` names it for ever (for example "checkpoint/0/10000"): planning the same key again never takes a second nonce.
    Keys that start with "nonce/" are the outbox's own.
    `gas_limit` is fixed by whoever plans: an estimate would fail for reasons that pass.
    """

    key: str
    to: Address
    data: bytes
    value_wei: Wei
    gas_limit: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction for an entry's nonce; any of them may be mined, also one that was replaced."""

    raw: bytes
    hash: Hash32
    max_fee_per_gas_wei: Wei
    max_priority_fee_per_gas_wei: Wei
    is_cancel: bool
    signed_at_s: int
    """The chain's time (its latest block's) when it was signed. A chain that stands still makes nobody wait longer."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The block in which an attempt was seen."""

    block_number: BlockNumber
    block_hash: Hash32
    transaction_hash: Hash32
    succeeded: bool
    gas_used: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An intent with everything that happened to it. `nonce` is None until the first attempt is signed."""

    intent: Intent
    state: EntryState
    nonce: int | None = None
    attempts: tuple[Attempt, ...] = ()
    inclusion: Inclusion | None = None
    waiting: Waiting = Waiting.NONE
    detail: str = ""
    """What the chain said, for people: a revert reason, an error's text. At most 500 characters."""

    @property
    def current(self) -> Attempt | None:
        """The attempt that is being sent: the last one signed."""
        return self.attempts[-1] if self.attempts else None

    @property
    def succeeded(self) -> bool:
        """Whether the intent itself (not its cancellation) is in a block and did not revert."""
        included = self.inclusion
        if included is None or not included.succeeded:
            return False
        return any(a.hash == included.transaction_hash and not a.is_cancel for a in self.attempts)

    def waits(self, waiting: Waiting, detail: str = "") -> "OutboxEntry":
        """The same entry with another waiting reason."""
        return replace(self, waiting=waiting, detail=detail[:500])


class OutboxStore(Protocol):
    """The entries of one (chain id, sender). `save` is one durable transaction."""

    def entries(self) -> tuple[OutboxEntry, ...]:
        """All entries, in the order in which their keys were first saved."""
        ...

    def save(self, entry: OutboxEntry) -> None:
        """Write the entry, in place of the one with the same key if there is one."""
        ...

    def remove(self, key: str) -> None:
        """Forget a closed entry; no error if it is not there."""
        ...


class MemoryOutboxStore:
    """An `OutboxStore` in memory."""

    def __init__(self) -> None:
        self._entries: dict[str, OutboxEntry] = {}

    def entries(self) -> tuple[OutboxEntry, ...]:
        """All entries, in the order in which their keys were first saved."""
        return tuple(self._entries.values())

    def save(self, entry: OutboxEntry) -> None:
        """Write the entry, in place of the one with the same key if there is one."""
        self._entries[entry.intent.key] = entry

    def remove(self, key: str) -> None:
        """Forget an entry."""
        self._entries.pop(key, None)


def encode_entry(entry: OutboxEntry) -> bytes:
    """The bytes of an entry for a database row: RLP with a version first."""
    intent, included = entry.intent, entry.inclusion
    return rlp.encode(
        [
            rlp.uint(ENTRY_VERSION),
            [
                intent.key.encode(),
                intent.to,
                intent.data,
                rlp.uint(intent.value_wei),
                rlp.uint(intent.gas_limit),
            ],
            entry.state.value.encode(),
            [] if entry.nonce is None else [rlp.uint(entry.nonce)],
            [
                [
                    attempt.raw,
                    attempt.hash,
                    rlp.uint(attempt.max_fee_per_gas_wei),
                    rlp.uint(attempt.max_priority_fee_per_gas_wei),
                    rlp.uint(int(attempt.is_cancel)),
                    rlp.uint(attempt.signed_at_s),
                ]
                for attempt in entry.attempts
            ],
            []
            if included is None
            else [
                rlp.uint(included.block_number),
                included.block_hash,
                included.transaction_hash,
                rlp.uint(int(included.succeeded)),
                rlp.uint(included.gas_used),
            ],
            entry.waiting.value.encode(),
            entry.detail.encode(),
        ]
    )


def decode_entry(data: bytes) -> OutboxEntry:
    """The entry of a row. Raises RlpError or ValueError when the row is damaged or of another version."""
    version, intent, state, nonce, attempts, inclusion, waiting, detail = rlp.as_list(rlp.decode(data), 8)
    if rlp.as_uint(version) != ENTRY_VERSION:
        raise ValueError(f"outbox entry of version {rlp.as_uint(version)}; this program knows {ENTRY_VERSION}")
    nonce_items = rlp.as_list(nonce)
    return OutboxEntry(
        intent=_decode_intent(intent),
        state=EntryState(rlp.as_bytes(state).decode()),
        nonce=rlp.as_uint(nonce_items[0]) if nonce_items else None,
        attempts=tuple(_decode_attempt(item) for item in rlp.as_list(attempts)),
        inclusion=_decode_inclusion(inclusion),
        waiting=Waiting(rlp.as_bytes(waiting).decode()),
        detail=rlp.as_bytes(detail).decode(),
    )


def _decode_intent(item: rlp.RlpItem) -> Intent:
    key, to, data, value, gas_limit = rlp.as_list(item, 5)
    return Intent(
        key=rlp.as_bytes(key).decode(),
        to=Address(rlp.as_bytes(to, 20)),
        data=rlp.as_bytes(data),
        value_wei=Wei(rlp.as_uint(value, 256)),
        gas_limit=rlp.as_uint(gas_limit),
    )


def _decode_attempt(item: rlp.RlpItem) -> Attempt:
    raw, digest, max_fee, priority_fee, is_cancel, signed_at = rlp.as_list(item, 6)
    return Attempt(
        raw=rlp.as_bytes(raw),
        hash=Hash32(rlp.as_bytes(digest, 32)),
        max_fee_per_gas_wei=Wei(rlp.as_uint(max_fee, 256)),
        max_priority_fee_per_gas_wei=Wei(rlp.as_uint(priority_fee, 256)),
        is_cancel=bool(rlp.as_uint(is_cancel, 1)),
        signed_at_s=rlp.as_uint(signed_at),
    )


def _decode_inclusion(item: rlp.RlpItem) -> Inclusion | None:
    if not rlp.as_list(item):
        return None
    number, block_hash, transaction_hash, succeeded, gas_used = rlp.as_list(item, 5)
    return Inclusion(
        block_number=BlockNumber(rlp.as_uint(number)),
        block_hash=Hash32(rlp.as_bytes(block_hash, 32)),
        transaction_hash=Hash32(rlp.as_bytes(transaction_hash, 32)),
        succeeded=bool(rlp.as_uint(succeeded, 1)),
        gas_used=rlp.as_uint(gas_used),
    )
