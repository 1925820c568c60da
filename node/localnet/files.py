"""Where the files of a localnet are.

HOME/settings.json    what it was made with (0600)        HOME/validators/0/      a validator's home
HOME/localnet.json    where everything is (0600)          HOME/validators/genesis.json, contracts.json, summary.txt
HOME/payer.key        pays for deployment (0600)          HOME/chains/            embedded chains, or anvil's state
HOME/logs/NAME.log    what each process wrote             HOME/run/NAME.pid       locked while the process runs
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from node.localnet.processes import Process

TRAFFIC = "traffic"
EMBEDDED = "chains"
ANVIL_ROOT, ANVIL_SIDE = "anvil-root", "anvil-side"
CHAINS = (EMBEDDED, ANVIL_ROOT, ANVIL_SIDE)
"""The processes that serve chains of our own; a localnet has the first or the two others."""


@dataclass(frozen=True, slots=True)
class LocalnetFiles:
    """The files of one localnet."""

    home: Path

    @property
    def settings(self) -> Path:
        """What it was made with."""
        return self.home / "settings.json"

    @property
    def description(self) -> Path:
        """Where everything is; its presence says that the localnet was made to the end."""
        return self.home / "localnet.json"

    @property
    def payer(self) -> Path:
        """The key that pays, where the chains are our own."""
        return self.home / "payer.key"

    @property
    def validators(self) -> Path:
        """The homes of the validators, and what they share."""
        return self.home / "validators"

    @property
    def genesis(self) -> Path:
        """The network's genesis."""
        return self.validators / "genesis.json"

    @property
    def contracts(self) -> Path:
        """Where the contracts are."""
        return self.validators / "contracts.json"

    @property
    def chains(self) -> Path:
        """What the chains keep."""
        return self.home / "chains"

    @property
    def chains_settings(self) -> Path:
        """What the process of the embedded chains starts from."""
        return self.chains / "settings.json"

    def validator(self, index: int) -> Path:
        """The home of a validator."""
        return self.validators / str(index)

    def process(self, name: str) -> Process:
        """A process by its name."""
        return Process(name, self.home / "run" / f"{name}.pid", self.home / "logs" / f"{name}.log")

    def node(self, index: int) -> Process:
        """The process of a validator, which has CometBFT as its child."""
        return self.process(f"validator-{index}")

    def clear(self) -> None:
        """Remove what a making that did not end has left behind."""
        for path in (self.validators, self.chains):
            shutil.rmtree(path, ignore_errors=True)
