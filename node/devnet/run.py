"""`sidewarden devnet`: a devnet on wall time, told in the terminal until Ctrl-C, an error, or enough checkpoints."""

import asyncio
import signal

import aiohttp
from rich.console import Console

from bridge.chain.clock import SystemClock
from bridge.chain.errors import ChainError
from node.app import queries
from node.app.state import State
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chains_process import ChainsProcess
from node.devnet.exits import ExitDemo, ExitPlaces
from node.devnet.network import Devnet
from node.devnet.settings import SINGLE_VALIDATOR, DevnetSettings
from node.devnet.story import Story
from node.devnet.tale import Acknowledged, happenings
from node.validator.logs import configure_logging
from node.validator.together import run_together

PROGRESS_EVERY_S = 0.5
EXIT_DEMO_RETRY_S = 5.0
MEGABYTE = 1_000_000


def run_devnet(settings: DevnetSettings) -> None:
    """Run a devnet in this process until it is stopped.

    Raises DevnetError, and what keys, databases and engine raise, each with words for the person at the terminal.
    """
    configure_logging("warning", "text")
    asyncio.run(_run(settings, Console()))


async def _run(settings: DevnetSettings, console: Console) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.validators == SINGLE_VALIDATOR:
        console.print(
            "one validator holds all the power: good for trying things out, and for nothing else", style="yellow"
        )
    console.print(
        f"starting a devnet of {settings.validators} validators in {settings.home} …", highlight=False, soft_wrap=True
    )
    devnet = await Devnet.start(settings, SystemClock(), ChainsProcess.start)
    try:
        names = {account.address: f"validator {i + 1}" for i, account in enumerate(devnet.accounts.signers)}
        with Story(console, names) as story:
            _introduce(devnet, story)
            await _until_stopped(devnet, story, stop)
    finally:
        await devnet.close()
    size_mb = devnet.files.size_bytes() / MEGABYTE
    console.print(
        f"stopped; {settings.home} takes {size_mb:.1f} MB of disk and goes on from here",
        highlight=False,
        soft_wrap=True,
    )


def _introduce(devnet: Devnet, story: Story) -> None:
    story.say(f"side chain {devnet.chains.rpc_url(SIDE)}, root chain {devnet.chains.rpc_url(ROOT)}")
    for validator, url in zip(devnet.validators, devnet.api_urls, strict=True):
        status = validator.status()
        story.say(f"{validator.moniker}: {status.power / status.total_power:.1%} of the power, API {url}")
    story.say(f"addresses, funded keys and the control URL: {devnet.files.description}")


async def _until_stopped(devnet: Devnet, story: Story, stop: asyncio.Event) -> None:
    """Run everything until `stop` is set, by a signal or by enough checkpoints; a failure of any part is raised."""
    _tell_blocks(devnet, story, stop)
    await run_together(
        stop.wait(),
        devnet.run(),
        _tell_progress(devnet, story),
        _show_exits(devnet, story),
        _watch_chains(devnet),
    )


def _tell_blocks(devnet: Devnet, story: Story, stop: asyncio.Event) -> None:
    """Tell what each block brings, and stop after as many acks as were asked for."""
    before: list[State] = [devnet.validators[0].committed.state]
    acks_at_start = before[0].turns[0].acks

    def on_commit(_: object) -> None:
        after = devnet.validators[0].committed.state
        for happening in happenings(before[0], after):
            story.tell(happening)
            wanted = devnet.settings.exit_after_checkpoints
            if isinstance(happening, Acknowledged) and wanted and happening.acks - acks_at_start >= wanted:
                stop.set()
        before[0] = after

    devnet.engine.subscribe(0, on_commit)


async def _tell_progress(devnet: Devnet, story: Story) -> None:
    """Submissions as they go, and the bar of side-chain blocks."""
    while True:
        for validator in devnet.validators:
            for submit in validator.submits:
                while submit.events:
                    story.tell_submission(validator.moniker, submit.events.popleft())
        committed = devnet.validators[0].committed
        parameters = committed.state.params.root_chains[0]
        due = queries.due(committed.state, 0, committed.time_s)
        why = devnet.validators[0].status().root_chains[0].why
        story.gathering(parameters.minimum_blocks - due.missing_blocks, parameters.minimum_blocks, why.reason.value)
        await asyncio.sleep(PROGRESS_EVERY_S)


async def _show_exits(devnet: Devnet, story: Story) -> None:
    """Burn and exit again and again; trouble that was made on purpose only makes it try anew."""
    account = devnet.accounts.demo[0]
    contracts = devnet.contracts
    async with aiohttp.ClientSession() as session:
        demo = ExitDemo(
            ExitPlaces(
                devnet.api_urls[0],
                contracts.side.demo_token,
                contracts.root.demo_token,
                contracts.root.root_chain_manager,
            ),
            devnet.wallet(account, SIDE),
            devnet.wallet(account, ROOT),
            session,
            SystemClock(),
            lambda text: story.say(text, "cyan"),
        )
        while True:
            try:
                await demo.run()
            except (ChainError, aiohttp.ClientError, TimeoutError) as error:
                story.say(f"burn: {error}; trying again", "yellow")
            await asyncio.sleep(EXIT_DEMO_RETRY_S)


async def _watch_chains(devnet: Devnet) -> None:
    if isinstance(devnet.chains, ChainsProcess):
        raise await devnet.chains.died()
