"""Carries deposits to the side chain; on the devnet only, where one key holds STATE_SYNCER_ROLE.

A root-chain StateSynced is passed to its receiver's onStateReceive once its block is confirmed. A receiver takes ids in
ascending order and each once, so the relayer keeps nothing: after a restart it asks for the last id and goes on.
"""

from collections.abc import Sequence

from bridge.chain.fields import as_items, as_object
from bridge.chain.reader import ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.events import STATE_SYNCED_TOPIC, StateSynced, decode_event
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.receipts import log_from_rpc
from bridge.codec.types import Address, BlockNumber
from node.devnet.wallet import Wallet

BLOCKS_PER_SCAN = 1_000
LOGS_PER_SCAN_MAX = 10_000
GAS_LIMIT = 500_000


class DepositRelayer:
    """A duty of the devnet: `run_once` relays what one piece of the root chain holds."""

    name = "relay deposits"

    def __init__(
        self,
        root: ChainReader,
        state_sender: Address,
        wallet: Wallet,
        receivers: Sequence[Address],
        confirmations: int,
    ) -> None:
        """`wallet` is the relayer's on the side chain, where `receivers` take messages; others' are left."""
        self._root = root
        self._state_sender = state_sender
        self._wallet = wallet
        self._receivers = frozenset(receivers)
        self._confirmations = confirmations
        self._next_block = BlockNumber(0)
        self._last_ids: dict[Address, int] = {}

    async def run_once(self) -> bool:
        """Relay the confirmed deposits of the next blocks; True when there are more blocks to look at."""
        confirmed = await self._root.head_number() - self._confirmations
        if confirmed < self._next_block:
            return False
        last_block = BlockNumber(min(confirmed, self._next_block + BLOCKS_PER_SCAN - 1))
        for event in await synced_states(self._root, self._state_sender, self._next_block, last_block):
            await self._relay(event)
        self._next_block = BlockNumber(last_block + 1)
        return last_block < confirmed

    async def _relay(self, event: StateSynced) -> None:
        receiver = event.contract
        if receiver not in self._receivers:
            return
        if receiver not in self._last_ids:
            self._last_ids[receiver] = await self._wallet.read_uint(receiver, "lastStateId()")
        if event.id > self._last_ids[receiver]:
            data = encode_call("onStateReceive(uint256,bytes)", event.id, event.data)
            await self._wallet.send_and_wait(receiver, data, GAS_LIMIT)
            self._last_ids[receiver] = event.id


async def synced_states(
    root: ChainReader, state_sender: Address, first: BlockNumber, last: BlockNumber
) -> tuple[StateSynced, ...]:
    """What StateSender logged in a range of root-chain blocks. Raises ChainError."""
    wanted = {
        "address": to_hex(state_sender),
        "topics": [to_hex(STATE_SYNCED_TOPIC)],
        "fromBlock": quantity(first),
        "toBlock": quantity(last),
    }
    answer = await root.pool.call("eth_getLogs", [wanted])
    logs = (log_from_rpc(as_object(item, "log")) for item in as_items(answer, "eth_getLogs", LOGS_PER_SCAN_MAX))
    events = (decode_event(log) for log in logs)
    return tuple(event for event in events if isinstance(event, StateSynced))
