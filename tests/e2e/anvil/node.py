"""An anvil of its own for each test, and an outbox that reaches it over HTTP as it would any root chain."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
import pytest

from bridge.chain.clock import ManualClock
from bridge.chain.errors import CallReverted
from bridge.chain.fees import FeePolicy
from bridge.chain.headers import Confirmations
from bridge.chain.outbox import Judgement, Outbox, OutboxEvent
from bridge.chain.outbox_store import Intent, MemoryOutboxStore, OutboxEntry
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, BlockNumber, ChainId, Wei
from tests.unit.chain.evm_rpc import ETHER, GWEI, ONCE_CREATION, Account

ANVIL_CHAIN_ID = ChainId(31_337)
DEPTH = 2
POLICY = FeePolicy(ceiling_wei=Wei(20 * GWEI), tip_floor_wei=Wei(GWEI), replace_after_s=60)
PACKAGES = Path(__file__).parent / "node_modules" / "@foundry-rs"
LISTENS = "Listening on "


def binary() -> Path:
    """The installed anvil. Skips where there can be none, and fails where it only was not installed."""
    found = next(iter(sorted(PACKAGES.glob("anvil-*/bin/anvil"))), None)
    if found is None and shutil.which("npm") is None:
        pytest.skip("anvil comes from npm, which is not on this machine")
    if found is None and (platform.system(), platform.machine()) not in {
        *(("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")),
    }:
        pytest.skip(f"there is no anvil for {platform.system()} on {platform.machine()}")
    assert found is not None, "anvil is not installed: run `make anvil`"
    return found


class Refused(Exception):
    """What anvil answered instead of a result."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{words} ({code})")
        self.code = code
        self.words = words


class Anvil:
    """The process behind a URL, with the calls that nodes do not offer."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, *params: object) -> Any:
        """The result. Raises Refused."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310 - http, by construction
        with urlopen(request, timeout=30) as response:  # noqa: S310 - http, by construction
            reply = json.load(response)
        if "error" in reply:
            raise Refused(reply["error"]["code"], reply["error"]["message"])
        return reply["result"]

    def mine(self, seconds: int = 2) -> None:
        """A block, so many seconds after the last."""
        self.call("evm_increaseTime", seconds)
        self.call("evm_mine")

    def send(self, raw: bytes) -> str:
        """Hand over a transaction. Raises Refused."""
        return str(self.call("eth_sendRawTransaction", to_hex(raw)))

    def waiting(self) -> int:
        """How many transactions the pool holds."""
        status = self.call("txpool_status")
        return int(status["pending"], 16) + int(status["queued"], 16)


@contextmanager
def running_anvil(home: Path, *arguments: str) -> Iterator[Anvil]:
    """Started without automatic mining, with a home of its own."""
    command = [str(binary()), "--port", "0", "--no-mining", "--timestamp", "1700000000", *arguments]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(LISTENS):
                break
        yield Anvil(f"http://{line.removeprefix(LISTENS).strip()}")
    finally:
        process.terminate()
        process.communicate(timeout=10)


def transaction(
    account: Account,
    nonce: int,
    to: Address | None = None,
    data: bytes = b"",
    *,
    tip_wei: int = 2 * GWEI,
    max_fee_wei: int = 10 * GWEI,
    gas_limit: int = 500_000,
) -> bytes:
    """Anybody's transaction."""
    fees = Wei(tip_wei), Wei(max_fee_wei)
    return account.sign(DynamicFeeTransaction(ANVIL_CHAIN_ID, nonce, *fees, gas_limit, to, Wei(0), data))


class AnvilWorld:
    """One outbox on one anvil, with a contract that takes each key once."""

    def __init__(self, anvil: Anvil, session: aiohttp.ClientSession) -> None:
        self.anvil = anvil
        self.clock = ManualClock()
        self.us, self.rival = Account(1), Account(2)
        for account in (self.us, self.rival):
            anvil.call("anvil_setBalance", to_hex(account.address), hex(100 * ETHER))
        anvil.send(transaction(self.rival, 0, None, ONCE_CREATION))
        anvil.mine()
        self.once = Address(keccak256(rlp.encode((self.rival.address, rlp.uint(0))))[12:])
        self.reader = ChainReader(RpcPool("anvil", [anvil.url], ANVIL_CHAIN_ID, HttpTransport(session), self.clock))
        self.outbox = Outbox(
            *(ANVIL_CHAIN_ID, self.us, self.reader, MemoryOutboxStore(), POLICY),
            *(Confirmations(DEPTH), self.judge, self.clock),
        )

    async def judge(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        """Read the contract: a key that somebody took is over."""
        try:
            await self.reader.call(intent.to, intent.data, "latest" if at is None else at)
        except CallReverted:
            return Judgement.OVER
        return Judgement.WANTED

    def want(self, number: int = 1) -> None:
        """Plan to take a key."""
        self.outbox.plan(Intent(f"take/{number}", self.once, number.to_bytes(32), Wei(0), 100_000))

    def entry(self, number: int = 1) -> OutboxEntry:
        """The entry of a key."""
        found = self.outbox.entry(f"take/{number}")
        assert found is not None
        return found

    async def rounds(self, count: int, seconds: int = 2) -> list[OutboxEvent]:
        """So many times: advance, then a block; and once more."""
        events: list[OutboxEvent] = []
        for _ in range(count):
            events += await self.outbox.advance()
            self.anvil.mine(seconds)
            self.clock.advance(seconds)
        return [*events, *await self.outbox.advance()]

    async def nonce(self) -> int:
        """Our next nonce at the newest block."""
        return await self.reader.transaction_count(self.us.address)
