"""Makes one block: takes transactions in order, runs them, writes the block to the store. The caller commits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from eth.abc import BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.vm.forks.prague import PragueVM
from eth_utils.exceptions import ValidationError

from bridge.codec.types import UnixSeconds
from node.devnet.chain.evm import PragueChain
from node.devnet.chain.pool import Selection
from node.devnet.chain.transactions import Transaction


@dataclass(frozen=True, slots=True)
class BuiltBlock:
    """A written block, what is in it, and the transactions that it refused for good."""

    header: BlockHeaderAPI
    included: tuple[Transaction, ...]
    encoded_receipts: tuple[bytes, ...]
    refused: tuple[Transaction, ...]


def build_block(
    chain: PragueChain,
    parent: BlockHeaderAPI,
    timestamp: UnixSeconds,
    extra_data: bytes,
    select: Callable[[int], Selection],
) -> BuiltBlock:
    """Build on `parent` from the transactions that `select` gives for the block's base fee."""
    header = chain.create_header_from_parent(
        parent, gas_limit=parent.gas_limit, timestamp=timestamp, extra_data=extra_data
    )
    vm = cast(PragueVM, chain.get_vm(header))
    vm.block_preprocessing(vm.get_block())
    header, receipts, included, refused = _run(vm, header, select(header.base_fee_per_gas or 0))
    evm_transactions = [_evm_form(transaction) for transaction in included]
    block = vm.set_block_transactions_and_withdrawals(vm.get_block(), header, evm_transactions, receipts)
    mined = vm.mine_block(vm.block_postprocessing(block)).block
    chain.validate_block(mined)
    chain.chaindb.persist_block(mined)
    encoded_receipts = tuple(receipt.encode() for receipt in receipts)
    return BuiltBlock(mined.header, tuple(included), encoded_receipts, tuple(refused))


def _run(
    vm: PragueVM, header: BlockHeaderAPI, selection: Selection
) -> tuple[BlockHeaderAPI, list[ReceiptAPI], list[Transaction], list[Transaction]]:
    receipts: list[ReceiptAPI] = []
    included: list[Transaction] = []
    refused: list[Transaction] = []
    while (transaction := selection.pop()) is not None:
        if header.gas_used + transaction.gas_limit > header.gas_limit:
            continue
        try:
            # Validates before it changes anything, so that what is refused leaves no trace.
            receipt, _ = vm.apply_transaction(header, _evm_form(transaction))
        except ValidationError:
            refused.append(transaction)
            continue
        header = vm.add_receipt_to_header(header, receipt)
        receipts.append(receipt)
        included.append(transaction)
        selection.follow(transaction)
    return header, receipts, included, refused


def _evm_form(transaction: Transaction) -> SignedTransactionAPI:
    return PragueVM.get_transaction_builder().decode(transaction.raw)
