"""What a signature is for, and where at most one may ever be made (docs/protocol.md P7).

purpose      domain                                          position
CHECKPOINT   the contract that would accept it               (root chain, turn)
TRANSACTION  the network and the sender                      (nonce,)
VOTE         the engine's chain id and the signer            (height, round, step)

Checkpoints and transactions keep a digest per slot for ever. Of votes there are three a block: only the furthest one of
each signer is kept, and nothing is signed before it any more.
"""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.checkpoint import Checkpoint, CheckpointBinding
from bridge.codec.consensus import Proposal, Vote, VoteType
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, ChainId, Hash32

_POLYGON = "polygon/"


class Purpose(IntEnum):
    """What a signature is for. A number is never used again for something else."""

    CHECKPOINT = 1
    TRANSACTION = 2
    VOTE = 3


class VoteStep(IntEnum):
    """The order in which a round's votes are signed; the proposal is the proposer's first."""

    PROPOSAL = 1
    PREVOTE = 2
    PRECOMMIT = 3


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

    @property
    def is_for_all_networks(self) -> bool:
        """Whether the contract of any network would accept what is signed here: data in polygon form."""
        return self.domain.startswith(_POLYGON)

    @staticmethod
    def of_key(purpose: Purpose, domain: str, key: bytes) -> "Slot":
        """The slot whose `key` this is."""
        position = tuple(int.from_bytes(key[at : at + 8]) for at in range(0, len(key), 8))
        return Slot(purpose, domain, position)


def checkpoint_slot(
    genesis_hash: Hash32, root_chain: int, turn: int, checkpoint: Checkpoint, binding: CheckpointBinding | None
) -> Slot:
    """The slot of a turn's checkpoint.

    Its domain is that of `checkpoint_domain`.
    """
    contract = None if binding is None else binding.root_chain_address
    domain = checkpoint_domain(genesis_hash, checkpoint.side_chain_id, contract)
    return Slot(Purpose.CHECKPOINT, domain, (root_chain, turn))


def checkpoint_domain(genesis_hash: Hash32, contract_chain_id: ChainId, contract: Address | None) -> str:
    """Who would accept a checkpoint; `contract` is None in polygon form.

    Signed data in bound form name their contract, so the slot is of this network and contract. Data in polygon form
    name only the side chain (the contract's CHAINID): the contract of any network for it would accept them, so the slot
    is one for all networks.
    """
    if contract is None:
        return f"{_POLYGON}{contract_chain_id}"
    return f"bound/{to_hex(genesis_hash)}/{to_hex(contract)}"


def transaction_slot(genesis_hash: Hash32, sender: Address, nonce: int) -> Slot:
    """The slot of a sender's engine transaction."""
    return Slot(Purpose.TRANSACTION, f"engine/{to_hex(genesis_hash)}/{to_hex(sender)}", (nonce,))


def vote_slot(chain_id: str, signer: Address, height: int, round_number: int, step: VoteStep) -> Slot:
    """The slot of a signer's consensus vote.

    What is signed names the engine's chain id and nothing else of the network, so the slot is one for all networks that
    call themselves so.
    """
    return Slot(Purpose.VOTE, f"votes/{chain_id}/{to_hex(signer)}", (height, round_number, step))


def step_of(vote: Vote | Proposal) -> VoteStep:
    """Where in its round a vote is signed."""
    if isinstance(vote, Proposal):
        return VoteStep.PROPOSAL
    return VoteStep.PREVOTE if vote.type is VoteType.PREVOTE else VoteStep.PRECOMMIT
