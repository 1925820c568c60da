"""One chain of models and one of real contracts in lockstep: whatever is done to both must end the same.

What may differ is gas, and what follows from it: cumulative gas, the base fee, the receipts root, block hashes, fees
paid and so balances. Balances are compared with the fees paid added again.
"""

import re
from dataclasses import dataclass

from bridge.codec.receipts import Receipt
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, Wei
from node.devnet.chain import (
    Block,
    BlockUnknown,
    Call,
    CallFailed,
    CallReverted,
    Chain,
    TransactionRefused,
)
from node.simulation.chains.model import ModelChain

BENEFICIARY = Address(bytes(20))

_WEI_OF_FEES = re.compile(r"\b(balance|queued cost|overshot) \d+")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended: what it returned or reverted with, or that it failed otherwise."""

    ended: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Twins:
    """The two chains."""

    model: ModelChain
    evm: Chain

    def call(self, to: Address | None, data: bytes, sender: Address, value_wei: Wei = Wei(0)) -> Answer:
        """What both answer to a call at the head."""
        call = Call(to, data, sender, value_wei)
        ours, theirs = _answer(self.model, call), _answer(self.evm, call)
        assert ours == theirs, f"call of {None if to is None else to.hex()} by {sender.hex()} with {data.hex()}"
        return ours

    def call_at(self, to: Address, data: bytes, number: int) -> Answer:
        """What both answer to a call at an older block."""
        call, block = Call(to, data), BlockNumber(number)
        ours, theirs = _answer(self.model, call, block), _answer(self.evm, call, block)
        assert ours == theirs, f"call of {to.hex()} at {number} with {data.hex()}"
        return ours

    def create(self, data: bytes, sender: Address) -> None:
        """Creation by a call: the codes differ in their immutable values, so only the end of it is compared."""
        call = Call(None, data, sender)
        ours, theirs = _answer(self.model, call), _answer(self.evm, call)
        assert ours.ended == theirs.ended
        assert len(ours.data) == len(theirs.data)

    def send(self, raw: bytes) -> Hash32 | None:
        """The hash, or None where both refuse in the same words."""
        ours, theirs = _sent(self.model, raw), _sent(self.evm, raw)
        assert ours == theirs
        return ours if isinstance(ours, bytes) else None

    def mine(self, seconds: int) -> Block:
        """A block on both, some seconds after the last one."""
        timestamp = UnixSeconds(self.model.head.timestamp + seconds)
        self.model.mine(timestamp=timestamp)
        self.evm.mine(timestamp=timestamp)
        self.compare_block(self.model.head.number)
        return self.model.block()

    def reorg(self, depth: int, *, with_transactions: bool) -> None:
        """Replace blocks on both, and compare the new ones."""
        ours = self.model.reorg(depth, with_transactions=with_transactions)
        theirs = self.evm.reorg(depth, with_transactions=with_transactions)
        assert len(ours) == len(theirs) == depth + 1
        for header in ours:
            self.compare_block(header.number)

    def compare_block(self, number: int) -> None:
        """Everything in a block but gas and hashes."""
        ours, theirs = self.model.block(number), self.evm.block(number)
        for name in ("number", "timestamp", "transactions_root", "gas_limit", "logs_bloom", "beneficiary"):
            assert getattr(ours.header, name) == getattr(theirs.header, name), name
        assert ours.transactions == theirs.transactions
        assert [_facts(receipt) for receipt in ours.receipts] == [_facts(receipt) for receipt in theirs.receipts]
        assert self.model.waiting_count == self.evm.waiting_count

    def compare_accounts(self, addresses: list[Address]) -> None:
        """Nonces, and balances but for fees."""
        ours, theirs = _fees(self.model), _fees(self.evm)
        for address in (*addresses, BENEFICIARY):
            assert self.model.nonce(address) == self.evm.nonce(address)
            assert self.model.pending_nonce(address) == self.evm.pending_nonce(address)
            our_balance = self.model.balance(address) + ours.get(address, 0)
            assert our_balance == self.evm.balance(address) + theirs.get(address, 0)
            assert bool(self.model.code(address)) == bool(self.evm.code(address))

    def at_unknown_blocks(self) -> None:
        """Neither knows a block above the head, or of a hash that never was."""
        for block in (self.model.head.number + 1, bytes(32)):
            for chain in (self.model, self.evm):
                try:
                    chain.header(block)
                except BlockUnknown:
                    continue
                raise AssertionError(f"{block!r} is known")


def _answer(chain: Chain, call: Call, block: BlockNumber | None = None) -> Answer:
    try:
        return Answer("returned", chain.run(call, block))
    except CallReverted as error:
        return Answer("reverted", error.data)
    except CallFailed as error:
        return Answer(f"failed: {str(error).partition(':')[0]}")


def _sent(chain: Chain, raw: bytes) -> Hash32 | str:
    try:
        return chain.send_raw(raw)
    except TransactionRefused as error:
        return _WEI_OF_FEES.sub(r"\1", str(error))


def _facts(receipt: Receipt) -> tuple[object, ...]:
    return receipt.type, receipt.status_or_root, receipt.logs_bloom, receipt.logs


def _fees(chain: Chain) -> dict[Address, int]:
    """What each account has paid in fees; what the beneficiary got counts against it."""
    fees: dict[Address, int] = {}
    for number in range(chain.head.number + 1):
        block = chain.block(number)
        base_fee_wei = block.header.base_fee_per_gas_wei or 0
        for index, transaction in enumerate(block.transactions):
            gas, tip_wei = block.gas_used_by(index), transaction.tip_wei(base_fee_wei)
            fees[transaction.sender] = fees.get(transaction.sender, 0) + gas * (base_fee_wei + tip_wei)
            fees[BENEFICIARY] = fees.get(BENEFICIARY, 0) - gas * tip_wei
    return fees
