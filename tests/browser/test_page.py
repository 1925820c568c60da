"""The page, used by somebody who waits for tokens: in a true browser, over a true API."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bridge.codec.abi import encode_call
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, to_hex
from tests.browser.visit import visit
from tests.unit.burns.world import CONFIRMATIONS, MANAGER, burn_log

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

UNKNOWN = keccak256(b"unknown")


async def test_page__of_a_burn__tells_each_change_as_it_comes(browser: Browser) -> None:
    async with visit(browser) as visitor:
        world = visitor.world
        transaction = world.side.burn(burn_log(3 * 10**18))
        await visitor.look(transaction)
        await visitor.tells("#status", "Waiting for confirmations")
        await visitor.tells("#blocks", "3 confirmations to go")
        await visitor.shoot("pending")

        world.side.mine(count=8 + CONFIRMATIONS)
        await world.follow()
        await visitor.tells("#status", "Waiting for a checkpoint")
        await visitor.shoot("not-checkpointed")

        world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        await visitor.tells("#status", "Ready")
        await visitor.part(".get").click()
        await visitor.tells(".size", "The proof has")
        await visitor.shoot("ready")
        proof = await world.service.proof(transaction)
        assert await visitor.part(".call-data").input_value() == to_hex(encode_call("exit(bytes)", proof.payload))

        world.root.exit(proof.exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        await visitor.tells("#status", "Done")
        await visitor.shoot("exited")
