"""Demo traffic: a few token transfers in each side-chain block, so that there is something to put under roots."""

import random

from bridge.chain.reader import ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.types import Address
from node.devnet.wallet import Wallet

TRANSFERS_PER_BLOCK = 2
AMOUNT_MAX = 1_000
GAS_LIMIT = 100_000


class DemoTraffic:
    """A duty of the devnet: `run_once` sends the transfers for a new block, if there is one."""

    name = "demo traffic"

    def __init__(
        self, side: ChainReader, wallets: tuple[Wallet, ...], token: Address, random_source: random.Random
    ) -> None:
        """`wallets` are side-chain wallets that hold tokens."""
        self._side = side
        self._wallets = wallets
        self._token = token
        self._random = random_source
        self._last_head: int | None = None

    async def run_once(self) -> bool:
        """Send this block's transfers; one look a block."""
        head = await self._side.head_number()
        if head == self._last_head:
            return False
        self._last_head = head
        for _ in range(TRANSFERS_PER_BLOCK):
            sender, receiver = self._random.sample(self._wallets, 2)
            amount = self._random.randint(1, AMOUNT_MAX)
            await sender.send(
                self._token, encode_call("transfer(address,uint256)", receiver.address, amount), gas_limit=GAS_LIMIT
            )
        return False
