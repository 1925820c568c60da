"""A side chain with burns and a root chain with Polygon's two contracts, as far as the burn service can see them.

Headers, receipts and proofs are true; the contracts are a few lines of Python behind eth_call, which answers as of any
block.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bridge.burns.cadence import RangeRule
from bridge.burns.keeping import Keep
from bridge.burns.ranges import FetchedBlocks, StoredBlocks
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.service import BurnService, ServiceLimits
from bridge.burns.views import ExitContracts, RootView, SideView
from bridge.chain.clock import ManualClock
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec import merkle
from bridge.codec.abi import decode_values, encode_values, selector
from bridge.codec.errors import PayloadError
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.exit_payload import decode_payload, exit_hash, verify_payload
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from bridge.codec.receipts import Log
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, ChainId, Hash32, UnixSeconds
from contracts.deployment import ERC20_TOKEN_TYPE
from tests.unit.chain.rpc_server import RpcFault, RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID, Block, TinyChain, receipts_json

TOKEN = Address(b"\x70" * 20)
ROOT_TOKEN = Address(b"\x71" * 20)
STRANGER = Address(b"\x72" * 20)
BURNER = Address(b"\xb0" * 20)
ROOT_CHAIN = Address(b"\xc0" * 20)
MANAGER = Address(b"\xc1" * 20)
PROPOSER = Address(b"\xd0" * 20)
RULE = RangeRule(minimum_blocks=8, maximum_blocks=64, multiple_blocks=8, interval_s=10)
CONFIRMATIONS = 2

Tamper = Callable[[str, list[object], object], object]


def topic(address: Address) -> Hash32:
    """An address as an indexed event parameter."""
    return Hash32(bytes(12) + address)


def burn_log(amount: int = 5, token: Address = TOKEN, burner: Address = BURNER) -> Log:
    """An ERC-20 burn."""
    return Log(token, (TRANSFER_TOPIC, topic(burner), ZERO_HASH), amount.to_bytes(32))


def transfer_log(token: Address = TOKEN) -> Log:
    """A transfer that burns nothing."""
    return Log(token, (TRANSFER_TOPIC, topic(BURNER), topic(PROPOSER)), (1).to_bytes(32))


class Side(TinyChain):
    """The side chain, with a pool and transactions that can be asked for."""

    def __init__(self) -> None:
        self.pool: set[Hash32] = set()
        self.hidden = 0
        super().__init__(block_time_s=1)

    def burn(self, *logs: Log, before: Sequence[Sequence[Log]] = ()) -> Hash32:
        """Mine a block whose last transaction has these logs, and give that transaction's hash."""
        self.mine(*before, logs or (burn_log(),))
        return transaction_hash(self.blocks[-1], len(before))

    def answer(self, method: str, params: list[object]) -> object:
        """A node's answer, as of `hidden` blocks ago."""
        shown = self.blocks[: len(self.blocks) - self.hidden]
        if method == "eth_blockNumber":
            return quantity(len(shown) - 1)
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            params = [quantity(len(shown) - 1), *params[1:]]
        if method == "eth_getBlockByNumber" and from_quantity(params[0]) >= len(shown):
            return None
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return self._transaction(shown, method, str(params[0]))
        return super().answer(method, params)

    def _transaction(self, shown: list[Block], method: str, wanted: str) -> object:
        for block in shown:
            for index in range(len(block.receipts)):
                if to_hex(transaction_hash(block, index)) == wanted:
                    place = {
                        "blockNumber": quantity(block.header.number),
                        "blockHash": to_hex(block.header.hash),
                        "transactionIndex": quantity(index),
                    }
                    if method == "eth_getTransactionByHash":
                        return {"hash": wanted, **place}
                    receipt = receipts_json(block)[index]
                    assert isinstance(receipt, dict)
                    return {**receipt, "transactionHash": wanted, "gasUsed": "0x5208", **place}
        waits = method == "eth_getTransactionByHash" and Hash32(bytes.fromhex(wanted[2:])) in self.pool
        return {"hash": wanted, "blockNumber": None} if waits else None


def transaction_hash(block: Block, index: int) -> Hash32:
    """Some hash per transaction; nothing here has transactions' bytes."""
    return keccak256(block.header.hash + index.to_bytes(4))


@dataclass(frozen=True, slots=True)
class Submitted:
    """A checkpoint in the contract, from a root block on."""

    since: int
    root: Hash32
    start: int
    end: int
    created_at: int


@dataclass
class Root(TinyChain):
    """The root chain with RootChain and RootChainManager."""

    side: Side
    tokens: dict[Address, Address] = field(default_factory=lambda: {TOKEN: ROOT_TOKEN})
    checkpoints: list[Submitted] = field(default_factory=list)
    exits: dict[Hash32, int] = field(default_factory=dict)
    refusal: str = ""
    token_type: Hash32 = ERC20_TOKEN_TYPE

    def __post_init__(self) -> None:
        """Start the chain."""
        super().__init__(block_time_s=2)

    def checkpoint(self, end: int) -> None:
        """Mine a block in which the next checkpoint, up to `end`, is accepted."""
        start = self.checkpoints[-1].end + 1 if self.checkpoints else 0
        leaves = [leaf_of(block.header) for block in self.side.blocks[start : end + 1]]
        head = self.mine()
        self.checkpoints.append(Submitted(head.number, merkle.root(leaves), start, end, head.timestamp))

    def exit(self, key: Hash32) -> None:
        """Mine a block in which this exit is paid."""
        self.exits[key] = self.mine().number

    def answer(self, method: str, params: list[object]) -> object:
        """A node's answer."""
        if method != "eth_call":
            return super().answer(method, params)
        request = params[0]
        assert isinstance(request, dict)
        at = from_quantity(params[1])
        if at > self.head.number:
            raise RpcFault(-32000, "header not found")
        return to_hex(self._call(bytes.fromhex(request["to"][2:]), bytes.fromhex(request["data"][2:]), at))

    def _call(self, to: bytes, data: bytes, at: int) -> bytes:
        present = [one for one in self.checkpoints if one.since <= at]
        function, arguments = (to, data[:4]), data[4:]
        if function == (ROOT_CHAIN, selector("currentHeaderBlock()")):
            return encode_values(("uint256",), (len(present) * 10_000,))
        if function == (ROOT_CHAIN, selector("headerBlocks(uint256)")):
            (header_id,) = decode_values(("uint256",), arguments)
            assert isinstance(header_id, int)
            number = header_id // 10_000
            types = ("bytes32", "uint256", "uint256", "uint256", "address")
            if not 1 <= number <= len(present) or header_id % 10_000:
                return encode_values(types, (ZERO_HASH, 0, 0, 0, ZERO_ADDRESS))
            one = present[number - 1]
            return encode_values(types, (one.root, one.start, one.end, one.created_at, PROPOSER))
        if function == (MANAGER, selector("childToRootToken(address)")):
            (child,) = decode_values(("address",), arguments)
            assert isinstance(child, bytes)
            return encode_values(("address",), (self.tokens.get(Address(child), ZERO_ADDRESS),))
        if function == (MANAGER, selector("tokenToType(address)")):
            return encode_values(("bytes32",), (self.token_type,))
        if function == (MANAGER, selector("processedExits(bytes32)")):
            (key,) = decode_values(("bytes32",), arguments)
            assert isinstance(key, bytes)
            return encode_values(("bool",), (self.exits.get(Hash32(key), at + 1) <= at,))
        if function == (MANAGER, selector("exit(bytes)")):
            return self._exit(arguments, at)
        return b""

    def _exit(self, arguments: bytes, at: int) -> bytes:
        (data,) = decode_values(("bytes",), arguments)
        assert isinstance(data, bytes)
        payload = decode_payload(data)
        one = self.checkpoints[payload.header_id // 10_000 - 1]
        try:
            verify_payload(payload, one.root, BlockNumber(one.start), BlockNumber(one.end))
        except PayloadError as error:
            raise RpcFault(3, f"execution reverted: {error}") from error
        key = exit_hash(payload.block_number, payload.branch_mask, payload.log_index)
        if self.exits.get(key, at + 1) <= at or self.refusal:
            raise RpcFault(3, f"execution reverted: {self.refusal or 'EXIT_ALREADY_PROCESSED'}")
        return b""


class Book:
    """The root chain's checkpoints, as validators agreed on them or an index of its logs has them."""

    def __init__(self, root: Root, is_agreed: bool) -> None:
        self.is_agreed = is_agreed
        self.mistake: Hash32 | None = None
        """A root that it has for all checkpoints in place of the true ones."""
        self._root = root

    def holding(self, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this block."""
        return next((one for one in self.latest(len(self._root.checkpoints)) if one.holds(number)), None)

    def latest(self, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last ones, newest first."""
        numbered = list(enumerate(self._root.checkpoints, start=1))[-count:] if count else []
        return tuple(
            CheckpointOnRoot(
                header_id=number * 10_000,
                root=self.mistake or one.root,
                start=BlockNumber(one.start),
                end=BlockNumber(one.end),
                created_at=UnixSeconds(one.created_at),
                proposer=PROPOSER,
            )
            for number, one in reversed(numbered)
        )


@dataclass
class World:
    """Both chains behind real servers, the followers of a node, and the service over them."""

    side: Side
    roots: tuple[Root, ...]
    side_server: RpcServer
    root_servers: tuple[RpcServer, ...]
    second_servers: tuple[RpcServer, ...]
    """Of the side chain and of each root chain, or none."""
    followers: tuple[HeaderFollower, ...]
    service: BurnService
    clock: ManualClock
    tamper: Tamper | None = None
    """Changes what the first endpoint of each chain answers; a second one, if asked for, tells the truth."""

    @property
    def root(self) -> Root:
        """The first root chain."""
        return self.roots[0]

    @property
    def calls(self) -> int:
        """RPC calls so far, over all servers."""
        servers = (self.side_server, *self.root_servers, *self.second_servers)
        return sum(len(server.calls) for server in servers)

    async def follow(self) -> None:
        """Let the followers catch up."""
        for follower in self.followers:
            while (await follower.advance()).more:
                pass

    async def ready_burn(self, *logs: Log, before: Sequence[Sequence[Log]] = ()) -> Hash32:
        """A burn under a confirmed checkpoint of eight blocks or more."""
        transaction = self.side.burn(*logs, before=before)
        self.side.mine(count=8 + CONFIRMATIONS)
        self.root.checkpoint(self.side.head.number - CONFIRMATIONS)
        self.root.mine(count=CONFIRMATIONS)
        await self.follow()
        return transaction


@asynccontextmanager
async def burn_world(
    root_chains: int = 1,
    *,
    stored_blocks: bool = True,
    manager: bool = True,
    followed: bool = True,
    limits: ServiceLimits | None = None,
    honest_seconds: bool = False,
    keep: Keep | None = None,
    is_agreed: bool | None = None,
) -> AsyncIterator[World]:
    """A world with chains of a few blocks; with `is_agreed`, the service has a book of checkpoints, of that kind."""
    side = Side()
    roots = tuple(Root(side) for _ in range(root_chains))
    clock = ManualClock(float(roots[0].head.timestamp))
    made: list[World] = []

    def answering(chain: TinyChain) -> Callable[[str, list[object]], object]:
        def answer(method: str, params: list[object]) -> object:
            result = chain.answer(method, params)
            tamper = made[0].tamper if made else None
            return result if tamper is None else tamper(method, params, result)

        return answer

    async with aiohttp.ClientSession() as session, RpcServer(answering(side)) as side_server:
        root_servers = tuple([await RpcServer(answering(root)).__aenter__() for root in roots])
        honest = (side, *roots) if honest_seconds else ()
        seconds = tuple([await RpcServer(chain.answer).__aenter__() for chain in honest])
        side_urls = [server.url for server in (side_server, *seconds[:1])]
        side_reader = ChainReader(RpcPool("side", side_urls, ChainId(CHAIN_ID), HttpTransport(session), clock))
        side_follower = _follower(side_reader)
        blocks = (StoredBlocks(side_follower.store),) if stored_blocks else (FetchedBlocks(side_reader),)
        followers = [side_follower]
        views = []
        for index, server in enumerate(root_servers):
            urls = [one.url for one in (server, *seconds[index + 1 : index + 2])]
            reader = ChainReader(RpcPool(f"root{index}", urls, ChainId(CHAIN_ID), HttpTransport(session), clock))
            follower = _follower(reader)
            followers.append(follower)
            views.append(
                RootView(
                    name=f"root{index}",
                    reader=reader,
                    headers=follower.store,
                    root_chain=ROOT_CHAIN,
                    exits=ExitContracts(root_chain_manager=MANAGER if manager else None),
                    rule=RULE,
                    book=None if is_agreed is None else Book(roots[index], is_agreed),
                )
            )
        service = BurnService(SideView(side_reader, side_follower.store, blocks), views, clock, limits, keep)
        world = World(side, roots, side_server, root_servers, seconds, tuple(followers), service, clock)
        made.append(world)
        side.mine(count=4)
        for root in roots:
            root.mine(count=4)
        if followed:
            await world.follow()
        try:
            yield world
        finally:
            await service.close()
            for server in (*root_servers, *seconds):
                await server.__aexit__(None, None, None)


def _follower(reader: ChainReader) -> HeaderFollower:
    return HeaderFollower(reader, MemoryHeaderStore(), Confirmations(depth=CONFIRMATIONS), BlockNumber(0))
