"""What a light client knows for certain: a header's place, and the validators who stand behind what follows.

A genesis is the header of height 0: its validators sign block 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec.light_block import EngineValidator, LightBlock, engine_order, validators_hash
from bridge.codec.types import ZERO_HASH, Hash32

NANOSECONDS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Trusted:
    """A header that is trusted, with what is needed to go on from it."""

    chain_id: str
    height: int
    hash: Hash32
    """Of the header; zero for a genesis."""
    time_ns: int
    app_hash: bytes
    """The state after the block before."""
    validators: tuple[EngineValidator, ...]
    """Who could sign this header; of a genesis, the first."""
    next_validators_hash: Hash32


@dataclass(frozen=True, slots=True)
class TrustRules:
    """How far trust goes."""

    trusting_period_s: int = 7 * 24 * 3_600
    """How long after its time a header may be gone on from: less than validators need to withdraw their stake."""
    clock_drift_s: int = 10
    """How far ahead of this machine's clock a header may be."""


def trust_genesis(chain_id: str, time_ns: int, validators: Sequence[EngineValidator]) -> Trusted:
    """Trust in the validators of a genesis."""
    first = engine_order(validators)
    return Trusted(chain_id, 0, ZERO_HASH, time_ns, b"", first, validators_hash(first))


def trust_in(block: LightBlock) -> Trusted:
    """Trust in a block that was verified."""
    header = block.header
    return Trusted(
        header.chain_id,
        header.height,
        header.hash(),
        header.time_ns,
        header.app_hash,
        block.validators,
        header.next_validators_hash,
    )
