"""The tables about burns, which the node's file and the proof server's share."""

from dataclasses import dataclass

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address
from config.table import key

TUNNELS_MAX = 256


@dataclass(frozen=True, slots=True)
class Exits:
    """Contracts of a root chain, beside RootChainManager, that take exits. Burns for one that is not named are proved
    all the same, but nobody can say whether they have been taken."""

    withdraw_manager: Address | None = key(None, "Plasma's WithdrawManager, which knows the exits that were begun.")
    plasma_erc20_predicate: Address | None = key(None, "Plasma's predicate for ERC-20 and the native token.")
    plasma_erc721_predicate: Address | None = key(None, "Plasma's predicate for ERC-721.")
    tunnels: tuple[str, ...] = key(
        (), "Message tunnels, each as `CHILD:ROOT`: its end on the side chain, and its end here.", most=TUNNELS_MAX
    )

    def __post_init__(self) -> None:
        try:
            pairs = self.pairs()
        except (HexError, ValueError):
            raise ValueError("tunnels must be two addresses each, CHILD:ROOT") from None
        if len({child for child, _ in pairs}) != len(pairs):
            raise ValueError("tunnels: two have the same end on the side chain")

    def pairs(self) -> tuple[tuple[Address, Address], ...]:
        """The tunnels' two ends. Raises HexError, ValueError."""
        ends = (one.split(":") for one in self.tunnels)
        return tuple((Address(from_hex(child, 20)), Address(from_hex(root, 20))) for child, root in ends)


@dataclass(frozen=True, slots=True)
class Burns:
    """How much is done and kept for those who ask about burns."""

    cache_bytes_max: int = key(
        256 * 1024 * 1024,
        "Size of burns.db: blocks of old checkpoints, and finished proofs. The least recently used are forgotten.",
        unit="bytes",
        least=1024 * 1024,
        most=2**40,
    )
    running_max: int = key(8, "Different questions that are worked on at a time.", least=1, most=1_000)
    queued_max: int = key(128, "Different questions that run or wait; more get status 429.", least=1, most=100_000)
