"""The exit that a devnet shows: every change of the burn is told once, and trouble only makes it wait."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bridge.codec.types import Address
from node.devnet.bootstrap import DEPOSIT_WEI, ROOT, SIDE
from node.devnet.exits import BURNT_WEI, ExitDemo, ExitPlaces
from tests.unit.network.world import Chains, bootstrapped

NO_CONTRACT = Address(b"\x77" * 20)
"""Takes every call, as accounts without code do: an exit that always works."""


class _Api:
    """What a validator's API answers of a burn, one after the other; the last one stays."""

    def __init__(self, *answers: tuple[int, dict[str, object]]) -> None:
        self.answers = list(answers)
        self.proofs = 0

    async def burn(self, _: web.Request) -> web.Response:
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)

    async def proof(self, _: web.Request) -> web.Response:
        self.proofs += 1
        return web.json_response({"payload": "0x0102"})


def _burn(status: str, blocks_to_go: int = 0, seconds_to_go: int | None = None) -> tuple[int, dict[str, object]]:
    to_go = {"confirmations": 0, "blocks": blocks_to_go, "seconds": seconds_to_go}
    return 200, {"status": status, "to_go": to_go if status in {"PENDING", "NOT_CHECKPOINTED"} else None}


def _trouble(code: str) -> tuple[int, dict[str, object]]:
    return 503, {"error": {"code": code, "message": "later"}}


class _Show:
    """A demo over bootstrapped chains and an API that says what a test lets it say."""

    def __init__(self, chains: Chains, session: aiohttp.ClientSession, url: str, manager: Address) -> None:
        self.chains = chains
        self.said: list[str] = []
        account = chains.accounts.demo[0]
        places = ExitPlaces(url, chains.contracts.side.demo_token, chains.contracts.root.demo_token, manager)
        wallets = chains.wallet(account, SIDE), chains.wallet(account, ROOT)
        self.demo = ExitDemo(places, *wallets, session, chains.clock, self.said.append)

    async def run(self) -> None:
        """One exit, while blocks come."""
        await self.chains.while_blocks_come(self.demo.show_one())

    def told(self) -> list[str]:
        """What was said, by its first words."""
        return [text.removeprefix("burn: ") for text in self.said]


@pytest.fixture
async def chains(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Chains]:
    async with bootstrapped(tmp_path, session) as one:
        yield one


@pytest.fixture
def api() -> _Api:
    return _Api()


@pytest.fixture
async def url(api: _Api) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.get("/sidewarden/v1/burns/{burn}", api.burn),
            web.get("/sidewarden/v1/burns/{burn}/proof", api.proof),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_exit__from_burn_to_exited__each_status_is_told_once_with_what_is_to_go(
    chains: Chains, session: aiohttp.ClientSession, api: _Api, url: str
) -> None:
    api.answers += [
        _burn("NOT_FOUND"),
        _trouble("CANNOT_TELL"),
        _trouble("CANNOT_TELL"),
        _burn("PENDING", 2, 2),
        _burn("PENDING", 1, 1),
        _burn("NOT_CHECKPOINTED", 6, 30),
        _burn("NOT_CHECKPOINTED", 0, None),
        _burn("READY", 0, 5),
        _burn("READY"),
        _burn("EXITED"),
    ]
    show = _Show(chains, session, url, NO_CONTRACT)
    await show.run()
    first, *told = show.told()
    assert first.startswith("1 DEMO of 0x")
    assert told[:5] == [
        "the node answers CANNOT_TELL: later",
        "PENDING (2 blocks to go, about 2 s)",
        "NOT_CHECKPOINTED (6 blocks to go, about 30 s)",
        "READY",
        "proof of 2 bytes served and verified; exiting on the root chain",
    ]
    assert told[5].startswith("exit paid, ")
    assert told[6:] == ["EXITED"]
    assert (show.demo.exited, api.proofs) == (1, 1)
    assert await chains.tokens(chains.accounts.demo[0].address) == DEPOSIT_WEI - BURNT_WEI


async def test_exit__the_contract_refuses_the_proof__told_and_not_counted(
    chains: Chains, session: aiohttp.ClientSession, api: _Api, url: str
) -> None:
    api.answers += [_burn("READY")]
    show = _Show(chains, session, url, chains.contracts.root.root_chain_manager)
    await show.run()
    assert show.told()[-1].endswith(" failed")
    assert show.demo.exited == 0
