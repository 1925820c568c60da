"""Runs calls on the state after a block, and finds how much gas a transaction needs."""

from typing import cast

from eth.abc import BlockHeaderAPI, ComputationAPI, SignedTransactionAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import Revert
from eth.vm.chain_context import ChainContext
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address as EvmAddress
from eth_utils.exceptions import ValidationError

from node.devnet.chain.errors import CallFailed, CallReverted
from node.devnet.chain.evm import PragueChain
from node.devnet.chain.views import Call

ESTIMATE_TOLERANCE = 64
"""An estimate is at most a 64th above what is needed."""
GAS_STIPEND = 2_300


def run_call(chain: PragueChain, header: BlockHeaderAPI, call: Call) -> bytes:
    """What a call returns on the state after the block, for free. Raises CallReverted, CallFailed."""
    computation = _computation(chain, header, call, _gas_cap(header, call))
    _raise_if_failed(computation)
    return computation.output


def needed_gas(chain: PragueChain, header: BlockHeaderAPI, call: Call) -> int:
    """A gas limit with which the call succeeds, and hardly more. Raises CallReverted, CallFailed."""
    too_high = _gas_cap(header, call)
    computation = _computation(chain, header, call, too_high)
    _raise_if_failed(computation)
    intrinsic = _transaction(chain, header, call, too_high, nonce=0).intrinsic_gas
    used = intrinsic + computation.get_gas_used() + computation.data_floor_gas
    if _succeeds(chain, header, call, used):
        return used
    # Mostly the gas used is nearly enough: only what a call keeps back for its caller, and the stipend, come on top.
    guess = min(too_high, (used + GAS_STIPEND) * 64 // 63)
    enough = guess if _succeeds(chain, header, call, guess) else too_high
    too_low = used
    while enough - too_low > max(1, enough // ESTIMATE_TOLERANCE):
        middle = (enough + too_low) // 2
        if _succeeds(chain, header, call, middle):
            enough = middle
        else:
            too_low = middle
    return enough


def _succeeds(chain: PragueChain, header: BlockHeaderAPI, call: Call, gas_limit: int) -> bool:
    try:
        return not _computation(chain, header, call, gas_limit).is_error
    except CallFailed:
        return False


def _gas_cap(header: BlockHeaderAPI, call: Call) -> int:
    return header.gas_limit if call.gas_limit is None else min(call.gas_limit, header.gas_limit)


def _computation(chain: PragueChain, header: BlockHeaderAPI, call: Call, gas_limit: int) -> ComputationAPI:
    vm = chain.get_vm(header)
    # As geth does it: in the block's own context, but with no base fee, so that the sender needs no money for gas.
    free = header.copy(base_fee_per_gas=0)
    state = vm.build_state(chain.chaindb.db, free, ChainContext(chain.chain_id), vm.previous_hashes or ())
    transaction = _transaction(chain, header, call, gas_limit, state.get_nonce(EvmAddress(call.sender)))
    if transaction.intrinsic_gas > gas_limit:
        raise CallFailed(f"intrinsic gas too low: have {gas_limit}, want {transaction.intrinsic_gas}")
    try:
        return state.apply_transaction(transaction)
    except ValidationError as error:
        raise CallFailed(f"insufficient funds for gas * price + value: {error}") from error


def _transaction(
    chain: PragueChain, header: BlockHeaderAPI, call: Call, gas_limit: int, nonce: int
) -> SignedTransactionAPI:
    unsigned = chain.get_vm_class(header).create_unsigned_transaction(
        nonce=nonce,
        gas_price=0,
        gas=gas_limit,
        to=CREATE_CONTRACT_ADDRESS if call.to is None else EvmAddress(call.to),
        value=call.value_wei,
        data=call.data,
    )
    # A spoof stands in for a signed transaction, which its class does not say.
    return cast(SignedTransactionAPI, SpoofTransaction(unsigned, from_=call.sender))


def _raise_if_failed(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    error = computation.error
    if isinstance(error, Revert):
        raise CallReverted(bytes(computation.output)) from error
    raise CallFailed(f"{type(error).__name__}: {error}") from error
