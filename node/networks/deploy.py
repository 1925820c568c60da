"""Contracts and stakes over plain JSON-RPC: one account's transactions on one chain, in order, each seen to succeed.

    deployer = Deployer("root", account, chain_id, reader, clock, say)
    plan = DeploymentPlan(…, first_root_nonce=await deployer.next_nonce())
    await deployer.send(root_deployment(plan).steps)
    await deployer.confirm(confirmations)

The addresses of the contracts follow from the account and its nonces, so nobody else may send from the account
meanwhile. Nothing is kept on disk: a deployment that was cut off is begun anew, with further contracts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.errors import ChainError, RpcRefused
from bridge.chain.fees import FeePolicy, first_price, market_of
from bridge.chain.fields import as_quantity
from bridge.chain.reader import ChainReader, MinedTransaction
from bridge.chain.sending import SendMeaning
from bridge.codec.hexadecimal import checksum_address, quantity, to_hex
from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction, LegacyTransaction, transaction_hash
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, PublicKey, Wei
from contracts import calls
from contracts.deployment import DeploymentStep, RootContracts
from node.app.state import WEI_PER_TOKEN
from node.networks.accounts import Account
from node.networks.errors import DeploymentFailed

GAS_MARGIN = 2
"""Times what was estimated: steps sent together change what the later ones cost, and gas that is left is not paid."""
TRANSACTION_GAS_MAX = 16_777_216
"""EIP-7825: a transaction that asks for more is refused."""
IN_FLIGHT_MAX = 16
"""Pools keep at least this many transactions of one account."""
POLL_INTERVAL_S = 0.5
MINED_WITHIN_S = 300.0
CONFIRMED_WITHIN_S = 3_600.0
LEGACY_PRICE_FACTOR = 2
POLICY = FeePolicy()

STAKES_TOKENS = (100, 90, 80, 70)
"""Repeating: different stakes, and with four or more validators none holds a third of the power."""

Say = Callable[[str], None]
"""Tells the person at the terminal what happens."""


@dataclass(frozen=True, slots=True)
class Staker:
    """A validator to be: the key that signs, and the account that owns it in StakeManager."""

    signer: PublicKey
    owner: Address


@dataclass(frozen=True, slots=True)
class _Sent:
    step: DeploymentStep
    hash: Hash32


class Deployer:
    """One account that sends steps on one chain."""

    def __init__(
        self, chain: str, account: Account, chain_id: ChainId, reader: ChainReader, clock: Clock, say: Say
    ) -> None:
        self._chain = chain
        self._account = account
        self._chain_id = chain_id
        self._reader = reader
        self._clock = clock
        self._say = say
        self._nonce: int | None = None
        self._in_flight: list[_Sent] = []
        self._mined: list[_Sent] = []

    @property
    def address(self) -> Address:
        """Who sends."""
        return self._account.address

    async def next_nonce(self) -> int:
        """The nonce of the next step. Raises DeploymentFailed while other transactions of the account wait."""
        if self._nonce is None:
            mined = await self._reader.transaction_count(self.address)
            waiting = await self._reader.pool.call("eth_getTransactionCount", [to_hex(self.address), "pending"])
            if as_quantity(waiting, "eth_getTransactionCount") != mined:
                raise DeploymentFailed(
                    f"{self._who} has transactions that wait to be mined: addresses follow from its nonce, "
                    "so let them be mined first"
                )
            self._nonce = mined
        return self._nonce

    async def send(self, steps: Sequence[DeploymentStep]) -> None:
        """Send the steps and see that all are mined and succeed. Raises DeploymentFailed, ChainError."""
        for step in steps:
            if len(self._in_flight) >= IN_FLIGHT_MAX or (step.to is not None and self._creates):
                await self._settle()
            await self._send(step, await self._gas_limit(step))
        await self._settle()

    async def confirm(self, confirmations: int) -> BlockNumber:
        """Wait until all that was sent is so many blocks deep, still mined; the highest block that holds any of it.

        Raises DeploymentFailed when a reorg has taken a transaction away, or the chain stands still.
        """
        deadline_s = self._clock.monotonic() + CONFIRMED_WITHIN_S
        while True:
            mined = [await self._mined_again(sent) for sent in self._mined]
            last = max((one.block_number for one in mined), default=BlockNumber(0))
            if await self._reader.head_number() - last >= confirmations:
                return last
            if self._clock.monotonic() > deadline_s:
                raise DeploymentFailed(f"the {self._chain} chain made too few blocks in {CONFIRMED_WITHIN_S:.0f} s")
            await self._clock.sleep(POLL_INTERVAL_S)

    @property
    def _who(self) -> str:
        return f"{checksum_address(self.address)} on the {self._chain} chain"

    @property
    def _creates(self) -> bool:
        """Whether a contract is under way: what calls it would seem to cost nothing."""
        return any(sent.step.to is None for sent in self._in_flight)

    async def _gas_limit(self, step: DeploymentStep) -> int:
        """The estimate with its margin; when it fails, once more after all before it is mined."""
        try:
            return await self._estimate(step)
        except RpcRefused:
            if self._in_flight:
                await self._settle()
            try:
                return await self._estimate(step)
            except RpcRefused as refusal:
                raise DeploymentFailed(f"'{step.label}' by {self._who} would fail: {refusal.rpc_message}") from refusal

    async def _estimate(self, step: DeploymentStep) -> int:
        call = {"from": to_hex(self.address), "data": to_hex(step.data), "value": quantity(step.value_wei)}
        if step.to is not None:
            call["to"] = to_hex(step.to)
        estimate = as_quantity(await self._reader.pool.call("eth_estimateGas", [call]), "eth_estimateGas")
        return max(estimate, min(GAS_MARGIN * estimate, TRANSACTION_GAS_MAX))

    async def _send(self, step: DeploymentStep, gas_limit: int) -> None:
        nonce = await self.next_nonce()
        transaction = await self._priced(step, nonce, gas_limit)
        raw = transaction.raw(sign(transaction.signing_hash(), self._account.private_key))
        reply = await self._reader.send_raw(raw)
        if reply.meaning not in {SendMeaning.ACCEPTED, SendMeaning.KNOWN}:
            raise DeploymentFailed(f"'{step.label}' by {self._who} was refused: {reply.text}")
        self._nonce = nonce + 1
        self._in_flight.append(_Sent(step, transaction_hash(raw)))

    async def _priced(
        self, step: DeploymentStep, nonce: int, gas_limit: int
    ) -> DynamicFeeTransaction | LegacyTransaction:
        """The step as a transaction of the kind that the chain has: EIP-1559 where its blocks have a base fee."""
        where = (gas_limit, step.to, step.value_wei, step.data)
        if not await has_base_fee(self._reader):
            price = as_quantity(await self._reader.pool.call("eth_gasPrice", []), "eth_gasPrice", 256)
            return LegacyTransaction(self._chain_id, nonce, Wei(LEGACY_PRICE_FACTOR * price), *where)
        market = market_of(await self._reader.fee_history(POLICY.history_blocks, POLICY.tip_percentile))
        offer = first_price(POLICY, market)
        if offer is None:
            raise DeploymentFailed(
                f"gas on the {self._chain} chain costs over {POLICY.ceiling_wei:,} wei: begin anew when it is cheaper"
            )
        return DynamicFeeTransaction(self._chain_id, nonce, offer.tip_wei, offer.max_fee_wei, *where)

    async def _settle(self) -> None:
        """Wait until everything that was sent is mined, and see that it succeeded."""
        for sent in self._in_flight:
            mined = await self._wait(sent)
            if not mined.succeeded:
                raise DeploymentFailed(f"'{sent.step.label}' by {self._who} failed in block {mined.block_number}")
            self._say(f"{self._chain} chain, block {mined.block_number}: {sent.step.label}, {mined.gas_used:,} gas")
        self._mined += self._in_flight
        self._in_flight = []

    async def _wait(self, sent: _Sent) -> MinedTransaction:
        deadline_s = self._clock.monotonic() + MINED_WITHIN_S
        while True:
            try:
                mined = await self._reader.transaction_receipt(sent.hash)
            except ChainError:
                mined = None  # the node cannot tell now; the limit below holds
            if mined is not None:
                return mined
            if self._clock.monotonic() > deadline_s:
                raise DeploymentFailed(
                    f"'{sent.step.label}' by {self._who} was not mined within {MINED_WITHIN_S:.0f} s: "
                    f"look at transaction {to_hex(sent.hash)}"
                )
            await self._clock.sleep(POLL_INTERVAL_S)

    async def _mined_again(self, sent: _Sent) -> MinedTransaction:
        mined = await self._reader.transaction_receipt(sent.hash)
        if mined is None or not mined.succeeded:
            raise DeploymentFailed(f"'{sent.step.label}' by {self._who} was undone by a reorg: begin anew")
        return mined


async def has_base_fee(reader: ChainReader) -> bool:
    """Whether the chain's blocks have a base fee, and so take transactions of EIP-1559. Raises ChainError."""
    head = await reader.pool.call("eth_getBlockByNumber", ["latest", False])
    return isinstance(head, dict) and head.get("baseFeePerGas") is not None


def stakes(
    contracts: RootContracts, payer: Address, stakers: Sequence[Staker], stakes_tokens: Sequence[int] = STAKES_TOKENS
) -> tuple[DeploymentStep, ...]:
    """The payer's transactions that stake for each validator; `payer` is the deployer, who may mint StakeToken."""
    amounts = [Wei(stakes_tokens[i % len(stakes_tokens)] * WEI_PER_TOKEN) for i in range(len(stakers))]
    steps = [calls.mint(contracts.stake_token, payer, Wei(sum(amounts)))]
    for amount, staker in zip(amounts, stakers, strict=True):
        steps += calls.stake(contracts, staker.owner, amount, staker.signer)
    return tuple(steps)


def funding(receivers: Sequence[Address], amount_wei: Wei) -> tuple[DeploymentStep, ...]:
    """Native money for accounts that will send transactions."""
    return tuple(DeploymentStep("give money", receiver, b"", amount_wei) for receiver in receivers)
