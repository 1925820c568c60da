"""A light block: a header of the engine, the commit that agrees on it, and the validators who could.

Header and validator set hash to the root of an RFC 6962 tree with SHA-256; the header's 14 leaves are its fields as
protobuf. `Header.app_hash` is the state after the block before. Formats: Header, Commit and SimpleValidator of CometBFT
v0.40.0, with validator keys of type secp256k1eth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from bridge.codec.consensus import BlockId, BlockIdFlag, Vote, VoteType, block_id_bytes, recover_signer, vote_sign_bytes
from bridge.codec.errors import ConsensusError, SignatureError
from bridge.codec.protobuf import bytes_field, message_field, string_field, timestamp, varint_field
from bridge.codec.secp256k1 import address_of, compressed
from bridge.codec.section_tree import tree_root
from bridge.codec.types import Address, Hash32, PublicKey

BLOCK_PROTOCOL = 11
CHAIN_ID_CHARACTERS_MAX = 50
TOTAL_POWER_MAX = (2**63 - 1) // 8
_SECP256K1ETH = 5
"""The field of a PublicKey message that holds keys of our kind."""


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header. Hashes are of SHA-256 but `app_hash`, which is the application's own."""

    block_version: int
    app_version: int
    chain_id: str
    height: int
    time_ns: int
    """Nanoseconds since 1970."""
    last_block_id: BlockId | None
    """None at height 1."""
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: Hash32
    next_validators_hash: Hash32
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer: Address

    def hash(self) -> Hash32:
        """What validators sign as the block's hash."""
        version = varint_field(1, self.block_version) + varint_field(2, self.app_version)
        leaves = (
            version,
            string_field(1, self.chain_id),
            varint_field(1, self.height),
            timestamp(self.time_ns),
            block_id_bytes(self.last_block_id),
            bytes_field(1, self.last_commit_hash),
            bytes_field(1, self.data_hash),
            bytes_field(1, self.validators_hash),
            bytes_field(1, self.next_validators_hash),
            bytes_field(1, self.consensus_hash),
            bytes_field(1, self.app_hash),
            bytes_field(1, self.last_results_hash),
            bytes_field(1, self.evidence_hash),
            bytes_field(1, self.proposer),
        )
        return tree_root(leaves, _sha256)


@dataclass(frozen=True, slots=True)
class EngineValidator:
    """A validator as the engine has it."""

    public_key: PublicKey
    power: int

    @property
    def address(self) -> Address:
        """The signer."""
        return address_of(self.public_key)


@dataclass(frozen=True, slots=True)
class CommitSig:
    """One validator's entry in a commit; of an absent one there is nothing."""

    flag: BlockIdFlag
    validator: Address | None
    time_ns: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """The precommits for a block, one entry per validator in the order of the set."""

    height: int
    round: int
    block_id: BlockId
    signatures: tuple[CommitSig, ...]


@dataclass(frozen=True, slots=True)
class LightBlock:
    """All that a light client asks of a height. Nothing in it agrees with the rest before `verify_commit`."""

    header: Header
    commit: Commit
    validators: tuple[EngineValidator, ...]


@dataclass(frozen=True, slots=True)
class SignedPower:
    """Who signed a block, and how much power that is."""

    signers: frozenset[Address]
    power: int
    total: int

    @property
    def is_over_two_thirds(self) -> bool:
        """Whether it is enough to agree on a block."""
        return 3 * self.power > 2 * self.total

    @property
    def is_over_one_third(self) -> bool:
        """Whether at least one of them follows the rules, if under a third does not."""
        return 3 * self.power > self.total


def engine_order(validators: Sequence[EngineValidator]) -> tuple[EngineValidator, ...]:
    """The order of the engine's set: the greatest power first, then by address."""
    return tuple(sorted(validators, key=lambda one: (-one.power, one.address)))


def validators_hash(validators: Sequence[EngineValidator]) -> Hash32:
    """The hash of a set, in the order given."""
    return tree_root([_simple_validator(validator) for validator in validators], _sha256)


def signed_power(validators: Sequence[EngineValidator], signers: frozenset[Address]) -> SignedPower:
    """How much of a set's power these signers have."""
    power = sum(validator.power for validator in validators if validator.address in signers)
    return SignedPower(signers, power, sum(validator.power for validator in validators))


def verify_commit(block: LightBlock, chain_id: str) -> SignedPower:
    """The power that signed the block's header, which is over 2/3 of the validators that the header names.

    Entries for nil and of absent validators do not count. Raises ConsensusError.
    """
    header, commit = block.header, block.commit
    _require(header.chain_id == chain_id, f"the header is of the chain {header.chain_id}, not of {chain_id}")
    _require(header.block_version == BLOCK_PROTOCOL, f"block protocol {header.block_version}, not {BLOCK_PROTOCOL}")
    _require(commit.height == header.height, f"the commit is for height {commit.height}, not {header.height}")
    _require(commit.block_id.hash == header.hash(), "the commit is for another block than the header")
    _check_set(block.validators)
    _require(
        validators_hash(block.validators) == header.validators_hash,
        "the validators are not those that the header names",
    )
    signers = _signers(block, chain_id)
    signed = signed_power(block.validators, signers)
    _require(
        signed.is_over_two_thirds,
        f"{signed.power} of {signed.total} power signed, which is not over two thirds",
    )
    return signed


def _signers(block: LightBlock, chain_id: str) -> frozenset[Address]:
    commit = block.commit
    _require(len(commit.signatures) == len(block.validators), "the commit has not one entry per validator")
    signers: set[Address] = set()
    for place, (entry, validator) in enumerate(zip(commit.signatures, block.validators, strict=True)):
        if entry.flag is not BlockIdFlag.COMMIT:
            continue
        vote = Vote(VoteType.PRECOMMIT, commit.height, commit.round, commit.block_id, entry.time_ns)
        try:
            signer = recover_signer(vote_sign_bytes(vote, chain_id), entry.signature)
        except SignatureError as error:
            raise ConsensusError(f"signature {place} of the commit: {error}") from error
        _require(
            signer == validator.address == entry.validator,
            f"signature {place} of the commit is not of the validator who stands there",
        )
        signers.add(signer)
    return frozenset(signers)


def _check_set(validators: Sequence[EngineValidator]) -> None:
    """A set that the engine could have: somebody, nobody twice, powers from 1 and below the cap."""
    _require(bool(validators), "the validator set is empty")
    _require(len({one.public_key for one in validators}) == len(validators), "a validator stands twice in the set")
    _require(all(one.power > 0 for one in validators), "a validator in the set has no power")
    _require(sum(one.power for one in validators) <= TOTAL_POWER_MAX, "the set's power is above the engine's cap")


def _simple_validator(validator: EngineValidator) -> bytes:
    key = bytes_field(_SECP256K1ETH, compressed(validator.public_key))
    return message_field(1, key) + varint_field(2, validator.power)


def _sha256(data: bytes) -> Hash32:
    return Hash32(sha256(data).digest())


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ConsensusError(problem)
