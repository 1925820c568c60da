"""A transaction on the side chain: where it stands, with its block's receipts proved; or that it is not there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from bridge.burns.blocks import CheckpointedBlock, block_of
from bridge.burns.errors import CannotTell, EndpointFalse, HistoryPruned
from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.reading import chain_errors
from bridge.burns.sharing import Recent, SharedWork, SharingLimits
from bridge.burns.views import SideView
from bridge.chain.errors import ChainError, NotHeld
from bridge.chain.fields import as_hash, as_object, as_quantity
from bridge.chain.header_store import BlockPoint
from bridge.chain.reader import ChainReader
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import Receipt, decode_receipt, encode_receipt, receipt_from_rpc
from bridge.codec.types import BlockNumber, Hash32

TRANSACTIONS_KEPT = 4_096
RECEIPTS_BYTES_KEPT = 16 * 1024 * 1024
_INDEX_BITS = 24

CheckpointedBlockAt = Callable[[BlockNumber], Awaitable[CheckpointedBlock | None]]
"""A block as its checkpoint has it, at no cost for a range that is at hand; None where no checkpoint is known."""


class Absence(Enum):
    """Why a transaction has no block."""

    IN_POOL = auto()
    UNKNOWN = auto()
    OUTSIDE_TRIE = auto()
    """Bor's state sync of before PIP-74: it has a block, but stands in no trie of it, so nothing proves it."""


@dataclass(frozen=True, slots=True)
class BlockReceipts:
    """A block and the trie values of all its receipts, proved by its receiptsRoot."""

    block: CheckpointedBlock
    block_hash: Hash32
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MinedBurns:
    """A transaction in a block."""

    transaction_hash: Hash32
    transaction_index: int
    within: BlockReceipts

    @property
    def block(self) -> CheckpointedBlock:
        """The transaction's block."""
        return self.within.block

    @property
    def receipt(self) -> Receipt:
        """The transaction's own receipt."""
        return decode_receipt(self.within.values[self.transaction_index])


@dataclass(frozen=True, slots=True)
class SeenIn:
    """The block that a transaction was seen in."""

    number: BlockNumber
    hash: Hash32


@dataclass(frozen=True, slots=True)
class _Place:
    """What eth_getTransactionReceipt claims."""

    block_number: BlockNumber
    block_hash: Hash32
    transaction_index: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What the proof of a block's receipts needs to know of it."""

    hash: Hash32
    receipts_root: Hash32


class TransactionFinder:
    """Finds transactions in two RPC calls, or at most seven where they are absent or their block is not at hand.

    What is found in confirmed blocks is remembered; questions about one block share its receipts.
    """

    def __init__(self, side: SideView, checkpointed: CheckpointedBlockAt, keep: Keep, limits: SharingLimits) -> None:
        self._side = side
        self._checkpointed = checkpointed
        self._keep = keep
        self._kept: Recent[Hash32, MinedBurns] = Recent(TRANSACTIONS_KEPT)
        self._receipts: Recent[Hash32, BlockReceipts] = Recent(
            RECEIPTS_BYTES_KEPT, weight=lambda held: sum(map(len, held.values))
        )
        self._reading: SharedWork[Hash32, BlockReceipts] = SharedWork(limits, keep=lambda _: False)

    async def find(self, transaction: Hash32, confirmed: BlockPoint) -> MinedBurns | Absence:
        """The transaction with its block. Raises CannotTell, and EndpointFault where another endpoint may do better."""
        kept = self._kept.get(transaction)
        if kept is not None and self._still_stands(kept.within):
            return kept
        reader = self._side.reader
        place = await _place(reader, transaction)
        if place is None:
            absence = await _absence(reader, transaction, confirmed)
            second = reader.second()
            if absence is Absence.IN_POOL or second is None:
                return _sure(absence, transaction)
            place, absence = await _second_opinion(second, transaction, confirmed, absence)
            if place is None:
                return _sure(absence, transaction)
            reader = second
        if transaction == _state_sync_hash(place):
            return Absence.OUTSIDE_TRIE
        found = await self._proved(reader, transaction, place, confirmed)
        seen = place.block_number.to_bytes(8) + place.block_hash
        if self._keep.get(KeepKind.SEEN, transaction) != seen:
            self._keep.put(KeepKind.SEEN, transaction, seen)
        if found.block.number <= confirmed.number:
            self._kept.put(transaction, found)
        return found

    def seen_in(self, transaction: Hash32) -> SeenIn | None:
        """The block that the transaction was last seen in, if it is remembered."""
        kept = self._keep.get(KeepKind.SEEN, transaction)
        return None if kept is None else SeenIn(BlockNumber(int.from_bytes(kept[:8])), Hash32(kept[8:]))

    async def close(self) -> None:
        """Stop what is running."""
        await self._reading.close()

    def _still_stands(self, kept: BlockReceipts) -> bool:
        """Whether our chain has not replaced the block: an operator may accept a reorg of confirmed blocks."""
        own = self._side.headers.header(kept.block.number)
        return own is None or own.hash == kept.block_hash

    async def _proved(
        self, reader: ChainReader, transaction: Hash32, place: _Place, confirmed: BlockPoint
    ) -> MinedBurns:
        within = self._receipts.get(place.block_hash)
        if within is None or not self._still_stands(within):

            async def read() -> BlockReceipts:
                return await self._read(reader, place, confirmed)

            within = await self._reading.result(place.block_hash, read)
        index = place.transaction_index
        if index >= len(within.values) or within.values[index] != encode_receipt(place.receipt):
            raise EndpointFalse(
                f"the transaction's receipt is not number {index} of block {place.block_number}",
                reader.pool.latest_label,
            )
        return MinedBurns(transaction, index, within)

    async def _read(self, reader: ChainReader, place: _Place, confirmed: BlockPoint) -> BlockReceipts:
        block = await self._block(reader, place, confirmed)
        with chain_errors(f"receipts of side-chain block {block.number}", reader):
            try:
                values = await reader.receipt_values(_Sealed(place.block_hash, block.receipts_root))
            except NotHeld as error:
                if block.number > confirmed.number:
                    raise
                raise HistoryPruned("receipts", block.number, reader.pool.latest_label) from error
        within = BlockReceipts(block, place.block_hash, values)
        if block.number <= confirmed.number:
            self._receipts.put(place.block_hash, within)
        return within

    async def _block(self, reader: ChainReader, place: _Place, confirmed: BlockPoint) -> CheckpointedBlock:
        """The block at the place's number: our own header, as its checkpoint has it, or as the endpoint shows it."""
        number = place.block_number
        own = self._side.headers.header(number)
        if own is None:
            checkpointed = await self._checkpointed(number)
            if checkpointed is not None:
                return checkpointed
            with chain_errors(f"side-chain block {number}", reader):
                shown = await reader.headers(number, 1)
            if not shown:
                raise CannotTell(f"{reader.pool.latest_label} does not show side-chain block {number}")
            own = shown[0]
        if own.hash != place.block_hash:
            claimed, ours = to_hex(place.block_hash), to_hex(own.hash)
            text = f"the transaction's block {number} is said to be {claimed}, ours is {ours}"
            if number <= confirmed.number:
                raise EndpointFalse(text, reader.pool.latest_label)
            raise CannotTell(f"the side chain is being reorganised: {text}")
        return block_of(own)


def _state_sync_hash(place: _Place) -> Hash32:
    """The hash that Bor gives to a block's state sync where that is in no trie; anybody can derive it."""
    return keccak256(b"matic-bor-receipt-" + place.block_number.to_bytes(8) + place.block_hash)


async def _place(reader: ChainReader, transaction: Hash32) -> _Place | None:
    with chain_errors("transaction receipt", reader):
        answer = await reader.pool.call("eth_getTransactionReceipt", [to_hex(transaction)])
        if answer is None:
            return None
        fields = as_object(answer, "receipt")
        if as_hash(fields.get("transactionHash"), "transactionHash") != transaction:
            raise EndpointFalse("this is the receipt of another transaction", reader.pool.latest_label)
        return _Place(
            block_number=BlockNumber(as_quantity(fields.get("blockNumber"), "blockNumber")),
            block_hash=as_hash(fields.get("blockHash"), "blockHash"),
            transaction_index=as_quantity(fields.get("transactionIndex"), "transactionIndex", _INDEX_BITS),
            receipt=receipt_from_rpc(fields),
        )


async def _absence(reader: ChainReader, transaction: Hash32, confirmed: BlockPoint) -> Absence | None:
    """What an endpoint without the receipt can say; None when it is behind our confirmed chain, so cannot know."""
    with chain_errors("transaction", reader):
        if await reader.transaction(transaction) is not None:
            return Absence.IN_POOL
        return Absence.UNKNOWN if await reader.head_number() >= confirmed.number else None


async def _second_opinion(
    second: ChainReader, transaction: Hash32, confirmed: BlockPoint, first: Absence | None
) -> tuple[_Place | None, Absence | None]:
    """The same from another endpoint; where that one cannot answer, what the first said stands."""
    try:
        place = await _place(second, transaction)
        if place is not None:
            return place, None
        return None, await _absence(second, transaction, confirmed) or first
    except (CannotTell, EndpointFalse, ChainError):
        return None, first


def _sure(absence: Absence | None, transaction: Hash32) -> Absence:
    if absence is None:
        raise CannotTell(f"the side chain's endpoints are behind, so cannot know transaction {to_hex(transaction)}")
    return absence
