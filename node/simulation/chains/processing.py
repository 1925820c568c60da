"""Transactions and calls on a state: who pays what, what is refused before it runs, and how it ends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from bridge.codec.receipts import Log
from bridge.codec.types import ZERO_ADDRESS, Address
from contracts.loader import artifact
from node.devnet.chain import Call, CallFailed, CallReverted, Transaction
from node.devnet.chain.transactions import intrinsic_gas
from node.simulation.chains.abi import Reverted
from node.simulation.chains.contracts import MODELS
from node.simulation.chains.execution import (
    BlockContext,
    Execution,
    ModelContract,
    balance_key,
    nonce_key,
)
from node.simulation.chains.gas import NEVER_ENOUGH_GAS, REFUSED_GAS, creation_gas, execution_gas
from node.simulation.chains.state import Key, Overlay, State

BENEFICIARY = ZERO_ADDRESS
"""Who makes all blocks, and gets the tips."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transaction of a block ended."""

    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """Something that ran, or was refused: what it returned, or reverted with."""

    output: bytes
    gas: int
    """Beside what its data cost."""
    is_refused: bool
    logs: tuple[Log, ...]
    changes: Mapping[Key, object]


def apply_transaction(
    state: Overlay, block: BlockContext, base_fee_wei: int, transaction: Transaction
) -> Outcome | None:
    """Change the state as the transaction does; None, and no change, for one that no block may hold."""
    sender, balance_wei = transaction.sender, balance(state, transaction.sender)
    if balance_wei < transaction.most_it_costs_wei or nonce(state, sender) != transaction.nonce:
        return None
    call = Call(transaction.to, transaction.data, sender, transaction.value_wei)
    state.set(nonce_key(sender), transaction.nonce + 1)
    ran = _run(state, block, call, transaction.nonce)
    needed_gas = max(transaction.intrinsic_gas + ran.gas, transaction.floor_gas)
    succeeded = not ran.is_refused and needed_gas <= transaction.gas_limit
    gas_used = min(needed_gas, transaction.gas_limit)
    if succeeded:
        state.take(ran.changes)
    tip_wei = transaction.tip_wei(base_fee_wei)
    _pay(state, sender, -gas_used * (base_fee_wei + tip_wei))
    _pay(state, BENEFICIARY, gas_used * tip_wei)
    return Outcome(succeeded, gas_used, ran.logs if succeeded else ())


def run_call(state: State, block: BlockContext, call: Call, gas_limit: int) -> bytes:
    """What a call returns, for free. Raises CallReverted, CallFailed."""
    return _called(state, block, call, gas_limit).output


def needed_gas(state: State, block: BlockContext, call: Call, gas_limit: int) -> int:
    """The gas limit with which a call succeeds. Raises CallReverted, CallFailed."""
    return intrinsic_gas(call.to, call.data) + _called(state, block, call, gas_limit).gas


def balance(state: State, address: Address) -> int:
    """What an account has."""
    return cast(int, state.get(balance_key(address)) or 0)


def nonce(state: State, address: Address) -> int:
    """How many transactions an account has sent."""
    return cast(int, state.get(nonce_key(address)) or 0)


def runtime_code(name: str) -> bytes:
    """The code of a kind of contract, with its immutable values left zero."""
    return artifact(name).deployed_bytecode


def _called(state: State, block: BlockContext, call: Call, gas_limit: int) -> _Run:
    intrinsic = intrinsic_gas(call.to, call.data)
    if intrinsic > gas_limit:
        raise CallFailed(f"intrinsic gas too low: have {gas_limit}, want {intrinsic}")
    held_wei = balance(state, call.sender)
    if held_wei < call.value_wei:
        raise CallFailed(f"insufficient funds for gas * price + value: have {held_wei} want {call.value_wei}")
    ran = _run(state, block, call, nonce(state, call.sender))
    if ran.is_refused:
        raise CallReverted(ran.output)
    if intrinsic + ran.gas > gas_limit:
        raise CallFailed("OutOfGas: out of gas")
    return ran


def _run(state: State, block: BlockContext, call: Call, creation_nonce: int) -> _Run:
    overlay = Overlay(state)
    execution = Execution(overlay, block, MODELS)
    gas = 0
    try:
        if call.to is None:
            output, gas = _create(execution, call, creation_nonce)
        else:
            if call.value_wei:
                _pay(overlay, call.sender, -call.value_wei)
                _pay(overlay, call.to, call.value_wei)
            gas = _gas_of(execution, call.to, call)
            output = execution.call(call.to, call.sender, call.data, call.value_wei)
    except Reverted as reverted:
        return _Run(reverted.data, min(gas, REFUSED_GAS), True, (), {})
    return _Run(output, gas, False, tuple(execution.logs), overlay.changes)


def _create(execution: Execution, call: Call, creation_nonce: int) -> tuple[bytes, int]:
    """The created code and its gas: what is none of our contracts cannot run here, and no gas is enough for it."""
    for name, model in _created_models(call.data):
        if call.value_wei:
            raise Reverted
        arguments = call.data[len(artifact(name).bytecode) :]
        execution.create(model, call.sender, creation_nonce, arguments)
        code = runtime_code(name)
        return code, creation_gas(code)
    return b"", NEVER_ENOUGH_GAS


def _created_models(data: bytes) -> Iterator[tuple[str, type[ModelContract]]]:
    return ((name, model) for name, model in MODELS.items() if data.startswith(artifact(name).bytecode))


def _gas_of(execution: Execution, to: Address, call: Call) -> int:
    contract = execution.contract(to, call.sender)
    function = None if contract is None else contract.function(call.data)
    return 0 if function is None else execution_gas(function.signature, call.data)


def _pay(state: Overlay, address: Address, amount_wei: int) -> None:
    if amount_wei:
        state.set(balance_key(address), balance(state, address) + amount_wei)
