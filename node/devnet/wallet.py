"""An account of the devnet that sends transactions: for demo traffic, deposits and exits.

It is not the outbox: a transaction that is lost here is only demo traffic, so nothing is kept on disk.
"""

from bridge.chain.clock import Clock
from bridge.chain.errors import ChainError
from bridge.chain.reader import ChainReader, MinedTransaction
from bridge.chain.sending import SendMeaning
from bridge.codec.abi import encode_call
from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction, transaction_hash
from bridge.codec.types import Address, ChainId, Hash32, Wei
from node.networks.accounts import Account

TIP_WEI = 10**9
FEE_CAP_WEI = 100 * 10**9
"""Far above the embedded chains' base fee, which only ever falls on near-empty blocks."""
POLL_INTERVAL_S = 0.5
GAS_LIMIT = 1_000_000


class Wallet:
    """One account on one chain. Its nonces are counted here, and read anew after a refusal."""

    def __init__(self, account: Account, chain_id: ChainId, reader: ChainReader, clock: Clock) -> None:
        self.address = account.address
        self._account = account
        self._chain_id = chain_id
        self._reader = reader
        self._clock = clock
        self._next_nonce: int | None = None

    async def send(
        self, to: Address | None, data: bytes, value_wei: Wei = Wei(0), gas_limit: int = GAS_LIMIT
    ) -> Hash32:
        """Sign and send; the transaction's hash. Raises ChainError when the node refuses it or does not answer."""
        if self._next_nonce is None:
            self._next_nonce = await self._reader.transaction_count(self.address)
        raw = self._sign(self._next_nonce, to, data, value_wei, gas_limit)
        reply = await self._reader.send_raw(raw)
        if reply.meaning not in {SendMeaning.ACCEPTED, SendMeaning.KNOWN}:
            self._next_nonce = None
            raise ChainError(f"the chain refused a demo transaction: {reply.text}")
        self._next_nonce += 1
        return transaction_hash(raw)

    async def send_and_wait(self, to: Address, data: bytes, gas_limit: int = GAS_LIMIT) -> MinedTransaction:
        """Send, and wait until it is in a block, however long the chain stands still."""
        sent = await self.send(to, data, gas_limit=gas_limit)
        while (mined := await self._reader.transaction_receipt(sent)) is None:
            await self._clock.sleep(POLL_INTERVAL_S)
        return mined

    async def read_uint(self, contract: Address, signature: str, *arguments: object) -> int:
        """The whole number that a view function returns at the latest block."""
        answer = await self._reader.call(contract, encode_call(signature, *arguments))
        return int.from_bytes(answer[:32])

    def _sign(self, nonce: int, to: Address | None, data: bytes, value_wei: Wei, gas_limit: int) -> bytes:
        transaction = DynamicFeeTransaction(
            chain_id=self._chain_id,
            nonce=nonce,
            max_priority_fee_per_gas_wei=Wei(TIP_WEI),
            max_fee_per_gas_wei=Wei(FEE_CAP_WEI),
            gas_limit=gas_limit,
            to=to,
            value_wei=value_wei,
            data=data,
        )
        return transaction.raw(sign(transaction.signing_hash(), self._account.private_key))
