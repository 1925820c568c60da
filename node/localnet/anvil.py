"""Two anvils as the chains of a localnet (Foundry's development node; it is not part of Sidewarden).

Each keeps its state in a file, written every few seconds and when it ends, and starts from it again. It has a directory
of its own in place of the person's home, because it leaves hundreds of megabytes there.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.transport import Transport
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.types import Address, ChainId, Wei
from config.presets import DEVNET_ROOT_BLOCK_S, DEVNET_SIDE_BLOCK_S
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.network import ROOT_CHAIN_ID, SIDE_CHAIN_ID
from node.devnet.ports import HOST
from node.localnet.answers import until_chain_answers
from node.localnet.files import ANVIL_ROOT, ANVIL_SIDE, LocalnetFiles
from node.localnet.processes import Process
from node.localnet.settings import LocalnetSettings
from node.networks.connect import connect

STATE_INTERVAL_S = 10


@dataclass(frozen=True, slots=True)
class Anvil:
    """One of the two processes."""

    process: Process
    url: str


def anvils(files: LocalnetFiles, settings: LocalnetSettings) -> tuple[Anvil, Anvil]:
    """Root and side chain."""
    ports = {ANVIL_ROOT: settings.root_port, ANVIL_SIDE: settings.side_port}
    root, side = (Anvil(files.process(name), f"http://{HOST}:{port}") for name, port in ports.items())
    return root, side


async def start_anvils(files: LocalnetFiles, settings: LocalnetSettings, transport: Transport, clock: Clock) -> None:
    """Start both unless they run, and wait until they answer. Raises ProcessFailed."""
    files.chains.mkdir(mode=0o700, parents=True, exist_ok=True)
    of_chain = ((ROOT, ROOT_CHAIN_ID, DEVNET_ROOT_BLOCK_S), (SIDE, SIDE_CHAIN_ID, DEVNET_SIDE_BLOCK_S))
    for anvil, (name, chain_id, block_time_s) in zip(anvils(files, settings), of_chain, strict=True):
        port = anvil.url.rpartition(":")[2]
        anvil.process.start(_command(files, settings.anvil, name, chain_id, port, block_time_s), _environment(files))
    for anvil in anvils(files, settings):
        await until_chain_answers(anvil.process, anvil.url, transport, clock)


async def fund(transport: Transport, clock: Clock, url: str, account: Address, amount_wei: Wei) -> None:
    """Give an account money. Raises ChainError."""
    chain = await connect("anvil", (url,), transport, clock)
    await chain.reader.pool.call("anvil_setBalance", [to_hex(account), quantity(amount_wei)])


def _command(
    files: LocalnetFiles, binary: str, name: str, chain_id: ChainId, port: str, block_time_s: int
) -> Sequence[str]:
    return (
        *(binary, "--host", HOST, "--port", port, "--chain-id", str(chain_id), "--block-time", str(block_time_s)),
        *("--state", str(files.chains / f"{name}.json"), "--state-interval", str(STATE_INTERVAL_S)),
        *("--max-persisted-states", "0", "--quiet"),
    )


def _environment(files: LocalnetFiles) -> dict[str, str]:
    return {"HOME": str(files.chains), "PATH": os.environ.get("PATH", os.defpath)}
