"""Finished proofs, in memory and in the keep, for as long as what they rest on stands."""

from collections.abc import Hashable, Sequence
from typing import cast

from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.report import BurnProof, CheckpointOnRoot
from bridge.burns.sharing import Recent
from bridge.burns.views import RootView, SideView
from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds

PROOF_BYTES_IN_MEMORY = 16 * 1024 * 1024
PROOF_BYTES_BESIDE_PAYLOAD = 1_024
"""A rough weight of everything else in a proof."""
SETUP_BYTES = 8
FORM = 1
"""Of the bytes in the keep; those of another form are as good as none."""


class FinishedProofs:
    """Proofs by transaction, log and root chain, and by whatever else they were asked for."""

    def __init__(self, side: SideView, roots: Sequence[RootView], keep: Keep) -> None:
        self._side = side
        self._books = {root.name: root.book for root in roots}
        self._setups = {root.name: keccak256(repr(root.exits).encode())[:SETUP_BYTES] for root in roots}
        """So that what was kept before the configured contracts changed is not found."""
        self._keep = keep
        self._held: Recent[Hashable, BurnProof] = Recent(
            PROOF_BYTES_IN_MEMORY, weight=lambda proof: len(proof.payload) + PROOF_BYTES_BESIDE_PAYLOAD
        )

    def asked(self, question: Hashable) -> BurnProof | None:
        """The proof that answered the very same question before, if it still holds."""
        return self._if_it_holds(self._held.get(question))

    def answered(self, question: Hashable, proof: BurnProof) -> None:
        """Remember what a question was answered with."""
        self._held.put(question, proof)

    def get(self, transaction: Hash32, log_index: int, root_chain: str) -> BurnProof | None:
        """The proof of a log for a root chain, if it is kept and still holds."""
        key = self._key(transaction, log_index, root_chain)
        held = self._held.get(key)
        if held is None and (kept := self._keep.get(KeepKind.PROOF, key)) is not None:
            held = _decode(kept)
            if held is not None:
                self._held.put(key, held)
        return self._if_it_holds(held)

    def put(self, proof: BurnProof) -> None:
        """Keep a finished proof."""
        key = self._key(proof.transaction_hash, proof.log_index, proof.root_chain)
        self._held.put(key, proof)
        self._keep.put(KeepKind.PROOF, key, _encode(proof))

    def _key(self, transaction: Hash32, log_index: int, root_chain: str) -> bytes:
        return transaction + log_index.to_bytes(8) + self._setups[root_chain] + root_chain.encode()

    def _if_it_holds(self, proof: BurnProof | None) -> BurnProof | None:
        """A proof rests on its block and its checkpoint; where ours have been replaced since, it is made anew."""
        if proof is None:
            return None
        own = self._side.headers.header(proof.block_number)
        if own is not None and own.hash != proof.block_hash:
            return None
        book = self._books.get(proof.root_chain)
        booked = None if book is None else book.holding(proof.block_number)
        under = proof.checkpoint
        is_same = booked is None or (booked.header_id, booked.root) == (under.header_id, under.root)
        return proof if is_same else None


def _encode(proof: BurnProof) -> bytes:
    under = proof.checkpoint
    return rlp.encode(
        (
            rlp.uint(FORM),
            proof.transaction_hash,
            rlp.uint(proof.log_index),
            proof.root_chain.encode(),
            proof.payload,
            proof.exit_contract or b"",
            proof.exit_function.encode(),
            proof.exit_hash,
            rlp.uint(proof.block_number),
            proof.block_hash,
            (
                *(rlp.uint(under.header_id), under.root, rlp.uint(under.start), rlp.uint(under.end)),
                *(rlp.uint(under.created_at), under.proposer),
            ),
            rlp.uint(proof.simulated),
        )
    )


def _decode(data: bytes) -> BurnProof | None:
    """The proof that was kept, or None where the bytes have another form."""
    try:
        items = rlp.as_list(rlp.decode(data), 12, "kept proof")
        if rlp.as_uint(items[0], 32, "form") != FORM:
            return None
        under = rlp.as_list(items[10], 6, "checkpoint")
        return BurnProof(
            transaction_hash=Hash32(rlp.as_bytes(items[1], 32, "transaction")),
            log_index=rlp.as_uint(items[2], 64, "log index"),
            root_chain=rlp.as_bytes(items[3], None, "root chain").decode(),
            payload=rlp.as_bytes(items[4], None, "payload"),
            exit_contract=cast(Address, rlp.as_bytes(items[5], None, "exit contract")) or None,
            exit_function=rlp.as_bytes(items[6], None, "exit function").decode(),
            exit_hash=Hash32(rlp.as_bytes(items[7], 32, "exit hash")),
            block_number=BlockNumber(rlp.as_uint(items[8], 64, "block number")),
            block_hash=Hash32(rlp.as_bytes(items[9], 32, "block hash")),
            checkpoint=CheckpointOnRoot(
                header_id=rlp.as_uint(under[0], 64, "header id"),
                root=Hash32(rlp.as_bytes(under[1], 32, "root")),
                start=BlockNumber(rlp.as_uint(under[2], 64, "start")),
                end=BlockNumber(rlp.as_uint(under[3], 64, "end")),
                created_at=UnixSeconds(rlp.as_uint(under[4], 64, "created at")),
                proposer=Address(rlp.as_bytes(under[5], 20, "proposer")),
            ),
            simulated=rlp.as_uint(items[11], 8, "simulated") == 1,
        )
    except (RlpError, UnicodeDecodeError):
        return None
