"""Votes and proposals, against what real nodes had their keys sign."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.codec.consensus import (
    BlockId,
    Proposal,
    Vote,
    VoteType,
    block_id_bytes,
    proposal_sign_bytes,
    recover_signer,
    sign_digest,
    to_engine,
    vote_sign_bytes,
)
from bridge.codec.errors import ConsensusError, SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import ORDER, address_of, public_key_of, sign
from bridge.codec.types import Hash32

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "comet-commits.json").read_text())
SIGNED: list[dict[str, Any]] = VECTORS["signed"]
KEY = keccak256(b"a key")


def block_id_of(values: dict[str, Any] | None) -> BlockId | None:
    if values is None:
        return None
    return BlockId(
        Hash32(bytes.fromhex(values["hash"])), values["parts_total"], Hash32(bytes.fromhex(values["parts_hash"]))
    )


def sign_bytes_of(values: dict[str, Any]) -> bytes:
    """Our bytes for what a real node signed."""
    block_id, chain_id = block_id_of(values["block_id"]), VECTORS["chain_id"]
    height, round_, time_ns = values["height"], values["round"], int(values["time_ns"])
    if values["type"] == VoteType.PROPOSAL:
        assert block_id is not None
        return proposal_sign_bytes(Proposal(height, round_, values["pol_round"], block_id, time_ns), chain_id)
    return vote_sign_bytes(Vote(VoteType(values["type"]), height, round_, block_id, time_ns), chain_id)


def test_vectors__of_real_nodes__hold_each_kind_of_vote() -> None:
    kinds = {(values["type"], values["round"], values["block_id"] is None) for values in SIGNED}
    assert kinds >= {(1, 0, False), (1, 0, True), (2, 0, False), (2, 0, True), (2, 1, False), (32, 0, False)}


@pytest.mark.parametrize("values", SIGNED, ids=lambda values: f"{values['type']}-{values['height']}-{values['round']}")
def test_sign_bytes__of_what_a_real_node_signed__are_its_bytes_and_recover_to_its_validator(
    values: dict[str, Any],
) -> None:
    sign_bytes = sign_bytes_of(values)
    assert sign_bytes.hex() == values["sign_bytes"]
    assert recover_signer(sign_bytes, bytes.fromhex(values["signature"])).hex() == values["signer"]


def test_to_engine__our_signature__recovers_to_us_and_a_contract_form_is_refused() -> None:
    signature = sign(sign_digest(b"a vote"), KEY)
    assert recover_signer(b"a vote", to_engine(signature)) == address_of(public_key_of(KEY))
    with pytest.raises(SignatureError):
        recover_signer(b"a vote", signature)


def test_recover_signer__high_s_and_wrong_lengths__are_refused() -> None:
    signature = to_engine(sign(sign_digest(b"a vote"), KEY))
    s = int.from_bytes(signature[32:64])
    twin = signature[:32] + (ORDER - s).to_bytes(32) + bytes((signature[64] ^ 1,))
    for wrong in (twin, signature[:64], signature + b"\x00", b""):
        with pytest.raises(SignatureError):
            recover_signer(b"a vote", wrong)


def test_block_id_bytes__nil__holds_the_empty_parts() -> None:
    assert block_id_bytes(None).hex() == "1200"


@pytest.mark.parametrize(
    ("hash_", "total", "parts"), [(b"", 1, bytes(32)), (bytes(32), 0, bytes(32)), (bytes(32), 1, b"")]
)
def test_block_id__half_of_one__cannot_be_made(hash_: bytes, total: int, parts: bytes) -> None:
    with pytest.raises(ConsensusError):
        BlockId(Hash32(hash_), total, Hash32(parts))
