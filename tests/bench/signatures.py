"""Checking who signed a checkpoint."""

from collections.abc import Iterator

from coincurve import PublicKey as CurvePoint

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address, sign
from tests.bench.rows import Row, at_most, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s


def measure(sizes: Sizes) -> Iterator[Row]:
    """One row."""
    count = sizes.signatures
    digest = keccak256(b"a checkpoint")
    signatures = [sign(digest, keccak256(b"key %d" % index)) for index in range(count)]
    compact = [signature[:64] + bytes((signature[64] - 27,)) for signature in signatures]

    def verify() -> None:
        for signature in signatures:
            recover_address(digest, signature)

    def recover() -> None:
        for signature in compact:
            CurvePoint.from_signature_and_message(signature, digest, hasher=None)

    verify_s, recover_s = fastest_s(sizes.repeats, verify, recover)
    yield Row(
        f"verifying {count} checkpoint signatures",
        seconds(verify_s),
        f"{count} bare coincurve recoveries: {seconds(recover_s)}",
        verify_s / recover_s,
        f"libsecp256k1 on one core: {seconds(recover_s)}",
        at_most(1.3, verify_s / recover_s),
    )
