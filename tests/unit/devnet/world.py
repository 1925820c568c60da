"""What the tests of the embedded chains share: accounts, signed transactions, and contracts small enough to read."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from bridge.chain.clock import Clock, ManualClock
from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.header import Header
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, ChainId, UnixSeconds, Wei
from node.devnet.chain import ChainGenesis
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chain.pool import PoolLimits
from node.devnet.chains import Allocation, ChainSettings, ChainsSettings

CHAIN_ID = ChainId(7_001)
GENESIS_TIME_S = UnixSeconds(1_700_000_000)
ETHER_WEI = 10**18
GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Account:
    private_key: bytes = field(repr=False)
    address: Address


class WatchedClock(ManualClock):
    """A manual clock that tells when somebody has gone to sleep on it."""

    def __init__(self, start_s: float = GENESIS_TIME_S) -> None:
        super().__init__(start_s)
        self.slept = asyncio.Semaphore(0)

    async def sleep(self, delay_s: float) -> None:
        """Sleep as ever; one more `slept.acquire` gets through."""
        self.slept.release()
        await super().sleep(delay_s)


def account(label: str) -> Account:
    """The account of this name, the same in every run."""
    private_key = keccak256(f"devnet tests: {label}".encode())
    return Account(private_key, address_of(public_key_of(private_key)))


ALICE = account("alice")
BOB = account("bob")
POOR = account("poor")
GENESIS = ChainGenesis({ALICE.address: Wei(1_000 * ETHER_WEI), BOB.address: Wei(1_000 * ETHER_WEI)}, GENESIS_TIME_S)


def open_chain(
    path: Path | None = None,
    clock: Clock | None = None,
    pool_limits: PoolLimits | None = None,
    chain_id: ChainId = CHAIN_ID,
) -> EmbeddedChain:
    """A chain whose clock stands at its genesis, in memory if there is no path."""
    return EmbeddedChain(path, chain_id, clock or ManualClock(GENESIS_TIME_S), GENESIS, pool_limits=pool_limits)


def signed(
    sender: Account,
    nonce: int,
    *,
    to: Address | None = POOR.address,
    value_wei: int = 0,
    data: bytes = b"",
    gas_limit: int = 100_000,
    fee_cap_wei: int = 10 * GWEI,
    tip_wei: int = GWEI,
    chain_id: ChainId = CHAIN_ID,
) -> bytes:
    """The raw bytes of a transaction of type 2."""
    transaction = DynamicFeeTransaction(
        chain_id, nonce, Wei(tip_wei), Wei(fee_cap_wei), gas_limit, to, Wei(value_wei), data
    )
    return transaction.raw(sign(transaction.signing_hash(), sender.private_key))


def created_address(sender: Account, nonce: int) -> Address:
    """Where a contract goes that the sender creates with this nonce."""
    return Address(keccak256(rlp.encode((sender.address, rlp.uint(nonce))))[12:])


def creation(runtime: str) -> bytes:
    """Creation code for runtime code of less than 256 bytes: copy what follows the first 11 bytes, and return it."""
    code = bytes.fromhex(runtime)
    return bytes.fromhex(f"60{len(code):02x}80600b6000396000f3") + code


LOGGER = creation("36600060003760003536" + "6000a100")
"""LOG1 of all calldata, under its first word as topic."""
REVERTER = creation("366000600037366000fd")
"""REVERT with all calldata."""
STORER = creation("60003560005500")
"""SSTORE of calldata's first word at slot 0."""
SPINNER = creation("5b600056")
"""Burns all gas."""
TELLER = creation("4260005243602052" + "60406000f3")
"""Returns the block's timestamp and number."""


def deploy(chain: EmbeddedChain, code: bytes) -> Address:
    """Mine a contract of Alice's."""
    nonce = chain.nonce(ALICE.address)
    chain.send_raw(signed(ALICE, nonce, to=None, data=code, gas_limit=500_000))
    chain.mine()
    return created_address(ALICE, nonce)


def send_and_mine(chain: EmbeddedChain, to: Address, data: bytes, gas_limit: int = 200_000) -> Header:
    """Mine a call of Alice's, alone in its block."""
    chain.send_raw(signed(ALICE, chain.nonce(ALICE.address), to=to, data=data, gas_limit=gas_limit))
    return chain.mine()[0]


def chains_settings(
    folder: Path | None = None, *, block_time_s: int | None = None, port: int = 0, paused: bool = False
) -> ChainsSettings:
    """A root and a side chain, in files if there is a folder."""
    return ChainsSettings(
        tuple(
            ChainSettings(
                name=name,
                chain_id=ChainId(CHAIN_ID + position),
                allocations=tuple(Allocation(address, balance) for address, balance in GENESIS.alloc.items()),
                genesis_timestamp=GENESIS_TIME_S,
                path=None if folder is None else folder / f"{name}.db",
                port=port,
                block_time_s=block_time_s,
                paused=paused,
            )
            for position, name in enumerate(("root", "side"))
        )
    )
