"""Transactions on their way from mempool to mempool.

Each member offers each transaction to each peer once, in its own order, and not to the peer it came from. What the
network drops, or the peer's CheckTx refuses, is not offered again by that member.
"""

from collections.abc import Sequence
from typing import Protocol

from node.engine.errors import MemberLostError, MempoolError
from node.engine.local.mempool import Mempool

DELIVERIES_PER_ROUND = 500
"""Offers made by one `advance`; each may cost a signature check."""


class Network(Protocol):
    """Decides what reaches whom; members are named by their index."""

    def delivers_transaction(self, sender: int, receiver: int, transaction: bytes) -> bool:
        """Whether this one offer arrives."""
        ...

    def delivers_proposal(self, proposer: int, receiver: int, height: int, round_number: int) -> bool:
        """Whether the member hears the proposal in time to vote for it."""
        ...

    def delivers_block(self, receiver: int, height: int) -> bool:
        """Whether a decided block has reached the member by now; asked again at each step until it has."""
        ...


class ReliableNetwork:
    """Everything arrives."""

    def delivers_transaction(self, sender: int, receiver: int, transaction: bytes) -> bool:
        """Always."""
        return True

    def delivers_proposal(self, proposer: int, receiver: int, height: int, round_number: int) -> bool:
        """Always."""
        return True

    def delivers_block(self, receiver: int, height: int) -> bool:
        """Always."""
        return True


class Gossip:
    """The links between all mempools, each with the number of the last entry it has offered."""

    def __init__(self, mempools: Sequence[Mempool], network: Network) -> None:
        self._mempools = list(mempools)
        self._network = network
        self._offered = {
            (sender, receiver): 0
            for sender in range(len(mempools))
            for receiver in range(len(mempools))
            if sender != receiver
        }

    def replace(self, member: int, mempool: Mempool) -> None:
        """Give a member that has started again its new, empty mempool: all links from and to it begin anew."""
        self._mempools[member] = mempool
        for link in self._offered:
            if member in link:
                self._offered[link] = 0

    def advance(self, members: Sequence[int]) -> bool:
        """Offer what is new among the members that are up; True if offers are left for the next call.

        A member that is away keeps its place on every link and is offered the rest when it is back.
        """
        left = DELIVERIES_PER_ROUND
        for sender in members:
            for receiver in members:
                if sender != receiver:
                    left -= self._offer(sender, receiver, left)
                    if left == 0:
                        return True
        return False

    def _offer(self, sender: int, receiver: int, limit: int) -> int:
        link = (sender, receiver)
        made = 0
        for entry in self._mempools[sender].after(self._offered[link]):
            if made == limit:
                break
            self._offered[link] = entry.sequence
            if receiver in entry.senders:
                continue
            made += 1
            if self._network.delivers_transaction(sender, receiver, entry.transaction):
                self.deliver(entry.transaction, sender, receiver)
        return made

    def deliver(self, transaction: bytes, sender: int, receiver: int) -> None:
        """Offer a transaction to a member now."""
        try:
            self._mempools[receiver].add(transaction, sender)
        except (MempoolError, MemberLostError):
            return  # seen already, no room, or gone: a peer that cannot take it is not asked twice
