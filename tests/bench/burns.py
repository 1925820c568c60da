"""Exit payloads one by one: their time and calls, against the published matic.js where it is installed."""

import asyncio
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec

from bridge.burns.keeping import MemoryKeep
from bridge.burns.service import BurnService
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import encode_receipt
from bridge.codec.types import Hash32
from tests.bench.burn_api import KEEP_BYTES, burn_service, keep_ranges
from tests.bench.burn_chains import COUNTS_METHOD, Burns, make_burns, served_burns
from tests.bench.maticjs import MaticJs, running_maticjs
from tests.bench.rows import Aim, Row, at_most, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s

SIDE_CALLS_AIM = 2
LATE_MS = 20
LATE_AIM_S = 0.060
PEER_AIM = 1 / 30
RECEIPTS_AIM = 1.3
LARGE_TRANSACTIONS = 100
"""From here on a fresh proof is held against its receipts call alone, which no peer makes."""
NO_PEER = "matic.js is not installed"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to the two chains, but for the question which chain it is."""

    side: int
    root: int

    def __str__(self) -> str:
        """As a row shows them."""
        return f"{self.side:,} to the side chain, {self.root} to the root chain"


@dataclass(frozen=True, slots=True)
class _Turn:
    """One burn, proved in every way, and what no proof goes without."""

    fresh_s: float
    cold_s: float
    warm_s: float
    peer_s: float | None
    round_trip_s: float
    receipts_s: float
    """eth_getBlockReceipts alone, its answer dropped."""
    fresh_calls: Calls
    cold_calls: Calls
    peer_calls: Calls | None


def measure(sizes: Sizes) -> Iterator[Row]:
    """As fast as the chains answer, then with each answer late."""
    burns = make_burns(sizes.burn_blocks, sizes.burn_transactions)
    for one, turns in zip(burns, asyncio.run(_measured(sizes, burns, 0)), strict=True):
        yield from _rows(sizes, one, _fastest(turns))
    for one, turns in zip(burns, asyncio.run(_measured(sizes, burns, LATE_MS)), strict=True):
        yield _late_row(one, _fastest(turns))


async def _measured(sizes: Sizes, burns: Sequence[Burns], late_ms: int) -> list[list[_Turn]]:
    with ExitStack() as running:
        url = running.enter_context(served_burns(sizes.burn_blocks, late_ms, sizes.burn_transactions)).url
        peers = running.enter_context(running_maticjs(url)) if sizes.burn_peers else ()
        async with aiohttp.ClientSession() as session:
            chains = Chains(url, session)
            return [await _turns(sizes.burn_repeats, _Rig(chains, burns, one, peers)) for one in burns]


@dataclass(frozen=True, slots=True)
class Chains:
    """Both chains, asked by nothing but the HTTP client that we use too."""

    url: str
    session: aiohttp.ClientSession

    async def call(self, method: str, *params: object) -> bytes:
        """The answer's bytes."""
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        async with self.session.post(self.url, data=body) as response:
            return await response.read()

    async def calls(self) -> Calls:
        """Those since this was asked last."""
        counts: dict[str, int] = msgspec.json.decode(await self.call(COUNTS_METHOD))["result"]
        root = counts.pop("eth_call", 0)
        counts.pop("eth_chainId", 0)
        return Calls(sum(counts.values()), root)


@dataclass(frozen=True, slots=True)
class _Rig:
    """What proves one kind of block."""

    chains: Chains
    all_burns: Sequence[Burns]
    burns: Burns
    peers: Sequence[MaticJs]

    def service(self, *, has_ranges: bool) -> BurnService:
        """One that knows nothing but, if asked for, the ranges."""
        keep = MemoryKeep(KEEP_BYTES)
        if has_ranges:
            keep_ranges(keep, self.all_burns)
        return burn_service(self.chains.url, self.chains.session, self.all_burns, keep)


async def _turns(repeats: int, rig: _Rig) -> list[_Turn]:
    """Each proves a burn that nobody has asked for before; what is done once in a process's life is done."""
    steady = rig.service(has_ranges=True)
    await steady.proof(rig.burns.burn(0))
    for peer in rig.peers:
        peer.payload(rig.burns.burn(0))
    turns = [await _turn(rig, steady, place) for place in range(1, repeats + 1)]
    await steady.close()
    return turns


async def _turn(rig: _Rig, steady: BurnService, place: int) -> _Turn:
    chains, burn, block_hash = rig.chains, rig.burns.burn(place), to_hex(rig.burns.headers[place].hash)
    await chains.call("eth_getTransactionReceipt", to_hex(burn))
    await chains.call("eth_getBlockReceipts", block_hash)  # so that the server has both texts
    _, round_trip_s = await _timed(chains.call("eth_chainId"))
    _, receipts_s = await _timed(chains.call("eth_getBlockReceipts", block_hash))
    await chains.calls()
    proof, fresh_s = await _timed(steady.proof(burn, 0))
    fresh_calls = await chains.calls()
    _, warm_s = await _timed(steady.proof(burn, 0))
    assert (await chains.calls()) == Calls(0, 0)
    cold = rig.service(has_ranges=False)
    again, cold_s = await _timed(cold.proof(burn, 0))
    cold_calls = await chains.calls()
    await cold.close()
    assert again == proof
    peer_times_s = [_peer_s(peer, burn, proof.payload) for peer in rig.peers]
    peer_calls = await chains.calls() if rig.peers else None
    return _Turn(
        fresh_s=fresh_s,
        cold_s=cold_s,
        warm_s=warm_s,
        peer_s=min(peer_times_s, default=None),
        round_trip_s=round_trip_s,
        receipts_s=receipts_s,
        fresh_calls=fresh_calls,
        cold_calls=cold_calls,
        peer_calls=peer_calls and Calls(peer_calls.side // len(rig.peers), peer_calls.root // len(rig.peers)),
    )


def _peer_s(peer: MaticJs, burn: Hash32, payload: bytes) -> float:
    theirs, peer_s = peer.payload(burn)
    assert theirs == payload, f"matic.js with {peer.plugin} builds another payload"
    return peer_s


async def _timed(work: Awaitable[Result]) -> tuple[Result, float]:
    started_s = time.perf_counter()
    result = await work
    return result, time.perf_counter() - started_s


def _fastest(turns: Sequence[_Turn]) -> _Turn:
    """The shortest of each time; the calls are the same in all turns."""
    peer_times_s = [turn.peer_s for turn in turns if turn.peer_s is not None]
    return _Turn(
        fresh_s=min(turn.fresh_s for turn in turns),
        cold_s=min(turn.cold_s for turn in turns),
        warm_s=min(turn.warm_s for turn in turns),
        peer_s=min(peer_times_s, default=None),
        round_trip_s=min(turn.round_trip_s for turn in turns),
        receipts_s=min(turn.receipts_s for turn in turns),
        fresh_calls=turns[0].fresh_calls,
        cold_calls=turns[0].cold_calls,
        peer_calls=turns[0].peer_calls,
    )


def _rows(sizes: Sizes, burns: Burns, best: _Turn) -> Iterator[Row]:
    values = [encode_receipt(receipt) for receipt in burns.receipts]
    (hash_s,) = fastest_s(sizes.repeats, lambda: [keccak256(value) for value in values])
    name, peer = f"exit payload, {burns.transactions} transactions", _peer(best)
    alone = f"its receipts call alone: {seconds(best.receipts_s)}"
    fresh = _ratio(best.fresh_s, best)
    yield Row(
        f"{name}, fresh",
        seconds(best.fresh_s),
        peer,
        fresh,
        f"{alone}; hashing the receipts: {seconds(hash_s)}",
        None if fresh is None or burns.transactions >= LARGE_TRANSACTIONS else at_most(PEER_AIM, fresh),
    )
    if burns.transactions >= LARGE_TRANSACTIONS:
        over = best.fresh_s / best.receipts_s
        yield Row(f"{name}, fresh", seconds(best.fresh_s), alone, over, "the same", at_most(RECEIPTS_AIM, over))
    yield Row(
        f"{name}, calls",
        str(best.fresh_calls),
        NO_PEER if best.peer_calls is None else f"matic.js: {best.peer_calls}",
        None,
        "the burn's receipt, its block's receipts",
        Aim(
            f"≤ {SIDE_CALLS_AIM} and none",
            best.fresh_calls.side <= SIDE_CALLS_AIM and best.fresh_calls.root == 0,
        ),
    )
    yield Row(
        f"{name}, {len(burns.headers):,} headers to fetch",
        seconds(best.cold_s),
        peer,
        _ratio(best.cold_s, best),
        f"one round trip: {seconds(best.round_trip_s)}",
    )
    warm, limit = best.warm_s, f"one round trip: {seconds(best.round_trip_s)}"
    yield Row(f"{name}, asked for before", seconds(warm), peer, _ratio(warm, best), limit)


def _late_row(burns: Burns, best: _Turn) -> Row:
    return Row(
        f"exit payload, {burns.transactions} transactions, fresh, each answer {LATE_MS} ms late",
        seconds(best.fresh_s),
        _peer(best),
        _ratio(best.fresh_s, best),
        f"its two calls alone: {seconds(best.round_trip_s + best.receipts_s)}",
        Aim(f"≤ {seconds(LATE_AIM_S)}", best.fresh_s <= LATE_AIM_S),
    )


def _peer(best: _Turn) -> str:
    return NO_PEER if best.peer_s is None else f"matic.js 3.9.2: {seconds(best.peer_s)}"


def _ratio(ours_s: float, best: _Turn) -> float | None:
    return None if best.peer_s is None else ours_s / best.peer_s
