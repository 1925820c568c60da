"""One transaction or call among model contracts: who calls whom, what is read and written, what is logged.

A revert anywhere ends the whole: none of our contracts catches one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar, cast

from bridge.codec.abi import selector
from bridge.codec.receipts import Log
from bridge.codec.types import Address, ChainId, Hash32, UnixSeconds
from contracts.deployment import contract_address
from node.simulation.chains.abi import READERS, Calldata, Reverted, Word, word
from node.simulation.chains.state import Key, Overlay, State

SELECTOR_BYTES = 4

Result = Word | tuple[Word, ...] | None
"""What a function returns: words. One that returns something else returns it encoded, as `Encoded`."""

_Value = TypeVar("_Value")
_Contract = TypeVar("_Contract", bound="ModelContract")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A return value that is encoded already."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a contract: what runs, and how each argument is read."""

    run: Callable[..., Result | Encoded]
    readers: tuple[Callable[[Calldata, int], object], ...]
    signature: str


Functions = Mapping[bytes, Function]


def functions(handlers: Mapping[str, Callable[..., Result | Encoded]]) -> dict[bytes, Function]:
    """Methods of a model by the signatures that they answer to, such as "transfer(address,uint256)"."""
    return {
        selector(signature): Function(run, tuple(READERS[each] for each in _argument_types(signature)), signature)
        for signature, run in handlers.items()
    }


def _argument_types(signature: str) -> list[str]:
    arguments = signature[signature.index("(") + 1 : -1]
    return arguments.split(",") if arguments else []


@dataclass(frozen=True, slots=True)
class BlockContext:
    """The block in which something runs."""

    chain_id: ChainId
    number: int
    timestamp: UnixSeconds


@dataclass(slots=True)
class Execution:
    """What runs; `models` are the kinds of contracts that there are, by the names of their artifacts."""

    state: Overlay
    block: BlockContext
    models: Mapping[str, type["ModelContract"]]
    logs: list[Log] = field(default_factory=list)

    def contract(self, address: Address, sender: Address) -> "ModelContract | None":
        """The contract at an address, as `sender` calls it."""
        name = self.state.get(model_key(address))
        return None if name is None else self.models[cast(str, name)](self, address, sender)

    def call(self, to: Address, sender: Address, data: bytes, value_wei: int) -> bytes:
        """What a call returns. Raises Reverted."""
        contract = self.contract(to, sender)
        if contract is None:
            return b""
        function = contract.function(data)
        if function is None or value_wei:
            raise Reverted
        arguments = Calldata(data[SELECTOR_BYTES:], len(function.readers))
        result = function.run(contract, *[read(arguments, place) for place, read in enumerate(function.readers)])
        return _encoded(result)

    def create(self, model: type["ModelContract"], creator: Address, nonce: int, arguments: bytes) -> Address:
        """Put a contract where a creation of this nonce puts it. Raises Reverted."""
        address = contract_address(creator, nonce)
        self.state.set(model_key(address), model.ARTIFACT)
        self.state.set(nonce_key(address), 1)
        model(self, address, creator).construct(arguments)
        return address


class ModelContract:
    """A contract's model, at an address, as one caller sees it during one execution."""

    ARTIFACT: ClassVar[str]
    FUNCTIONS: ClassVar[Functions]

    def __init__(self, execution: Execution, address: Address, sender: Address) -> None:
        self.execution = execution
        self.address = address
        self.sender = sender

    def construct(self, arguments: bytes) -> None:
        """What the constructor does."""

    def function(self, data: bytes) -> Function | None:
        """What a call runs."""
        return self.FUNCTIONS.get(data[:SELECTOR_BYTES])

    def load(self, name: str, *keys: object, default: _Value) -> _Value:
        """A value in storage, of the default's type."""
        value = self.execution.state.get((self.address, name, *keys))
        return default if value is None else cast(_Value, value)

    def store(self, name: str, *keys: object, value: object) -> None:
        """Write to storage."""
        self.execution.state.set((self.address, name, *keys), value)

    def emit(self, topics: tuple[Word, ...], data: bytes = b"") -> None:
        """Log: the event's topic, its indexed parameters, and the encoding of the others."""
        encoded = tuple(Hash32(word(topic)) for topic in topics)
        self.execution.logs.append(Log(self.address, encoded, data))

    def other(self, address: Address, kind: type[_Contract]) -> _Contract:
        """Another contract, as this one calls it. Raises Reverted where there is no such contract."""
        found = self.execution.contract(address, self.address)
        if not isinstance(found, kind):
            raise Reverted
        return found


def code_of(state: State, address: Address, codes: Callable[[str], bytes]) -> bytes:
    """The code at an address; `codes` gives that of each kind of contract."""
    name = state.get(model_key(address))
    return codes(cast(str, name)) if name is not None else cast(bytes, state.get(code_key(address)) or b"")


def model_key(address: Address) -> Key:
    """Where the kind of a contract is kept."""
    return (address, "model")


def code_key(address: Address) -> Key:
    """Where the code of an account is kept that only holds data."""
    return (address, "code")


def nonce_key(address: Address) -> Key:
    """Where an account's nonce is kept."""
    return (address, "nonce")


def balance_key(address: Address) -> Key:
    """Where an account's balance is kept."""
    return (address, "balance")


def _encoded(result: Result | Encoded) -> bytes:
    if isinstance(result, Encoded):
        return result.data
    if result is None:
        return b""
    return b"".join([word(each) for each in result]) if isinstance(result, tuple) else word(result)
