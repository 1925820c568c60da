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
    burn_transactions: tuple[int, ...] = (18, 300)
    burn_blocks: int = 1_024
    burn_repeats: int = 12
    burn_peers: bool = True
    burn_load: int = 1_000
    burn_clients: int = 50
    burn_load_repeats: int = 3
    index_checkpoints: int = 100_000
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
    burn_transactions=(3,),
    burn_blocks=8,
    burn_repeats=1,
    burn_peers=False,
    burn_load=4,
    burn_clients=2,
    burn_load_repeats=1,
    index_checkpoints=40,
    footprint_s=0.1,
)
"""For the test that the runner works."""
