"""What a block may hold: choosing transactions for one, and judging another's (docs/protocol.md P1).

Judging looks at nothing but the bytes: size, number, form, signature, one attestation and one proposal per signer,
ascending nonces, and the sum of large attestations. Every correct proposer can keep that whatever its chains and clock
show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.codec.types import Address
from node.app.errors import TransactionCode
from node.app.execution import nonce_refusal
from node.app.messages import MessageKind
from node.app.opened import OpenedTransaction, TransactionOpener

BLOCK_BYTES_MAX = 4 * 1024 * 1024
BLOCK_TRANSACTIONS_MAX = 2_048
SMALL_ATTEST_BYTES = 8 * 1024
LARGE_ATTESTS_BYTES_MAX = 1024 * 1024
"""Longest sum of attestations above SMALL_ATTEST_BYTES in a block."""
ENVELOPE_BYTES = 4
"""What the engine's protobuf adds to each transaction: a tag and a length below 2^21."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting transaction, with its bytes."""

    data: bytes
    opened: OpenedTransaction


def choose(
    transactions: Sequence[bytes],
    opener: TransactionOpener,
    last_nonces: Mapping[Address, int],
    recent_bytes: Mapping[Address, int],
    bytes_max: int,
) -> tuple[bytes, ...]:
    """The transactions for a block, in an order that `refusal` accepts.

    Proposals first, then small attestations, then large ones, of those who used the fewest bytes lately. Of several of
    a signer the newest is taken: attestations are cumulative, and a lower nonce is used up by it.
    """
    newest: dict[tuple[Address, MessageKind], Candidate] = {}
    for data in transactions:
        opened = opener.open(data)
        if isinstance(opened, TransactionCode) or opened.sender not in last_nonces:
            continue
        key = (opened.sender, opened.kind)
        is_usable = nonce_refusal(last_nonces[opened.sender], opened.nonce) is TransactionCode.OK
        if is_usable and (key not in newest or newest[key].opened.nonce < opened.nonce):
            newest[key] = Candidate(data, opened)
    chosen: list[Candidate] = []
    room, large_room = min(bytes_max, BLOCK_BYTES_MAX), LARGE_ATTESTS_BYTES_MAX
    for candidate in sorted(newest.values(), key=lambda candidate: _precedence(candidate, recent_bytes)):
        size = len(candidate.data)
        is_large = _is_large_attest(candidate.opened)
        is_full = size + ENVELOPE_BYTES > room or len(chosen) >= BLOCK_TRANSACTIONS_MAX
        if is_full or (is_large and size > large_room):
            continue
        chosen.append(candidate)
        room -= size + ENVELOPE_BYTES
        large_room -= size if is_large else 0
    chosen.sort(key=lambda candidate: (candidate.opened.sender, candidate.opened.nonce))
    return tuple(candidate.data for candidate in chosen)


def refusal(transactions: Sequence[bytes], opener: TransactionOpener) -> str | None:
    """Why a proposed block breaks the limits; None if it keeps them."""
    if sum(map(len, transactions)) > BLOCK_BYTES_MAX:
        return f"over {BLOCK_BYTES_MAX} bytes"
    if len(transactions) > BLOCK_TRANSACTIONS_MAX:
        return f"over {BLOCK_TRANSACTIONS_MAX} transactions"
    seen: set[tuple[Address, MessageKind]] = set()
    nonces: dict[Address, int] = {}
    large_bytes = 0
    for place, data in enumerate(transactions):
        opened = opener.open(data)
        if isinstance(opened, TransactionCode):
            return f"transaction {place}: {opened.name}"
        if (opened.sender, opened.kind) in seen:
            return f"transaction {place}: a second {opened.kind.name} of one signer"
        if opened.nonce <= nonces.get(opened.sender, 0):
            return f"transaction {place}: a signer's nonces do not ascend"
        seen.add((opened.sender, opened.kind))
        nonces[opened.sender] = opened.nonce
        large_bytes += opened.size if _is_large_attest(opened) else 0
    if large_bytes > LARGE_ATTESTS_BYTES_MAX:
        return f"over {LARGE_ATTESTS_BYTES_MAX} bytes of large attestations"
    return None


def _precedence(candidate: Candidate, recent_bytes: Mapping[Address, int]) -> tuple[int, int, Address]:
    opened = candidate.opened
    if opened.kind is MessageKind.PROPOSE_CHECKPOINT:
        return 0, 0, opened.sender
    if not _is_large_attest(opened):
        return 1, 0, opened.sender
    return 2, recent_bytes.get(opened.sender, 0), opened.sender


def _is_large_attest(opened: OpenedTransaction) -> bool:
    return opened.kind is MessageKind.ATTEST and opened.size > SMALL_ATTEST_BYTES
