"""What endpoints show without proof: logs over many blocks, and what a transaction called."""

from dataclasses import dataclass

from bridge.chain.errors import BadAnswer
from bridge.chain.fields import as_data, as_hash, as_object, as_quantity
from bridge.codec.errors import ReceiptError
from bridge.codec.receipts import Log, log_from_rpc
from bridge.codec.types import Address, BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class ClaimedLog:
    """A log that an endpoint shows, with the place that it says the log has."""

    block_number: BlockNumber
    index: int
    transaction_hash: Hash32
    log: Log


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What eth_getLogs is asked for: an emitter, and at each place one of some topics (any, where there are none)."""

    address: Address
    topics: tuple[tuple[Hash32, ...], ...]

    def takes(self, log: Log) -> bool:
        """Whether a log is one of those."""
        return log.address == self.address and all(
            not wanted or (place < len(log.topics) and log.topics[place] in wanted)
            for place, wanted in enumerate(self.topics)
        )


@dataclass(frozen=True, slots=True)
class MinedCall:
    """What a transaction in a block called; `to` is None where it created a contract."""

    hash: Hash32
    block_number: BlockNumber
    to: Address | None
    data: bytes


def claimed_log_from_rpc(item: object) -> ClaimedLog:
    """A log of eth_getLogs. Raises BadAnswer."""
    fields = as_object(item, "log")
    try:
        log = log_from_rpc(fields)
    except ReceiptError as error:
        raise BadAnswer(str(error)) from error
    return ClaimedLog(
        block_number=BlockNumber(as_quantity(fields.get("blockNumber"), "blockNumber")),
        index=as_quantity(fields.get("logIndex"), "logIndex", 32),
        transaction_hash=as_hash(fields.get("transactionHash"), "transactionHash"),
        log=log,
    )


def mined_call_from_rpc(item: object) -> MinedCall:
    """A transaction of eth_getTransactionByHash, or of a full block. Raises BadAnswer."""
    fields = as_object(item, "transaction")
    to = fields.get("to")
    return MinedCall(
        hash=as_hash(fields.get("hash"), "transaction hash"),
        block_number=BlockNumber(as_quantity(fields.get("blockNumber"), "blockNumber")),
        to=None if to is None else Address(as_data(to, "to", 20)),
        data=as_data(fields.get("input"), "input"),
    )
