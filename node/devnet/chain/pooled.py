"""What every chain of ours does with its pool, whatever executes its transactions."""

from abc import ABC, abstractmethod

from bridge.codec.header import Header
from bridge.codec.types import Address, ChainId, Hash32, Wei
from node.devnet.chain.pool import PoolFaults, SenderState, TransactionPool
from node.devnet.chain.transactions import Transaction, check_transaction, decode_transaction
from node.devnet.chain.views import BlockId


class PooledChain(ABC):
    """A chain over a pool of waiting transactions."""

    chain_id: ChainId
    _pool: TransactionPool

    @property
    @abstractmethod
    def head(self) -> Header:
        """The newest block."""

    @abstractmethod
    def balance(self, address: Address, block: BlockId | None = None) -> Wei:
        """What an account has after a block."""

    @abstractmethod
    def nonce(self, address: Address, block: BlockId | None = None) -> int:
        """How many transactions an account has sent up to a block."""

    def send_raw(self, raw: bytes) -> Hash32:
        """Put a signed transaction into the pool. Raises TransactionRefused with geth's wording."""
        transaction = decode_transaction(raw)
        if self._pool.get(transaction.hash) is None:
            check_transaction(transaction, self.chain_id, self.head.gas_limit)
        state = SenderState(self.nonce(transaction.sender), self.balance(transaction.sender))
        self._pool.add(transaction, state)
        return transaction.hash

    def waiting(self, transaction_hash: Hash32) -> Transaction | None:
        """A transaction that is in the pool."""
        return self._pool.get(transaction_hash)

    @property
    def waiting_count(self) -> int:
        """How many transactions are in the pool."""
        return len(self._pool)

    def pending_nonce(self, address: Address) -> int:
        """The nonce of the account's next transaction, after those in the pool."""
        return self._pool.next_nonce(address, self.nonce(address))

    def drop(self, transaction_hash: Hash32) -> bool:
        """Have the pool forget a transaction; whether it was there."""
        transaction = self._pool.get(transaction_hash)
        if transaction is not None:
            self._pool.remove(transaction)
        return transaction is not None

    def set_pool_faults(self, faults: PoolFaults) -> None:
        """From now on treat transactions so."""
        self._pool.faults = faults
