"""The demonstration of what it is all for: a token is burnt on the side chain and comes out on the root chain.

One burn at a time, as a user's program would do it: it talks to a validator's API and to the two RPCs, nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from bridge.chain.clock import Clock
from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import Address, Hash32
from node.devnet.wallet import Wallet

WEI_PER_TOKEN = 10**18
BURNT_WEI = WEI_PER_TOKEN
LOOK_EVERY_S = 1.0
EXIT_GAS_LIMIT = 1_000_000
PAUSE_AFTER_S = 5.0
ANSWER_TIMEOUT_S = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExitPlaces:
    """Where a user's program finds what it needs."""

    api_url: str
    child_token: Address
    root_token: Address
    root_chain_manager: Address


class ExitDemo:
    """Burns and exits, again and again; `exited` counts."""

    def __init__(
        self,
        places: ExitPlaces,
        side: Wallet,
        root: Wallet,
        session: aiohttp.ClientSession,
        clock: Clock,
        say: Say,
    ) -> None:
        """`side` and `root` are the same account's wallets on the two chains."""
        self.exited = 0
        self._places = places
        self._side = side
        self._root = root
        self._session = session
        self._clock = clock
        self._say = say
        self._last_said = ""

    async def run(self) -> None:
        """Show one exit after another until cancelled. Raises ChainError, aiohttp.ClientError."""
        while True:
            await self.show_one()
            await self._clock.sleep(PAUSE_AFTER_S)

    async def show_one(self) -> None:
        """Burn, wait, exit, and see the money."""
        before_wei = await self._balance()
        burn = await self._side.send(self._places.child_token, encode_call("withdraw(uint256)", BURNT_WEI))
        self._say(f"burn: 1 DEMO of {to_hex(self._side.address)} in side-chain transaction {to_hex(burn)}")
        await self._follow(burn, until="READY")
        proof = await self._get(f"/sidewarden/v1/burns/{to_hex(burn)}/proof")
        payload = from_hex(proof["payload"])
        self._say(f"burn: proof of {len(payload)} bytes served and verified; exiting on the root chain")
        exit_call = encode_call("exit(bytes)", payload)
        mined = await self._root.send_and_wait(self._places.root_chain_manager, exit_call, EXIT_GAS_LIMIT)
        if not mined.succeeded:
            self._say(f"burn: the exit transaction {to_hex(mined.hash)} failed")
            return
        after_wei = await self._balance()
        self._say(
            f"burn: exit paid, {mined.gas_used:,} gas; the account's balance on the root chain was "
            f"{before_wei / WEI_PER_TOKEN:g} DEMO and is {after_wei / WEI_PER_TOKEN:g}"
        )
        await self._follow(burn, until="EXITED", told="READY")
        self.exited += 1

    async def _follow(self, burn: Hash32, until: str, told: str = "") -> None:
        """Tell each change of a burn's status until it is `until`; `told` is what was told before."""
        while told != until:
            report = await self._get(f"/sidewarden/v1/burns/{to_hex(burn)}")
            status = report["status"]
            if status not in {told, "NOT_FOUND"}:
                self._say(f"burn: {status}{_to_go(report)}")
                told = status
            if told != until:
                await self._clock.sleep(LOOK_EVERY_S)

    async def _balance(self) -> int:
        return await self._root.read_uint(self._places.root_token, "balanceOf(address)", self._root.address)

    async def _get(self, path: str) -> dict[str, Any]:
        """What the validator's API answers, as openapi.yaml describes it."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        while True:
            async with self._session.get(self._places.api_url + path, timeout=timeout) as answer:
                body: dict[str, Any] = await answer.json()
                if answer.status == HTTPStatus.OK:
                    return body
            # Whatever cannot be told now can be told later; the node says so itself, and its words are shown once.
            self._say_once(f"burn: the node answers {body['error']['code']}: {body['error']['message']}")
            await self._clock.sleep(LOOK_EVERY_S)

    def _say_once(self, text: str) -> None:
        if text != self._last_said:
            self._say(text)
            self._last_said = text


def _to_go(report: dict[str, Any]) -> str:
    to_go = report["to_go"]
    if to_go is None:
        return ""
    parts = [f"{to_go['blocks']} blocks to go"] if to_go["blocks"] else []
    if to_go["seconds"] is not None:
        parts.append(f"about {to_go['seconds']} s")
    return f" ({', '.join(parts)})" if parts else ""
