"""Gas of submitCheckpoint against Polygon's contracts; all figures of gas are in docs/gas.md."""

from collections.abc import Iterator
from statistics import fmean

from bridge.codec.checkpoint import DataForm
from tests.bench.rows import Row, at_most
from tests.bench.sizes import Sizes
from tests.contracts.gas_measurement import AIMS, POLYGON, measure_checkpoints

BASE_GAS = 21_000
RECOVERY_GAS = 3_000
CALLDATA_GAS = 16
"""Of a byte that is not zero."""
SIGNATURE_BYTES = 65


def measure(sizes: Sizes) -> Iterator[Row]:
    """One row for each number of validators."""
    for gas in measure_checkpoints(DataForm.BOUND, sizes.gas_validators):
        least = BASE_GAS + gas.validators * (RECOVERY_GAS + SIGNATURE_BYTES * CALLDATA_GAS)
        yield Row(
            f"submitCheckpoint, {gas.validators} validators sign",
            f"{fmean(gas.all_sign):,.0f} gas",
            f"Polygon's contracts: {POLYGON[gas.validators].all_sign:,} gas",
            gas.ratio,
            f"transaction, signatures, ecrecover: {least:,} gas",
            at_most(AIMS[gas.validators], gas.ratio),
        )
