"""How much each benchmark measures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a whole run; the defaults are those of `make bench`."""

    repeats: int = 20
    """Each time is the fastest of so many, ours and the baseline's by turns."""
    tree_headers: tuple[int, ...] = (1_024, 32_768)
    signatures: int = 100
    ingest_headers: int = 20_000
    ingest_repeats: int = 7
    state_validators: tuple[int, ...] = (4, 100)
    state_checkpoints: int = 4
    gas_validators: tuple[int, ...] = (4, 20, 50, 100)
    receipts: int = 300
    proof_headers: int = 1_024
    footprint_s: float = 10.0
    consensus_validators: tuple[int, ...] = (1, 4)
    consensus_repeats: int = 3
    consensus_s: float = 8.0
    node_blocks: int = 10_000


TINY = Sizes(
    repeats=1,
    tree_headers=(5,),
    signatures=2,
    ingest_headers=250,
    ingest_repeats=1,
    state_validators=(4,),
    state_checkpoints=1,
    gas_validators=(4,),
    receipts=3,
    proof_headers=8,
    footprint_s=0.1,
)
"""For the test that the runner works."""
