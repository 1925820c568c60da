"""What holds for a block that is to be made, whatever makes it."""

from bridge.codec.header import Header
from bridge.codec.types import UnixSeconds, Wei
from node.devnet.chain.errors import TimestampRefused

BLOCKS_PER_CALL_MAX = 1_024
"""That `mine` and `reorg` make in one go."""
GAS_TARGET_DIVISOR = 2
BASE_FEE_CHANGE_DIVISOR = 8


def next_base_fee_wei(parent: Header) -> Wei:
    """The base fee of a child (EIP-1559)."""
    base_fee_wei = parent.base_fee_per_gas_wei or 0
    target = parent.gas_limit // GAS_TARGET_DIVISOR
    change_wei = base_fee_wei * abs(parent.gas_used - target) // target // BASE_FEE_CHANGE_DIVISOR
    if parent.gas_used > target:
        return Wei(base_fee_wei + max(1, change_wei))
    return Wei(base_fee_wei - change_wei)


def later(parent: Header, wanted: UnixSeconds) -> UnixSeconds:
    """The time of a child: the wanted one, but later than the parent's."""
    return UnixSeconds(max(parent.timestamp + 1, wanted))


def check_timestamp(parent: Header, wanted: UnixSeconds | None) -> None:
    """Raises TimestampRefused for a time that no child can have."""
    if wanted is not None and wanted <= parent.timestamp:
        raise TimestampRefused(
            f"block {parent.number + 1} at {wanted} is not later than its parent at {parent.timestamp}"
        )


def check_count(count: int) -> None:
    """Whether so many blocks may be made in one go."""
    if not 1 <= count <= BLOCKS_PER_CALL_MAX:
        raise ValueError(f"{count} blocks: take 1 to {BLOCKS_PER_CALL_MAX}")
