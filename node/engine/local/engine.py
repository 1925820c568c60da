"""The local engine: the applications of all validators in one process, called in the order that ABCI 2.0 promises.

It is no consensus protocol and does not pretend to be one: it drives test networks whose validators have one owner.
But it is as strict with an application as CometBFT: real bytes, a quorum of the engine's own set, block time from
precommits, validator updates two heights later, replay after a crash, and a stop for good when two applications
disagree.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from bridge.chain.clock import Bell, Clock
from bridge.codec.secp256k1 import address_of
from bridge.codec.types import Address
from node.app.abci import CheckTxResponse, FinalizeBlockResponse, InitChainRequest
from node.engine.commits import OnCommit
from node.engine.errors import HaltError, MemberLostError, MemberPausedError
from node.engine.local.agreement import check_agreement
from node.engine.local.block import Block, BlockReport
from node.engine.local.block_store import BlockStore
from node.engine.local.gossip import Gossip, Network, ReliableNetwork
from node.engine.local.handshake import shake_hands, shake_hands_again
from node.engine.local.mempool import MempoolLimits
from node.engine.local.node import Member, Node
from node.engine.local.pace import Pace
from node.engine.local.round import Round, decide, first_round
from node.engine.local.validators import PowerShare, ValidatorSet
from node.engine.proto import require_fast_protobuf

LOOK_AGAIN_S = 0.05
"""How long `run` rests while the network holds a block back from a member, or offers are left to make."""
REPLAYED_BLOCKS_PER_STEP = 100


class LocalEngine:
    """Orders blocks for all members. One task may step or run it; everything happens on one event loop."""

    def __init__(
        self,
        members: Sequence[Member],
        store: BlockStore,
        clock: Clock,
        *,
        genesis: InitChainRequest,
        block_interval_s: float,
        pulse_s: float,
        round_timeout_s: float = 0.5,
        mempool_limits: MempoolLimits = MempoolLimits(),  # noqa: B008 - frozen
        network: Network | None = None,
    ) -> None:
        """Members may be fewer than the validators of the set, and may hold keys that the set does not have (yet)."""
        if not members:
            raise ValueError("an engine needs at least one member")
        require_fast_protobuf()
        self._mempool_limits = mempool_limits
        self._nodes = [Node(index, member, mempool_limits) for index, member in enumerate(members)]
        self._holders = _holders(self._nodes)
        self._store = store
        self._clock = clock
        self._genesis = genesis
        self._network = network or ReliableNetwork()
        self._gossip = Gossip([node.mempool for node in self._nodes], self._network)
        self._pace = Pace(clock, block_interval_s, pulse_s, round_timeout_s)
        self._turn: Round
        self._bell = Bell(clock)
        self._offers_left = False
        self._decided: Block | None = None
        self._halted: HaltError | None = None

    def start(self) -> None:
        """Ask every application where it stands, start those that stand at genesis, and find where the chain goes on.

        To be called once, before anything else. Blocks that an application lacks are replayed to it by the first steps.
        Raises StoreMismatchError and HaltError, and node.store's StoreError.
        """
        chain = shake_hands(self._nodes, self._genesis, self._store)
        self._turn = first_round(chain)
        if self._store.block_height > chain.height:
            self._decided = self._store.block(chain.height + 1)
        self._note_who_caught_up()

    async def step(self) -> BlockReport | None:
        """One bounded piece of work: replay to those that lag, gossip, and at most one round.

        Returns the block if one was made. Raises HaltError, and the same one ever after.
        """
        if self._halted is not None:
            raise self._halted
        try:
            return await self._step()
        except HaltError as error:
            self._halted = error
            raise

    async def run(self) -> None:
        """Step for ever. Ends by cancellation, which may come at any point, or by HaltError."""
        while True:
            self._bell.silence()  # before the step: what happens during it is a reason for another
            if await self.step() is None:
                await self._bell.wait(self._rest_s())

    def close(self) -> None:
        """Let engine.db go."""
        self._store.close()

    def submit(self, index: int, transaction: bytes) -> CheckTxResponse:
        """Hand a transaction to a member's mempool; the next steps take it to its peers.

        Returns the application's answer; with a code other than 0 the transaction is not kept. Raises
        MemberPausedError, MemberLostError and MempoolError.
        """
        node = self._nodes[index]
        if node.is_paused:
            raise MemberPausedError(f"{node.name} is paused: resume it first")
        self._bell.ring()
        return node.mempool.add(transaction)

    def deliver(self, index: int, transaction: bytes, sender: int) -> None:
        """Hand a member what one of its peers has sent; it takes it or not, as it would from a peer."""
        node = self._nodes[index]
        if not node.is_paused:
            self._bell.ring()
            self._gossip.deliver(transaction, sender, index)

    def pause(self, index: int) -> None:
        """Stop a member's votes and mempool from the next block on; what it has committed stays readable."""
        self._nodes[index].is_paused = True
        self._nodes[index].has_caught_up = False
        self._bell.ring()

    def resume(self, index: int) -> None:
        """Let a member take part again, once the next steps have replayed to it what it missed."""
        self._nodes[index].is_paused = False
        self._bell.ring()

    def leave(self, index: int) -> None:
        """Go on without a member whose process has ended; what waited in its mempool is gone."""
        self.pause(index)

    def join(self, index: int, member: Member) -> None:
        """Take a member back that has started again, on whatever its disk has kept; it has no subscribers yet.

        The next steps replay to it what it lacks. Raises StoreMismatchError, DivergenceError, ValueError, and
        MemberLostError if its process ends meanwhile; the member is away then, as before.
        """
        node = Node(index, member, self._mempool_limits)
        holders = _holders([*self._nodes[:index], node, *self._nodes[index + 1 :]])
        shake_hands_again(node, self._genesis, self._store)
        self._nodes[index], self._holders = node, holders
        self._gossip.replace(index, node.mempool)
        self._bell.ring()

    def is_paused(self, index: int) -> bool:
        """Whether the member was paused and not resumed."""
        return self._nodes[index].is_paused

    def is_caught_up(self, index: int) -> bool:
        """Whether the member takes part, having committed every block that was decided before it came or came back."""
        return self._nodes[index].has_caught_up

    def subscribe(self, index: int, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` after each block that the member's application commits, replayed ones too.

        Returns the call that ends it.
        """
        subscribers = self._nodes[index].subscribers
        subscribers.append(on_commit)
        return lambda: subscribers.remove(on_commit)

    @property
    def height(self) -> int:
        """The height of the last block that was executed."""
        return self._turn.chain.height

    @property
    def validators(self) -> ValidatorSet:
        """The set that makes the next block."""
        return self._turn.chain.validators

    @property
    def power(self) -> PowerShare:
        """How much of that set is here, caught up and not paused; it needs no block to know."""
        present = {address for address, node in self._holders.items() if node.has_caught_up}
        return self.validators.share_of(present)

    @property
    def quorum(self) -> bool:
        """Whether over two thirds of the set's power is up, so that blocks can be made; else ENGINE_NO_QUORUM."""
        return self.power.is_quorum

    @property
    def halted(self) -> HaltError | None:
        """Why the engine has stopped for good, if it has."""
        return self._halted

    async def _step(self) -> BlockReport | None:
        await self._replay()
        self._note_who_caught_up()
        up = self._up()
        self._offers_left = self._gossip.advance([node.index for node in up])
        if self._decided is not None:
            return await self._apply(self._decided)
        if not (self._pace.is_due(self._something_waits(up)) and self.quorum):
            return None
        voters = {address: node for address, node in self._holders.items() if node in up}
        block = await decide(self._turn, up, voters, self._network)
        if block is None:
            self._turn = self._turn.next()
            self._pace.round_lost()
            return None
        self._store.save_block(block)
        self._decided = block
        return await self._apply(block)

    def _rest_s(self) -> float | None:
        """How long a step that made no block has nothing to follow it; None: until somebody rings."""
        lags = any(not node.is_paused and node.height < self.height for node in self._nodes)
        if self._offers_left or self._decided is not None or lags:
            return LOOK_AGAIN_S
        return self._pace.rest_s(self._something_waits(self._up())) if self.quorum else None

    def _something_waits(self, up: Sequence[Node]) -> bool:
        return self._turn.chain.app_hash_changed or any(len(node.mempool) for node in up)

    async def _replay(self) -> None:
        """Bring those that lag up to the last executed block, without asking them to judge it again."""
        left = REPLAYED_BLOCKS_PER_STEP
        for node in self._nodes:
            while left and not node.is_paused and node.height < self.height:
                if not self._network.delivers_block(node.index, node.height + 1):
                    break
                block = self._store.block(node.height + 1)
                with suppress(MemberLostError):
                    response = node.execute(block)
                    check_agreement(block.height, "engine.db", self._store.result(block.height), node.name, response)
                    node.commit(block, response)
                left -= 1
                await asyncio.sleep(0)

    async def _apply(self, block: Block) -> BlockReport | None:
        """Have all that are up execute the decided block; write what came out; have them commit.

        After a crash or a cancellation anywhere in here, `start` or the next step goes on with what was written.
        """
        answers: list[tuple[Node, FinalizeBlockResponse]] = []
        for node in self._up():
            if self._network.delivers_block(node.index, block.height):
                with suppress(MemberLostError):
                    answers.append((node, node.execute(block)))
                await asyncio.sleep(0)
        if not answers:
            return None
        first, response = answers[0]
        for node, other in answers[1:]:
            check_agreement(block.height, first.name, response, node.name, other)
        chain = self._turn.chain.after(block, response)
        self._store.save_result(block.height, response, chain.next_validators)
        self._turn = first_round(chain)
        self._decided = None
        self._pace.block_made()
        for node, own_response in answers:
            with suppress(MemberLostError):
                node.commit(block, own_response)
            await asyncio.sleep(0)
        return BlockReport.of(block, response)

    def _up(self) -> tuple[Node, ...]:
        """The members that take part in the next block."""
        return tuple(node for node in self._nodes if not node.is_paused and node.height == self.height)

    def _note_who_caught_up(self) -> None:
        if self._decided is None:
            for node in self._up():
                node.has_caught_up = True


def _holders(nodes: Sequence[Node]) -> dict[Address, Node]:
    holders: dict[Address, Node] = {}
    for node in nodes:
        for public_key in node.public_keys:
            address = address_of(public_key)
            if address in holders:
                raise ValueError(f"{node.name} and {holders[address].name} hold the same key {address.hex()}")
            holders[address] = node
    return holders
