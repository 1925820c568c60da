"""A transaction on the side chain: where it stands, with its block's receipts proved; or that it is not there."""

from dataclasses import dataclass
from enum import Enum, auto

from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.reading import chain_errors
from bridge.burns.sharing import Recent
from bridge.burns.views import SideView
from bridge.chain.errors import ChainError
from bridge.chain.fields import as_hash, as_object, as_quantity
from bridge.chain.header_store import BlockPoint, StoredHeader
from bridge.chain.reader import ChainReader
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import Log, Receipt, receipt_from_rpc
from bridge.codec.types import ZERO_HASH, Address, BlockNumber, Hash32

TRANSACTIONS_KEPT = 64
_INDEX_BITS = 24


class Absence(Enum):
    """Why a transaction has no block."""

    IN_POOL = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class MinedBurns:
    """A transaction in a block. All receipts of the block are proved by its receiptsRoot."""

    transaction_hash: Hash32
    block: StoredHeader
    transaction_index: int
    receipts: tuple[Receipt, ...]

    @property
    def receipt(self) -> Receipt:
        """The transaction's own receipt."""
        return self.receipts[self.transaction_index]


@dataclass(frozen=True, slots=True)
class FoundBurn:
    """A Transfer to zero in a receipt; the indexes are explained at `report.Burn`."""

    log_index: int
    token_index: int
    token: Address
    burner: Address
    amount: int


@dataclass(frozen=True, slots=True)
class _Place:
    """What eth_getTransactionReceipt claims."""

    block_number: BlockNumber
    block_hash: Hash32
    transaction_index: int
    receipt: Receipt


class TransactionFinder:
    """Finds transactions in at most seven RPC calls; those in confirmed blocks are remembered."""

    def __init__(self, side: SideView) -> None:
        self._side = side
        self._kept: Recent[Hash32, MinedBurns] = Recent(TRANSACTIONS_KEPT)

    async def find(self, transaction: Hash32, confirmed: BlockPoint) -> MinedBurns | Absence:
        """The transaction with its block. Raises CannotTell, and EndpointFalse where an answer contradicts us."""
        kept = self._kept.get(transaction)
        if kept is not None and self._still_stands(kept):
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
        found = await self._proved(reader, transaction, place, confirmed)
        if found.block.number <= confirmed.number:
            self._kept.put(transaction, found)
        return found

    def _still_stands(self, kept: MinedBurns) -> bool:
        """Whether our chain has not replaced its block: an operator may accept a reorg of confirmed blocks."""
        own = self._side.headers.header(kept.block.number)
        return own is None or own.hash == kept.block.hash

    async def _proved(
        self, reader: ChainReader, transaction: Hash32, place: _Place, confirmed: BlockPoint
    ) -> MinedBurns:
        block = await self._block(reader, place)
        if block.hash != place.block_hash:
            claimed, ours = to_hex(place.block_hash), to_hex(block.hash)
            text = f"the transaction's block {place.block_number} is said to be {claimed}, ours is {ours}"
            if block.number <= confirmed.number:
                raise EndpointFalse(text, reader.pool.latest_label)
            raise CannotTell(f"the side chain is being reorganised: {text}")
        with chain_errors(f"receipts of side-chain block {block.number}", reader):
            receipts = await reader.receipts(block)
        if place.transaction_index >= len(receipts) or receipts[place.transaction_index] != place.receipt:
            raise EndpointFalse(
                f"the transaction's receipt is not number {place.transaction_index} of block {block.number}",
                reader.pool.latest_label,
            )
        return MinedBurns(transaction, block, place.transaction_index, receipts)

    async def _block(self, reader: ChainReader, place: _Place) -> StoredHeader:
        """The block at the place's number: from our own headers, else as the endpoint has it at that number."""
        own = self._side.headers.header(place.block_number)
        if own is not None:
            return own
        with chain_errors(f"side-chain block {place.block_number}", reader):
            shown = await reader.headers(place.block_number, 1)
        if not shown:
            raise CannotTell(f"{reader.pool.latest_label} does not show side-chain block {place.block_number}")
        return shown[0]


def burns_in(receipt: Receipt) -> tuple[FoundBurn, ...]:
    """The ERC-20 burns of a receipt. A failed transaction has no logs, so none."""
    burns: list[FoundBurn] = []
    token_index = 0
    for log_index, log in enumerate(receipt.logs):
        if not _is_transfer_to_zero(log):
            continue
        if len(log.topics) == 3 and len(log.data) == 32:
            burner = Address(log.topics[1][12:])
            burns.append(FoundBurn(log_index, token_index, log.address, burner, int.from_bytes(log.data)))
        token_index += 1
    return tuple(burns)


def _is_transfer_to_zero(log: Log) -> bool:
    """As matic.js counts them: ERC-20's and ERC-721's Transfer alike, whoever emitted them."""
    return len(log.topics) >= 3 and log.topics[0] == TRANSFER_TOPIC and log.topics[2] == ZERO_HASH


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
