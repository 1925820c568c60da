"""What the validators put on the root chain: headers in one line, true roots, one successful transaction for each.

Everything is read from the root chain's own blocks once they are final, and compared with the side chain itself.
"""

from collections import Counter
from dataclasses import dataclass

from bridge.codec import merkle
from bridge.codec.events import NewHeaderBlock, decode_event
from bridge.codec.header import leaf_of
from bridge.codec.types import Address, BlockNumber
from node.devnet.chain import Block, Chain
from node.simulation.checks.check import Check, Violation

FAILED_PER_HEADER_MAX = 24
"""Submissions of one header that may fail on L1: each rank's, over some turns."""


@dataclass(frozen=True, slots=True)
class LandedHeader:
    """A header that is final on the root chain."""

    header_id: int
    start: BlockNumber
    end: BlockNumber
    proposer: Address
    block_number: BlockNumber
    block_time: int


class TrueHeaders(Check):
    """No gap, no overlap, no wrong root, nothing paid for twice."""

    def __init__(
        self,
        root: Chain,
        side: Chain,
        root_chain: Address,
        first_block: BlockNumber,
        confirmations: int,
        *,
        side_may_change: bool,
        nonces_may_be_lost: frozenset[Address],
    ) -> None:
        """`side_may_change`: the side chain leaves blocks behind that were signed, so roots cannot be compared.

        `nonces_may_be_lost`: senders whose key is used by somebody else, too.
        """
        self.headers: list[LandedHeader] = []
        self._root = root
        self._side = side
        self._root_chain = root_chain
        self._next_block = first_block + 1
        self._confirmations = confirmations
        self._side_may_change = side_may_change
        self._nonces_may_be_lost = nonces_may_be_lost
        self._sent: Counter[tuple[Address, bytes]] = Counter()
        self._failed_since_header = 0

    def root_block(self) -> None:
        """Read the blocks that have become final."""
        while self._next_block + self._confirmations <= self._root.head.number:
            self._read(self._root.block(self._next_block))
            self._next_block += 1

    def _read(self, block: Block) -> None:
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            if transaction.to != self._root_chain:
                continue
            call = (transaction.sender, transaction.data)
            self._sent[call] += 1
            if self._sent[call] > 1 and transaction.sender not in self._nonces_may_be_lost:
                raise Violation("one transaction", f"0x{transaction.sender.hex()} paid twice for the same submission")
            if receipt.status_or_root != b"\x01":
                self._count_failure()
                continue
            for log in receipt.logs:
                if log.address == self._root_chain:
                    self._take(decode_event(log), block)

    def _count_failure(self) -> None:
        self._failed_since_header += 1
        if self._failed_since_header > FAILED_PER_HEADER_MAX:
            raise Violation("bounded cost", f"{self._failed_since_header} submissions of one header have failed")

    def _take(self, event: object, block: Block) -> None:
        if not isinstance(event, NewHeaderBlock):
            return
        last = self.headers[-1] if self.headers else None
        next_id = 10_000 if last is None else last.header_id + 10_000
        next_start = 0 if last is None else last.end + 1
        if (event.header_id, event.start) != (next_id, next_start) or event.end < event.start:
            text = f"header {event.header_id} is {event.start} to {event.end}, expected {next_id} from {next_start}"
            raise Violation("one line of headers", text)
        if not self._side_may_change and event.root != self._true_root(event):
            raise Violation("true roots", f"header {event.header_id} has a root that is not the side chain's")
        number = BlockNumber(block.header.number)
        self.headers.append(
            LandedHeader(event.header_id, event.start, event.end, event.proposer, number, block.header.timestamp)
        )
        self._failed_since_header = 0

    def _true_root(self, event: NewHeaderBlock) -> bytes:
        numbers = range(event.start, event.end + 1)
        return merkle.root([leaf_of(self._side.header(number)) for number in numbers])
