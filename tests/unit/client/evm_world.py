"""Two EVMs with the real contracts, served as a devnet's are, with the devnet.json that tells where."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.codec.types import Address, Hash32
from node.devnet.description import ChainPlace, Description, ValidatorPlace
from node.devnet.rpc.documents import RpcLimits
from node.devnet.rpc.server import ServedChain, rpc_app
from node.networks.accounts import account_of
from tests.contracts.crossing import BURNER, Crossing, join_chains
from tests.contracts.harness import SUBMITTER, Account
from tests.contracts.network import ROOT_CHAIN_ID, SIDE_CHAIN_ID, TOKEN


@dataclass
class EvmWorld:
    """Both chains, and where they are served."""

    crossing: Crossing
    side_url: str
    root_url: str
    mines_at_once: bool = False
    """Whether what is sent to the root chain is mined and final when the answer arrives."""
    receipt_was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Of a transaction, on either chain."""

    @property
    def manager(self) -> Address:
        """RootChainManager."""
        return self.crossing.root.contracts.root_chain_manager

    @property
    def root_chain(self) -> Address:
        """RootChain."""
        return self.crossing.root.contracts.root_chain

    def burn(self, amount_wei: int = 5 * TOKEN) -> Hash32:
        """Burn demo tokens; the transaction."""
        self.crossing.side.send(BURNER, self.crossing.burn(amount_wei))
        embedded = self.crossing.side.embedded
        return embedded.block(embedded.head.number).transactions[-1].hash

    def ready_burn(self, amount_wei: int = 5 * TOKEN) -> Hash32:
        """A burn under a final checkpoint."""
        transaction = self.burn(amount_wei)
        self.checkpoint()
        return transaction

    def checkpoint(self) -> None:
        """Put everything under a checkpoint, and let that be final."""
        self.crossing.checkpoint()
        self.settle()

    def settle(self, count: int = 80) -> None:
        """Mine until all that is there is final."""
        for chain in (self.crossing.side, self.crossing.root.chain):
            chain.clock.advance(count)
            chain.embedded.mine(count)

    def mine_root(self) -> None:
        """One root-chain block, with what waits in the pool."""
        self.crossing.root.chain.clock.advance(1)
        self.crossing.root.chain.embedded.mine()

    def write_home(self, home: Path, api_url: str, accounts: tuple[Account, ...] = (SUBMITTER, BURNER)) -> None:
        """The home of a devnet on these chains, whose validator answers at `api_url`."""
        home.mkdir(parents=True, exist_ok=True)
        contracts, side = self.crossing.root.contracts, self.crossing.side_contracts
        described = Description(
            side_chain=ChainPlace("side", SIDE_CHAIN_ID, self.side_url, side.by_name()),
            root_chain=ChainPlace("root", ROOT_CHAIN_ID, self.root_url, contracts.by_name()),
            validators=(ValidatorPlace(SUBMITTER.address, api_url, str(home / "validators" / "0")),),
            accounts=tuple(account_of(each.private_key) for each in accounts),
            control=None,
        )
        (home / "devnet.json").write_text(described.to_json())


@asynccontextmanager
async def evm_world() -> AsyncIterator[EvmWorld]:
    """Both chains deployed, joined and served."""
    crossing = join_chains()
    side, root = crossing.side, crossing.root.chain
    served = {name: ServedChain(chain.embedded, random.Random(0)) for name, chain in (("side", side), ("root", root))}
    world = EvmWorld(crossing, "", "")

    @web.middleware
    async def mine_at_once(request: web.Request, handler: Handler) -> web.StreamResponse:
        if b"eth_getTransactionReceipt" in await request.read():
            world.receipt_was_asked.set()
        response = await handler(request)
        if world.mines_at_once and root.embedded.pending():
            world.settle()
        return response

    app = rpc_app(served, root.clock, RpcLimits())
    app.middlewares.append(mine_at_once)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    world.side_url, world.root_url = f"{base}/side", f"{base}/root"
    try:
        yield world
    finally:
        await runner.cleanup()
