"""The engine as one validator's duties see it: where to hand transactions, and whether blocks can be made."""

from typing import Protocol

from node.engine.errors import EngineError
from node.engine.local.engine import LocalEngine
from node.engine.trouble import Trouble


class EngineView(Protocol):
    """What duties, status and API ask of an engine."""

    def submit(self, transaction: bytes) -> str | None:
        """Hand over a transaction; None if it waits for a block now, else why it was refused."""
        ...

    @property
    def is_caught_up(self) -> bool:
        """Whether this validator's application has every decided block."""
        ...

    @property
    def is_paused(self) -> bool:
        """Whether this validator was paused."""
        ...

    @property
    def quorum(self) -> bool:
        """Whether over 2/3 of the engine's power is present."""
        ...

    @property
    def share_permille(self) -> int:
        """How much of the engine's power is present."""
        ...

    @property
    def trouble(self) -> Trouble | None:
        """Why this validator's engine does not work, if it does not."""
        ...

    @property
    def peers(self) -> int | None:
        """With how many nodes this one is connected; None where there are none, or nobody can tell."""
        ...

    @property
    def refused_vote(self) -> str | None:
        """Why our signer refused the last vote that the engine asked for; None if it signed it."""
        ...


class LocalEngineView:
    """One member of the local engine."""

    def __init__(self, engine: LocalEngine, index: int) -> None:
        self._engine = engine
        self._index = index

    def submit(self, transaction: bytes) -> str | None:
        """Hand over a transaction; None if it waits for a block now, else why it was refused."""
        try:
            response = self._engine.submit(self._index, transaction)
        except EngineError as error:
            return f"{error.code}: {error}"
        return None if response.code == 0 else f"CheckTx code {response.code}: {response.log}"

    @property
    def is_caught_up(self) -> bool:
        """Whether this validator's application has every decided block."""
        return self._engine.is_caught_up(self._index)

    @property
    def is_paused(self) -> bool:
        """Whether this validator was paused."""
        return self._engine.is_paused(self._index)

    @property
    def quorum(self) -> bool:
        """Whether over 2/3 of the engine's power is present."""
        return self._engine.halted is None and self._engine.quorum

    @property
    def share_permille(self) -> int:
        """How much of the engine's power is present."""
        power = self._engine.power
        return power.present * 1000 // power.total if power.total else 0

    @property
    def trouble(self) -> Trouble | None:
        """None: when this engine fails the whole program ends."""
        return None

    @property
    def peers(self) -> int | None:
        """None: all members are in this process."""
        return None

    @property
    def refused_vote(self) -> str | None:
        """None: this engine's votes are not signed."""
        return None
