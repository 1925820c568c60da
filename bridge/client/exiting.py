"""The transaction that makes an exit: tried by eth_call, priced, signed, sent, and waited for.

    plan = await plan_exit(reader, call, sender, FeePolicy())     # nothing is spent yet
    sent = await send_exit(reader, plan, sign, clock)
    mined = await mined_exit(reader, sent, clock, wait_s=600)

For a person's single transaction. It is not the outbox: nothing is kept on disk and no fee is raised; a nonce that
somebody else uses meanwhile is counted anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.burns.contracts import is_taken
from bridge.burns.errors import ExitRefused
from bridge.chain.clock import Clock
from bridge.chain.errors import CallReverted, ChainError
from bridge.chain.fees import GWEI, FeePolicy, Price, first_price, market_of
from bridge.chain.fields import as_quantity
from bridge.chain.reader import ChainReader, MinedTransaction
from bridge.chain.sending import SendMeaning, SendReply
from bridge.client.errors import (
    ContractUnfit,
    ExitFailed,
    ExitTaken,
    FeeTooHigh,
    NotAccepted,
    NotFunded,
    NotMined,
    WrongSender,
)
from bridge.codec.abi import encode_call
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import checksum_address, to_hex
from bridge.codec.transaction import DynamicFeeTransaction, transaction_hash
from bridge.codec.types import Address, ChainId, Hash32, Signature, Wei

PLASMA_EXIT = "startExitWithBurntTokens(bytes)"
EXIT_FUNCTIONS = frozenset({"exit(bytes)", "receiveMessage(bytes)", PLASMA_EXIT})
"""No other function is called, whoever names it."""

GAS_MARGIN_PERCENT = 125
"""Of the estimate: what others do in between may make an exit dearer."""
NONCE_ATTEMPTS = 8
POLL_INTERVAL_S = 1.0

Sign = Callable[[Hash32], Signature]

_ON_ITS_WAY = frozenset({SendMeaning.ACCEPTED, SendMeaning.KNOWN, SendMeaning.UNKNOWN, SendMeaning.UNAVAILABLE})
"""The last two say nothing of the bytes, so they may be."""
_NONCE_TAKEN = frozenset({SendMeaning.NONCE_USED, SendMeaning.REPLACEMENT_UNDERPRICED, SendMeaning.NONCE_GAP})


@dataclass(frozen=True, slots=True)
class ExitCall:
    """What to call. `burner` is known for all but messages."""

    contract: Address | None
    function: str
    payload: bytes
    burner: Address | None


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """A transaction that would succeed now, unsigned; `price` is per gas."""

    chain_id: ChainId
    sender: Address
    contract: Address
    function: str
    data: bytes
    gas_limit: int
    price: Price

    @property
    def cost_max_wei(self) -> Wei:
        """More than this is never paid."""
        return Wei(self.gas_limit * self.price.max_fee_wei)


async def plan_exit(reader: ChainReader, call: ExitCall, sender: Address, fees: FeePolicy) -> ExitPlan:
    """Try the exit at the latest block, and price it. Raises ExitError, ExitRefused, ChainError."""
    contract = await _contract(reader, call)
    if call.function == PLASMA_EXIT and sender != call.burner:
        burner = "the burner" if call.burner is None else f"the burner, {checksum_address(call.burner)}"
        raise WrongSender(f"a Plasma exit is begun by {burner}, not by {checksum_address(sender)}: give that key")
    data = encode_call(call.function, call.payload)
    try:
        await reader.call(contract, data, sender=sender)
    except CallReverted as error:
        if is_taken(error):
            raise ExitTaken(f"the root chain has taken this exit before: {error.reason}") from error
        raise ExitRefused(f"{checksum_address(contract)} refuses the exit: {error.reason}") from error
    request = {"from": to_hex(sender), "to": to_hex(contract), "data": to_hex(data)}
    estimate = as_quantity(await reader.pool.call("eth_estimateGas", [request]), "eth_estimateGas", 32)
    market = market_of(await reader.fee_history(fees.history_blocks, fees.tip_percentile))
    price = first_price(fees, market)
    if price is None:
        raise FeeTooHigh(
            f"the base fee is {market.base_fee_wei / GWEI:g} gwei, and with a tip above the cap of"
            f" {fees.ceiling_wei / GWEI:g} gwei: raise the cap, or wait"
        )
    gas_limit = estimate * GAS_MARGIN_PERCENT // 100
    plan = ExitPlan(reader.pool.chain_id, sender, contract, call.function, data, gas_limit, price)
    balance = await reader.balance(sender)
    if balance < plan.cost_max_wei:
        raise NotFunded(
            f"{checksum_address(sender)} holds {balance} wei, and the exit may cost {plan.cost_max_wei}: send it some"
        )
    return plan


async def send_exit(reader: ChainReader, plan: ExitPlan, sign: Sign, clock: Clock) -> Hash32:
    """Sign and send; the transaction's hash. Raises NotAccepted where it is certainly not on its way, ChainError.

    Where the endpoints' answers say nothing of the bytes, they may be on their way; `mined_exit` tells.
    """
    reply = SendReply(SendMeaning.UNKNOWN)
    for attempt in range(NONCE_ATTEMPTS):
        if attempt:
            await clock.sleep(POLL_INTERVAL_S)
        answer = await reader.pool.call("eth_getTransactionCount", [to_hex(plan.sender), "pending"])
        raw = _signed(plan, as_quantity(answer, "eth_getTransactionCount"), sign)
        try:
            reply = await reader.send_raw(raw)
        except ChainError as error:
            reply = SendReply(SendMeaning.UNAVAILABLE, str(error))
        if reply.meaning in _ON_ITS_WAY:
            return transaction_hash(raw)
        if reply.meaning not in _NONCE_TAKEN:
            break
    raise NotAccepted(f"the endpoints refuse the transaction: {reply.text}")


async def mined_exit(reader: ChainReader, sent: Hash32, clock: Clock, wait_s: float) -> MinedTransaction:
    """The transaction's place in a block, where it succeeded. Raises NotMined after `wait_s`, ExitFailed."""
    deadline_s = clock.monotonic() + wait_s
    while True:
        try:
            mined = await reader.transaction_receipt(sent)
        except ChainError:
            mined = None  # an endpoint's trouble: it has time until the deadline
        if mined is not None:
            break
        if clock.monotonic() >= deadline_s:
            raise NotMined(f"{to_hex(sent)} is in no block after {wait_s:g} s; it may still come into one")
        await clock.sleep(POLL_INTERVAL_S)
    if not mined.succeeded:
        raise ExitFailed(
            f"{to_hex(sent)} failed in root-chain block {mined.block_number}: was the exit taken meanwhile?"
        )
    return mined


async def _contract(reader: ChainReader, call: ExitCall) -> Address:
    if call.contract is None:
        raise ContractUnfit("nobody has named the contract that takes this exit: configure it, or name it")
    if call.function not in EXIT_FUNCTIONS:
        raise ContractUnfit(f"{call.function} is no function that makes an exit")
    if await reader.code_hash(call.contract) == keccak256(b""):
        raise ContractUnfit(
            f"no contract stands at {checksum_address(call.contract)} on chain {reader.pool.chain_id}:"
            " is this the root chain's RPC?"
        )
    return call.contract


def _signed(plan: ExitPlan, nonce: int, sign: Sign) -> bytes:
    transaction = DynamicFeeTransaction(
        chain_id=plan.chain_id,
        nonce=nonce,
        max_priority_fee_per_gas_wei=plan.price.tip_wei,
        max_fee_per_gas_wei=plan.price.max_fee_wei,
        gas_limit=plan.gas_limit,
        to=plan.contract,
        value_wei=Wei(0),
        data=plan.data,
    )
    return transaction.raw(sign(transaction.signing_hash()))
