"""Every view function of our contracts, asked with everything that its argument could be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from bridge.codec.abi import encode_call
from bridge.codec.types import Address
from contracts.loader import AbiEntry, artifact

NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, 10_000, 20_000, 30_000, 15_000, 2**256 - 1)
HASHES_MAX = 6
ADDRESSES_MAX = 40


@dataclass(frozen=True, slots=True)
class View:
    """A call that changes nothing."""

    contract: Address
    data: bytes


def all_views(contract: Address, name: str, addresses: Sequence[Address], hashes: Sequence[bytes]) -> list[View]:
    """All calls of the view functions of a contract."""
    values: dict[str, Sequence[object]] = {
        "uint256": NUMBERS,
        "address": tuple(addresses)[:ADDRESSES_MAX],
        "bytes32": tuple(hashes)[:HASHES_MAX],
        "bytes4": (bytes.fromhex("01ffc9a7"), bytes.fromhex("7965db0b"), b"\xff" * 4),
    }
    return [
        View(contract, encode_call(function.signature, *arguments))
        for function in _view_functions(name)
        for arguments in product(*[values[each] for each in function.input_types])
    ]


def _view_functions(name: str) -> Iterator[AbiEntry]:
    """What returns something and takes values of one word; what changes something too is harmless in a call."""
    for function in artifact(name).entries("function"):
        if function.outputs and set(function.input_types) <= {"uint256", "address", "bytes32", "bytes4"}:
            yield function
