"""Our types as geth's JSON: quantities as minimal hex, bytes as hex, absent things as null.

Headers have every field that their hash covers, so that a client can recompute it.
"""

from collections import OrderedDict

import msgspec

from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.header import Header
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.receipts import SUCCESS, Log
from bridge.codec.types import Address, Hash32
from node.devnet.chain import Block, FoundLog, Transaction

Json = dict[str, object]
BLOCKS_KEPT = 1_024


class EncodedBlocks:
    """Blocks with their transactions' hashes as JSON text, kept by hash: many clients ask for the same ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hash32, msgspec.Raw] = OrderedDict()

    def of(self, block: Block) -> msgspec.Raw:
        """The text."""
        known = self._kept.get(block.header.hash)
        if known is not None:
            return known
        encoded = msgspec.Raw(msgspec.json.encode(block_fields(block, whole_transactions=False)))
        self._kept[block.header.hash] = encoded
        if len(self._kept) > BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return encoded


def header_fields(header: Header) -> Json:
    """The fields of a header."""
    return {
        "number": quantity(header.number),
        "hash": to_hex(header.hash),
        "parentHash": to_hex(header.parent_hash),
        "nonce": to_hex(header.nonce),
        "sha3Uncles": to_hex(header.uncles_hash),
        "logsBloom": to_hex(header.logs_bloom),
        "transactionsRoot": to_hex(header.transactions_root),
        "stateRoot": to_hex(header.state_root),
        "receiptsRoot": to_hex(header.receipts_root),
        "miner": to_hex(header.beneficiary),
        "difficulty": quantity(header.difficulty),
        "extraData": to_hex(header.extra_data),
        "mixHash": to_hex(header.mix_hash),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": _optional_quantity(header.base_fee_per_gas_wei),
        "withdrawalsRoot": _optional_data(header.withdrawals_root),
        "blobGasUsed": _optional_quantity(header.blob_gas_used),
        "excessBlobGas": _optional_quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": _optional_data(header.parent_beacon_block_root),
        "requestsHash": _optional_data(header.requests_hash),
    }


def block_fields(block: Block, *, whole_transactions: bool) -> Json:
    """A block with its transactions, or with their hashes."""
    transactions: list[object] = [
        mined_transaction_fields(block, index) if whole_transactions else to_hex(transaction.hash)
        for index, transaction in enumerate(block.transactions)
    ]
    return {
        **header_fields(block.header),
        "size": quantity(block.size_bytes),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def pending_block_fields(head: Header, next_base_fee_wei: int, transactions: tuple[Transaction, ...]) -> Json:
    """The block that may come next: what only its making will show is null."""
    return {
        **header_fields(head),
        **dict.fromkeys(("hash", "nonce", "logsBloom", "transactionsRoot", "stateRoot", "receiptsRoot", "miner")),
        "number": quantity(head.number + 1),
        "parentHash": to_hex(head.hash),
        "timestamp": quantity(head.timestamp + 1),
        "baseFeePerGas": quantity(next_base_fee_wei),
        "gasUsed": quantity(0),
        "size": quantity(0),
        "transactions": [waiting_transaction_fields(transaction) for transaction in transactions],
        "uncles": [],
        "withdrawals": [],
    }


def mined_transaction_fields(block: Block, index: int) -> Json:
    """A transaction of a block."""
    transaction = block.transactions[index]
    return {
        **_transaction_fields(transaction),
        "gasPrice": quantity(_effective_gas_price_wei(block, transaction)),
        "blockHash": to_hex(block.header.hash),
        "blockNumber": quantity(block.header.number),
        "transactionIndex": quantity(index),
    }


def waiting_transaction_fields(transaction: Transaction) -> Json:
    """A transaction of the pool, which is in no block."""
    return {
        **_transaction_fields(transaction),
        "gasPrice": quantity(transaction.max_fee_per_gas_wei),
        **dict.fromkeys(("blockHash", "blockNumber", "transactionIndex")),
    }


def receipt_fields(block: Block, index: int) -> Json:
    """The receipt of a transaction of a block."""
    transaction, receipt = block.transactions[index], block.receipts[index]
    first_log = block.first_log_index_of(index)
    logs = [
        log_fields(
            FoundLog(
                log, block.header.number, block.header.hash, block.header.timestamp, transaction.hash, index, position
            )
        )
        for position, log in enumerate(receipt.logs, first_log)
    ]
    return {
        "type": quantity(receipt.type),
        "status": quantity(1 if receipt.status_or_root == SUCCESS else 0),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "logsBloom": to_hex(receipt.logs_bloom),
        "logs": logs,
        "transactionHash": to_hex(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": to_hex(block.header.hash),
        "blockNumber": quantity(block.header.number),
        "gasUsed": quantity(block.gas_used_by(index)),
        "effectiveGasPrice": quantity(_effective_gas_price_wei(block, transaction)),
        "from": to_hex(transaction.sender),
        "to": _optional_data(transaction.to),
        "contractAddress": to_hex(_created_address(transaction)) if transaction.to is None else None,
    }


def log_fields(found: FoundLog) -> Json:
    """A log with its place."""
    log: Log = found.log
    return {
        "address": to_hex(log.address),
        "topics": [to_hex(topic) for topic in log.topics],
        "data": to_hex(log.data),
        "blockNumber": quantity(found.block_number),
        "blockHash": to_hex(found.block_hash),
        "blockTimestamp": quantity(found.block_timestamp),
        "transactionHash": to_hex(found.transaction_hash),
        "transactionIndex": quantity(found.transaction_index),
        "logIndex": quantity(found.index),
        "removed": False,
    }


def _transaction_fields(transaction: Transaction) -> Json:
    fields: Json = {
        "type": quantity(transaction.type),
        "hash": to_hex(transaction.hash),
        "from": to_hex(transaction.sender),
        "to": _optional_data(transaction.to),
        "nonce": quantity(transaction.nonce),
        "value": quantity(transaction.value_wei),
        "gas": quantity(transaction.gas_limit),
        "input": to_hex(transaction.data),
        "chainId": _optional_quantity(transaction.chain_id),
        "v": quantity(transaction.v),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if transaction.type == 0:
        return fields
    fields["yParity"] = fields["v"]
    fields["accessList"] = [
        {"address": to_hex(entry.address), "storageKeys": [to_hex(key) for key in entry.storage_keys]}
        for entry in transaction.access_list
    ]
    if transaction.type == 2:
        fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas_wei)
        fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas_wei)
    return fields


def _effective_gas_price_wei(block: Block, transaction: Transaction) -> int:
    base_fee_wei = block.header.base_fee_per_gas_wei or 0
    return base_fee_wei + transaction.tip_wei(base_fee_wei)


def _created_address(transaction: Transaction) -> Address:
    return Address(keccak256(rlp.encode((transaction.sender, rlp.uint(transaction.nonce))))[12:])


def _optional_data(data: bytes | None) -> str | None:
    return None if data is None else to_hex(data)


def _optional_quantity(value: int | None) -> str | None:
    return None if value is None else quantity(value)
