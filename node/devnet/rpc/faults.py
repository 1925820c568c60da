"""How the RPC of one chain misbehaves, for one validator or for all of them.

Every validator has URLs of its own (`/{chain}/v/{index}/a` and `/b`), which is how it is known; the bare URL of a chain
is always true, so that tests and people can see what is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainFaults:
    """How the RPC of one chain misbehaves, for one validator or (None) for all of them."""

    validator: int | None = None
    latency_ms: int = 0
    """Before every answer."""
    error_rate: float = 0.0
    """Share of calls that end in an error, from 0 to 1."""
    hide_newest_blocks: int = 0
    """Every answer is as of so many blocks below the head; transactions still reach the pool."""
    empty_logs: bool = False
    """eth_getLogs finds nothing; receipts are true."""
    empty_receipts: bool = False
    """Blocks seem to have no receipts."""


NO_FAULTS = ChainFaults()


class FaultTable:
    """The faults of one chain. The last word counts: one for all replaces those of single validators too."""

    def __init__(self) -> None:
        self._for_all = NO_FAULTS
        self._for_one: dict[int, ChainFaults] = {}

    def set(self, faults: ChainFaults) -> None:
        """From now on misbehave so towards `faults.validator`, or towards all of them."""
        if faults.validator is None:
            self._for_all = faults
            self._for_one.clear()
        else:
            self._for_one[faults.validator] = faults

    def of(self, validator: int | None) -> ChainFaults:
        """What a validator meets; None, the bare URL, meets nothing."""
        return NO_FAULTS if validator is None else self._for_one.get(validator, self._for_all)
