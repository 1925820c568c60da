"""An outbox on a scripted chain, restarted when it crashes, and what must hold after each of its rounds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bridge.chain.clock import ManualClock
from bridge.chain.errors import CallReverted, ChainError
from bridge.chain.fees import FeePolicy
from bridge.chain.headers import Confirmations
from bridge.chain.outbox import RESEND_S, Judgement, Outbox, OutboxEvent
from bridge.chain.outbox_store import EntryState, Intent, OutboxEntry, OutboxStore, Waiting
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import ConnectionFailed, HttpReply, Transport
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, BlockNumber, ChainId, Wei
from tests.unit.chain.evm_rpc import ETHER, GWEI, Account
from tests.unit.chain.rpc_server import ConnectionCut, RpcFault
from tests.unit.chain.scripted_chain import CALL_GAS, CONTRACT, OnSend, ScriptedChain, ScriptedNode
from tests.unit.chain.send_errors import Refusal
from tests.unit.chain.tiny_chain import CHAIN_ID

DEPTH = 3
GAS_LIMIT = 100_000
POLICY = FeePolicy(ceiling_wei=Wei(100 * GWEI), tip_floor_wei=Wei(GWEI), replace_after_s=60)

_MOVES_BY_ITSELF = {EntryState.SENT, EntryState.MINED, EntryState.CANCELLING}


class Crash(BaseException):
    """The power went."""


@dataclass(slots=True)
class WatchedStore:
    """Another store, whose n-th write may be the last thing that this process does; counts what ended in vain."""

    held: OutboxStore
    crashes_in: int | None = None
    crashes_after_write: bool = False
    writes: int = 0
    in_vain: dict[str, int] = field(default_factory=dict)
    """For each key, how often its nonce went to something else, or to a call that failed: it may take another."""

    def entries(self) -> tuple[OutboxEntry, ...]:
        """As the store has them."""
        return self.held.entries()

    def save(self, entry: OutboxEntry) -> None:
        """Write, unless the power goes."""
        self.writes += 1
        goes = self.crashes_in is not None and self.writes >= self.crashes_in
        if goes and not self.crashes_after_write:
            self.crashes_in = None
            raise Crash
        self.held.save(entry)
        if entry.state.is_closed and not entry.succeeded:
            self.in_vain[entry.intent.key] = self.in_vain.get(entry.intent.key, 0) + 1
        if goes:
            self.crashes_in = None
            raise Crash

    def remove(self, key: str) -> None:
        """Forget an entry."""
        self.held.remove(key)


@dataclass(slots=True)
class NotingSigner:
    """An account that remembers what it signed."""

    account: Account
    signed: list[DynamicFeeTransaction] = field(default_factory=list)

    @property
    def address(self) -> Address:
        """Who sends."""
        return self.account.address

    def sign(self, transaction: DynamicFeeTransaction) -> bytes:
        """The raw transaction."""
        self.signed.append(transaction)
        return self.account.sign(transaction)


class NodesTransport:
    """The nodes themselves in place of a network, by their place in the URL; the bytes are those of HTTP."""

    def __init__(self, nodes: tuple[ScriptedNode, ...]) -> None:
        self._nodes = nodes

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """Answer at once."""
        call = json.loads(body)
        reply = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            reply["result"] = self._nodes[int(url[-1])].answer(call["method"], call["params"])
        except RpcFault as fault:
            reply["error"] = {"code": fault.code, "message": fault.message, "data": fault.data}
        except ConnectionCut:
            raise ConnectionFailed("cut") from None
        return HttpReply(200, json.dumps(reply).encode())


def intent_of(number: int) -> Intent:
    """Take a key of the contract."""
    return Intent(f"take/{number}", CONTRACT, number.to_bytes(32), Wei(0), GAS_LIMIT)


class OutboxWorld:
    """One outbox with two endpoints, worked as the submit duty works it."""

    def __init__(
        self,
        store: OutboxStore,
        urls: Sequence[str] = ("http://node/0", "http://node/1"),
        transport: Transport | None = None,
    ) -> None:
        """Without a transport the nodes themselves answer; with one, the test serves them at the URLs."""
        self.clock = ManualClock()
        self.chain = ScriptedChain(self.clock)
        self.nodes = tuple(ScriptedNode(self.chain) for _ in urls)
        self._urls, self._transport = urls, transport or NodesTransport(self.nodes)
        self.store = WatchedStore(store)
        self.signer = NotingSigner(self.chain.us)
        self.wanted: list[Intent] = []
        self.events: list[OutboxEvent] = []
        self.trouble: str | None = None
        self.restarts = 0
        self.blocks_at_s: list[float] = []
        self.outbox = self._start()

    def _start(self) -> Outbox:
        pool = RpcPool("scripted", self._urls, ChainId(CHAIN_ID), self._transport, self.clock)
        self.reader = ChainReader(pool)
        return Outbox(
            *(ChainId(CHAIN_ID), self.signer, self.reader, self.store, POLICY),
            *(Confirmations(DEPTH), self.judge, self.clock),
        )

    async def judge(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        """Read the contract: a key that somebody took is over."""
        try:
            await self.reader.call(intent.to, intent.data, "latest" if at is None else at)
        except CallReverted:
            return Judgement.OVER
        return Judgement.WANTED

    def entry(self, number: int = 1) -> OutboxEntry:
        """The entry of a key."""
        found = self.outbox.entry(f"take/{number}")
        assert found is not None
        return found

    def is_taken(self, intent: Intent) -> bool:
        """Whether the chain's newest block has the key."""
        return intent.data in self.chain.head.taken

    async def round(self) -> None:
        """What the duty does: plan what is missing on the chain, advance; expected errors are its trouble."""
        self.trouble = None
        try:
            for intent in self.wanted:
                held = self.outbox.entry(intent.key)
                if held is None or (held.state.is_closed and not self.is_taken(intent)):
                    self.outbox.plan(intent)
            new = await self.outbox.advance()
            self._check_ends(new)
            self.events.extend(new)
        except ChainError as error:
            self.trouble = f"{error.code}: {error}"
        except Crash:
            self.restarts += 1
            self.trouble = "crashed"
            self.outbox = self._start()
        self.check()

    async def rounds(self, count: int, seconds: int = 12) -> None:
        """So many rounds, each followed by a block."""
        for _ in range(count):
            await self.round()
            self.mine(seconds)
        await self.round()

    def mine(self, seconds: int = 12) -> None:
        """A block."""
        self.chain.mine(seconds)
        self.blocks_at_s.append(self.clock.monotonic())

    def check(self) -> None:
        """What must always hold."""
        self._check_names()
        self._check_nonces()
        self._check_prices()

    def _check_names(self) -> None:
        """Every entry is in a named state, and says why it stands still if it does not move by itself."""
        for entry in self.outbox.entries():
            if entry.waiting is not Waiting.NONE:
                assert entry.detail, (entry.state, entry.waiting)
            elif not entry.state.is_closed and self.trouble is None:
                assert entry.state in _MOVES_BY_ITSELF or self._was_just_lost(entry), entry.state

    def _was_just_lost(self, entry: OutboxEntry) -> bool:
        last = next(event for event in reversed(self.events) if event.after.intent.key == entry.intent.key)
        return last.before.state is EntryState.LOST and last.after == entry

    def _check_ends(self, events: tuple[OutboxEvent, ...]) -> None:
        """Nothing is final, cancelled or lost before the chain has that at the network's depth."""
        deep = len(self.chain.worlds) - 1 - DEPTH
        for event in events:
            entry = event.after
            if entry.state is EntryState.LOST and event.before.state is not EntryState.LOST:
                assert entry.nonce is not None
                assert self.chain.worlds[max(0, deep)].nonces.get(self.chain.us.address, 0) > entry.nonce
            elif entry.state.is_closed and entry.inclusion is not None:
                assert entry.inclusion.block_number <= deep

    def _check_nonces(self) -> None:
        """No key has two nonces that could both still succeed, and none takes two keys."""
        for intent in self.wanted:
            nonces = {tx.nonce for tx in self.signer.signed if tx.data == intent.data}
            assert len(nonces) <= 1 + self.store.in_vain.get(intent.key, 0), (intent.key, nonces)
        ours = [one for one in self.chain.mined_by(self.chain.us) if one.sent.transaction.to == CONTRACT]
        won = [one.sent.transaction.data for one in ours if one.succeeded]
        assert len(won) == len(set(won))

    def _check_prices(self) -> None:
        """Nothing above the ceiling, and every replacement valid by the pools' rule."""
        assert all(tx.max_fee_per_gas_wei <= POLICY.ceiling_wei for tx in self.signer.signed)
        for entry in self.outbox.entries():
            for old, new in pairwise(entry.attempts):
                assert new.max_fee_per_gas_wei * 10 >= old.max_fee_per_gas_wei * 11
                assert new.max_priority_fee_per_gas_wei * 10 >= old.max_priority_fee_per_gas_wei * 11

    def check_sends_an_hour(self) -> None:
        """Each open entry is sent at most once a block and once in RESEND_S, plus once for each offer and restart."""
        entries = len(self.outbox.entries())
        for node in self.nodes:
            times = [at_s for at_s, _ in node.sends]
            for start_s in times[:: max(1, len(times) // 20)]:
                within = sum(start_s <= at_s < start_s + 3_600 for at_s in times)
                blocks = sum(start_s <= at_s < start_s + 3_600 for at_s in self.blocks_at_s)
                most = entries * (3_600 / RESEND_S + blocks + 1 + self.restarts) + len(self.signer.signed)
                assert within <= most

    def spent_wei(self) -> int:
        """What our transactions on the chain have cost."""
        return sum(one.paid_wei for one in self.chain.mined_by(self.chain.us))

    def check_cost(self) -> None:
        """One call at the ceiling for each nonce that we used at the most."""
        assert self.spent_wei() <= len(self.chain.mined_by(self.chain.us)) * CALL_GAS * POLICY.ceiling_wei

    async def heal(self, rounds_max: int = 60) -> None:
        """The world comes to its senses; one more key is wanted, and everything must come to its end in time."""
        for node in self.nodes:
            node.lag, node.is_away, node.on_send, node.cuts_reply = 0, False, None, False
        self.chain.miners_ignore_us, self.chain.base_fee_wei = False, 20 * GWEI
        self.store.crashes_in = None
        self.wanted.append(intent_of(9_999))
        for _ in range(rounds_max):
            self.chain.give(self.chain.us, 100 * ETHER)
            await self.round()
            self.mine()
            if all(map(self.is_taken, self.wanted)) and all(entry.state.is_closed for entry in self.outbox.entries()):
                return

    def check_end(self) -> None:
        """Everything is done, once, and nothing stands in the way of what comes next."""
        assert [intent.key for intent in self.wanted if not self.is_taken(intent)] == []
        assert [entry.intent.key for entry in self.outbox.entries() if not entry.state.is_closed] == []
        nonces = [entry.nonce for entry in self.outbox.entries() if entry.nonce is not None]
        assert self.chain.nonce(self.chain.us) > max(nonces)
        self.check_sends_an_hour()
        self.check_cost()


def transaction(chain: ScriptedChain, account: Account, nonce: int, data: bytes) -> bytes:
    """Anybody's transaction, at a price that no storm stops."""
    to = CONTRACT if data else account.address
    fees = Wei(20 * GWEI), Wei(900 * GWEI)
    return account.sign(DynamicFeeTransaction(ChainId(CHAIN_ID), nonce, *fees, 60_000, to, Wei(0), data))


def refusing(refusal: Refusal) -> OnSend:
    """All transactions are refused in these words."""

    def refuse(_raw: bytes) -> object:
        raise RpcFault(refusal.code, refusal.words)

    return refuse


def hang_up(_raw: bytes) -> object:
    """The connection ends before the node has the transaction."""
    raise ConnectionCut


def every_node(world: OutboxWorld, on_send: OnSend | None) -> None:
    """All nodes answer transactions so; None: as they are."""
    for node in world.nodes:
        node.on_send = on_send


def steal_nonce(world: OutboxWorld) -> None:
    """A stranger with our key uses our next nonce; it is in the next block."""
    chain = world.chain
    nonce = chain.nonce(chain.us)
    chain.pool[chain.us.address, nonce] = transaction(chain, chain.us, nonce, b"")


def take(world: OutboxWorld, account: Account, number: int = 1) -> None:
    """Somebody takes a key; it is in the next block."""
    chain = world.chain
    nonce = chain.nonce(account)
    chain.pool[account.address, nonce] = transaction(chain, account, nonce, intent_of(number).data)
