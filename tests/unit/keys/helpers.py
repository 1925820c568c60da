"""Keys, records and side chains for the tests of `node.keys`."""

from pathlib import Path

from bridge.codec.checkpoint import Checkpoint, CheckpointBinding
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import OwnTraces, Signer, TurnCheckpoint
from tests.unit.closing import opened

GENESIS = keccak256(b"genesis")
CHAIN_ID = "test-network"
"""What the engine calls the network."""
SIDE_CHAIN = ChainId(137)
CONTRACT_CHAIN = ChainId(15_001)
"""What the contract calls the side chain."""
ALICE = PrivateKey(keccak256(b"alice"))
BOB = PrivateKey(keccak256(b"bob"))
NOTHING_ON_CHAIN = OwnTraces((), ())


class MemoryFacts:
    """The facts of a local.db, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def fact(self, name: str) -> bytes | None:
        return self.values.get(name)

    def save_fact(self, name: str, value: bytes) -> None:
        self.values[name] = value


def block_hash(number: int, fork: str = "") -> Hash32:
    """The hash of a side-chain block; another `fork` has others."""
    return keccak256(f"{fork}{number}".encode())


class SideChain:
    """A confirmed side chain up to `head`, which may have another history from some block on."""

    def __init__(self, head: int, fork: str = "", forked_from: int = 1 << 62) -> None:
        self.head, self.fork, self.forked_from = head, fork, forked_from

    def __call__(self, number: BlockNumber) -> Hash32 | None:
        if number > self.head:
            return None
        return block_hash(number, self.fork if number >= self.forked_from else "")


def proposed(turn: int, start: int, end: int, *, root: bytes = b"root", bound: bool = True) -> TurnCheckpoint:
    """A checkpoint of root chain 0 over start … end."""
    checkpoint = Checkpoint(
        proposer=ALICE.address,
        start=BlockNumber(start),
        end=BlockNumber(end),
        root_hash=keccak256(root),
        account_root_hash=Hash32(bytes(32)),
        side_chain_id=CONTRACT_CHAIN,
    )
    binding = CheckpointBinding(ChainId(1), Address(b"\x11" * 20), 10_000, UnixSeconds(1_700_000_000))
    return TurnCheckpoint(SIDE_CHAIN, 0, turn, checkpoint, binding if bound else None)


def counting_bytes(count: int) -> bytes:
    """Not random at all."""
    return bytes(range(count))


def new_record(path: Path, facts: MemoryFacts | None = None) -> SigningRecord:
    """A fresh record, open."""
    SigningRecord.create(path, counting_bytes)
    return open_record(path, facts)


def open_record(path: Path, facts: MemoryFacts | None = None) -> SigningRecord:
    """A record that is there already; it is closed when the test is over."""
    return opened(SigningRecord.open(path, facts or MemoryFacts()))


def new_signer(record: SigningRecord) -> Signer:
    """A signer with the keys of Alice and Bob that has caught up with an empty network."""
    signer = Signer(KeyRing((ALICE, BOB)), record, GENESIS, CHAIN_ID)
    signer.caught_up(NOTHING_ON_CHAIN)
    return signer
