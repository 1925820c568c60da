"""The process beside the validators: `python -m node.localnet.traffic HOME`, until SIGTERM.

It relays deposits to the side chain and sends a few token transfers in each side-chain block. It needs contracts of our
own, whose payer may do both.
"""

import asyncio
import json
import logging
import random
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from bridge.chain.clock import Clock, SystemClock
from bridge.chain.transport import HttpTransport, Transport
from bridge.codec.hexadecimal import from_hex
from node.app.genesis_file import genesis_from_json
from node.devnet.relayer import DepositRelayer
from node.devnet.traffic import DemoTraffic
from node.devnet.wallet import Wallet
from node.duties.supervisor import Duty, Supervisor
from node.localnet.files import LocalnetFiles
from node.localnet.settings import read_settings
from node.networks.accounts import account_of, read_account
from node.networks.connect import connect
from node.networks.contracts_file import read_contracts
from node.validator.together import run_together

POLL_INTERVAL_S = 0.25


def main() -> None:
    """Work until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(_run(LocalnetFiles(Path(sys.argv[1])), SystemClock()))


async def _run(files: LocalnetFiles, clock: Clock) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with aiohttp.ClientSession() as session:
        duties = await _duties(files, HttpTransport(session), clock)
        await run_together(stop.wait(), Supervisor(duties, clock, POLL_INTERVAL_S).run())


async def _duties(files: LocalnetFiles, transport: Transport, clock: Clock) -> tuple[Duty, ...]:
    settings = read_settings(files)
    key_file = files.payer if settings is None or settings.funded_key_file is None else Path(settings.funded_key_file)
    described: dict[str, Any] = json.loads(files.description.read_text())
    root = await connect("root", (described["root_chains"][0]["rpc_url"],), transport, clock)
    side = await connect("side", (described["side_chain"]["rpc_url"],), transport, clock)
    contracts = read_contracts(files.contracts)
    payer = Wallet(read_account(key_file), side.chain_id, side.reader, clock)
    genesis = genesis_from_json(files.genesis.read_bytes())
    relayer = DepositRelayer(
        root.reader,
        contracts.on_root["StateSender"],
        payer,
        (contracts.on_side["ChildChainManager"],),
        genesis.root_chains[0].parameters.confirmations,
    )
    people = [account_of(from_hex(account["private_key"])) for account in described["accounts"]]
    wallets = tuple(Wallet(person, side.chain_id, side.reader, clock) for person in people[1:])
    transfers = DemoTraffic(side.reader, wallets, contracts.on_side["DemoToken"], random.Random(0))  # noqa: S311 - demo
    return (relayer, transfers)


if __name__ == "__main__":
    main()
