"""Transactions that wait for a block: in memory only, with geth's rules of replacement and wording of refusals.

One transaction per sender and nonce. Another with the same nonce takes its place if both its fees are higher by a
tenth. A nonce may leave a gap; what stands behind the gap waits for it.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bridge.codec.types import Address, Hash32
from node.devnet.chain.errors import TransactionRefused
from node.devnet.chain.transactions import Transaction

REPLACEMENT_PRICE_PERCENT = 110


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much waits at most, all together and for one sender."""

    transactions_max: int = 5_120
    transactions_per_sender_max: int = 1_024


@dataclass(frozen=True, slots=True)
class SenderState:
    """A sender's account at the head."""

    nonce: int
    balance_wei: int


@dataclass(frozen=True, slots=True)
class PoolFaults:
    """How a pool, and whoever makes blocks from it, treats transactions badly."""

    refusal: str | None = None
    """The words that every transaction is refused with."""
    held: frozenset[Hash32] = frozenset()
    """Kept and shown, but put into no block, and with them what follows from the same sender."""
    censored: frozenset[Address] = frozenset()
    """The senders none of whose transactions is put into a block."""


NO_POOL_FAULTS = PoolFaults()


class TransactionPool:
    """The waiting transactions."""

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self.faults = NO_POOL_FAULTS
        self._by_hash: dict[Hash32, Transaction] = {}
        self._by_sender: dict[Address, dict[int, Transaction]] = {}
        self._arrivals: dict[Hash32, int] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    @property
    def senders(self) -> tuple[Address, ...]:
        """Everybody who has a transaction here."""
        return tuple(self._by_sender)

    def get(self, transaction_hash: Hash32) -> Transaction | None:
        """A waiting transaction."""
        return self._by_hash.get(transaction_hash)

    def add(self, transaction: Transaction, state: SenderState) -> None:
        """Take a transaction that is right in itself. Raises TransactionRefused."""
        if self.faults.refusal is not None:
            raise TransactionRefused(self.faults.refusal)
        if transaction.hash in self._by_hash:
            raise TransactionRefused("already known")
        if transaction.nonce < state.nonce:
            raise TransactionRefused(f"nonce too low: next nonce {state.nonce}, tx nonce {transaction.nonce}")
        waiting = self._by_sender.get(transaction.sender, {})
        replaced = waiting.get(transaction.nonce)
        _check_funds(transaction, replaced, waiting, state.balance_wei)
        if replaced is not None:
            _check_replacement(transaction, replaced)
            self.remove(replaced)
        elif len(waiting) >= self._limits.transactions_per_sender_max:
            raise TransactionRefused("account limit exceeded")
        elif len(self._by_hash) >= self._limits.transactions_max:
            raise TransactionRefused("txpool is full")
        self._insert(transaction)

    def restore(self, transactions: Iterable[Transaction]) -> None:
        """Take back transactions of blocks that are no longer on the chain, unless another has their place."""
        for transaction in transactions:
            if transaction.nonce not in self._by_sender.get(transaction.sender, {}):
                self._insert(transaction)

    def remove(self, transaction: Transaction) -> None:
        """Let go of a transaction, if it is here."""
        if self._by_hash.pop(transaction.hash, None) is None:
            return
        del self._arrivals[transaction.hash]
        waiting = self._by_sender[transaction.sender]
        del waiting[transaction.nonce]
        if not waiting:
            del self._by_sender[transaction.sender]

    def remove_used(self, nonce_of: Callable[[Address], int]) -> None:
        """Let go of everything whose nonce has been used at the head."""
        for sender in self.senders:
            next_nonce = nonce_of(sender)
            for transaction in list(self._by_sender[sender].values()):
                if transaction.nonce < next_nonce:
                    self.remove(transaction)

    def next_nonce(self, sender: Address, state_nonce: int) -> int:
        """The first nonce that neither the head nor the unbroken row of waiting transactions has used."""
        waiting = self._by_sender.get(sender, {})
        nonce = state_nonce
        while nonce in waiting:
            nonce += 1
        return nonce

    def select(self, base_fee_wei: int, nonce_of: Callable[[Address], int]) -> "Selection":
        """What a block of this base fee may hold, best first."""
        first = [
            waiting[nonce] for sender, waiting in self._by_sender.items() if (nonce := nonce_of(sender)) in waiting
        ]
        return Selection(self._by_sender, self._arrivals, first, base_fee_wei, self.faults)

    def copy(self) -> "TransactionPool":
        """The same transactions, changed independently from now on."""
        twin = TransactionPool(self._limits)
        twin.faults = self.faults
        twin.restore(self._by_hash.values())
        return twin

    def _insert(self, transaction: Transaction) -> None:
        self._by_hash[transaction.hash] = transaction
        self._by_sender.setdefault(transaction.sender, {})[transaction.nonce] = transaction
        self._arrived += 1
        self._arrivals[transaction.hash] = self._arrived


class Selection:
    """Transactions by falling tip, earlier arrivals first, each sender's in the order of its nonces.

    After `pop`, `follow` opens the sender's next nonce; without it the sender has no more in this block.
    """

    def __init__(
        self,
        by_sender: Mapping[Address, Mapping[int, Transaction]],
        arrivals: Mapping[Hash32, int],
        first: Iterable[Transaction],
        base_fee_wei: int,
        faults: PoolFaults = NO_POOL_FAULTS,
    ) -> None:
        self._by_sender = by_sender
        self._faults = faults
        self._arrivals = arrivals
        self._base_fee_wei = base_fee_wei
        self._heap: list[tuple[int, int, Hash32]] = []
        self._open: dict[Hash32, Transaction] = {}
        for transaction in first:
            self._push(transaction)

    def pop(self) -> Transaction | None:
        """The best one left, or None."""
        if not self._heap:
            return None
        return self._open.pop(heapq.heappop(self._heap)[2])

    def follow(self, transaction: Transaction) -> None:
        """The transaction is in the block: the sender's next one may come."""
        following = self._by_sender[transaction.sender].get(transaction.nonce + 1)
        if following is not None:
            self._push(following)

    def within(self, gas: int) -> tuple[Transaction, ...]:
        """All that fit into so much gas, if each succeeds and uses all of its own."""
        chosen = []
        while (transaction := self.pop()) is not None:
            if transaction.gas_limit <= gas:
                gas -= transaction.gas_limit
                chosen.append(transaction)
                self.follow(transaction)
        return tuple(chosen)

    def _push(self, transaction: Transaction) -> None:
        if transaction.hash in self._faults.held or transaction.sender in self._faults.censored:
            return
        tip_wei = transaction.tip_wei(self._base_fee_wei)
        if tip_wei >= 0:
            heapq.heappush(self._heap, (-tip_wei, self._arrivals[transaction.hash], transaction.hash))
            self._open[transaction.hash] = transaction


def _check_funds(
    transaction: Transaction, replaced: Transaction | None, waiting: Mapping[int, Transaction], balance_wei: int
) -> None:
    cost = transaction.most_it_costs_wei
    if balance_wei < cost:
        raise TransactionRefused(
            f"insufficient funds for gas * price + value: balance {balance_wei}, tx cost {cost}, "
            f"overshot {cost - balance_wei}"
        )
    queued = sum(each.most_it_costs_wei for each in waiting.values())
    if replaced is not None:
        queued -= replaced.most_it_costs_wei
    if balance_wei < queued + cost:
        raise TransactionRefused(
            f"insufficient funds for gas * price + value: balance {balance_wei}, queued cost {queued}, "
            f"tx cost {cost}, overshot {queued + cost - balance_wei}"
        )


def _check_replacement(transaction: Transaction, replaced: Transaction) -> None:
    fees = (
        (transaction.max_fee_per_gas_wei, replaced.max_fee_per_gas_wei),
        (transaction.max_priority_fee_per_gas_wei, replaced.max_priority_fee_per_gas_wei),
    )
    for new_wei, old_wei in fees:
        if new_wei <= old_wei or new_wei * 100 < old_wei * REPLACEMENT_PRICE_PERCENT:
            raise TransactionRefused("replacement transaction underpriced")
