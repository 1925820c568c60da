"""What a signature is for, and where at most one may ever be made (docs/protocol.md P7).

purpose      domain                                          position
CHECKPOINT   the contract that would accept it               (root chain, turn)
TRANSACTION  the network and the sender                      (nonce,)
"""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.checkpoint import Checkpoint, CheckpointBinding
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, Hash32


class Purpose(IntEnum):
    """What a signature is for. A number is never used again for something else; 3 is kept for consensus votes."""

    CHECKPOINT = 1
    TRANSACTION = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """Where at most one digest may ever be signed."""

    purpose: Purpose
    domain: str
    position: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.purpose.name.lower()} {'/'.join(map(str, self.position))} of {self.domain}"

    @property
    def key(self) -> bytes:
        """The position as bytes that sort as the numbers do: 8 bytes each."""
        return b"".join(number.to_bytes(8) for number in self.position)

    @staticmethod
    def of_key(purpose: Purpose, domain: str, key: bytes) -> "Slot":
        """The slot whose `key` this is."""
        position = tuple(int.from_bytes(key[at : at + 8]) for at in range(0, len(key), 8))
        return Slot(purpose, domain, position)


def checkpoint_slot(
    genesis_hash: Hash32, root_chain: int, turn: int, checkpoint: Checkpoint, binding: CheckpointBinding | None
) -> Slot:
    """The slot of a turn's checkpoint.

    Signed data in bound form name their contract, so the slot is of this network and contract. Data in polygon form
    name only the side chain (the contract's CHAINID): the contract of any network for it would accept them, so the slot
    is one for all networks.
    """
    if binding is None:
        domain = f"polygon/{checkpoint.side_chain_id}"
    else:
        domain = f"bound/{to_hex(genesis_hash)}/{to_hex(binding.root_chain_address)}"
    return Slot(Purpose.CHECKPOINT, domain, (root_chain, turn))


def transaction_slot(genesis_hash: Hash32, sender: Address, nonce: int) -> Slot:
    """The slot of a sender's engine transaction."""
    return Slot(Purpose.TRANSACTION, f"engine/{to_hex(genesis_hash)}/{to_hex(sender)}", (nonce,))
