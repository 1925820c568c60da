"""The page, used by somebody who waits for tokens: in a true browser, over a true API."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page, Route, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bridge.burns.kinds import BurnKind
from bridge.codec.abi import encode_call
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from node.api.settings import ApiSettings
from node.duties.status import Reason, Why
from tests.browser.visit import DESKTOP_WIDTH, visit
from tests.unit.burns.test_kinds import made
from tests.unit.burns.world import CONFIRMATIONS, MANAGER, burn_log

pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

RECONNECT_S = 4
"""The server tells browsers to open a stream again after three."""
MARKUP = "<img src=x onerror='window.taken=1'>"
UNKNOWN = keccak256(b"unknown")


async def test_page__of_a_burn__tells_each_change_as_it_comes(browser: Browser) -> None:
    async with visit(browser) as visitor:
        world = visitor.world
        await visitor.page.goto(visitor.url)
        await visitor.shoot("empty")
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
        await expect(visitor.part("#wait")).to_be_hidden()
        await visitor.shoot("ready")

        world.root.exit((await world.service.proof(transaction)).exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        await visitor.tells("#status", "Exit made")
        await visitor.tells(".root dl", "Exit transactionnot known with certainty")
        with pytest.raises(PlaywrightTimeout):  # else the stream, which the server has ended, would be opened for ever
            await visitor.page.wait_for_event("request", timeout=1_000 * RECONNECT_S)


async def test_page__of_a_plasma_exit_that_was_found__names_its_transaction_and_what_comes_after(
    browser: Browser,
) -> None:
    paid = {"transaction_hash": to_hex(keccak256(b"paid")), "block_number": 12_345}
    async with visit(browser) as visitor:
        transaction = await visitor.world.ready_burn(made(BurnKind.PLASMA_ERC20, amounts=(10**18,)))

        async def exited(route: Route) -> None:
            report = await (await route.fetch()).json()
            burn = report["burns"][0]
            on_root = {**burn["root_chains"][0], "status": "EXITED", "exit": paid}
            burns = [{**burn, "status": "EXITED", "root_chains": [on_root]}]
            await route.fulfill(json={**report, "status": "EXITED", "burns": burns})

        await visitor.page.route("**/events", refuse)
        await visitor.page.route("**/burns/*", exited)
        await visitor.look(transaction)
        await visitor.tells(".root dl", f"Exit transaction{paid['transaction_hash']}in block12,345")
        await visitor.tells(".after", "paid after its waiting time")
        await visitor.shoot("exited")


async def test_page__with_a_hash_typed_in__looks_and_goes_back(browser: Browser) -> None:
    async with visit(browser) as visitor:
        transaction = to_hex(await visitor.world.ready_burn())
        await visitor.page.goto(visitor.url)
        await visitor.page.get_by_label("Transaction hash of the burn").fill(f" https://scan/tx/{transaction.upper()} ")
        await visitor.page.keyboard.press("Enter")
        await visitor.tells("#status", "Ready")
        assert visitor.page.url == f"{visitor.url}/?tx={transaction}"
        await visitor.page.go_back()
        await expect(visitor.part("#answer")).to_be_hidden()
        assert await visitor.part("#hash").input_value() == ""


@pytest.mark.parametrize("text", ["0x1234", "hello", "<img src=x onerror=alert(1)>", f"{to_hex(UNKNOWN)}0"])
async def test_page__with_what_is_no_hash__says_so_and_asks_nothing(browser: Browser, text: str) -> None:
    async with visit(browser) as visitor:
        await visitor.page.goto(visitor.url)
        await visitor.part("#hash").fill(text)
        await visitor.page.get_by_role("button", name="Look").click()
        await visitor.tells("#refusal", "no transaction hash")
        await visitor.shoot("no-hash")
        assert not any("/burns/" in path for path in visitor.asked)


async def test_page__of_an_unknown_hash__says_so_and_goes_on_looking(browser: Browser) -> None:
    async with visit(browser) as visitor:
        await visitor.look(UNKNOWN)
        await visitor.tells("#status", "Nothing to pay out was found")
        await visitor.tells("#text", "The side chain has no such transaction.")
        await visitor.shoot("not-found")
        visitor.world.side.pool.add(UNKNOWN)
        await visitor.tells("#status", "Waiting for confirmations")
        await visitor.tells("#text", "waits for a block")


async def test_page__of_a_burn_whose_block_is_replaced__says_so(browser: Browser) -> None:
    async with visit(browser) as visitor:
        world = visitor.world
        transaction = world.side.burn()
        await world.follow()
        await visitor.look(transaction)
        await visitor.tells("#status", "Waiting for confirmations")
        world.side.reorg(depth=1, length=2)
        await world.follow()
        await visitor.tells("#status", "dropped this transaction")
        await visitor.shoot("reorged")


async def test_proof__that_was_got__can_be_downloaded_copied_and_sent(browser: Browser) -> None:
    async with visit(browser, width=DESKTOP_WIDTH) as visitor:
        transaction = await visitor.world.ready_burn(burn_log(2**80 + 1))
        await visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await visitor.look(transaction)
        await visitor.tells(".released", "1,208,925,819,614,629,174,706,177 of its smallest unit")
        await visitor.page.get_by_role("button", name="Get the proof").click()
        proof = await visitor.world.service.proof(transaction)
        await visitor.tells(".size", f"The proof has {len(proof.payload):,} bytes. The contract was asked")
        await expect(visitor.part(".size")).to_be_focused()
        await visitor.shoot("proof-desktop")

        call_data = to_hex(encode_call(proof.exit_function, proof.payload))
        assert await visitor.page.get_by_label("Call data of the exit").input_value() == call_data
        await visitor.page.get_by_role("button", name="Copy call data").click()
        await visitor.tells(".copy", "Copied")
        assert await visitor.page.evaluate("navigator.clipboard.readText()") == call_data
        assert await download(visitor.page, "Download .hex") == to_hex(proof.payload)
        path = f"/sidewarden/v1/burns/{to_hex(transaction)}/proof?log_index=0&root_chain=root0"
        answer = await visitor.page.context.request.get(visitor.url + path)
        assert await download(visitor.page, "Download .json") == await answer.text()
        tx, contract = to_hex(transaction), to_hex(MANAGER)
        await visitor.tells(".cast", f'cast send {contract} "exit(bytes)" "$(cat exit-{tx}-0.hex)" --rpc-url')
        await visitor.tells(
            ".sidewarden", f"sidewarden burn {tx} --log-index 0 --root-chain root0 --api {visitor.url}/ --root-rpc"
        )


async def download(page: Page, name: str) -> str:
    """What a link of the page downloads."""
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name=name).click()
    return (await (await downloading.value).path()).read_text()


async def test_page__of_many_kinds_of_burn__shows_each_with_its_twins(browser: Browser) -> None:
    async with visit(browser, manager=False) as visitor:
        ids = tuple(range(100, 160))
        transaction = await visitor.world.ready_burn(
            made(BurnKind.ERC721, (2**200,)),
            made(BurnKind.ERC721_METADATA, (2**200,), data=b"uri"),
            made(BurnKind.ERC1155_BATCH, ids, [2**100] * len(ids)),
            made(BurnKind.MESSAGE, data=b"m" * 300),
            made(BurnKind.PLASMA_ERC20, amounts=(10**17,)),
        )
        await visitor.look(transaction)
        await visitor.tells("article:nth-child(1) .twins", "told of by log 1 of this transaction")
        await visitor.tells("article:nth-child(2) .twins", "told of by log 0 of this transaction")
        await visitor.tells("article:nth-child(2) .released", f"id {2**200}")
        await visitor.tells("article:nth-child(3) .released li:nth-child(20)", f"{2**100:,} of id 119")
        await visitor.tells("article:nth-child(3) .released li:last-child", "and 40 more")
        await visitor.tells("article:nth-child(4) dl", "300 bytes")
        await visitor.tells("article:nth-child(5) .released", "0.1 if the token has 18 decimals")
        await visitor.shoot("kinds")
        for index, function in ((4, "receiveMessage(bytes)"), (5, "startExitWithBurntTokens(bytes)")):
            await visitor.part(f"article:nth-child({index}) .get").click()
            await visitor.tells(f"article:nth-child({index}) .size", "The proof has")
            proof = await visitor.world.service.proof(transaction, index - 1)
            call_data = await visitor.part(f"article:nth-child({index}) .call-data").input_value()
            assert call_data == to_hex(encode_call(function, proof.payload))
        await visitor.shoot("kinds-proofs")


async def test_page__with_two_root_chains__has_a_row_for_each_and_leaves_an_open_proof_alone(browser: Browser) -> None:
    async with visit(browser, root_chains=2) as visitor:
        world = visitor.world
        transaction = await world.ready_burn(burn_log(1), burn_log(2))
        await visitor.look(transaction)
        await visitor.tells("article:nth-child(1) .root:nth-of-type(1) h4", "root0: Ready")
        await visitor.tells("article:nth-child(1) .root:nth-of-type(2) h4", "root1: Waiting for a checkpoint")
        await visitor.tells("article:nth-child(1) .root:nth-of-type(2) .wait", "About")
        await visitor.part("article:nth-child(1) .get:visible").click()
        await visitor.tells("article:nth-child(1) .size", "The proof has")
        await visitor.shoot("two-roots")
        world.root.exit((await world.service.proof(transaction, 1, "root0")).exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        await visitor.tells("article:nth-child(2) .root:nth-of-type(1) h4", "root0: Exit made")
        await expect(visitor.part("article:nth-child(1) .size")).to_be_visible()


async def test_wait__as_time_passes__counts_down_and_is_asked_for_again(browser: Browser) -> None:
    async with visit(browser) as visitor:
        world = visitor.world
        await world.ready_burn()
        world.side.mine(count=8 + CONFIRMATIONS)
        world.root.mine(count=30)
        world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
        world.root.mine(count=CONFIRMATIONS)
        transaction = world.side.burn()
        await world.follow()
        await visitor.page.clock.install()
        await visitor.look(transaction)
        await visitor.tells("#wait", "About")
        await visitor.shoot("wait")
        await visitor.page.clock.run_for(
            2_000
        )  # the world's clock stands still, so each first answer begins the wait anew
        before = seconds_said(await visitor.part("#wait").inner_text())
        await visitor.page.clock.run_for(3_000)
        after = seconds_said(await visitor.part("#wait").inner_text())
        # It is written once a second, so one may be missing; the true seconds that the browser took are in it too.
        (passed_s,) = {one - other for one, other in zip(before, after, strict=True)}
        assert 2 <= passed_s < 13
        world.side.mine()
        await visitor.page.clock.run_for(15_000)
        await visitor.tells("#blocks", "2 confirmations to go")


def seconds_said(words: str) -> list[int]:
    """Each duration in the words, in seconds."""
    return [
        60 * int(minutes or 0) + int(seconds or 0)
        for minutes, seconds in re.findall(r"(?:(\d+) min)? ?(?:(\d+) s)", words)
    ]


@pytest.mark.parametrize(
    ("method", "result", "words"),
    [
        (
            "eth_getTransactionReceipt",
            {"transactionIndex": "0x1"},
            "false answer. No proof is made from it. Asking again in 15 s.",
        ),
        ("eth_getTransactionReceipt", {"blockNumber": "0x99"}, "cannot read one of the chains now"),
    ],
)
async def test_page__while_the_chain_cannot_be_read__says_why_and_goes_on(
    browser: Browser, method: str, result: dict[str, str], words: str
) -> None:
    async with visit(browser) as visitor:
        transaction = await visitor.world.ready_burn()

        def tampered(asked: str, _: list[object], true: object) -> object:
            return {**true, **result} if asked == method and isinstance(true, dict) else true

        visitor.world.tamper = tampered
        await visitor.page.clock.install()
        await visitor.look(transaction)
        await visitor.tells("#failure", words)
        await visitor.tells("#status", "Looking")
        await visitor.shoot("failure")
        visitor.world.tamper = None
        await visitor.page.clock.run_for(15_000)
        await visitor.tells("#status", "Ready")
        await expect(visitor.part("#failure")).to_be_hidden()


async def test_page__of_a_client_that_asks_too_fast__waits_as_long_as_it_is_told(browser: Browser) -> None:
    settings = ApiSettings(port=0, requests_per_client_burst=1, requests_per_client_per_s=0.2)
    async with visit(browser, settings=settings) as visitor:
        transaction = await visitor.world.ready_burn()
        await visitor.look(UNKNOWN)
        await visitor.tells("#status", "Nothing to pay out was found")
        await visitor.page.clock.install()
        await visitor.look(transaction)
        await visitor.tells("#failure", "Too many questions came from your address. Asking again in")
        await visitor.shoot("too-fast")


async def test_page__without_a_stream__asks_by_long_poll(browser: Browser) -> None:
    async with visit(browser) as visitor:
        await visitor.page.route("**/events", refuse)
        await visitor.page.clock.install()
        await visitor.look(UNKNOWN)
        await visitor.tells("#status", "Nothing to pay out was found")
        await visitor.page.clock.run_for(15_000)
        visitor.world.side.pool.add(UNKNOWN)
        await visitor.tells("#status", "Waiting for confirmations")
        assert any("wait_s=20&unless=" in path for path in visitor.asked)


async def refuse(route: Route) -> None:
    """Answer as a server that does not have this."""
    await route.fulfill(status=404)


async def test_page__with_the_network_gone__says_so(browser: Browser) -> None:
    async with visit(browser) as visitor:
        await visitor.page.route("**/burns/**", lambda route: route.abort())
        await visitor.look(UNKNOWN)
        await visitor.tells("#failure", "cannot be reached")


async def test_page__behind_something_that_answers_in_its_place__says_so(browser: Browser) -> None:
    async with visit(browser) as visitor:
        await visitor.page.route(
            "**/burns/**", lambda route: route.fulfill(status=200, body="<h1>Log in to the wireless net")
        )
        await visitor.look(UNKNOWN)
        await visitor.tells("#failure", "an answer that this page does not know. (HTTP 200)")
        visitor.complaints.clear()


async def test_page__of_more_burns_than_are_judged__says_how_many_are_not_shown(browser: Browser) -> None:
    async with visit(browser) as visitor:
        transaction = await visitor.world.ready_burn()

        async def leave_out(route: Route) -> None:
            await route.fulfill(json={**await (await route.fetch()).json(), "burns_left_out": 1_000})

        await visitor.page.route("**/events", refuse)
        await visitor.page.route("**/burns/*", leave_out)
        await visitor.look(transaction)
        await visitor.tells("#left-out", "1,000 more burns of this transaction are not shown.")


async def test_proof__that_the_contract_refuses__is_not_given(browser: Browser) -> None:
    async with visit(browser) as visitor:
        transaction = await visitor.world.ready_burn()
        visitor.world.root.refusal = "paused"
        await visitor.look(transaction)
        await visitor.page.get_by_role("button", name="Get the proof").click()
        await visitor.tells(".root .failure", "the contract on the root chain refuses the exit. (EXIT_REFUSED)")
        await expect(visitor.part(".proof")).to_be_hidden()
        await visitor.shoot("refused")


async def test_page__while_the_node_warns__passes_it_on(browser: Browser) -> None:
    async with visit(browser) as visitor:
        stopped = Why(Reason.SIDE_REORG_BELOW_SIGNED, "block 7 is another one")
        visitor.node.edited_status = replace(visitor.node.status(), stopped_signing=stopped)
        await visitor.look(await visitor.world.ready_burn())
        await visitor.tells("#warning", "block 7 is another one")


async def test_page__with_markup_in_every_text__shows_it_as_text(browser: Browser) -> None:
    async with visit(browser) as visitor:
        transaction = await visitor.world.ready_burn()

        async def poison(route: Route) -> None:
            # The page asks with the name that it was told; only the true one has an answer.
            true = re.sub(r"root_chain=.*", "root_chain=root0", route.request.url)
            answer = await (await route.fetch(url=true)).json()
            await route.fulfill(json=poisoned(answer))

        def poisoned(value: object, name: str = "") -> object:
            if isinstance(value, dict):
                return {key: poisoned(one, key) for key, one in value.items()}
            if isinstance(value, list):
                return [poisoned(one, name) for one in value] or ([MARKUP] if name in ("ids", "amounts") else [])
            # The statuses stay, so that the page goes on to show everything.
            return MARKUP if isinstance(value, str) and name not in ("version", "status") else value

        await visitor.page.route("**/events", refuse)
        await visitor.page.route("**/burns/*", poison)
        await visitor.page.route("**/proof?*", poison)
        await visitor.look(transaction)
        await visitor.tells("h3", MARKUP)
        await visitor.part(".get").click()
        await visitor.tells(".proof dl", MARKUP)
        assert await visitor.part("main img, main script").count() == 0
        assert await visitor.page.evaluate("window.taken") is None
        await visitor.shoot("markup")


async def test_policy__for_markup_that_got_in_all_the_same__lets_it_do_nothing(browser: Browser) -> None:
    async with visit(browser) as visitor:
        await visitor.page.goto(visitor.url)
        async with visitor.page.expect_event("console", lambda message: "Content Security Policy" in message.text):
            await visitor.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', `{MARKUP}`)")
        assert await visitor.page.evaluate("window.taken") is None
        visitor.complaints.clear()


@pytest.mark.parametrize("is_dark", [False, True])
async def test_page__in_light_and_dark__has_contrast(browser: Browser, is_dark: bool) -> None:
    async with visit(browser, is_dark=is_dark, width=DESKTOP_WIDTH) as visitor:
        await visitor.look(await visitor.world.ready_burn())
        await visitor.tells("#status", "Ready")
        for selector in ("#status", "#place dt", "button.primary", ".root h4"):
            assert await contrast(visitor.page, selector) >= 4.5, selector
        ground = await visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.2) is is_dark
        await visitor.shoot(f"desktop-{'dark' if is_dark else 'light'}")


async def contrast(page: Page, selector: str) -> float:
    """WCAG's contrast ratio of an element's text with what is behind it."""
    colours = await page.locator(selector).first.evaluate(
        """element => {
            let behind = element;
            while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
        }"""
    )
    darker, lighter = sorted(luminance(colour) for colour in colours)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of "rgb(r, g, b)"."""
    parts = [int(one) / 255 for one in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
