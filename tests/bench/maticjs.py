"""The published matic.js as a peer, where `make maticjs` has installed it: it builds payloads on request."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32
from tests.bench.burn_chains import ROOT_CHAIN
from tests.e2e.maticjs.abi_store import addresses, running_abi_store

PACKAGES = Path(__file__).parents[1] / "e2e" / "maticjs"
PLUGINS = ("web3", "ethers")


@dataclass(frozen=True, slots=True)
class MaticJs:
    """A running process of it, with one of its plug-ins."""

    plugin: str
    asked: IO[str]
    answered: IO[str]

    def payload(self, burn: Hash32) -> tuple[bytes, float]:
        """The payload of a burn's first log, and the seconds that it took."""
        self.asked.write(f"{to_hex(burn)}\n")
        self.asked.flush()
        answer = json.loads(self.answered.readline())
        return bytes.fromhex(answer["payload"][2:]), answer["milliseconds"] / 1_000


def is_installed() -> bool:
    """Whether it can run here."""
    return shutil.which("node") is not None and (PACKAGES / "node_modules").exists()


@contextmanager
def running_maticjs(rpc_url: str) -> Iterator[tuple[MaticJs, ...]]:
    """A process for each plug-in, with both chains at one URL; none where it is not installed."""
    with ExitStack() as cleanup:
        if not is_installed():
            yield ()
            return
        root = {"RootChain": to_hex(ROOT_CHAIN), "RootChainManager": to_hex(bytes(20))}
        store = cleanup.enter_context(running_abi_store(addresses(root, {"ChildChainManager": to_hex(bytes(20))})))
        yield tuple(_started(cleanup, plugin, rpc_url, store) for plugin in PLUGINS)


def _started(cleanup: ExitStack, plugin: str, rpc_url: str, store: str) -> MaticJs:
    script = str(Path(__file__).with_suffix(".cjs"))
    process = cleanup.enter_context(
        subprocess.Popen(
            ["node", "-r", "./published.cjs", script, json.dumps({"plugin": plugin, "rpc": rpc_url})],
            cwd=PACKAGES,
            env={
                **os.environ,
                "NODE_PATH": str(PACKAGES / "node_modules"),
                "MATICJS": "@maticnetwork/maticjs",
                "ABI_STORE": store,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    return MaticJs(plugin, cast(IO[str], process.stdin), cast(IO[str], process.stdout))
