"""Hundreds of short lives of an outbox, each a random mix of everything that can go wrong, from one seed.

OUTBOX_SEED=1234 make test        # or pytest on this file: only that life, as it was
"""

import os
from dataclasses import dataclass
from random import Random

import pytest

from bridge.chain.outbox_store import MemoryOutboxStore
from tests.unit.chain.evm_rpc import ETHER, GWEI
from tests.unit.chain.outbox_world import DEPTH, OutboxWorld, intent_of, transaction
from tests.unit.chain.rpc_server import ConnectionCut, RpcFault
from tests.unit.chain.scripted_chain import ScriptedNode
from tests.unit.chain.send_errors import REFUSALS

FIXED_SEEDS = 100
FRESH_SEEDS = 20
ROUNDS = 22


ASKED_SEED = os.environ.get("OUTBOX_SEED")
FIXED = range(FIXED_SEEDS) if ASKED_SEED is None else [int(ASKED_SEED)]
FRESH = range(FRESH_SEEDS if ASKED_SEED is None else 0)


@dataclass(slots=True)
class Fate:
    """What happens to a world, drawn from a seed."""

    world: OutboxWorld
    random: Random

    def strike(self) -> None:
        """Nothing, mostly; else one thing, of any kind."""
        if self.random.random() < 0.4:
            return
        self.random.choice(
            (
                *(self.nodes_refuse, self.nodes_refuse, self.nodes_come_back, self.nodes_come_back),
                *(self.node_lags, self.node_goes, self.replies_are_cut, self.pool_is_lost, self.miners_look_away),
                *(self.fees_storm, self.stranger_has_our_key, self.rival_is_faster, self.purse_empties),
                *(self.power_goes, self.chain_reorganises, self.chain_reorganises_deeply),
                *(self.more_is_wanted, self.more_is_wanted, self.more_is_wanted),
            )
        )()

    def nodes_refuse(self) -> None:
        """One node, or all, have one answer for all transactions."""
        refusal = self.random.choice(REFUSALS)

        def refuse(_raw: bytes) -> object:
            raise RpcFault(refusal.code, refusal.words)

        for node in self._some_nodes():
            node.on_send = refuse

    def nodes_come_back(self) -> None:
        """All is well with the nodes."""
        for node in self.world.nodes:
            node.lag, node.is_away, node.on_send, node.cuts_reply = 0, False, None, False
        self.world.chain.miners_ignore_us = False
        self.world.chain.base_fee_wei = 20 * GWEI

    def node_lags(self) -> None:
        """One node, or all, are some blocks behind."""
        for node in self._some_nodes():
            node.lag = self.random.randrange(1, 2 * DEPTH)

    def node_goes(self) -> None:
        """One node is away."""
        self.random.choice(self.world.nodes).is_away = True

    def replies_are_cut(self) -> None:
        """One node takes transactions, and nobody learns of it; or it hangs up before it has them."""

        def hang_up(_raw: bytes) -> object:
            raise ConnectionCut

        for node in self._some_nodes():
            node.cuts_reply, node.on_send = self.random.choice(((True, None), (False, hang_up)))

    def pool_is_lost(self) -> None:
        """Nothing waits any more."""
        self.world.chain.pool.clear()

    def miners_look_away(self) -> None:
        """Our transactions wait."""
        self.world.chain.miners_ignore_us = True

    def fees_storm(self) -> None:
        """The base fee is another one, perhaps above the ceiling."""
        self.world.chain.base_fee_wei = self.random.choice((1, 5, 20, 50, 90, 98, 200)) * GWEI

    def stranger_has_our_key(self) -> None:
        """Somebody uses our next nonce."""
        chain = self.world.chain
        nonce = chain.nonce(chain.us)
        chain.pool[chain.us.address, nonce] = transaction(chain, chain.us, nonce, b"")
        chain.mine()

    def rival_is_faster(self) -> None:
        """Somebody else takes a key that we want."""
        chain = self.world.chain
        data = self.random.choice(self.world.wanted).data
        nonce = chain.nonce(chain.rival)
        chain.pool[chain.rival.address, nonce] = transaction(chain, chain.rival, nonce, data)

    def purse_empties(self) -> None:
        """Our balance is another one."""
        self.world.chain.give(self.world.chain.us, self.random.choice((0, ETHER // 1_000, ETHER // 100, ETHER)))

    def power_goes(self) -> None:
        """The process ends at one of its next writes."""
        self.world.store.writes = 0
        self.world.store.crashes_in = self.random.randrange(1, 6)
        self.world.store.crashes_after_write = self.random.random() < 0.5

    def chain_reorganises(self) -> None:
        """Within the confirmations."""
        self._reorganise(self.random.randrange(1, DEPTH + 1))

    def chain_reorganises_deeply(self) -> None:
        """Beyond the confirmations."""
        self._reorganise(self.random.randrange(DEPTH + 1, 4 * DEPTH))

    def more_is_wanted(self) -> None:
        """Another key."""
        self.world.wanted.append(intent_of(len(self.world.wanted) + 1))

    def _some_nodes(self) -> tuple[ScriptedNode, ...]:
        nodes = self.world.nodes
        return nodes if self.random.random() < 0.5 else (self.random.choice(nodes),)

    def _reorganise(self, depth: int) -> None:
        if depth < len(self.world.chain.worlds):
            self.world.chain.reorg(depth, keeps_transactions=self.random.random() < 0.5)


@pytest.mark.parametrize("seed", FIXED)
async def test_outbox__a_random_life__holds_every_rule_and_ends_well(seed: int) -> None:
    await live(seed)


@pytest.mark.parametrize("_number", FRESH)
async def test_outbox__a_life_that_nobody_has_seen_yet__holds_every_rule_and_ends_well(_number: int) -> None:
    await live(Random().randrange(10**6, 10**9))


async def live(seed: int) -> None:
    """One life, from nothing to the end of all that was wanted."""
    print(f"replay with OUTBOX_SEED={seed}")  # noqa: T201 - pytest shows it when the seed fails
    world = OutboxWorld(MemoryOutboxStore())
    fate = Fate(world, Random(seed))
    fate.more_is_wanted()
    for _ in range(ROUNDS):
        fate.strike()
        await world.round()
        if fate.random.random() < 0.3:
            world.clock.advance(fate.random.choice((0.5, 3.0, 11.0)))
            await world.round()
        world.mine(fate.random.choice((2, 12, 12, 70)))
    await world.heal()
    world.check_end()
