"""The compiled contracts, read from the artifacts that stand beside their sources."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from bridge.codec.abi import encode_values, event_topic, selector
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Hash32


@dataclass(frozen=True, slots=True)
class AbiParameter:
    """An argument or a result, as Solidity's JSON ABI describes it; `components` are the members of a tuple."""

    name: str
    type: str
    components: tuple["AbiParameter", ...] = ()

    @property
    def canonical_type(self) -> str:
        """The type as signatures write it: a tuple by its members."""
        members = ",".join(component.canonical_type for component in self.components)
        return self.type.replace("tuple", f"({members})", 1)


@dataclass(frozen=True, slots=True)
class AbiEntry:
    """A constructor, function, event or error of a contract."""

    type: Literal["constructor", "function", "event", "error", "receive", "fallback"]
    name: str = ""
    inputs: tuple[AbiParameter, ...] = ()
    outputs: tuple[AbiParameter, ...] = ()

    @property
    def input_types(self) -> tuple[str, ...]:
        """The types of the arguments."""
        return tuple(parameter.canonical_type for parameter in self.inputs)

    @property
    def output_types(self) -> tuple[str, ...]:
        """The types of the results."""
        return tuple(parameter.canonical_type for parameter in self.outputs)

    @property
    def signature(self) -> str:
        """Name and argument types, such as "transfer(address,uint256)"."""
        return f"{self.name}({','.join(self.input_types)})"

    @property
    def selector(self) -> bytes:
        """The four bytes that name a function or an error."""
        return selector(self.signature)

    @property
    def topic(self) -> Hash32:
        """topic0 of an event."""
        return event_topic(self.signature)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: `bytecode` creates it, `deployed_bytecode` is its code with immutables left zero."""

    name: str
    abi: tuple[AbiEntry, ...]
    bytecode: bytes
    deployed_bytecode: bytes

    def constructor_types(self) -> tuple[str, ...]:
        """The types of the constructor's arguments."""
        return next((entry.input_types for entry in self.entries("constructor")), ())

    def entries(self, kind: str) -> Iterator[AbiEntry]:
        """The functions, the events or the errors."""
        return (entry for entry in self.abi if entry.type == kind)

    def function(self, name: str) -> AbiEntry:
        """The function of this name. Raises KeyError if there is none, or more than one."""
        found = [entry for entry in self.entries("function") if entry.name == name]
        if len(found) != 1:
            raise KeyError(f"{self.name} has {len(found)} functions named {name}")
        return found[0]


class _ArtifactFile(msgspec.Struct, rename="camel"):
    """The JSON that compile.mjs writes."""

    contract_name: str
    abi: tuple[AbiEntry, ...]
    bytecode: str
    deployed_bytecode: str


@cache
def artifact(name: str) -> Artifact:
    """The artifact of a contract by its Solidity name. Raises FileNotFoundError if there is no such contract."""
    content = files("contracts").joinpath("artifacts", f"{name}.json").read_bytes()
    parsed = msgspec.json.decode(content, type=_ArtifactFile)
    return Artifact(
        name=parsed.contract_name,
        abi=parsed.abi,
        bytecode=from_hex(parsed.bytecode),
        deployed_bytecode=from_hex(parsed.deployed_bytecode),
    )


def constructor_data(name: str, *arguments: object) -> bytes:
    """The data of the transaction that creates a contract: its creation bytecode, then the constructor's arguments.

    Raises AbiError if the arguments do not fit the constructor.
    """
    contract = artifact(name)
    return contract.bytecode + encode_values(contract.constructor_types(), arguments)
