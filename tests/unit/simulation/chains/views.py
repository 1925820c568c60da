"""The view functions of our contracts, asked with anything that their arguments could be."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec.abi import encode_call
from bridge.codec.types import ZERO_HASH, Address
from contracts.loader import artifact

NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, 10_000, 20_000, 30_000, 15_000, 2**256 - 1)
INTERFACES = (bytes.fromhex("01ffc9a7"), bytes.fromhex("7965db0b"), b"\xff" * 4)


@dataclass(frozen=True, slots=True)
class View:
    """A function that returns something, of one contract; if it changes something too, a call leaves no trace."""

    contract: Address
    signature: str
    types: tuple[str, ...]

    def data(self, source: random.Random, addresses: Sequence[Address]) -> bytes:
        """A call of it."""
        values: dict[str, Sequence[object]] = {
            "uint256": NUMBERS,
            "address": addresses,
            "bytes32": (ZERO_HASH,),
            "bytes4": INTERFACES,
        }
        return encode_call(self.signature, *[source.choice(values[each]) for each in self.types])


def views_of(contract: Address, name: str) -> list[View]:
    """All of a contract whose arguments are of one word."""
    return [
        View(contract, function.signature, function.input_types)
        for function in artifact(name).entries("function")
        if function.outputs and set(function.input_types) <= {"uint256", "address", "bytes32", "bytes4"}
    ]
