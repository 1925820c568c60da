"""Whether a later header follows from a trusted one: the rules of light clients of Tendermint consensus.

Over 2/3 of the header's own validators must have signed it. That they are the right ones is known of the next header,
because the trusted one names its validators; of a later one if over 1/3 of the trusted validators' power signed it too,
since then somebody honest did. Nothing follows from a header older than the trusting period.
"""

from bridge.codec.errors import ConsensusError
from bridge.codec.hexadecimal import to_hex
from bridge.codec.light_block import LightBlock, SignedPower, signed_power, verify_commit
from bridge.light.errors import HeaderForged, TrustExpired, TrustUnusable
from bridge.light.trust import NANOSECONDS_PER_SECOND, Trusted, TrustRules, trust_in


class OverlapTooSmall(Exception):
    """No more than 1/3 of the trusted validators' power signed a header: one between the two may help."""


def verify(trusted: Trusted, block: LightBlock, rules: TrustRules, now_ns: int) -> SignedPower:
    """The power that signed a later block, if it follows from the trusted header.

    Raises TrustExpired, HeaderForged, OverlapTooSmall.
    """
    require_fresh(trusted, rules, now_ns)
    header = block.header
    if header.height <= trusted.height:
        raise HeaderForged(f"height {header.height} does not come after the trusted height {trusted.height}")
    # Block 1 has the time of the genesis; every other is later than the one before.
    if header.time_ns < trusted.time_ns or (header.time_ns == trusted.time_ns and trusted.height > 0):
        raise HeaderForged(f"header {header.height} is not later than the trusted header {trusted.height}")
    if header.time_ns >= now_ns + rules.clock_drift_s * NANOSECONDS_PER_SECOND:
        ahead_s = (header.time_ns - now_ns) // NANOSECONDS_PER_SECOND
        raise HeaderForged(f"header {header.height} is {ahead_s} s ahead of this machine's clock")
    is_next = header.height == trusted.height + 1
    if is_next and header.validators_hash != trusted.next_validators_hash:
        raise HeaderForged(f"header {header.height} names other validators than the trusted header before it")
    signed = verified_commit(block, trusted.chain_id)
    overlap = signed_power(trusted.validators, signed.signers)
    if not is_next and not overlap.is_over_one_third:
        raise OverlapTooSmall(
            f"{overlap.power} of {overlap.total} power of the trusted header {trusted.height} signed header "
            f"{header.height}, which is not over a third"
        )
    return signed


def verify_named(block: LightBlock, height: int, header_hash: bytes) -> Trusted:
    """Trust in the block of which somebody trustworthy told height and hash. Raises TrustUnusable, HeaderForged."""
    found = block.header.hash()
    if block.header.height != height or found != header_hash:
        raise TrustUnusable(
            f"the node shows {to_hex(found)} as header {block.header.height}, and you trust "
            f"{to_hex(header_hash)} as header {height}: ask for both again where you have them from"
        )
    verified_commit(block, block.header.chain_id)
    return trust_in(block)


def require_fresh(trusted: Trusted, rules: TrustRules, now_ns: int) -> None:
    """Refuse to go on from a header that is too old. Raises TrustExpired."""
    if now_ns >= trusted.time_ns + rules.trusting_period_s * NANOSECONDS_PER_SECOND:
        age_h = (now_ns - trusted.time_ns) // NANOSECONDS_PER_SECOND // 3_600
        what = f"the trusted header {trusted.height}" if trusted.height else "the genesis"
        raise TrustExpired(
            f"{what} is {age_h} h old, and may be trusted for {rules.trusting_period_s // 3_600} h: get height and "
            f"hash of a newer header from people you trust (--trust-height, --trust-hash)"
        )


def verified_commit(block: LightBlock, chain_id: str) -> SignedPower:
    """The power that signed a block, by its own validators alone. Raises HeaderForged."""
    try:
        return verify_commit(block, chain_id)
    except ConsensusError as error:
        raise HeaderForged(f"header {block.header.height}: {error}") from error
