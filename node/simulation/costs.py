"""What checkpoints cost on the root chain, as its blocks say; a reorg takes back what stood in those it replaces."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.codec.events import NewHeaderBlock, decode_event
from bridge.codec.types import BlockNumber, Hash32
from node.devnet.chain import Block
from node.simulation.checks.check import Check
from node.simulation.events import EventKind

if TYPE_CHECKING:
    from node.simulation.world import World


@dataclass(frozen=True, slots=True)
class Costs:
    """Of transactions to RootChain."""

    submissions: int = 0
    """All that were mined."""
    failed: int = 0
    """Those of them that reverted."""
    gas: int = 0
    fees_wei: int = 0

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(
            self.submissions + other.submissions,
            self.failed + other.failed,
            self.gas + other.gas,
            self.fees_wei + other.fees_wei,
        )


class CostReader(Check):
    """Reads each block of the root chain once, as soon as it is there. It asks nothing of it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._root_chain = world.contracts.root.root_chain
        self._submitters = {account.address: index for index, account in enumerate(world.accounts.submitters)}
        self._before = world.root.head.number
        self._blocks: dict[int, tuple[Hash32, Costs]] = {}

    @property
    def total(self) -> Costs:
        """Of the blocks that stand."""
        return sum((costs for _, costs in self._blocks.values()), Costs())

    def root_block(self) -> None:
        """Read what is new up to the head."""
        root = self._world.root
        gone = root.head.number + 1
        while self._blocks.pop(gone, None) is not None:
            gone += 1
        number, fresh = int(root.head.number), list[int]()
        while number > self._before:
            known, block_hash = self._blocks.get(number), root.header(BlockNumber(number)).hash
            if known is not None and known[0] == block_hash:
                break
            fresh.append(number)
            number -= 1
        for number in reversed(fresh):
            block = root.block(BlockNumber(number))
            self._blocks[number] = (block.header.hash, self._read(block))

    def _read(self, block: Block) -> Costs:
        total, base_fee_wei = Costs(), block.header.base_fee_per_gas_wei or 0
        for index, (transaction, receipt) in enumerate(zip(block.transactions, block.receipts, strict=True)):
            if transaction.to != self._root_chain:
                continue
            gas = block.gas_used_by(index)
            price_wei = base_fee_wei + transaction.tip_wei(base_fee_wei)
            failed = receipt.status_or_root != b"\x01"
            total += Costs(1, int(failed), gas, gas * price_wei)
            where = f"in root-chain block {block.header.number}, {gas:,} gas"
            validator = self._submitters.get(transaction.sender)
            if failed:
                self._note(EventKind.SUBMISSION_FAILED, where, validator)
            for log in receipt.logs:
                event = decode_event(log) if log.address == self._root_chain else None
                if isinstance(event, NewHeaderBlock):
                    self._note(EventKind.LANDED, f"header {event.header_id} {where}", validator, event.header_id)
        return total

    def _note(self, kind: EventKind, text: str, validator: int | None, number: int | None = None) -> None:
        self._world.journal.note(self._world.now_s, kind, text, validator=validator, number=number)
