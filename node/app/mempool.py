"""What one node remembers between blocks to answer CheckTx and PrepareProposal; none of it is replicated.

Losing it, by a restart, costs nothing: it only limits how much waits.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.codec.types import Address
from node.app.opened import OpenedTransaction

PENDING_PER_SIGNER_MAX = 2
PENDING_BLOCKS_MAX = 10
"""After so many blocks without a word of it, a waiting transaction is taken for lost by the engine."""
RECENT_BLOCKS = 16
KNOWN_BLOCKS = 100
"""For so many blocks a signer that has left may still send: another node may be behind."""


@dataclass(slots=True)
class _Pending:
    sender: Address
    nonce: int
    height: int
    """When the engine last asked about it."""


class MempoolView:
    """Pending transactions by signer, signers known lately, and bytes used lately."""

    def __init__(self) -> None:
        self._pending: dict[bytes, _Pending] = {}
        self._known_until: dict[Address, int] = {}
        self._recent: deque[dict[Address, int]] = deque(maxlen=RECENT_BLOCKS)

    def has_room(self, data: bytes, sender: Address) -> bool:
        """Whether these bytes may wait: they do already, or the signer may have one more waiting."""
        waiting = sum(pending.sender == sender for pending in self._pending.values())
        return data in self._pending or waiting < PENDING_PER_SIGNER_MAX

    def add(self, data: bytes, opened: OpenedTransaction, height: int) -> None:
        """Note that the engine keeps this transaction waiting."""
        self._pending[data] = _Pending(opened.sender, opened.nonce, height)

    def remove(self, data: bytes) -> None:
        """Note that the engine has let it go."""
        self._pending.pop(data, None)

    def is_known(self, signer: Address, height: int) -> bool:
        """Whether the signer belonged to the set within the last blocks."""
        return self._known_until.get(signer, -1) >= height

    def recent_bytes(self) -> dict[Address, int]:
        """How many bytes each signer used in the last blocks."""
        totals: dict[Address, int] = {}
        for block in self._recent:
            for sender, size in block.items():
                totals[sender] = totals.get(sender, 0) + size
        return totals

    def know(self, signers: Iterable[Address], height: int) -> None:
        """Note whose transactions count after this block."""
        for signer in signers:
            self._known_until[signer] = height + KNOWN_BLOCKS

    def block_committed(
        self, height: int, transactions: Iterable[OpenedTransaction], last_nonces: Mapping[Address, int]
    ) -> None:
        """Forget what the block used up, and what the engine has not asked about for long."""
        used: dict[Address, int] = {}
        for opened in transactions:
            used[opened.sender] = used.get(opened.sender, 0) + opened.size
        self._recent.append(used)
        self._known_until = {signer: until for signer, until in self._known_until.items() if until >= height}
        self._pending = {
            data: pending
            for data, pending in self._pending.items()
            if pending.nonce > last_nonces.get(pending.sender, 0) and pending.height + PENDING_BLOCKS_MAX >= height
        }
