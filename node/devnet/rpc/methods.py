"""The methods, and what each answers."""

from collections.abc import Awaitable, Callable

import msgspec

from bridge.codec.abi import decode_values, selector
from bridge.codec.errors import AbiError
from bridge.codec.hexadecimal import quantity, to_hex
from node.devnet.chain import BlockUnknown, CallFailed, CallReverted, TransactionRefused
from node.devnet.rpc.encoding import (
    EncodedBlocks,
    Json,
    block_fields,
    log_fields,
    mined_transaction_fields,
    pending_block_fields,
    receipt_fields,
    waiting_transaction_fields,
)
from node.devnet.rpc.errors import METHOD_NOT_FOUND, REVERTED, SERVER_ERROR, JsonRpcError
from node.devnet.rpc.parameters import Parameters
from node.devnet.rpc.ranges import checkpoint_root, fee_history, logs_in_range
from node.devnet.rpc.view import BlockParameter, ChainView

CLIENT_VERSION = "sidewarden-devnet/py-evm"
SUGGESTED_TIP_WEI = 10**9

_ERROR_STRING = selector("Error(string)")


class Methods:
    """The methods of one chain towards one client."""

    def __init__(
        self, view: ChainView, encoded_blocks: EncodedBlocks, *, empty_logs: bool, empty_receipts: bool
    ) -> None:
        """With `empty_logs` eth_getLogs finds nothing; with `empty_receipts` blocks seem to have no receipts."""
        self._view = view
        self._chain = view.chain
        self._encoded_blocks = encoded_blocks
        self._empty_logs = empty_logs
        self._empty_receipts = empty_receipts

    async def call(self, method: str, params: object) -> object:
        """The result of a call, ready for JSON. Raises JsonRpcError."""
        entry = METHODS.get(method)
        if entry is None:
            raise JsonRpcError(METHOD_NOT_FOUND, f"the method {method[:100]} does not exist/is not available")
        handler, parameters_max = entry
        parameters = Parameters(params)
        parameters.at_most(parameters_max)
        try:
            answer = handler(self, parameters)
            return await answer if isinstance(answer, Awaitable) else answer
        except BlockUnknown as error:
            raise JsonRpcError(SERVER_ERROR, "header not found") from error
        except CallReverted as error:
            raise JsonRpcError(REVERTED, _revert_message(error.data), to_hex(error.data)) from error
        except (CallFailed, TransactionRefused) as error:
            raise JsonRpcError(SERVER_ERROR, str(error)) from error

    # The node

    def chain_id(self, _: Parameters) -> str:
        return quantity(self._chain.chain_id)

    def network_version(self, _: Parameters) -> str:
        return str(self._chain.chain_id)

    def client_version(self, _: Parameters) -> str:
        return CLIENT_VERSION

    def syncing(self, _: Parameters) -> bool:
        return False

    # Blocks

    def block_number(self, _: Parameters) -> str:
        return quantity(self._view.head_number)

    def block_by_number(self, parameters: Parameters) -> Json | msgspec.Raw | None:
        named, whole = parameters.block(0), parameters.flag(1)
        if named == "pending":
            head = self._view.header("latest")
            base_fee_wei = self._chain.next_base_fee_wei(head.number)
            return pending_block_fields(head, base_fee_wei, self._chain.pending())
        return self._block(named, whole_transactions=whole)

    def block_by_hash(self, parameters: Parameters) -> Json | msgspec.Raw | None:
        return self._block(parameters.hash(0), whole_transactions=parameters.flag(1))

    def _block(self, named: BlockParameter, *, whole_transactions: bool) -> Json | msgspec.Raw | None:
        try:
            block = self._view.block(named)
        except BlockUnknown:
            return None
        return block_fields(block, whole_transactions=True) if whole_transactions else self._encoded_blocks.of(block)

    def block_receipts(self, parameters: Parameters) -> list[Json] | None:
        try:
            block = self._view.block(parameters.block(0))
        except BlockUnknown:
            return None
        if self._empty_receipts:
            return []
        return [receipt_fields(block, index) for index in range(len(block.transactions))]

    # Transactions

    def transaction_by_hash(self, parameters: Parameters) -> Json | None:
        wanted = parameters.hash(0)
        place = self._view.mined(wanted)
        if place is not None:
            return mined_transaction_fields(place.block, place.index)
        waiting = self._chain.waiting(wanted)
        return None if waiting is None else waiting_transaction_fields(waiting)

    def transaction_receipt(self, parameters: Parameters) -> Json | None:
        place = self._view.mined(parameters.hash(0))
        if place is None or self._empty_receipts:
            return None
        return receipt_fields(place.block, place.index)

    def transaction_count(self, parameters: Parameters) -> str:
        address, named = parameters.address(0), parameters.block(1)
        if named == "pending":
            return quantity(self._chain.pending_nonce(address))
        return quantity(self._chain.nonce(address, self._view.resolve(named)))

    def send_raw_transaction(self, parameters: Parameters) -> str:
        return to_hex(self._chain.send_raw(parameters.data(0)))

    # State

    def balance(self, parameters: Parameters) -> str:
        return quantity(self._chain.balance(parameters.address(0), self._view.resolve(parameters.block(1))))

    def code(self, parameters: Parameters) -> str:
        return to_hex(self._chain.code(parameters.address(0), self._view.resolve(parameters.block(1))))

    def storage_at(self, parameters: Parameters) -> str:
        block = self._view.resolve(parameters.block(2))
        return to_hex(self._chain.storage(parameters.address(0), parameters.slot(1), block).to_bytes(32))

    def eth_call(self, parameters: Parameters) -> str:
        return to_hex(self._chain.run(parameters.call(0), self._view.resolve(parameters.block(1))))

    def estimate_gas(self, parameters: Parameters) -> str:
        return quantity(self._chain.estimate_gas(parameters.call(0), self._view.resolve(parameters.block(1))))

    # Fees

    def gas_price(self, _: Parameters) -> str:
        return quantity(self._chain.next_base_fee_wei(self._view.head_number) + SUGGESTED_TIP_WEI)

    def max_priority_fee(self, _: Parameters) -> str:
        return quantity(SUGGESTED_TIP_WEI)

    async def fee_history(self, parameters: Parameters) -> Json:
        count, percentiles = parameters.quantity(0), parameters.percentiles(2)
        newest = self._view.header(parameters.block(1)).number
        return await fee_history(self._view, count, newest, percentiles)

    # Ranges

    async def logs(self, parameters: Parameters) -> list[Json]:
        wanted, block_hash = parameters.log_filter(0), parameters.log_block_hash(0)
        if block_hash is not None:
            found = list(self._chain.logs_of_block(wanted, self._view.resolve(block_hash)))
        else:
            first, last = (self._number(named) for named in parameters.log_range(0))
            found = await logs_in_range(self._view, wanted, first, last)
        return [] if self._empty_logs else [log_fields(each) for each in found]

    async def root_hash(self, parameters: Parameters) -> str:
        return await checkpoint_root(self._view, parameters.number(0), parameters.number(1))

    def _number(self, named: BlockParameter) -> int:
        """A number as it is, also beyond the head; a tag's number."""
        return named if isinstance(named, int) else self._view.header(named).number


_Handler = Callable[[Methods, Parameters], object]

METHODS: dict[str, tuple[_Handler, int]] = {
    "eth_chainId": (Methods.chain_id, 0),
    "net_version": (Methods.network_version, 0),
    "web3_clientVersion": (Methods.client_version, 0),
    "eth_syncing": (Methods.syncing, 0),
    "eth_blockNumber": (Methods.block_number, 0),
    "eth_getBlockByNumber": (Methods.block_by_number, 2),
    "eth_getBlockByHash": (Methods.block_by_hash, 2),
    "eth_getBlockReceipts": (Methods.block_receipts, 1),
    "eth_getTransactionByHash": (Methods.transaction_by_hash, 1),
    "eth_getTransactionReceipt": (Methods.transaction_receipt, 1),
    "eth_getTransactionCount": (Methods.transaction_count, 2),
    "eth_sendRawTransaction": (Methods.send_raw_transaction, 1),
    "eth_getBalance": (Methods.balance, 2),
    "eth_getCode": (Methods.code, 2),
    "eth_getStorageAt": (Methods.storage_at, 3),
    "eth_call": (Methods.eth_call, 2),
    "eth_estimateGas": (Methods.estimate_gas, 2),
    "eth_gasPrice": (Methods.gas_price, 0),
    "eth_maxPriorityFeePerGas": (Methods.max_priority_fee, 0),
    "eth_feeHistory": (Methods.fee_history, 3),
    "eth_getLogs": (Methods.logs, 1),
    "eth_getRootHash": (Methods.root_hash, 2),
    "bor_getRootHash": (Methods.root_hash, 2),
}
"""Each method with the most parameters that it takes."""


def _revert_message(data: bytes) -> str:
    if data[:4] != _ERROR_STRING:
        return "execution reverted"
    try:
        (text,) = decode_values(("string",), data[4:])
    except AbiError:
        return "execution reverted"
    return f"execution reverted: {text}"
