"""The engine of a devnet, whichever it is: validators are in this process, CometBFT's nodes are its children."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.chain.clock import Clock
from node.api.routes_engine import EngineRpc
from node.duties.engine_view import EngineView, LocalEngineView
from node.engine.comet.engine import CometEngine
from node.engine.commits import OnCommit
from node.engine.local.engine import LocalEngine
from node.validator.home import OpenHome, comet_engine


class DevnetEngine(Protocol):
    """What a devnet does with its engine; validators are named by their index."""

    def view(self, index: int) -> EngineView:
        """What a validator's duties see of it."""
        ...

    def rpc(self, index: int) -> EngineRpc | None:
        """The door to a validator's CometBFT, if it has one."""
        ...

    def subscribe(self, index: int, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` after each block that a validator commits; returns the call that ends it."""
        ...

    def start(self) -> None:
        """Get ready to run. Raises EngineError."""
        ...

    async def run(self) -> None:
        """Make blocks until cancelled."""
        ...

    def pause(self, index: int) -> None:
        """Stop a validator's votes and mempool."""
        ...

    def resume(self, index: int) -> None:
        """Undo a pause."""
        ...


class LocalDevnetEngine:
    """The local engine, with all validators as its members."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.subscribe = engine.subscribe
        self.start = engine.start
        self.run = engine.run
        self.pause = engine.pause
        self.resume = engine.resume

    def view(self, index: int) -> EngineView:
        """What a validator's duties see of it."""
        return LocalEngineView(self.engine, index)

    def rpc(self, index: int) -> EngineRpc | None:
        """None."""
        return None


class CometDevnetEngine:
    """A CometBFT node for each validator."""

    def __init__(self, homes: Sequence[OpenHome], clock: Clock) -> None:
        """Raises EngineBinaryError."""
        self.engines: tuple[CometEngine, ...] = tuple(comet_engine(home, clock) for home in homes)

    def view(self, index: int) -> EngineView:
        """What a validator's duties see of it."""
        return self.engines[index]

    def rpc(self, index: int) -> EngineRpc | None:
        """The door to a validator's CometBFT."""
        return self.engines[index].rpc

    def subscribe(self, index: int, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` after each block that a validator commits; returns the call that ends it."""
        return self.engines[index].subscribe(on_commit)

    def start(self) -> None:
        """Nothing: the children start when it runs."""

    async def run(self) -> None:
        """Run all nodes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for engine in self.engines:
                tasks.create_task(engine.run())

    def pause(self, index: int) -> None:
        """Stop a validator's node where it is."""
        self.engines[index].pause()

    def resume(self, index: int) -> None:
        """Let it go on."""
        self.engines[index].resume()
