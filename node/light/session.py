"""How `sidewarden light` comes to trust a header: a genesis, a header somebody named, or the one it kept."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bridge.chain.clock import Clock
from bridge.chain.transport import HttpTransport
from bridge.codec.hexadecimal import to_hex
from bridge.codec.light_block import EngineValidator
from bridge.light.client import LightClient
from bridge.light.errors import TrustUnusable
from bridge.light.rpc import NodeRpc
from bridge.light.trust import NANOSECONDS_PER_SECOND, Trusted, TrustRules, trust_genesis
from bridge.light.trust_file import KeptTrust, decode_trust, encode_trust
from bridge.light.verifier import verify_named
from node.app.apphash import STATE_SHAPE
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_file import genesis_from_json
from node.app.genesis_state import genesis_state
from node.light.agreed import AgreedState
from node.store.files import require_private, write_private

TRUST_FILE = "trusted.json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamedHeader:
    """A header of which somebody trustworthy told height and hash."""

    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class LightSettings:
    """Whom to ask, where to keep the trusted header, and what the trust begins with if none is kept."""

    node_urls: tuple[str, ...]
    """The primary, then witnesses."""
    home: Path
    start: Genesis | NamedHeader | None
    rules: TrustRules


def read_genesis(path: Path) -> Genesis:
    """Our genesis.json. Raises GenesisError."""
    return genesis_from_json(path.read_bytes())


def trust_in_genesis(genesis: Genesis) -> Trusted:
    """Trust in the validators that our genesis hands to the engine."""
    members = genesis_state(genesis).engine_set.members
    validators = [EngineValidator(member.public_key, member.power) for member in members]
    return trust_genesis(genesis.name, genesis.time_s * NANOSECONDS_PER_SECOND, validators)


async def ask(settings: LightSettings, question: Callable[[AgreedState], Coroutine[Any, Any, T]], clock: Clock) -> T:
    """Put a question to the agreed state, and keep the header that the answer rests on."""
    async with aiohttp.ClientSession() as session:
        transport = HttpTransport(session)
        primary, *witnesses = (NodeRpc(url, place, transport) for place, url in enumerate(settings.node_urls))
        start = await _start(settings, primary)
        client = LightClient(start.trusted, primary, tuple(witnesses), STATE_SHAPE, settings.rules, clock)
        state = AgreedState(client)
        if isinstance(settings.start, Genesis) and start.trusted.height == 0:
            await state.require_genesis(genesis_hash(settings.start))
        try:
            return await question(state)
        finally:
            _keep(settings.home, KeptTrust(start.root, client.trusted))


async def _start(settings: LightSettings, primary: NodeRpc) -> KeptTrust:
    """The trusted header to go on from: the kept one, unless the trust is to begin anew."""
    kept, start = _kept(settings.home), settings.start
    if kept is not None and (start is None or kept.root == _root_of(start)):
        return kept
    if start is None:
        raise TrustUnusable(
            f"{settings.home} keeps no trusted header yet: give --genesis, or --trust-height and --trust-hash"
        )
    if isinstance(start, Genesis):
        begun = trust_in_genesis(start)
    else:
        begun = verify_named(await primary.light_block(start.height), start.height, start.hash)
    if kept is not None and kept.trusted.chain_id != begun.chain_id:
        raise TrustUnusable(
            f"{settings.home} keeps a header of {kept.trusted.chain_id}: for {begun.chain_id} give another --home"
        )
    return KeptTrust(_root_of(start), begun)


def _root_of(start: Genesis | NamedHeader) -> str:
    if isinstance(start, Genesis):
        return f"genesis {to_hex(genesis_hash(start))}"
    return f"header {start.height} {to_hex(start.hash)}"


def _kept(home: Path) -> KeptTrust | None:
    path = home / TRUST_FILE
    if not path.exists():
        return None
    require_private(path)
    return decode_trust(path.read_bytes())


def _keep(home: Path, kept: KeptTrust) -> None:
    if kept.trusted.height == 0:
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(home / TRUST_FILE, encode_trust(kept))
