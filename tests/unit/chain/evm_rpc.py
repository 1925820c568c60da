"""An embedded EVM chain behind JSON-RPC, and a contract that takes each key once, as a root chain takes each header."""

from collections.abc import Callable

from bridge.chain.clock import ManualClock
from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, from_quantity, quantity, to_hex
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.chain import (
    BlockUnknown,
    Call,
    CallFailed,
    CallReverted,
    ChainGenesis,
    TransactionRefused,
)
from node.devnet.chain.embedded import EmbeddedChain
from tests.unit.chain.rpc_server import RpcFault
from tests.unit.chain.tiny_chain import CHAIN_ID, GENESIS_TIME, header_json

ETHER = 10**18
GWEI = 10**9
ONCE_RUNTIME = bytes.fromhex("6000358054600c57339055005b600080fd")
"""Stores the caller at the key in the call's first word, and reverts if the key was taken."""
ONCE_CREATION = bytes.fromhex(f"60{len(ONCE_RUNTIME):02x}80600b6000396000f3") + ONCE_RUNTIME


class Account:
    """A key that signs transactions; what the outbox calls a signer."""

    def __init__(self, seed: int) -> None:
        self._key = bytes([seed]) * 32
        self.address = address_of(public_key_of(self._key))

    def sign(self, transaction: DynamicFeeTransaction) -> bytes:
        """The raw transaction."""
        return transaction.raw(sign(transaction.signing_hash(), self._key))


class EvmChain:
    """An embedded chain with funded accounts and the contract, whose `answer` serves an RpcServer."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.us, self.rival, self.poor = Account(1), Account(2), Account(3)
        alloc = {account.address: Wei(100 * ETHER) for account in (self.us, self.rival)}
        self.evm = EmbeddedChain(None, ChainId(CHAIN_ID), clock, ChainGenesis(alloc, UnixSeconds(GENESIS_TIME)))
        self.evm.send_raw(self.transaction(self.rival, 0, None, ONCE_CREATION))
        self.once = self.created(self.rival, 0)
        self.mine()
        self._methods: dict[str, Callable[..., object]] = {
            "eth_chainId": lambda: quantity(CHAIN_ID),
            "eth_getBlockByNumber": self._block,
            "eth_getTransactionCount": self._transaction_count,
            "eth_getBalance": self._balance,
            "eth_call": self._call,
            "eth_feeHistory": self._fee_history,
            "eth_sendRawTransaction": lambda raw: to_hex(self.evm.send_raw(from_hex(raw))),
            "eth_getTransactionReceipt": self._receipt,
        }

    def mine(self, count: int = 1, seconds: float = 2) -> None:
        """Make blocks that lie so many seconds apart on the clock."""
        for _ in range(count):
            self.clock.advance(seconds)
            self.evm.mine()

    def transaction(self, account: Account, nonce: int, to: Address | None, data: bytes, tip_gwei: int = 2) -> bytes:
        """A raw transaction of anyone's."""
        fees = Wei(tip_gwei * GWEI), Wei(100 * GWEI)
        return account.sign(DynamicFeeTransaction(ChainId(CHAIN_ID), nonce, *fees, 500_000, to, Wei(0), data))

    def created(self, account: Account, nonce: int) -> Address:
        """Where the contract stands that a transaction with this nonce creates."""
        return Address(keccak256(rlp.encode((account.address, rlp.uint(nonce))))[12:])

    def owner(self, key: bytes) -> Address | None:
        """Who took a key, as of the head."""
        value = self.evm.storage(self.once, int.from_bytes(key))
        return Address(value.to_bytes(20)) if value else None

    def successes(self, account: Account) -> list[Hash32]:
        """The hashes of an account's calls to the contract that did not revert, over the canonical chain."""
        found = []
        for number in range(self.evm.head.number + 1):
            block = self.evm.block(number)
            for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
                to_us = transaction.sender == account.address and transaction.to == self.once
                if to_us and receipt.status_or_root == b"\x01":
                    found.append(transaction.hash)
        return found

    def answer(self, method: str, params: list[object]) -> object:
        """The answer of a node."""
        if method not in self._methods:
            raise RpcFault(-32601, f"the method {method} does not exist")
        try:
            return self._methods[method](*params)
        except TransactionRefused as error:
            raise RpcFault(-32000, str(error)) from error
        except CallReverted as error:
            raise RpcFault(3, "execution reverted", to_hex(error.data)) from error
        except CallFailed as error:
            raise RpcFault(-32000, str(error)) from error
        except BlockUnknown as error:
            raise RpcFault(-32000, "header not found") from error

    def _number(self, reference: object) -> BlockNumber:
        return self.evm.head.number if reference == "latest" else BlockNumber(from_quantity(reference))

    def _block(self, reference: object, _full: object) -> object:
        number = self._number(reference)
        return header_json(self.evm.header(number)) if number <= self.evm.head.number else None

    def _transaction_count(self, address: object, reference: object) -> object:
        return quantity(self.evm.nonce(Address(from_hex(address)), self._number(reference)))

    def _balance(self, address: object, reference: object) -> object:
        return quantity(self.evm.balance(Address(from_hex(address)), self._number(reference)))

    def _call(self, request: dict[str, object], reference: object) -> object:
        call = Call(
            to=Address(from_hex(request["to"])),
            data=from_hex(request["data"]),
            sender=Address(from_hex(request.get("from", to_hex(bytes(20))))),
            value_wei=Wei(from_quantity(request.get("value", "0x0"))),
            gas_limit=from_quantity(request["gas"]) if "gas" in request else None,
        )
        return to_hex(self.evm.run(call, self._number(reference)))

    def _fee_history(self, _blocks: object, _newest: object, _percentiles: object) -> object:
        base_fee = self.evm.head.base_fee_per_gas_wei or Wei(0)
        fees = [quantity(base_fee), quantity(self.evm.next_base_fee_wei())]
        return {"baseFeePerGas": fees, "reward": [[quantity(GWEI)]]}

    def _receipt(self, transaction_hash: object) -> object:
        place = self.evm.mined(Hash32(from_hex(transaction_hash)))
        if place is None:
            return None
        return {
            "transactionHash": transaction_hash,
            "blockNumber": quantity(place.block.header.number),
            "blockHash": to_hex(place.block.header.hash),
            "transactionIndex": quantity(place.index),
            "status": quantity(int(place.block.receipts[place.index].status_or_root == b"\x01")),
            "gasUsed": quantity(place.block.gas_used_by(place.index)),
        }
