"""A root chain that does what a story tells it: accounts, nonces, a fee market and a pool, and no EVM.

Blocks cost microseconds. One contract takes each key once, as a root chain takes each header. The pool has geth's rules
and words. A `ScriptedNode` is one endpoint of it, which may lag, refuse, hang up, or be away.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bridge.chain.clock import ManualClock
from bridge.codec.hexadecimal import from_hex, from_quantity, quantity, to_hex
from bridge.codec.transaction import SignedTransaction, decode_raw, transaction_hash
from bridge.codec.types import Address, BlockNumber, Hash32
from tests.unit.chain.evm_rpc import ETHER, GWEI, Account
from tests.unit.chain.rpc_server import ConnectionCut, RpcFault
from tests.unit.chain.tiny_chain import CHAIN_ID, TinyChain, header_json

CONTRACT = Address(b"\xcc" * 20)
TRANSFER_GAS = 21_000
CALL_GAS = 60_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mined transaction."""

    hash: Hash32
    sent: SignedTransaction
    raw: bytes
    succeeded: bool
    gas_used: int
    paid_wei: int


@dataclass(frozen=True, slots=True)
class World:
    """The state after a block, and what the block held."""

    nonces: dict[Address, int]
    balances: dict[Address, int]
    taken: dict[bytes, Address]
    """Who took each key of the contract."""
    outcomes: tuple[Outcome, ...] = ()


@dataclass(slots=True)
class ScriptedChain:
    """The chain as all nodes would agree on it."""

    clock: ManualClock
    us: Account = field(default_factory=lambda: Account(1))
    rival: Account = field(default_factory=lambda: Account(2))
    base_fee_wei: int = 20 * GWEI
    """Of the next block."""
    miners_ignore_us: bool = False
    pool: dict[tuple[Address, int], bytes] = field(default_factory=dict)
    headers: TinyChain = field(default_factory=TinyChain)
    worlds: list[World] = field(default_factory=list)
    _fork: int = 0

    def __post_init__(self) -> None:
        balances = {self.us.address: 100 * ETHER, self.rival.address: 100 * ETHER}
        self.worlds.append(World({}, balances, {}))

    @property
    def head(self) -> World:
        """The state at the newest block."""
        return self.worlds[-1]

    def nonce(self, account: Account) -> int:
        """The next nonce of an account at the head."""
        return self.head.nonces.get(account.address, 0)

    def mined_by(self, account: Account) -> list[Outcome]:
        """An account's transactions on the canonical chain, oldest first."""
        return [one for world in self.worlds for one in world.outcomes if one.sent.sender == account.address]

    def give(self, account: Account, balance_wei: int) -> None:
        """Set a balance as of the head; a reorganisation undoes it."""
        balances = {**self.head.balances, account.address: balance_wei}
        self.worlds[-1] = replace(self.head, balances=balances)

    def mine(self, seconds: int = 12) -> None:
        """A block of all that can pay its base fee and is next in its sender's row, the best tips first."""
        self.clock.advance(seconds)
        state = World(dict(self.head.nonces), dict(self.head.balances), dict(self.head.taken))
        outcomes: list[Outcome] = []
        while (best := self._best(state)) is not None:
            outcomes.append(_execute(state, best, self.base_fee_wei))
        self.worlds.append(replace(state, outcomes=tuple(outcomes)))
        self.headers.block_time_s = max(1, int(self.clock.now()) - self.headers.head.timestamp)
        self.headers.mine(salt=b"%d" % self._fork)
        self._forget_used()

    def reorg(self, depth: int, *, keeps_transactions: bool) -> None:
        """Replace the newest `depth` blocks by as many empty ones and one that may hold what they held."""
        dropped = [one.raw for world in self.worlds[-depth:] for one in world.outcomes]
        del self.worlds[-depth:]
        self._fork += 1
        self.headers.reorg(depth, depth, salt=b"fork %d" % self._fork)
        self.worlds += [replace(self.head, outcomes=())] * depth
        if keeps_transactions:
            for raw in dropped:
                sent = decode_raw(raw)
                self.pool.setdefault((sent.sender, sent.transaction.nonce), raw)
        self._forget_used()
        self.mine()

    def send(self, raw: bytes) -> Hash32:
        """Into the pool. Raises RpcFault in geth's words."""
        sent = decode_raw(raw)
        wanted, place = sent.transaction, (sent.sender, sent.transaction.nonce)
        nonce, balance = self.head.nonces.get(sent.sender, 0), self.head.balances.get(sent.sender, 0)
        waiting = self.pool.get(place)
        if waiting == raw:
            raise RpcFault(-32000, "already known")
        if wanted.nonce < nonce:
            raise RpcFault(-32000, f"nonce too low: next nonce {nonce}, tx nonce {wanted.nonce}")
        cost = wanted.gas_limit * wanted.max_fee_per_gas_wei + wanted.value_wei
        if balance < cost:
            raise RpcFault(-32000, f"insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")
        if waiting is not None:
            old = decode_raw(waiting).transaction
            fees = (
                (wanted.max_fee_per_gas_wei, old.max_fee_per_gas_wei),
                (wanted.max_priority_fee_per_gas_wei, old.max_priority_fee_per_gas_wei),
            )
            if any(new <= before or new * 100 < before * 110 for new, before in fees):
                raise RpcFault(-32000, "replacement transaction underpriced")
        self.pool[place] = raw
        return transaction_hash(raw)

    def _best(self, state: World) -> bytes | None:
        ready = [
            (min(tx.max_priority_fee_per_gas_wei, tx.max_fee_per_gas_wei - self.base_fee_wei), raw)
            for (sender, nonce), raw in self.pool.items()
            if nonce == state.nonces.get(sender, 0)
            and not (self.miners_ignore_us and sender == self.us.address)
            and (tx := decode_raw(raw).transaction).max_fee_per_gas_wei >= self.base_fee_wei
            and state.balances.get(sender, 0) >= tx.gas_limit * tx.max_fee_per_gas_wei + tx.value_wei
        ]
        return max(ready)[1] if ready else None

    def _forget_used(self) -> None:
        self.pool = {
            (sender, nonce): raw
            for (sender, nonce), raw in self.pool.items()
            if nonce >= self.head.nonces.get(sender, 0)
        }


def _execute(state: World, raw: bytes, base_fee_wei: int) -> Outcome:
    sent = decode_raw(raw)
    tx, sender = sent.transaction, sent.sender
    key = tx.data[:32]
    succeeded = tx.to != CONTRACT or key not in state.taken
    if tx.to == CONTRACT and succeeded:
        state.taken[key] = sender
    gas_used = CALL_GAS if tx.to == CONTRACT else TRANSFER_GAS
    price = base_fee_wei + min(tx.max_priority_fee_per_gas_wei, tx.max_fee_per_gas_wei - base_fee_wei)
    state.nonces[sender] = tx.nonce + 1
    state.balances[sender] -= gas_used * price
    return Outcome(transaction_hash(raw), sent, raw, succeeded, gas_used, gas_used * price)


OnSend = Callable[[bytes], object]


@dataclass(slots=True)
class ScriptedNode:
    """One endpoint: `answer` serves an RpcServer or a transport."""

    chain: ScriptedChain
    lag: int = 0
    """Its head is so many blocks behind; what is sent to it reaches the pool all the same."""
    is_away: bool = False
    on_send: OnSend | None = None
    """Called before a transaction reaches the pool: may raise RpcFault or ConnectionCut, or give another answer."""
    cuts_reply: bool = False
    """A transaction reaches the pool, and the connection is cut before the answer."""
    hides_receipts: bool = False
    sends: list[tuple[float, bytes]] = field(default_factory=list)
    """When and what was sent here, by the clock."""

    def answer(self, method: str, params: list[object]) -> object:
        """The answer of a node."""
        if self.is_away:
            raise ConnectionCut
        match method:
            case "eth_chainId":
                return quantity(CHAIN_ID)
            case "eth_getBlockByNumber":
                return self._block(params[0])
            case "eth_getTransactionCount":
                return quantity(self._world(params[1]).nonces.get(Address(from_hex(params[0])), 0))
            case "eth_getBalance":
                return quantity(self._world(params[1]).balances.get(Address(from_hex(params[0])), 0))
            case "eth_call":
                return self._call(params[0], params[1])
            case "eth_feeHistory":
                fee = quantity(self.chain.base_fee_wei)
                return {"baseFeePerGas": [fee, fee], "reward": [[quantity(GWEI)]]}
            case "eth_getTransactionReceipt":
                return self._receipt(Hash32(from_hex(params[0])))
            case "eth_sendRawTransaction":
                return self._send(from_hex(params[0]))
            case _:
                raise RpcFault(-32601, f"the method {method} does not exist/is not available")

    @property
    def _head(self) -> int:
        return max(0, len(self.chain.worlds) - 1 - self.lag)

    def _number(self, reference: object) -> int:
        return self._head if reference == "latest" else from_quantity(reference)

    def _block(self, reference: object) -> object:
        number = self._number(reference)
        return header_json(self.chain.headers.blocks[number].header) if number <= self._head else None

    def _world(self, reference: object) -> World:
        number = self._number(reference)
        if number > self._head:
            raise RpcFault(-32000, "header not found")
        return self.chain.worlds[number]

    def _call(self, request: object, reference: object) -> object:
        assert isinstance(request, dict)
        if from_hex(request["data"])[:32] in self._world(reference).taken:
            raise RpcFault(3, "execution reverted: taken", "0x")
        return "0x"

    def _receipt(self, wanted: Hash32) -> object:
        if self.hides_receipts:
            return None
        for number, world in enumerate(self.chain.worlds[: self._head + 1]):
            for index, one in enumerate(world.outcomes):
                if one.hash == wanted:
                    return {
                        "transactionHash": to_hex(wanted),
                        "blockNumber": quantity(BlockNumber(number)),
                        "blockHash": to_hex(self.chain.headers.blocks[number].header.hash),
                        "transactionIndex": quantity(index),
                        "status": quantity(int(one.succeeded)),
                        "gasUsed": quantity(one.gas_used),
                    }
        return None

    def _send(self, raw: bytes) -> object:
        self.sends.append((self.chain.clock.monotonic(), raw))
        if self.on_send is not None:
            answer = self.on_send(raw)
            if answer is not None:
                return answer
        try:
            accepted = self.chain.send(raw)
        finally:
            if self.cuts_reply:
                raise ConnectionCut
        return to_hex(accepted)
