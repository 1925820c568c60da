"""Exit payloads for many at once, through the HTTP API in a process of its own, against a bare handler of aiohttp."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import aiohttp

from bridge.codec.hexadecimal import to_hex
from tests.bench.bare_handler import served_bare_handler
from tests.bench.burn_api import served_burn_api
from tests.bench.burn_chains import Burns, make_burns, served_burns
from tests.bench.burns import Calls, Chains
from tests.bench.footprint import resident_bytes
from tests.bench.load import Load, load
from tests.bench.rows import Aim, Row, seconds
from tests.bench.sizes import Sizes

BARE_AIM = 2
WARM_AIM_PER_S = 1_000
MEMORY_AIM_MIB = 200
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the server did under load, fresh and then warm, and the bare handler beside it."""

    fresh: Load
    warm: Load
    bare: Load
    calls: Calls
    memory_bytes: int


def measure(sizes: Sizes) -> Iterator[Row]:
    """Every burn of a checkpoint, once fresh and then warm."""
    for place, one in enumerate(make_burns(sizes.burn_blocks, sizes.burn_transactions)):
        yield from _rows(sizes, one, asyncio.run(_loaded(sizes, one, sizes.burn_transactions[: place + 1])))


async def _loaded(sizes: Sizes, burns: Burns, transactions: Sequence[int]) -> _Loaded:
    asked = [f"/sidewarden/v1/burns/{to_hex(burns.burn(place))}/proof?log_index=0" for place in range(sizes.burn_load)]
    with ExitStack() as running:
        chains_url = running.enter_context(served_burns(sizes.burn_blocks, 0, transactions)).url
        api = running.enter_context(served_burn_api(chains_url, sizes.burn_blocks, transactions))
        async with aiohttp.ClientSession() as session:
            chains = Chains(chains_url, session)
            fresh = await load(api.url, asked, sizes.burn_clients)
            calls = await chains.calls()
            bare = running.enter_context(served_bare_handler(len(fresh.body)))
            turns = [
                (await load(api.url, asked, sizes.burn_clients), await load(bare.url, asked, sizes.burn_clients))
                for _ in range(sizes.burn_load_repeats)
            ]
            assert (await chains.calls()) == Calls(0, 0)
        warm, bares = zip(*turns, strict=True)
        return _Loaded(fresh, _fastest(warm), _fastest(bares), calls, resident_bytes(api.process))


def _fastest(loads: Sequence[Load]) -> Load:
    return min(loads, key=lambda one: one.whole_s)


def _rows(sizes: Sizes, burns: Burns, loaded: _Loaded) -> Iterator[Row]:
    name = f"{sizes.burn_load:,} burns, {burns.transactions} transactions, {sizes.burn_clients} clients"
    each = Calls(loaded.calls.side // sizes.burn_load, loaded.calls.root)
    yield Row(
        f"{name}, fresh",
        _figure(loaded.fresh),
        f"bare aiohttp: {_figure(loaded.bare)}",
        loaded.fresh.requests_per_s / loaded.bare.requests_per_s,
        f"calls for each: {each}",
    )
    over = loaded.bare.requests_per_s / loaded.warm.requests_per_s
    yield Row(
        f"{name}, asked for before",
        _figure(loaded.warm),
        f"bare aiohttp: {_figure(loaded.bare)}",
        1 / over,
        "the bare handler",
        Aim(
            f"ratio ≥ {1 / BARE_AIM}, ≥ {WARM_AIM_PER_S:,}/s",
            over <= BARE_AIM and loaded.warm.requests_per_s >= WARM_AIM_PER_S,
        ),
    )
    yield Row(
        f"{name}, memory of the server",
        f"{loaded.memory_bytes / MIB:.0f} MiB",
        f"what was asked for: {MEMORY_AIM_MIB} MiB",
        loaded.memory_bytes / MIB / MEMORY_AIM_MIB,
        "",
        Aim(f"≤ {MEMORY_AIM_MIB} MiB", loaded.memory_bytes <= MEMORY_AIM_MIB * MIB),
    )


def _figure(of: Load) -> str:
    percentiles = f"p50 {seconds(of.percentile_s(50))}, p99 {seconds(of.percentile_s(99))}"
    return f"{of.requests_per_s:,.0f}/s, {percentiles}"
